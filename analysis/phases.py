"""Tells where a repetition begins: who trains rests between repetitions, not at their turns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.found import SIDE_TO_SIDE, FoundSet
from analysis.repetitions import Rep
from analysis.rhythm import Line

LEAST_REPS = 3
"""Repetitions from which it can be told where they rest."""

NEAR = 0.1
"""Share of the usual repetition's length around a turn within which it is looked for where that rests."""

STILL = 0.15
"""Share of the usual speed of all that moves in the set below which somebody rests: who holds the body still may yet
move the arms."""

SURELY = 0.5
"""Times its standard error that the rest at the turns must be longer than that between repetitions. Of what was read in
drawn sets, 480 of 555 that begin at their turns are told by it, and 5 of 1,834 others."""

STEP, LEAST_LONGER = 0.3, 0.3
"""Variance, in steps, that a mean rest always has, for it is told to the step; steps by which one must be longer."""


def begun_at_rest(one: FoundSet, calm: NDArray[np.float32]) -> FoundSet:
    """The set with its repetitions begun at what was taken for their turns, where these are where it rests: getting
    down into the first pose goes the way that repetitions come back. `calm` (n, cells, 2) is the motion of the
    picture, `one` what was placed in it."""
    reps = one.reps
    if one.method != "periodic" or one.sides == SIDE_TO_SIDE or len(reps) < LEAST_REPS:
        return one
    if not _rests_at_turns(one, calm):
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


def _rests_at_turns(one: FoundSet, calm: NDArray[np.float32]) -> bool:
    """Whether it rests longer at the turns of its repetitions than between them, with all that moves in it."""
    energy = (calm.astype(np.float64) ** 2).sum(axis=2)
    share = energy[max(0, int(one.first)) : int(one.end) + 1].sum(axis=0)
    speed = np.sqrt(energy @ (share / (share.sum() + 1e-20)))
    usual = np.mean([speed[max(0, int(rep.start)) : int(rep.end) + 1].mean() for rep in one.reps])
    near = NEAR * float(np.median([rep.end - rep.start for rep in one.reps]))
    turns = np.array([_rest(speed, rep.turn, near, STILL * usual) for rep in one.reps])
    between = np.array([_rest(speed, (a.end + b.start) / 2, near, STILL * usual) for a, b in pairwise(one.reps)])
    spread = between.var() / len(between) + turns.var() / len(turns) + STEP / len(between)
    longer = float(turns.mean() - between.mean())
    return longer > max(LEAST_LONGER, SURELY * float(np.sqrt(spread)))


def _rest(speed: Line, step: float, near: float, still: float) -> int:
    """Steps spent slower than `still` around the slowest `near` a step."""
    low = int(np.clip(round(step - near), 0, len(speed) - 1))
    slowest = low + int(speed[low : max(low, round(step + near)) + 1].argmin())
    if speed[slowest] >= still:
        return 0
    before, after = np.flatnonzero(speed[:slowest] >= still), np.flatnonzero(speed[slowest:] >= still)
    begin = int(before[-1]) + 1 if len(before) else 0
    end = slowest + int(after[0]) if len(after) else len(speed)
    return end - begin
