"""SmolVLM2 by transformers: looks at stretches of video for all sessions at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import torch

from errors import AnalysisFailed, OutOfMemory
from schemas import Pass
from vision import Facts, Named, Passed, Question, Rating, Stopped, View, scoring, untold
from vision.batcher import Batcher, Task
from vision.blanks import Blanks
from vision.engine import Engine, Telling
from vision.hub import DEFAULT_MODEL, Loading, find
from vision.layout import Layout, Sheet
from vision.loading import load_model, load_tokenizer, read_geometry
from vision.looks import Look
from vision.machine import Threads, batch_sizes, choose_device, choose_dtype, free_memory, habits_on, out_of_memory
from vision.past import Past, tokens_in
from vision.pixels import Frames
from vision.prompts import QUESTION_CHARACTERS, clean, clean_label
from vision.telling import tidy

DESCRIBING_TOKENS, DESCRIBING_SECONDS = 48, 20.0
"""A sentence or two; a machine on which that takes longer gives what it has by then."""

LOOKING_SECONDS = 300.0
"""For one stretch, or one question about it: twenty times what two cores take in float32. Beyond, its session fails in
words instead of holding up the others for ever."""

LABEL_TOKENS = 32
"""Of a label that are weighed: a name has a few, and only letters of no language make more of so few characters."""

ANSWER_TOKENS = 512
"""Of answers that are weighed in one row. A row costs its length squared, and a client's list may be long."""


Stage = Literal["look", "weigh", "tell"]


@dataclass
class _Look:
    """Squares to be seen, and the text they stand in."""

    squares: torch.Tensor
    text: tuple[int, ...]


@dataclass(frozen=True)
class _Memory:
    """What is remembered of a look: its tokens, and how many pictures it had."""

    past: Past
    pictures: int


class SmolVLM:
    """The model and the thread that feeds it. Close it to end that."""

    def __init__(
        self,
        name: str,
        revision: str | None,
        model: Any,
        layout: Layout,
        frames: Frames,
        longest: int,
        threads: int | None = None,
        batches: Mapping[str, int] | None = None,
    ) -> None:
        self._layout, self._frames, self._longest = layout, frames, longest
        self.network = model
        """transformers' own."""
        self._threads = Threads(threads)
        self._deadline = 0.0
        self._engine = Engine(model, layout.image_id, layout.end_id, self._pulse)
        sizes = batches or batch_sizes(model.device)
        self._batcher = Batcher(self._work, lambda kind: sizes[kind[0]])
        self._blanks = Blanks[list[list[float]]]()
        self.passed: Passed = untold
        self.warnings: tuple[str, ...] = ()
        self.habits = habits_on(model.device)
        self.facts = Facts("smolvlm2", name, revision, model.device.type, str(model.dtype).removeprefix("torch."))

    def look(self, view: View, stopped: Stopped, system: str = "") -> Look[_Memory]:
        system = clean(system, self._layout.special)
        task = self._submit(self._resized(view), view, stopped, system)
        return Look(self, _Memory(self._batcher.wait(task), len(view.pictures)), stopped, system)

    def look_each(self, views: Iterable[View], stopped: Stopped, system: str = "") -> Generator[Look[_Memory]]:
        system, under_way = clean(system, self._layout.special), deque[tuple[Task[Past], int]]()
        coming = iter(views)
        try:
            while True:
                while len(under_way) < self.habits.together and (view := next(coming, None)) is not None:
                    under_way.append((self._submit(self._resized(view), view, stopped, system), len(view.pictures)))
                if not under_way:
                    return
                task, pictures = under_way.popleft()
                yield Look(self, _Memory(self._batcher.wait(task), pictures), stopped, system)
        finally:
            for task, _ in under_way:
                task.left = True

    def give_way(self) -> AbstractContextManager[None]:
        return self._threads.give_way()

    def close(self) -> None:
        self._batcher.close()

    def rate(self, seen: Look[_Memory], question: Question) -> Rating:
        spelt = [self._layout.spellings(level) for level in question.levels]
        single = all(spelt)
        answers = (
            tuple((token,) for one in spelt for token in one)
            if single
            else tuple(self._layout.answer(level) for level in question.levels)
        )
        sheet = Sheet(self._asked(question.text), answers)

        def levels(weights: list[list[float]]) -> scoring.Logs:
            if not single:
                return scoring.means(weights)
            logs = iter(weights)
            return scoring.summed([[next(logs)[0] for _ in one] for one in spelt])

        here, blank = self._weigh(seen, sheet), self._blank(seen, sheet)
        return scoring.rating(levels(here), levels(blank), single)

    def name(self, seen: Look[_Memory], question: str, labels: Sequence[str]) -> Named:
        cleaned = {label: clean_label(label, self._layout.special) for label in labels}
        usable = [label for label, text in cleaned.items() if text]
        if not usable:
            raise ValueError("there is no label to choose from")
        answers = tuple(self._layout.answer(cleaned[label])[:LABEL_TOKENS] for label in usable)
        sheet = Sheet(self._asked(question), answers)
        here, blank = self._weigh(seen, sheet), self._blank(seen, sheet)
        return scoring.named(usable, scoring.means(here), scoring.means(blank))

    def describe(self, seen: Look[_Memory], prompt: str) -> str:
        wanted = Telling(self._asked(prompt), DESCRIBING_TOKENS, DESCRIBING_SECONDS)
        kind = ("tell", tokens_in(seen.what.past))
        told = self._batcher.wait(self._batcher.submit(kind, (seen.what.past, wanted), seen.stopped))
        return tidy(self._layout.text(told.ids), prompt, told.whole)

    def _weigh(self, seen: Look[_Memory], sheet: Sheet) -> list[list[float]]:
        kind = ("weigh", tokens_in(seen.what.past))
        tasks = [self._batcher.submit(kind, (seen.what.past, one), seen.stopped) for one in sheet.parts(ANSWER_TOKENS)]
        return [answer for task in tasks for answer in self._batcher.wait(task)]

    def _blank(self, seen: Look[_Memory], sheet: Sheet) -> list[list[float]]:
        """What would be answered before as many blank pictures, one a second."""
        key = (sheet, seen.what.pictures, seen.system)
        known = self._blanks.get(key)
        if known is None:
            count = seen.what.pictures
            view = View(0.0, float(count), tuple(float(second) for second in range(count)), ())
            task = self._submit(self._frames.blank(count), view, seen.stopped, seen.system)
            with Look(self, _Memory(self._batcher.wait(task), count), seen.stopped, seen.system) as blank:
                known = self._weigh(blank, sheet)
            self._blanks.put(key, known)
        return known

    def _asked(self, text: str) -> tuple[int, ...]:
        """A question's tokens, whoever wrote it."""
        return self._layout.question(clean(text, self._layout.special, QUESTION_CHARACTERS))

    def _resized(self, view: View) -> torch.Tensor:
        """In the caller's thread: the model's own has enough to do."""
        if not view.pictures or len(view.pictures) != len(view.times):
            raise ValueError("a view has pictures, and a time for each")
        return self._frames.resize(view.pictures)

    def _submit(self, squares: torch.Tensor, view: View, stopped: Stopped, system: str) -> Task[Past]:
        since = [max(0.0, time - view.start) for time in view.times]
        text = self._layout.pictures(since, view.end - view.start, system)
        if len(text) > self._longest:
            raise ValueError(f"{len(view.times)} pictures are {len(text)} tokens, and the model reads {self._longest}")
        return self._batcher.submit(("look", len(text)), _Look(squares, text), stopped)

    def _pulse(self) -> None:
        self._batcher.check()
        if time.monotonic() > self._deadline:
            raise AnalysisFailed(f"The model took longer than {LOOKING_SECONDS:g} s for one stretch of the video.")
        self._threads.apply()

    def _work(self, kind: tuple[Stage, int], tasks: list[Task[Any]]) -> None:
        """In the batcher's thread."""
        self._threads.apply()
        began = time.monotonic()
        self._deadline = began + LOOKING_SECONDS * len(tasks)
        try:
            with torch.inference_mode():
                read, written = {"look": self._do_look, "weigh": self._do_weigh, "tell": self._do_tell}[kind[0]](tasks)
        except Exception as error:
            if not out_of_memory(error):
                raise
            free_memory(self._engine.device)
            raise OutOfMemory("There was not enough memory for the model to look at the video.") from error
        self.passed(Pass(kind[0], time.monotonic() - began, read, written))

    def _do_look(self, tasks: list[Task[Any]]) -> tuple[int, int]:
        """Each distinct picture of the batch goes through the tower once. Gives the tokens read and written, as the two
        below."""
        kept = [self._frames.distinct(task.wanted.squares) for task in tasks]
        unlike = [task.wanted.squares[sorted(set(one))] for task, one in zip(tasks, kept, strict=True)]
        squares = torch.cat(unlike).to(self._engine.device)
        meanings = self._engine.see(self._frames.normalise(squares)).split([len(one) for one in unlike])
        pictures = []
        for one, meaning in zip(kept, meanings, strict=True):
            place = {number: row for row, number in enumerate(sorted(set(one)))}
            pictures.append(meaning[[place[number] for number in one]].flatten(0, 1))
        pasts = self._engine.read([task.wanted.text for task in tasks], pictures)
        for task, past in zip(tasks, pasts, strict=True):
            task.finish(past)
        return sum(len(task.wanted.text) for task in tasks), 0

    def _do_weigh(self, tasks: list[Task[Any]]) -> tuple[int, int]:
        pasts, sheets = [task.wanted[0] for task in tasks], [task.wanted[1] for task in tasks]
        for task, weights in zip(tasks, self._engine.weigh(pasts, sheets), strict=True):
            task.finish(weights)
        return sum(sheet.tokens for sheet in sheets), 0

    def _do_tell(self, tasks: list[Task[Any]]) -> tuple[int, int]:
        pasts, wanted = [task.wanted[0] for task in tasks], [task.wanted[1] for task in tasks]
        self._engine.tell(pasts, wanted, lambda row, told: tasks[row].finish(told))
        return sum(len(one.question) for one in wanted), sum(len(task.result.ids) for task in tasks if task.result)


def _untold(_: str, __: float) -> None:
    pass


def open_smolvlm(
    model: str = DEFAULT_MODEL,
    revision: str | None = None,
    *,
    dtype: str | None = None,
    letterbox: bool = False,
    threads: int | None = None,
    batches: Mapping[str, int] | None = None,
    tell: Loading = _untold,
) -> SmolVLM:
    """Find and load a model: a folder, or an id of the hub. Takes seconds to minutes; raises CannotStart in words.

    `threads` are torch's, all it finds by default; `batches` as in `batch_sizes`, by default what suits the device.
    """
    folder = find(model, revision, tell)
    geometry = read_geometry(folder)
    layout = Layout(load_tokenizer(folder), geometry.per_picture, geometry.image_id)
    frames = Frames.from_folder(folder, geometry.side, geometry.patch, letterbox)
    device = choose_device()
    loaded = load_model(folder, device, choose_dtype(device, dtype), tell)
    return SmolVLM(model, revision, loaded, layout, frames, geometry.longest, threads, batches)
