"""Eyes elsewhere: any server that speaks OpenAI's chat completions and takes pictures looks for us.

It is asked as the model here is: times and pictures in one message, the question last, so that a server that keeps what
it has read reads the pictures once. A rating is what the server says of the likelihood of each level as the next word;
one that says nothing of likelihoods is taken at its word, and `warnings` says so.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import cv2
import numpy as np

from errors import AnalysisFailed, AnalysisStopped, CannotStart, VisionUnreachable
from schemas import Pass
from vision import Facts, Habits, Named, Passed, Picture, Question, Rating, Stopped, View, never, untold
from vision.answers import Said, Top, chosen, harmless, name_of, picked, rated, read_chat, read_models, shortened
from vision.blanks import Blanks
from vision.circuit import KeyRefused, Patience, Server
from vision.layout import in_words
from vision.looks import Look
from vision.prompts import LABEL_CHARACTERS, QUESTION_CHARACTERS, STRANGE_CHARACTERS
from vision.telling import tidy

LONGEST_SIDE = 768
"""Pixels of a picture that is sent. SmolVLM2 sees a square of 512, other models charge by the pixel."""

MOST_BYTES, QUALITIES = 256 * 1024, (90, 75, 50)
"""A picture that takes more bytes is sent with more loss."""

GREY = 128
"""Blank pictures are mid-grey."""

TOP = 20
"""Of so many words the likelihood is asked for: the most that OpenAI's own servers, and vLLM by default, tell."""

LETTERS = "ABCDEFGHIJKLMNOPQRST"
"""By which a label is chosen: each is one token, and no more of them than the server tells the likelihood of."""

CHOOSING_TOKENS, DESCRIBING_TOKENS = 12, 48

WITHOUT_LIKELIHOODS = (
    "the vision server tells no token probabilities: each rating is one word's, and a name comes without a margin"
)

Telling = Callable[[str, float], None]
"""Told ("Connecting", share 0-1 of the time it may take)."""


@dataclass(frozen=True)
class _Shown:
    """A view as it is sent: its length in seconds, times since its start, and its pictures' data URLs; `shape` is the
    first picture's (height, width)."""

    seconds: float
    times: tuple[float, ...]
    urls: tuple[str, ...]
    shape: tuple[int, ...]


class Remote:
    """A model on a server. `warnings` are sentences about what it cannot do, for a result's own list."""

    def __init__(self, server: Server, model: str) -> None:
        self._server, self._model = server, model
        self._likelihoods: bool | None = None
        """Whether the server tells them, once it has answered."""
        self._blanks = Blanks[Top]()
        self.passed: Passed = untold
        self.habits = Habits(pictures=8)
        self.facts = Facts("remote", model, None, "remote", "unknown")

    @property
    def warnings(self) -> tuple[str, ...]:
        return (WITHOUT_LIKELIHOODS,) if self._likelihoods is False else ()

    def look(self, view: View, stopped: Stopped, system: str = "") -> Look[_Shown]:
        if not view.pictures or len(view.pictures) != len(view.times):
            raise ValueError("a view has pictures, and a time for each")
        if stopped():
            raise AnalysisStopped
        times = tuple(max(0.0, at - view.start) for at in view.times)
        urls = tuple(data_url(picture) for picture in view.pictures)
        shown = _Shown(view.end - view.start, times, urls, view.pictures[0].shape[:2])
        return Look(self, shown, stopped, harmless(system, STRANGE_CHARACTERS))

    def look_each(self, views: Iterable[View], stopped: Stopped, system: str = "") -> Generator[Look[_Shown]]:
        """Nothing is under way before the first question: the server learns of pictures and question together."""
        for view in views:
            yield self.look(view, stopped, system)

    def give_way(self) -> AbstractContextManager[None]:
        return nullcontext()  # the work is done elsewhere

    def close(self) -> None:
        self._server.close()

    def rate(self, seen: Look[_Shown], question: Question) -> Rating:
        text = harmless(question.text, QUESTION_CHARACTERS)
        said = self._say(seen, text)
        if said.top is None:
            return chosen(question.levels, said.text)
        return rated(question.levels, said.top, self._blank(seen, text))

    def name(self, seen: Look[_Shown], question: str, labels: Sequence[str]) -> Named:
        """More labels than letters are asked about in groups, and then for the best of the groups' best."""
        lines = {label: label.replace("\n", " ") for label in labels}
        usable = {label: text for label, line in lines.items() if (text := harmless(line, LABEL_CHARACTERS))}
        if not usable:
            raise ValueError("there is no label to choose from")
        groups = np.array_split(np.array(list(usable), object), -(-len(usable) // len(LETTERS)))
        best = [self._pick(seen, question, {label: usable[label] for label in group}) for group in groups]
        if len(best) == 1:
            return best[0]
        final = self.name(seen, question, [one.label for one in best])
        own = next(one.share for one in best if one.label == final.label)
        return replace(final, share=final.share * own)

    def describe(self, seen: Look[_Shown], prompt: str) -> str:
        text = harmless(prompt, QUESTION_CHARACTERS)
        said = self._ask(seen, text, {"max_tokens": DESCRIBING_TOKENS}, "tell")
        told, circled = shortened(harmless(said.text, QUESTION_CHARACTERS))
        return tidy(told, text, said.whole and not circled)

    def _pick(self, seen: Look[_Shown], question: str, labels: dict[str, str]) -> Named:
        options = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, labels.values(), strict=False))
        asked = f"{harmless(question, QUESTION_CHARACTERS)}\n{options}\nAnswer with one letter."
        said = self._say(seen, asked)
        if said.top is None:
            return name_of(list(labels), list(labels.values()), LETTERS, said.text)
        return picked(list(labels), LETTERS, said.top, self._blank(seen, asked))

    def _say(self, seen: Look[_Shown], text: str) -> Said:
        """The first word and its rivals' likelihoods; from a server that does not tell those, a few words."""
        if self._likelihoods is not False:
            said = self._ask(seen, text, {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP})
            self._likelihoods = self._likelihoods or said.top is not None
            if self._likelihoods:  # who told them before, and not now, ended the answer before its first word
                return replace(said, top=said.top or Top(()))
        return replace(self._ask(seen, text, {"max_tokens": CHOOSING_TOKENS}), top=None)

    def _blank(self, seen: Look[_Shown], text: str) -> Top:
        """What would be said before as many blank pictures of that shape, one a second."""
        count, shape = len(seen.what.urls), seen.what.shape
        key = (text, count, shape, seen.system)
        known = self._blanks.get(key)
        if known is None:
            url = data_url(np.full((*shape, 3), GREY, np.uint8))
            shown = _Shown(float(count), tuple(float(second) for second in range(count)), (url,) * count, shape)
            known = self._say(Look(self, shown, seen.stopped, seen.system), text).top or Top(())
            self._blanks.put(key, known)
        return known

    def _ask(
        self, seen: Look[_Shown], text: str, how: dict[str, Any], stage: Literal["weigh", "tell"] = "weigh"
    ) -> Said:
        messages = [{"role": "user", "content": _laid_out(seen.what, text)}]
        if seen.system:
            messages.insert(0, {"role": "system", "content": [{"type": "text", "text": seen.system}]})
        body = {"model": self._model, "messages": messages, "temperature": 0, "stream": False, **how}
        began = time.monotonic()
        said = self._server.ask("chat/completions", body, read_chat, seen.stopped)
        self.passed(Pass(stage, time.monotonic() - began, said.tokens_read, said.tokens_written))
        return said

    def greet(self) -> None:
        """Show the server one blank picture: says in words what it refuses, and finds out whether it tells likelihoods.

        Some refuse the wish for likelihoods itself; then it is asked without.
        """
        blank = View(0.0, 1.0, (0.0,), (np.full((64, 64, 3), GREY, np.uint8),))
        with self.look(blank, never) as seen:
            try:
                self._say(seen, "What is this? Answer with one word.")
            except VisionUnreachable:
                raise
            except AnalysisFailed:
                self._likelihoods = False
                self._say(seen, "What is this? Answer with one word.")


def data_url(picture: Picture) -> str:
    """A picture as a JPEG in a `data:` URL, no larger than need be."""
    height, width = picture.shape[:2]
    shrink = min(1.0, LONGEST_SIDE / max(height, width))
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    coloured = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    for quality in QUALITIES:
        _, file = cv2.imencode(".jpg", coloured, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if file.size <= MOST_BYTES:
            break
    return f"data:image/jpeg;base64,{base64.b64encode(file.tobytes()).decode()}"


def _laid_out(shown: _Shown, question: str) -> list[dict[str, Any]]:
    """The parts of a message which SmolVLM2's chat template lays out as `vision.layout` does."""
    before = (
        f"You are provided the following series of {in_words(len(shown.urls))} frames from a "
        f"{timedelta(seconds=int(shown.seconds))} [H:MM:SS] video.\n"
    )
    parts: list[dict[str, Any]] = []
    for at, url in zip(shown.times, shown.urls, strict=True):
        parts.append({"type": "text", "text": f"{before}\nFrame from {int(at // 60):02d}:{int(at % 60):02d}:"})
        parts.append({"type": "image_url", "image_url": {"url": url}})
        before = ""
    return [*parts, {"type": "text", "text": f"\n\n{question}"}]


def open_remote(
    url: str,
    *,
    api_key: str | None = None,
    model: str | None = None,
    tell: Telling = lambda _, __: None,
    patience: Patience | None = None,
    wait: float = 30.0,
) -> Remote:
    """Meet the server below `url` (`http://host:port/v1`); without a name for the model, the first it lists is taken.

    One that is not there yet, or still loads, is waited for, `wait` seconds at the most: services that are started
    together need no order. Then, and at once where it refuses the key, the model or pictures, raises CannotStart in
    words: who names a server wants its eyes, not a service without.
    """
    server = Server(url, api_key, patience or Patience())
    try:
        return _met(server, model, tell, wait)
    except BaseException as error:
        server.close()
        if isinstance(error, AnalysisFailed):
            raise CannotStart(f"{server.where}: {error}") from error
        raise


def _met(server: Server, model: str | None, tell: Telling, wait: float) -> Remote:
    started = time.monotonic()
    while True:
        try:
            remote = Remote(server, model or server.ask("models", None, read_models, never))
            remote.greet()
            return remote
        except VisionUnreachable as error:
            late = time.monotonic() - started
            if late >= wait or isinstance(error, KeyRefused):
                raise
        tell("Connecting", late / wait)
        time.sleep(min(1.0, wait / 10))
