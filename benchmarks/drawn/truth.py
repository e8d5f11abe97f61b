"""What is known of a drawn video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "visitors", "hand-held", "sport", "talk", "edited", "loud or silent", "flat", "light", "weather", "novel"
]
KINDS: tuple[Kind, ...] = (
    "visitors",
    "hand-held",
    "sport",
    "talk",
    "edited",
    "loud or silent",
    "flat",
    "light",
    "weather",
    "novel",
)


@dataclass(frozen=True)
class Event:
    """Something worth showing, from `start` to `end` in seconds."""

    start: float
    end: float
    what: str


@dataclass(frozen=True)
class TrueCut:
    """Where one shot goes over into the next; a soft one has its middle there."""

    time: float
    how: Literal["hard", "dissolve", "fade"]


@dataclass(frozen=True)
class Truth:
    seconds: float
    kind: Kind
    events: tuple[Event, ...]
    best: tuple[Event, ...]
    """The events any of which a first choice may be: one where it is clearly the largest, all where they are equals."""
    cuts: tuple[TrueCut, ...] = ()
    flat: bool = False
    """Nothing happens from end to end."""
