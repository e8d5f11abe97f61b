"""Tells moves that go to one side and then to the other, and folds the two sides together: each is a repetition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.flow import RATE
from analysis.rhythm import SHORTEST, Field, Line
from analysis.turns import summed, usual_reach, zigzag
from analysis.ways import Piece

LEAST_LEG, LONGEST_LEG, MOST_OF_IT = 0.4, 1.5, 0.7
"""Share of the usual distance from which a turn counts; of the legs, those at most so many periods long and at least
such a share of the usual one are looked at."""

MIDWAY = (0.3, 0.7)
"""Share of a leg's way between which its middle lies."""

STOPS = 0.65
"""Speed midway against the slower of the two peaks beside it, under which a leg stops there: in drawn moves from side
to side it is 0.2-0.6, nine in ten of all others go through the middle at their fastest (1)."""


@dataclass(frozen=True)
class Beat:
    """Steps from one repetition to the next; `sided` where the next is done to the other side, so that motion repeats
    after two of them."""

    period: float
    sided: bool = False

    @property
    def repeats(self) -> float:
        """Steps after which motion is the same again."""
        return 2 * self.period if self.sided else self.period


def beat_of(seen: Field, pieces: Sequence[Piece], core: tuple[int, int], period: float) -> Beat:
    """What motion that is the same after `period` steps is made of: one repetition, or one to either side. From side
    to side somebody comes to rest midway, where they started from; out and back nobody does."""
    slowest = [share for piece in pieces for share in _midway(seen, piece, core, period)]
    sided = period / 2 >= SHORTEST * RATE and bool(slowest) and float(np.median(slowest)) < STOPS
    return Beat(period / 2, sided=True) if sided else Beat(period)


def _midway(seen: Field, piece: Piece, core: tuple[int, int], period: float) -> Iterator[float]:
    """How fast each leg within the steps `core` is midway, against the slower of its peaks before and after."""
    gone = summed(seen[piece.begin : piece.end] @ piece.way)
    low, high = max(0, core[0] - piece.begin), max(1, min(piece.end, core[1]) - piece.begin)
    usual = usual_reach(gone, (low, high), period)
    speed = np.abs(np.diff(gone))
    for begin, end in pairwise(zigzag(gone, LEAST_LEG * usual)):
        way = gone[end] - gone[begin]
        if begin < low - 2 or end > high + 2 or end - begin > LONGEST_LEG * period or abs(way) < MOST_OF_IT * usual:
            continue
        share = (gone[begin:end] + gone[begin + 1 : end + 1] - 2 * gone[begin]) / (2 * way)
        middle = np.flatnonzero((share > MIDWAY[0]) & (share < MIDWAY[1])) + begin
        if len(middle):
            slowest = int(middle[speed[middle].argmin()])
            peaks = speed[begin : slowest + 1].max(), speed[slowest:end].max()
            yield float(speed[slowest] / (min(peaks) + 1e-12))
        else:
            yield 1.0


def folded(gone: Line, period: float) -> Line:
    """How far away from the middle, to either side, at each step; the middle is that of the two repetitions around."""
    half = max(1, min(round(2 * period), len(gone) - 1))
    padded = np.pad(gone, half, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    return np.asarray(np.abs(gone - middle))
