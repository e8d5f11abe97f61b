"""Measures how far each repetition of a set goes, against the others of its shot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.course import NEAR, TURNS_TAKEN
from analysis.found import FoundSet
from analysis.repetitions import Rep
from analysis.rhythm import Line

LEAST_BESIDE = 3
"""Repetitions of a shot from which it is known how far they usually go."""

LEAST_REACH, MOST_REACH = 0.2, 3.0
"""What goes less far or farther than so many times the usual is no repetition seen as it was: a jolt, or a moment in
which something else moves. It stands as it was found."""


def reaches(one: FoundSet, rare: NDArray[np.float32], cuts: Sequence[int]) -> tuple[float, ...]:
    """How far each repetition goes, 1 in the middle of a shot. `rare` (n, cells, 2) is motion of which nothing was
    taken for being rare: in what sets are found by, who begins after a rest goes less far."""
    result = [rep.reach for rep in one.reps]
    seen = [number for number, rep in enumerate(one.reps) if rep.move is not None]
    for shot in range(len(cuts) + 1):
        mine = [number for number in seen if np.searchsorted(cuts, one.reps[number].turn, side="right") == shot]
        if len(mine) >= LEAST_BESIDE:
            far = _far(np.array([_there_and_back(rare, one.reps[number]) for number in mine]))
            usual = float(np.median(far)) + 1e-12
            for number, way in zip(mine, far.tolist(), strict=True):
                if LEAST_REACH < way / usual < MOST_REACH:
                    result[number] = way / usual
    return tuple(result)


def _far(moves: Line) -> Line:
    """(n,) how far each of the moves (n, k) goes along what those near it, or every second of them, do in the middle,
    whichever it goes farther along."""
    result = np.zeros(len(moves))
    for number, move in enumerate(moves):
        for every in TURNS_TAKEN:
            near = [place for place in range(number % every, len(moves), every) if abs(place - number) <= NEAR * every]
            way = np.median(moves[near], axis=0)
            result[number] = max(result[number], abs(float(move @ way)) / (float(np.linalg.norm(way)) + 1e-12))
    return result


def _there_and_back(values: NDArray[np.float32], rep: Rep) -> Line:
    """The displacement of every cell on the way out less that on the way back: who walks past meanwhile goes one way,
    and counts for little."""
    start, turn, end = round(rep.start), round(rep.turn), round(rep.end)
    out, back = values[start:turn], values[turn:end]
    return np.asarray((out.sum(axis=0, dtype=np.float64) - back.sum(axis=0, dtype=np.float64)).ravel())
