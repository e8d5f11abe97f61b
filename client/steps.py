"""What a client does, one step at a time, without doing it.

A script is a generator of steps: it yields what is to be done, is sent what came of it, and returns what was asked for.
`client/blocking.py` and `client/awaiting.py` carry the steps out; everything else about the service is in the scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO, Generic, TypeVar

from errors import ServiceError

T = TypeVar("T")

WHOLE_SECONDS = 120.0
"""How long an answer may take to begin, unless a request says otherwise: a large video is read through before that."""


class NoAnswer(ServiceError):
    """Nobody answers. `silent` where a connection stood and nothing came."""

    status_code = 0
    reason = "network"

    def __init__(self, message: str, /, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


@dataclass(frozen=True)
class Form:
    """A form that ends with a file."""

    fields: Mapping[str, str]
    filename: str
    file: BinaryIO


@dataclass(frozen=True)
class Ask:
    """Send a request and read its answer whole: gives an Answer. `path` begins at the service, or is a whole address.
    May raise NoAnswer, as Listen and Hear may."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    form: Form | None = None
    silence_seconds: float = WHOLE_SECONDS
    """After so long without a byte nobody answers."""


@dataclass(frozen=True)
class Listen:
    """Send a request and read its answer piece by piece: gives its Answer, without a body where it succeeded."""

    ask: Ask


@dataclass(frozen=True)
class Hear:
    """The next piece of what is listened to: gives bytes, or None at its end."""


@dataclass(frozen=True)
class HangUp:
    """Listen no more."""


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Do:
    """Something that may wait for a disk: gives what it gives."""

    deed: Callable[[], Any]


@dataclass(frozen=True)
class Tell(Generic[T]):
    """Something for who iterates over the script."""

    event: T


Step = Ask | Listen | Hear | HangUp | Pause | Do | Tell[Any]
Script = Generator[Step, Any, T]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Walk(Generic[T]):
    """A script on its way: the step that is next, until there is none and `result` is there."""

    def __init__(self, script: Script[T]) -> None:
        self._script = script
        self.step: Step | None = None
        self.result: T | None = None
        self._move(partial(next, script))

    def give(self, came: Any) -> None:
        """What came of the step."""
        self._move(partial(self._script.send, came))

    def throw(self, error: Exception) -> None:
        """The step did not succeed."""
        self._move(partial(self._script.throw, error))

    def close(self) -> None:
        self._script.close()

    def _move(self, move: Callable[[], Step]) -> None:
        try:
            self.step = move()
        except StopIteration as done:
            self.step, self.result = None, done.value
