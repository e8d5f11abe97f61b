"""Finds the way that motion goes back and forth on, anew wherever the view changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.rhythm import Field, Line, shifted

WINDOW_PERIODS, HOP_PERIODS = 1.5, 0.5
"""Periods on either side of a place over which its way is sought, and from one place to the next."""

SAME_WAY = 0.5
"""Cosine between the ways of neighbouring places under which the view has changed: another camera, or a cross-fade."""


@dataclass(frozen=True)
class Piece:
    """A stretch of steps seen from one side, and the way that motion goes back and forth on there."""

    begin: int
    end: int
    way: Line


def pieces(seen: Field, core: tuple[int, int], period: float, cuts: list[int]) -> list[Piece]:
    """All of `seen` but what lies between cuts that leave too little of the steps `core` to tell a way by."""
    result: list[Piece] = []
    for begin, end in pairwise([0, *cuts, len(seen)]):
        low, high = max(begin, core[0]), min(end, core[1])
        if high - low >= 0.6 * period:
            result += _pieces_of_shot(seen, (begin, end), (low, high), period)
    return result


def _pieces_of_shot(seen: Field, shot: tuple[int, int], core: tuple[int, int], period: float) -> list[Piece]:
    low, high = core
    hop = max(1, int(HOP_PERIODS * period))
    centres = list(range(low, high, hop)) if high - low > 3 * period else [(low + high) // 2]
    ways = [_way_around(seen, centre, period, (max(shot[0], low - 2), min(shot[1], high + 2))) for centre in centres]
    result, begin, group = [], shot[0], [ways[0]]
    for number, (before, after) in enumerate(pairwise(ways)):
        if abs(float(before @ after)) < SAME_WAY and number + 2 < len(ways):
            turn = (centres[number] + centres[number + 1]) // 2
            result.append(Piece(begin, turn, _mean_way(group)))
            begin, group = turn, []
        group.append(after)
    return [*result, Piece(begin, shot[1], _mean_way(group))]


def _mean_way(ways: list[Line]) -> Line:
    """Their mean, whichever of its two ends each points to."""
    middle = ways[len(ways) // 2]
    total = np.sum([way * (np.sign(way @ middle) or 1.0) for way in ways], axis=0)
    return np.asarray(total / (np.linalg.norm(total) + 1e-12))


def _way_around(seen: Field, centre: int, period: float, within: tuple[int, int]) -> Line:
    """The direction along which motion is most alike one period apart and most opposite half a period apart."""
    half = int(WINDOW_PERIODS * period)
    part = seen[max(within[0], centre - half) : min(within[1], centre + half)].astype(np.float64)
    part = part - part.mean(axis=0)
    # A little of what moves at all decides where nothing repeats.
    both = 0.1 * part.T @ part / max(1, len(part))
    for lag, sign in ((period, 1.0), (period / 2, -1.0)):
        if lag + 2 < len(part):
            later = shifted(part.astype(np.float32), lag)
            both += sign * part[: len(later)].T @ later / len(later)
    return np.asarray(np.linalg.eigh(both + both.T)[1][:, -1])
