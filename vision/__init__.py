"""The eyes: look at a stretch of video, rate it, name what is done in it, describe it. What a model offers for that.

Nothing here loads a model or torch: `open_smolvlm` in `vision/smolvlm.py` does, where one is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from schemas import Pass

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""Read once, when torch is loaded, which is after this. Its threads would otherwise wait for each other at full speed,
and so keep each other from working while others want the cores too: on two loaded cores, reading 649 tokens took 12.1 s
with two threads that spin, 2.9 to 3.2 s with two that sleep, 3.0 s with one."""

Picture = NDArray[np.uint8]
"""(h, w, 3) RGB, upright."""

Stopped = Callable[[], bool]
"""A session's own `progress.stopped`: True once its work should stop. It also tells whose request it is."""


Passed = Callable[[Pass], None]
"""Told of each thing that a model did, in whatever thread it did that."""


def never() -> bool:
    """For who works for no session."""
    return False


def untold(one: Pass) -> None:
    """For a model of which nobody keeps count."""


@dataclass(frozen=True)
class View:
    """What the eyes are shown of a stretch of video: `start` to `end` in seconds, pictures in order, a time each."""

    start: float
    end: float
    times: tuple[float, ...]
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Question:
    """A question to be answered by one of some levels, the least first. Each level is one word or a few."""

    text: str
    levels: tuple[str, ...]


@dataclass(frozen=True)
class Rating:
    """An answer to a question of degree."""

    expected: float
    """Where on the levels the answer lies: 0 is the least, 1 the most."""
    mass: float
    """How sure the model was to answer with a level at all, 0-1; below a tenth it hardly understood the question."""
    levels: tuple[float, ...]
    """How likely each level is, in the question's order; together 1."""

    @property
    def score(self) -> float:
        """1 to 10."""
        return 1 + 9 * self.expected


@dataclass(frozen=True)
class Named:
    """The best of a closed list of labels."""

    label: str
    share: float
    """How likely it is among the list, 0-1."""
    margin: float
    """By how much, in nats a token, it leads the next one; 0 where the list has one label."""


def is_folder(model: str) -> bool:
    """Asked also of what no system takes for a path, such as a name of three hundred letters."""
    try:
        return Path(model).is_dir()
    except OSError:
        return False


@dataclass(frozen=True)
class Facts:
    """Who looks, for the result's `analyzer`."""

    name: Literal["smolvlm2", "remote"]
    model: str
    revision: str | None
    device: str
    dtype: str

    @property
    def title(self) -> str:
        """The model as strangers are told of it: of a folder or file, be it on a vision server, its last name alone,
        for where it lies is nobody's business."""
        path = Path(self.model)
        return path.resolve().name if path.is_absolute() or is_folder(self.model) else self.model


@dataclass(frozen=True)
class Habits:
    """How a model is best used on the hardware it has."""

    pictures: int
    """Of a stretch that it is shown. Always as many, so that what it says before as many blank ones is asked of it
    once; those that look alike cost it little."""
    together: int = 4
    """Stretches that it is asked about at the same time: reading its weights once serves all of them."""
    sees_all: bool = False
    """Whether it is quick enough to look at all of a video while that is read."""


class Seen(Protocol):
    """A stretch of video that was looked at. Questions share what looking cost; leave it (`with`) to free the memory.

    Every call raises AnalysisStopped within a second once the session is stopped, and OutOfMemory in words.
    """

    def rate(self, question: Question) -> Rating: ...

    def name(self, question: str, labels: Sequence[str]) -> Named: ...

    def describe(self, prompt: str) -> str:
        """A sentence or two; empty if the model has nothing to say."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class VisionModel(Protocol):
    """May be used from many threads, for many sessions at once."""

    @property
    def facts(self) -> Facts: ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what it cannot do, for a result's own list."""
        ...

    @property
    def habits(self) -> Habits: ...

    def look(self, view: View, stopped: Stopped, system: str = "") -> Seen:
        """Look once, to ask any number of questions. `system` is a stranger's wish how to look, cleaned here."""
        ...

    def look_each(self, views: Iterable[View], stopped: Stopped, system: str = "") -> Iterator[Seen]:
        """Look at one view after another, the next few under way meanwhile. Each takes memory until it is left."""
        ...

    def give_way(self) -> AbstractContextManager[None]:
        """While this is open others need the processor: use one core."""
        ...

    def close(self) -> None: ...
