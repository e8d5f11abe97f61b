"""What can be measured of how a set was done: tempo, range and pauses, in numbers and in words for a trainee."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from schemas import Repetition, WorkoutSet

LEAST_REPS = 4
"""Repetitions from which a trend can be told from chance."""

SLOWER, FASTER = 0.2, -0.2
"""Change in the time of a repetition from the first to the last, as a share of the first, from which it is worth a
word."""

SHORTEST = 0.1
"""Seconds that a repetition takes at least: as exact as its ends are known."""

SHRUNK = 0.2
"""Share by which the range of the last repetitions is smaller than that of the first, from which it is."""

UNEVEN = 0.25
"""Spread of the times from one repetition to the next, as a share of the middle one, from which the tempo is uneven."""

LONG_PAUSE = 1.5
"""Seconds at least, and times the usual repetition's half, that make a wait between two a pause."""


@dataclass(frozen=True)
class Pace:
    """Seconds from turn to turn, in the middle; their spread, as a share of it, where no pause lies between; and by how
    much longer the last repetitions took than the first, waits left out, as a share: -0.25 is a quarter shorter."""

    seconds: float
    variation: float
    trend: float


@dataclass(frozen=True)
class Remark:
    """A measured fact: a code for programs, words for people."""

    code: str
    text: str


def pace(one: WorkoutSet) -> Pace | None:
    """None where nothing was counted."""
    if not one.reps:
        return None
    turns = np.array([rep.turn for rep in one.reps])
    if len(turns) < 2:
        return Pace(one.reps[0].end - one.reps[0].start, 0.0, 0.0)
    apart, waits = np.diff(turns), _waits(one.reps)
    steady = waits <= _longest_wait(one.reps)
    even = apart[steady]
    variation = float(even.std() / np.median(even)) if len(even) else 0.0
    return Pace(float(np.median(apart)), variation, _change(np.flatnonzero(steady), even - waits[steady]))


def _change(number: NDArray[np.int64], lasting: NDArray[np.float64]) -> float:
    """From the first to the last of the line through the logarithms of `lasting` (n,) seconds, as a share of the first:
    a line through seconds may end below none. Never more than lies between the shortest and the longest."""
    if len(lasting) < LEAST_REPS - 1:
        return 0.0
    levels = np.log(np.maximum(lasting, SHORTEST))
    rise = float(np.polyfit(number, levels, 1)[0]) * float(number[-1] - number[0])
    most = float(np.ptp(levels))
    return float(np.expm1(np.clip(rise, -most, most)))


def _waits(reps: tuple[Repetition, ...]) -> NDArray[np.float64]:
    """(n - 1,) seconds between each repetition and the next."""
    return np.array([after.start - before.end for before, after in pairwise(reps)])


def _longest_wait(reps: tuple[Repetition, ...]) -> float:
    """Seconds; a longer one is a pause."""
    return max(LONG_PAUSE, float(np.median([rep.end - rep.start for rep in reps])) / 2)


def remarks(one: WorkoutSet) -> list[Remark]:
    """Facts worth telling, none of them a judgement of form."""
    if one.count is None:
        return []
    return [*_of_tempo(one), *_of_range(one), *_of_pauses(one.reps), *_of_counting(one.reps)]


def _of_tempo(one: WorkoutSet) -> list[Remark]:
    measured = pace(one)
    if measured is None or len(one.reps) < LEAST_REPS:
        return []
    if measured.trend > SLOWER:
        return [
            Remark("slowing", f"You slowed down: the last repetitions took {measured.trend:.0%} longer than the first")
        ]
    if measured.trend < FASTER:
        return [
            Remark(
                "speeding_up", f"You sped up: the last repetitions were {-measured.trend:.0%} shorter than the first"
            )
        ]
    if measured.variation > UNEVEN:
        return [
            Remark(
                "uneven_tempo",
                f"Your tempo was uneven: the time from one repetition to the next differed by {measured.variation:.0%}",
            )
        ]
    return []


def _of_range(one: WorkoutSet) -> list[Remark]:
    found = []
    seen = [rep for rep in one.reps if rep.seen]
    third = max(1, len(seen) // 3)
    if len(seen) >= LEAST_REPS:
        first, last = (float(np.median([rep.range_rel for rep in part])) for part in (seen[:third], seen[-third:]))
        if last < (1 - SHRUNK) * first:
            found.append(
                Remark(
                    "range_shrinking",
                    f"Your range got smaller: the last repetitions went {1 - last / first:.0%} less far",
                )
            )
    partial = [number for number, rep in enumerate(one.reps, 1) if rep.partial]
    if partial:
        which = ", ".join(map(str, partial))
        found.append(Remark("partial_reps", f"Went less far than the others: repetition {which}"))
    return found


def _of_pauses(reps: tuple[Repetition, ...]) -> list[Remark]:
    waits = _waits(reps)
    long = waits[waits > _longest_wait(reps)]
    if not len(long):
        return []
    times = "once" if len(long) == 1 else f"{len(long)} times"
    return [Remark("pauses", f"You paused {times} within the set, {sum(long):.0f} seconds in all")]


def _of_counting(reps: tuple[Repetition, ...]) -> list[Remark]:
    hidden = sum(not rep.seen for rep in reps)
    if not hidden:
        return []
    return [Remark("partly_hidden", f"{hidden} of the repetitions were hidden and counted by the beat of the others")]
