"""Remembers the last few seconds of samples, and notes of each what only its neighbours on either side can tell."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.dissolves import HALVES_SECONDS, Look, mixture, nearest
from analysis.likeness import detail, found_share, match

REACH_SECONDS = HALVES_SECONDS[-1] + 0.1
"""How far to either side of a sample its neighbours are looked at."""

SPARE = 20
"""Looks that are forgotten together, so that forgetting costs little."""

SUSPECT, SUSPECT_LEVELS = 0.5, 6.0
"""A likeness below the one or a change no motion explains above the other: it is asked what is kept across it."""

BEFORE_SECONDS, AFTER_SECONDS = (0.0, 0.1, 0.3), (0.0, 0.1, 0.2, 0.4)
"""Which samples on either side are compared with each other: a flash or a hand leaves some of them alone."""

VALLEY = 0.2
"""Share of the strength of detail on either side that is left within a fade, or less: 0.45 of the contrast."""

SHOWING = 0.5
"""Share of the greatest strength near that tells that a shot is fully there again."""

FURTHER = 2
"""Samples."""

LEAST_STRENGTH = 1.0
"""Mean squared detail in grey levels of a shot that can fade at all."""

NONE = -1.0


@dataclass(frozen=True)
class Looks:
    """What was noted, (n,) each, in the order of the samples: 36 bytes a sample while it is gathered."""

    likeness: NDArray[np.float64]
    """To the sample before, 0-1."""
    kept: NDArray[np.float64]
    """Greatest likeness of a sample shortly before to one shortly after."""
    found: NDArray[np.float64]
    """Greatest share of the area of the sample before that is found again shortly after."""
    strength: NDArray[np.float64]
    """Mean squared detail in grey levels."""
    across: NDArray[np.float64]
    """Where far less detail is than on either side: likeness of what is there; -1 elsewhere."""
    evidence: NDArray[np.float64]
    """For a dissolve around here, in logits; -99 where none is possible."""
    middle: NDArray[np.float64]
    """Of that dissolve, in seconds."""
    length: NDArray[np.float64]
    """Of that dissolve, in seconds."""


class Lookback:
    """Takes samples in time order and keeps those of a few seconds: a sample is noted once its neighbours are here."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._times: list[float] = []
        self._strengths: list[float] = []
        self._due = 0
        self._likeness, self._kept, self._found = array("f"), array("f"), array("f")
        self._strength, self._across = array("f"), array("f")
        self._evidence, self._middle, self._length = array("f"), array("d"), array("f")

    def add(self, time: float, grey: NDArray[np.uint8], layout: NDArray[np.uint8], unexplained: float) -> None:
        """A sample's picture (h, w), its layout of few cells (r, c, 3), and the change that no motion explains."""
        look = Look(time, unexplained, layout.astype(np.float32).ravel(), detail(grey))
        self._likeness.append(match(self._looks[-1].detail, look.detail).likeness if self._looks else 1.0)
        self._strength.append(look.detail.strength)
        self._looks.append(look)
        self._times.append(time)
        self._strengths.append(look.detail.strength)
        while self._times[self._due] < time - REACH_SECONDS:
            self._note()

    def finish(self) -> None:
        """What still waits is noted as well: no neighbours will come."""
        while self._due < len(self._looks):
            self._note()

    def noted(self, first: int = 0) -> Looks:
        """What was noted so far, from sample number `first` on."""
        end = len(self._kept)
        likeness = np.array(self._likeness[first:end], np.float64)
        rest = (self._kept, self._found, self._strength, self._across, self._evidence, self._middle, self._length)
        return Looks(likeness, *(np.array(noted[first:end], np.float64) for noted in rest))

    def _note(self) -> None:
        """What can be said of the oldest look that waits, now that its neighbours are here."""
        at = self._due
        kept, found = self._kept_across(at)
        self._kept.append(kept)
        self._found.append(found)
        self._across.append(self._valley(at))
        mixed = mixture(self._looks, self._times, at)
        self._evidence.append(mixed.evidence if mixed else -99.0)
        self._middle.append(mixed.middle if mixed else self._times[at])
        self._length.append(mixed.length if mixed else 0.0)
        self._due += 1
        self._forget()

    def _forget(self) -> None:
        if self._due >= len(self._looks):
            return
        first = nearest(self._times, self._times[self._due] - REACH_SECONDS)
        if first > SPARE:
            del self._looks[:first], self._times[:first], self._strengths[:first]
            self._due -= first

    def _kept_across(self, at: int) -> tuple[float, float]:
        likeness = self._likeness[len(self._kept)]
        if not at or (likeness >= SUSPECT and self._looks[at].unexplained <= SUSPECT_LEVELS):
            return likeness, 1.0
        times, looks = self._times, self._looks
        before = {min(at - 1, nearest(times, times[at - 1] - seconds)) for seconds in BEFORE_SECONDS}
        after = {max(at, nearest(times, times[at] + seconds)) for seconds in AFTER_SECONDS}
        kept = max(match(looks[one].detail, looks[other].detail).likeness for one in before for other in after)
        return kept, max(found_share(looks[at - 1].detail, looks[other].detail) for other in after)

    def _valley(self, at: int) -> float:
        strengths = self._strengths
        before = strengths[nearest(self._times, self._times[at] - REACH_SECONDS) : at]
        after = strengths[at + 1 :]
        least = min(max(before, default=0.0), max(after, default=0.0))
        if least < LEAST_STRENGTH or strengths[at] > VALLEY * least:
            return NONE
        first = next(number for number in range(at - 1, -1, -1) if strengths[number] >= SHOWING * max(before))
        last = next(number for number in range(at + 1, len(strengths)) if strengths[number] >= SHOWING * max(after))
        # A hand may cover half of the nearest: one further away is asked too.
        sides = {first, max(0, first - FURTHER)}, {last, min(len(strengths) - 1, last + FURTHER)}
        pairs = [(self._looks[one].detail, self._looks[other].detail) for one in sides[0] for other in sides[1]]
        return max(max(match(*pair).likeness, found_share(*pair)) for pair in pairs)
