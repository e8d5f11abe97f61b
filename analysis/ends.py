"""Finds the first and the last repetition of a set where they were passed over: their course is like the others'."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.course import NEAR, TURNS_TAKEN, cosines, courses, likenesses, times
from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.pauses import LEAST_KNOWN, LEAST_REACH, MOST_REACH, PAUSE_SECONDS
from analysis.repetitions import Rep
from analysis.rhythm import Line

MOST_PASSED_OVER = 3
"""At either end: where more are, it is not an end that was passed over."""

LEAST_ALIKE, DOUBT = 0.7, 0.15
"""Cosine of its course with that of those next to it from which something is one more repetition: at least so much, and
not so much less than what they have among themselves in the middle. benchmarks/LOG.md has what less and more of either
find, and make up."""

EVERY, LENGTHS = 2, (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
"""Steps from one begin that is tried to the next, and times the usual length."""

LATER, LONGER, TURNS = (-1.0, 0.0, 1.0), (0.93, 1.0, 1.07), (-0.08, 0.0, 0.08)
"""What is tried beside the best: steps later, times as long, and how much later, as a share of it, the turn."""

ROUGHLY = 0.1
"""How much less like it may be when only every second step is tried."""

LONGEST_GAP = 1.2
"""Usual lengths after which one is sought, or PAUSE_SECONDS if that is longer."""


def with_ends(one: FoundSet, calm: NDArray[np.float32], low: float, high: float) -> FoundSet:
    """The set with what was passed over before and after it, from step `low` to `high` of `calm` (n, cells, 2)."""
    steps = len(calm)
    reps = _going_on(list(one.reps), calm, high)
    backwards = _going_on([rep.backwards(steps) for rep in reversed(reps)], -calm[::-1], steps - low)
    reps = [rep.backwards(steps) for rep in reversed(backwards)]
    return replace(one, first=reps[0].start, end=reps[-1].end, reps=tuple(reps))


def _going_on(reps: list[Rep], calm: NDArray[np.float32], high: float) -> list[Rep]:
    for _ in range(MOST_PASSED_OVER):
        after = _next(reps, calm, high)
        if after is None:
            break
        reps = [*reps, after]
    return reps


def _next(reps: list[Rep], calm: NDArray[np.float32], high: float) -> Rep | None:
    """The repetition that follows on the last of `reps` and is over by step `high`."""
    seen = times([rep for rep in reps if rep.move is not None])
    if len(seen) < LEAST_KNOWN:
        return None
    known = courses(calm, seen)
    beside = [known[-every : -every * NEAR - 1 : -every].mean(axis=0) for every in TURNS_TAKEN]
    usual = np.max([likenesses(known, every) for every in TURNS_TAKEN], axis=0)
    least = max(LEAST_ALIKE, float(np.median(usual)) - DOUBT)
    rough = _spans(seen, reps[-1].end, high)
    first = _first(rough, _alike(courses(calm, rough), beside), least - ROUGHLY)
    if first is None:
        return None
    spans = _near(first, reps[-1].end, high)
    found = courses(calm, spans)
    alike = _alike(found, beside)
    best = int(alike.argmax())
    reach = float(np.linalg.norm(found[best]) / (np.linalg.norm(beside[0]) + 1e-12))
    if alike[best] < least or not LEAST_REACH < reach < MOST_REACH:
        return None
    start, turn, end = spans[best].tolist()
    sure, far = float(alike[best]), reach * float(np.median([rep.reach for rep in reps]))
    out = calm[int(start) : int(turn) + 1].sum(axis=0, dtype=np.float64).ravel()
    return Rep(start, turn, end, far, sure, out, sure)


def _alike(found: Line, beside: list[Line]) -> Line:
    """(n,) how like the courses of those beside it, of all or of every second one, each of the courses (n, k) is."""
    return np.asarray(np.max([cosines(found, other) for other in beside], axis=0))


def _spans(seen: Line, begin: float, high: float) -> Line:
    """(n, 3) start, turn and end of what may be one more."""
    lasting = float(np.median(seen[:, 2] - seen[:, 0]))
    turning = float(np.median((seen[:, 1] - seen[:, 0]) / (seen[:, 2] - seen[:, 0])))
    after = np.arange(0, max(LONGEST_GAP * lasting, PAUSE_SECONDS * RATE), EVERY)
    start, length = (each.ravel() for each in np.meshgrid(begin + after, lasting * np.array(LENGTHS)))
    spans = np.stack([start, start + turning * length, start + length], axis=1)
    return np.asarray(spans[spans[:, 2] <= high])


def _first(spans: Line, alike: Line, least: float) -> Line | None:
    """Of those at least so like, the first; or what begins before it is half over and is more like."""
    good = alike >= least
    spans, alike = spans[good], alike[good]
    if not len(spans):
        return None
    first = spans[spans[:, 0].argmin()]
    near = spans[:, 0] <= (first[0] + first[2]) / 2
    return np.asarray(spans[near][alike[near].argmax()])


def _near(span: Line, begin: float, high: float) -> Line:
    """(n, 3) the same, and what is a little sooner or later, shorter or longer, or turns elsewhere."""
    start, turn, end = span.tolist()
    later, longer, turns = (each.ravel() for each in np.meshgrid(LATER, LONGER, TURNS))
    starts, lengths = start + later, (end - start) * longer
    share = np.clip((turn - start) / (end - start) + turns, 0.1, 0.9)
    spans = np.stack([starts, starts + share * lengths, starts + lengths], axis=1)
    inside = (spans[:, 0] >= begin) & (spans[:, 2] <= high)
    return np.concatenate([span[None], spans[inside]])
