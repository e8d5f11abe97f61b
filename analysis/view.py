"""A stretch of motion as sets are sought in it: the ways of looking at it, and what all of it tells of a set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

import numpy as np
from numpy.typing import NDArray

from analysis.course import course
from analysis.ends import with_ends
from analysis.flow import RATE, Flow
from analysis.found import SIDES, FoundSet
from analysis.pauses import across_pauses, second_look
from analysis.phases import begun_at_rest
from analysis.rhythm import Field, across_of, brightness_of, calmed, main_directions, parts_of, rows_of
from analysis.stretches import PART_WORTH, WORTH
from analysis.trust import LEAST_CONFIDENCE, confidence

MIDDLE = (20, 80)
"""Percentiles between which the places of a set's repetitions tell how it roams: a passer-by shifts a few of them."""

EDGE_STEPS = 5
"""By so much a set may go on beyond a cut at its first or last repetition, and so long is what lies next to a cut."""

UNSEEN_STEPS = (2, 1)
"""Steps before and after a cut in which nothing is believed to move."""


@dataclass(frozen=True)
class View:
    """What there is to look at, without what cuts move: `grey`, `calm` motion and the `energy` (n,) of each step of it,
    the same with what is `rare`, its main `directions`, its `motion` along them, and the steps of the cuts."""

    rare: NDArray[np.float32]
    grey: NDArray[np.float32]
    calm: NDArray[np.float32]
    energy: NDArray[np.float32]
    directions: NDArray[np.float32]
    motion: NDArray[np.float32]
    edges: list[int]
    columns: int

    @classmethod
    def of(cls, flow: Flow, cuts: tuple[float, ...]) -> View:
        edges = sorted({round((cut - flow.start) * RATE) for cut in cuts if flow.start < cut < flow.end})
        values, grey = flow.values.copy(), flow.grey.copy()
        for edge in edges:
            unseen = slice(max(0, edge - UNSEEN_STEPS[0]), edge + UNSEEN_STEPS[1])
            values[unseen], grey[unseen] = 0, 0
        calm = calmed(values)
        parts = parts_of(calm, flow.columns)
        directions = main_directions(parts)
        motion = np.ascontiguousarray(parts @ directions)
        energy = (calm**2).sum(axis=(1, 2))
        return cls(calmed(values, rare=True), grey, calm, energy, directions, motion, edges, flow.columns)

    @property
    def cells(self) -> Field:
        """(n, 2 * cells) the calm motion."""
        return self.calm.reshape(len(self.calm), -1)

    def ways(self) -> Iterator[tuple[Field, Field, float]]:
        """What rhythm is sought in, all the motion there is beside it, and the score from which it repeats."""
        across, bright = across_of(self.calm), brightness_of(self.grey)
        yield self.motion, self.cells, WORTH
        yield rows_of(self.calm, self.columns), self.cells, WORTH
        yield _main(across), across, PART_WORTH
        yield _main(bright), bright, PART_WORTH

    def placed(self, one: FoundSet) -> FoundSet:
        """With all that belongs to it and is told of it; begun where it rests, if that makes it no less trusted."""
        one = placed(one, self.calm, self.columns)
        begun = begun_at_rest(one, self.calm)
        return max([self._whole(each) for each in ([one] if begun is one else [begun, one])], key=confidence)

    def filling(self, one: FoundSet) -> FoundSet:
        """With how much of the motion of its shots it holds."""
        shots = [(a, b) for a, b in pairwise([0, *self.edges, len(self.calm)]) if a < one.end and b > one.first]
        energy = self.energy[shots[0][0] : shots[-1][1]]
        first, end = (int(place) - shots[0][0] for place in (one.first, one.end + 1))
        return replace(one, fills=float(energy[max(0, first) : end].sum() / (energy.sum() + 1e-12)))

    def completed(self, sets: list[FoundSet]) -> list[FoundSet]:
        """The same, in time order; those that are trusted with their first and last repetition, where these were passed
        over."""
        result: list[FoundSet] = []
        for one, after in zip_longest(sets, sets[1:]):
            trusted = one.method == "periodic" and confidence(one) >= LEAST_CONFIDENCE
            low = max([0.0, *(two.end for two in result[-1:]), *(e for e in self.edges if e < one.first + EDGE_STEPS)])
            high = min([float(len(self.calm)), *(e for e in self.edges if e > one.end - EDGE_STEPS)])
            high = min(high, after.first) if after else high
            whole = with_ends(one, self.calm, low, high) if trusted else one
            result.append(whole if confidence(whole) >= LEAST_CONFIDENCE else one)
        return result

    def _whole(self, one: FoundSet) -> FoundSet:
        one = second_look(across_pauses(one, self.calm, self.edges), self.motion)
        return replace(placed(one, self.calm, self.columns), course=course(self.calm, one.reps))


def placed(one: FoundSet, calm: NDArray[np.float32], columns: int) -> FoundSet:
    """With how its cells move on the way out, in the middle over the repetitions, and how much it roams."""
    spans = [(round(rep.start), max(round(rep.turn), round(rep.start) + 1), round(rep.end) + 1) for rep in one.reps]
    if one.sides > SIDES:
        # What goes to the other side each other time goes nowhere in the middle.
        spans = spans[::2]
    usual = np.median([calm[start:turn].sum(axis=0).ravel() for start, turn, _ in spans], axis=0).astype(np.float64)
    across = (np.arange(calm.shape[1]) % columns).astype(np.float64)
    places, widths = [], []
    for start, _, end in spans:
        share = np.sqrt((calm[start:end] ** 2).sum(axis=2)).sum(axis=0) + 1e-9
        share = share / share.sum()
        places.append(float(share @ across))
        widths.append(float(np.sqrt(share @ (across - places[-1]) ** 2)))
    low, high = np.percentile(places, MIDDLE)
    roams = float(high - low) / (float(np.median(widths)) + 1.0)
    return replace(one, move=np.asarray(usual / (np.linalg.norm(usual) + 1e-12)), roams=roams)


def _main(parts: Field) -> Field:
    """Motion along its main directions."""
    return np.ascontiguousarray(parts @ main_directions(parts))
