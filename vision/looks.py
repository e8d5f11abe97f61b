"""What was seen of a stretch of video, until it is left: it hands each question on to the model that looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, Self, TypeVar

from vision import Named, Question, Rating, Stopped

W = TypeVar("W")
"""What a model keeps of a look, so that it can be asked."""


class Asked(Protocol[W]):
    """A model, as its looks know it."""

    def rate(self, seen: Look[W], question: Question) -> Rating: ...

    def name(self, seen: Look[W], question: str, labels: Sequence[str]) -> Named: ...

    def describe(self, seen: Look[W], prompt: str) -> str: ...


class Look(Generic[W]):
    """`vision.Seen`, for a model of any kind."""

    def __init__(self, model: Asked[W], what: W, stopped: Stopped, system: str) -> None:
        self._model = model
        self._what: W | None = what
        self.stopped, self.system = stopped, system

    @property
    def what(self) -> W:
        if self._what is None:
            raise ValueError("this look is over")
        return self._what

    def rate(self, question: Question) -> Rating:
        return self._model.rate(self, question)

    def name(self, question: str, labels: Sequence[str]) -> Named:
        return self._model.name(self, question, labels)

    def describe(self, prompt: str) -> str:
        return self._model.describe(self, prompt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._what = None
