"""Finds the sets in a stretch of motion: rhythmic ones, single repetitions, and holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from analysis.excursions import excursions
from analysis.flow import RATE, Flow
from analysis.holds import holds
from analysis.legs import cosine
from analysis.repetitions import Rep, count
from analysis.rhythm import Field, Line, calmed, main_directions, parts_of, rhythm
from analysis.stretches import Stretch, differing, is_half, stretches
from schemas import Method

SIDES = 0.15
"""Share of the motion that differs each other repetition from which they are done side by side."""

GOES_ON_SECONDS, GOES_ON_LENGTHS, SAME_MOVE, SAME_BEAT = 4.0, 1.8, 0.85, 1.8
"""Two runs are one set if they lie no further apart than these seconds or repetitions, go the same way (cosine) and
are of like length: who trains may pause for breath. Longer is a rest."""

SHORTEST_FLOW = 8
"""Steps of motion under which nothing can be told."""


@dataclass(frozen=True)
class FoundSet:
    """A set, times in steps. `score` is how well it repeats (for single ones: how straight), `fills` its share of the
    motion around it, `sides` how much differs each other time."""

    method: Method
    first: float
    end: float
    reps: tuple[Rep, ...]
    score: float
    fills: float = 1.0
    sides: float = 0.0
    move: Line = field(default_factory=lambda: np.zeros(1))
    """Displacement of its way out, in the cells of the picture, of length one."""

    @property
    def beat(self) -> float:
        """Steps from one repetition to the next; of a single one its length."""
        turns = [rep.turn for rep in self.reps]
        return float(np.median(np.diff(turns))) if len(turns) > 1 else self.end - self.first


def find_sets(flow: Flow, cuts: tuple[float, ...]) -> list[FoundSet]:
    """In time order; steps count from the beginning of `flow`. `cuts` are the times of hard cuts."""
    if len(flow.values) < SHORTEST_FLOW:
        return []
    edges = sorted({round((cut - flow.start) * RATE) for cut in cuts if flow.start < cut < flow.end})
    values = flow.values.copy()
    for edge in edges:
        values[max(0, edge - 2) : edge + 1] = 0
    calm = calmed(values)
    parts = parts_of(calm, flow.columns)
    directions = main_directions(parts)
    motion = np.ascontiguousarray(parts @ directions)
    sets = _going_on(_rhythmic(motion, edges), edges)
    sets += _single(motion, sets, edges)
    sets = [_with_move(one, directions, calm.shape[1] * 2) for one in sets]
    sets += [FoundSet("hold", a, b, (), score) for a, b, score in holds(calm, [(s.first, s.end) for s in sets])]
    return sorted(sets, key=lambda one: one.first)


def _rhythmic(motion: Field, cuts: list[int]) -> list[FoundSet]:
    sets: list[FoundSet] = []
    found = stretches(rhythm(motion))
    for number, one in enumerate(found):
        low = max([0, *(int(before.end) for before in sets), *(other.end for other in found[:number])])
        high = found[number + 1].first if number + 1 < len(found) else len(motion)
        sets += _counted(motion, one, (low, high), cuts)
    return sets


def _counted(motion: Field, one: Stretch, within: tuple[int, int], cuts: list[int]) -> list[FoundSet]:
    share = differing(motion[one.first : one.end], one.period)
    half = is_half(one.period, share)
    reps = count(motion, (one.first, one.end), one.period * (2 if half else 1), within, cuts)
    if not reps:
        return []
    return [FoundSet("periodic", reps[0].start, reps[-1].end, tuple(reps), one.score, sides=0.0 if half else share)]


def _going_on(sets: list[FoundSet], cuts: list[int]) -> list[FoundSet]:
    """Sets that are one set with a pause, as one."""
    result: list[FoundSet] = []
    for one in sets:
        if result and _is_same(result[-1], one, cuts):
            before = result.pop()
            share = len(before.reps) / (len(before.reps) + len(one.reps))
            result.append(
                FoundSet(
                    "periodic",
                    before.first,
                    one.end,
                    before.reps + one.reps,
                    share * before.score + (1 - share) * one.score,
                    sides=min(before.sides, one.sides),
                )
            )
        else:
            result.append(one)
    return result


def _is_same(before: FoundSet, after: FoundSet, cuts: list[int]) -> bool:
    pause, beat = after.first - before.end, max(before.beat, after.beat)
    shots = sum(before.end < cut < after.first for cut in cuts)
    if shots > 1 or pause > max(GOES_ON_SECONDS * RATE, GOES_ON_LENGTHS * beat):
        return False
    return beat < SAME_BEAT * min(before.beat, after.beat) and abs(cosine(_move(before), _move(after))) > SAME_MOVE


def _single(motion: Field, sets: list[FoundSet], cuts: list[int]) -> list[FoundSet]:
    """What is done without a rhythm in the stretches that hold no set."""
    result = []
    for shot in pairwise([0, *cuts, len(motion)]):
        free = [shot]
        for one in sets:
            begin, end = int(one.first), int(one.end) + 1
            free = [part for a, b in free for part in ((a, min(b, begin)), (max(a, end), b)) if part[1] > part[0]]
        for part in free:
            result += [
                FoundSet("excursion", one.reps[0].start, one.reps[-1].end, one.reps, one.along, one.fills)
                for one in excursions(motion, *part, whole=part == shot)
            ]
    return result


def _move(one: FoundSet) -> Line:
    """Displacement of its repetitions' way out, in the middle."""
    moves = [rep.move for rep in one.reps if rep.move is not None]
    return np.median(moves, axis=0) if moves else np.zeros(1)


def _with_move(one: FoundSet, directions: Field, cells: int) -> FoundSet:
    move = _move(one)
    seen = (directions @ move)[:cells] if len(move) > 1 else np.zeros(cells)
    unit = seen / (np.linalg.norm(seen) + 1e-12)
    return FoundSet(one.method, one.first, one.end, one.reps, one.score, one.fills, one.sides, unit)
