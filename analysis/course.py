"""Tells how like each other repetitions are in their whole course, moment by moment and cell by cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.repetitions import Rep
from analysis.rhythm import Line

PHASES = 4
"""Parts of the way out, and as many of the way back, that are compared one by one."""

NEAR = 6
"""Repetitions before and after one that it is compared to: over a long set the view changes."""

TURNS_TAKEN = (1, 2)
"""A repetition is like the next, or like the second next where sides take turns."""


def course(values: NDArray[np.float32], reps: Sequence[Rep]) -> float:
    """The cosine of a repetition's course with that of those around it, or with every second of them where sides take
    turns; in the middle over the repetitions that were seen. `values` (n, cells, 2). 0 for fewer than two.

    Rhythm and way can be alike by chance where somebody dances; what each part of the body does meanwhile is not."""
    found = courses(values, times([rep for rep in reps if rep.move is not None]))
    if len(found) < 2:
        return 0.0
    return max(float(np.median(likenesses(found, every))) for every in TURNS_TAKEN)


def times(reps: Sequence[Rep]) -> Line:
    """(reps, 3) start, turn and end of each, in steps."""
    return np.array([(rep.start, rep.turn, rep.end) for rep in reps], np.float64).reshape(-1, 3)


def courses(values: NDArray[np.float32], spans: Line) -> Line:
    """(spans, k) the displacements of all cells within each phase of each of `spans`, as `times` gives them. `values`
    (n, cells, 2)."""
    if not len(spans):
        return np.zeros((0, 2 * PHASES * values[:1].size))
    first, last = max(0, int(spans[:, 0].min())), int(spans[:, 2].max()) + 2
    part = values[first:last].reshape(-1, values.shape[1] * 2)
    places = np.concatenate([np.zeros_like(part[:1], np.float64), np.cumsum(part, axis=0, dtype=np.float64)])
    share = np.linspace(0, 1, PHASES + 1)
    out, back = (
        a[:, None] + share * (b - a)[:, None] for a, b in ((spans[:, 0], spans[:, 1]), (spans[:, 1], spans[:, 2]))
    )
    at = np.clip(np.concatenate([out, back[:, 1:]], axis=1) - first, 0, len(places) - 1)
    low = np.minimum(at.astype(int), len(places) - 2)
    between = (at - low)[..., None]
    gone = places[low] * (1 - between) + places[low + 1] * between
    return np.asarray(np.diff(gone, axis=1).reshape(len(spans), -1))


def likenesses(found: Line, every: int) -> Line:
    """(n,) the cosine of each of the courses (n, k) with the mean of each `every` other one near it; 0 for all if one
    has none."""
    result = np.zeros(len(found))
    for number, one in enumerate(found):
        others = [
            other
            for place, other in enumerate(found)
            if place != number and (place - number) % every == 0 and abs(place - number) <= NEAR * every
        ]
        if not others:
            return np.zeros(len(found))
        result[number] = cosines(one[None], np.mean(others, axis=0))[0]
    return result


def cosines(found: Line, other: Line) -> Line:
    """(n,) of each of the courses (n, k) with the other (k,)."""
    return np.asarray(found @ other / (np.linalg.norm(found, axis=1) * np.linalg.norm(other) + 1e-12))
