"""Shows a model every segment of a video while that is being read, so that nothing it would like is missed.

For models that are quick enough. The pictures are those that the scan brings anyway: nothing is decoded for it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from queue import Empty, Full, Queue
from typing import Protocol, Self

import numpy as np

from logs import kept
from progress import Progress
from schemas import Glance, Scanned, Still
from vision import Seen, View, VisionModel
from vision.prompts import rating_question
from vision.watching import Span, asked

ASK_EVERY_SECONDS = 0.05
"""How often who waits for the model asks whether to wait on."""


class Sweeper(Protocol):
    """Leave it (`with`) to end what is under way."""

    wants_stills: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def see(self, piece: Scanned) -> None:
        """A piece of the scan. Waits where the model is behind; raises what `finish` raises."""
        ...

    def finish(self) -> tuple[Glance | None, ...]:
        """What the model says of each segment, in their order; None of one that had no picture. Raises AnalysisStopped,
        and AnalysisFailed in words."""
        ...

    @property
    def spans(self) -> list[Span]:
        """The segments that were looked at."""
        ...


class NoSweep:
    """Segments are left to the signals."""

    wants_stills = False

    @property
    def spans(self) -> list[Span]:
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def see(self, piece: Scanned) -> None:
        pass

    def finish(self) -> tuple[Glance | None, ...]:
        return ()


class Sweep:
    wants_stills = True

    def __init__(self, model: VisionModel, seconds: float, query: str | None, progress: Progress) -> None:
        """Segments are so many seconds long."""
        self._model, self._seconds, self._progress = model, seconds, progress
        self._question = rating_question(query)
        self._gathered: list[Still] = []
        self._shown: list[int] = []
        self._glances: list[Glance] = []
        self._coming: Queue[View | None] = Queue(model.habits.together)
        self._leaving, self._ended = False, threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=kept(self._work), name="sweeping", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving = True
        self._thread.join()

    def see(self, piece: Scanned) -> None:
        for still in piece.stills:
            if self._gathered and self._number(still) != self._number(self._gathered[0]):
                self._hand_on()
            self._gathered.append(still)

    def finish(self) -> tuple[Glance | None, ...]:
        if self._gathered:
            self._hand_on()
        self._put(None)
        while not self._ended.wait(ASK_EVERY_SECONDS):
            self._progress.check()
        if self._error:
            raise self._error
        self._progress.check()  # it ends early for a session that stopped
        told: list[Glance | None] = [None] * (max(self._shown, default=-1) + 1)
        for number, glance in zip(self._shown, self._glances, strict=True):
            told[number] = glance
        return tuple(told)

    @property
    def spans(self) -> list[Span]:
        done = self._shown[: len(self._glances)]
        return [(number * self._seconds, (number + 1) * self._seconds) for number in done]

    def _number(self, still: Still) -> int:
        return int(still.time // self._seconds)

    def _hand_on(self) -> None:
        """Pictures from all over the segment, always as many; some twice, where it has fewer."""
        number, count = self._number(self._gathered[0]), self._model.habits.pictures
        places = ((np.arange(count) + 0.5) / count * len(self._gathered)).astype(int)
        chosen = [self._gathered[place] for place in places]
        self._gathered = []
        self._shown.append(number)
        start, times = number * self._seconds, tuple(still.time for still in chosen)
        self._put(View(start, start + self._seconds, times, tuple(still.picture for still in chosen)))

    def _put(self, view: View | None) -> None:
        while not self._ended.is_set():
            self._progress.check()
            with suppress(Full):
                self._coming.put(view, timeout=ASK_EVERY_SECONDS)
                return
        if self._error:
            raise self._error

    def _work(self) -> None:
        """In its own thread: what the model says, a few segments at a time."""
        try:
            with closing(self._looks()) as looks:
                for glance in asked(looks, self._glance, self._model.habits.together):
                    self._glances.append(glance)
                    self._progress.advance()
        except BaseException as error:  # noqa: BLE001  whatever it is, it is raised where the scan waits
            self._error = error
        finally:
            self._ended.set()

    def _looks(self) -> Generator[Seen]:
        yield from self._model.look_each(self._views(), self._stopped)

    def _views(self) -> Iterator[View]:
        while not self._stopped():
            try:
                view = self._coming.get(timeout=ASK_EVERY_SECONDS)
            except Empty:
                continue
            if view is None:
                return
            yield view

    def _glance(self, seen: Seen) -> Glance:
        rating = seen.rate(self._question)
        return Glance(rating.expected, rating.mass)

    def _stopped(self) -> bool:
        return self._leaving or self._progress.stopped()
