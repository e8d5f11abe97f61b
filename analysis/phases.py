"""Tells where a repetition begins: who trains rests between repetitions, not at their turns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.found import SIDE_TO_SIDE, FoundSet
from analysis.repetitions import Rep
from analysis.rhythm import Line
from analysis.turns import summed

LEAST_REPS = 3
"""Repetitions from which it can be told where they rest."""

NEAR = 0.1
"""Share of the usual way from a turn within which somebody has not left it."""

SURELY = 0.75
"""Times its standard error that the rest at the turns must be longer than that between repetitions."""

STEP = 0.3
"""Variance, in steps, that a mean rest always has: it is told to the step."""

FOREIGN = 0.13
"""How much less like the others the first and the last repetition must be, taken together, in all cells: of 172 drawn
sets that begin where they should 17 reach it, and none of these rests at its turns; of 38 that do not, 20 do both."""


def begun_at_rest(one: FoundSet, calm: NDArray[np.float32]) -> FoundSet:
    """The set with its repetitions begun at what was taken for their turns, where these are where it rests and the ends
    are unlike the rest: getting down into the first pose goes the way that repetitions come back. `calm` (n, cells, 2)
    is the motion of the picture, `one` what was placed in it."""
    reps = one.reps
    if one.method != "periodic" or one.sides == SIDE_TO_SIDE or len(reps) < LEAST_REPS:
        return one
    alike = np.array([rep.alike for rep in reps])
    unlike = sum(min(0.0, float(end - np.median(alike[1:-1]))) for end in alike[[0, -1]])
    if unlike > -FOREIGN or _rests_between(one, calm) > -SURELY:
        return one
    turned = [_turned(before, after) for before, after in pairwise(reps)]
    # Half of the first and half of the last were foreign, and are gone.
    turned[0], turned[-1] = _as_good_as(turned[0], reps[1]), _as_good_as(turned[-1], reps[-2])
    return replace(one, first=turned[0].start, end=turned[-1].end, reps=tuple(turned))


def _turned(before: Rep, after: Rep) -> Rep:
    """From the turn of one to that of the next."""
    hidden = before.move is None or after.move is None
    return Rep(
        start=before.turn,
        turn=(before.end + after.start) / 2,
        end=after.turn,
        reach=min(before.reach, after.reach),
        likeness=min(before.likeness, after.likeness),
        move=None if hidden or after.move is None else -after.move,
        alike=min(before.alike, after.alike),
    )


def _as_good_as(rep: Rep, other: Rep) -> Rep:
    return replace(rep, reach=other.reach, likeness=other.likeness, alike=other.alike)


def _rests_between(one: FoundSet, calm: NDArray[np.float32]) -> float:
    """How much longer it rests between repetitions than at their turns, in standard errors of the difference."""
    first, last = int(one.first), int(one.end) + 1
    begin, stop = max(0, first - (last - first) // len(one.reps)), last + (last - first) // len(one.reps)
    gone = summed(calm[begin:stop].reshape(-1, one.move.size) @ one.move)
    way = float(np.median([abs(_at(gone, rep.turn - begin) - _at(gone, rep.start - begin)) for rep in one.reps]))
    turns = np.array([_rest(gone, rep.turn - begin, NEAR * way) for rep in one.reps])
    between = np.array([_rest(gone, (a.end + b.start) / 2 - begin, NEAR * way) for a, b in pairwise(one.reps)])
    spread = between.var() / len(between) + turns.var() / len(turns) + STEP / len(between)
    return float((between.mean() - turns.mean()) / np.sqrt(spread))


def _at(gone: Line, step: float) -> float:
    return float(gone[int(np.clip(round(step), 0, len(gone) - 1))])


def _rest(gone: Line, step: float, near: float) -> int:
    """Steps around one that are spent `near` where it is."""
    place = int(np.clip(round(step), 0, len(gone) - 1))
    away = np.abs(gone - gone[place]) >= near
    before, after = np.flatnonzero(away[:place]), np.flatnonzero(away[place:])
    low = int(before[-1]) + 1 if len(before) else 0
    high = place + int(after[0]) - 1 if len(after) else len(gone) - 1
    return high - low
