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


def course(values: NDArray[np.float32], reps: Sequence[Rep]) -> float:
    """The cosine of a repetition's course with that of those around it, or with every second of them where sides take
    turns; in the middle over the repetitions that were seen. `values` (n, cells, 2). 0 for fewer than two.

    Rhythm and way can be alike by chance where somebody dances; what each part of the body does meanwhile is not."""
    courses = _courses(values, [rep for rep in reps if rep.move is not None])
    if len(courses) < 2:
        return 0.0
    return max(_likeness(courses, every) for every in (1, 2))


def _courses(values: NDArray[np.float32], reps: list[Rep]) -> Line:
    """(reps, k) the displacements of all cells within each phase."""
    if not reps:
        return np.zeros((0, 1))
    first, last = int(reps[0].start), int(reps[-1].end) + 2
    part = values[first:last].reshape(-1, values.shape[1] * 2)
    places = np.concatenate([np.zeros_like(part[:1], np.float64), np.cumsum(part, axis=0, dtype=np.float64)])
    result = []
    for rep in reps:
        out, back = np.linspace(rep.start, rep.turn, PHASES + 1), np.linspace(rep.turn, rep.end, PHASES + 1)
        at = np.clip(np.concatenate([out, back[1:]]) - first, 0, len(places) - 1)
        low = np.minimum(at.astype(int), len(places) - 2)
        between = (at - low)[:, None]
        result.append(np.diff(places[low] * (1 - between) + places[low + 1] * between, axis=0).ravel())
    return np.array(result)


def _likeness(courses: Line, every: int) -> float:
    """The middle cosine of each with the mean of each `every` other one near it; 0 if one has none."""
    found = []
    for number, one in enumerate(courses):
        others = [
            other
            for place, other in enumerate(courses)
            if place != number and (place - number) % every == 0 and abs(place - number) <= NEAR * every
        ]
        if not others:
            return 0.0
        mean = np.mean(others, axis=0)
        found.append(float(one @ mean / (np.linalg.norm(one) * np.linalg.norm(mean) + 1e-12)))
    return float(np.median(found))
