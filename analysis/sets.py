"""Finds the sets in a stretch of motion: rhythmic ones, single repetitions, and holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.course import course
from analysis.excursions import excursions
from analysis.flow import Flow
from analysis.found import SIDE_TO_SIDE, FoundSet
from analysis.holds import holds
from analysis.hops import differing, is_half, opening
from analysis.joining import going_on
from analysis.parting import parted
from analysis.reaches import reaches
from analysis.repetitions import Rep, count
from analysis.rhythm import Field, parts_of, rhythm
from analysis.stretches import Stretch, stretches
from analysis.trust import LEAST_CONFIDENCE, confidence
from analysis.view import EDGE_STEPS, UNSEEN_STEPS, View, placed

LEAST_LIKENESS = 0.8
"""Cosine between the repetitions of a rhythmic set, in the middle: walking, talk and dance often stay below,
nineteen in twenty true sets are above 0.9."""

MARKEDLY, ABOUT_EQUAL = 0.15, 0.7
"""How much surer one reading must be to be believed against others; and the share of their time from which two are
readings of the same."""

LEAST_SHARED, FEW = 0.3, 4
"""Share of their time from which two readings are of one set, and counts up to which they must be the same to agree;
else one apart."""

LEAST_BESIDE = 3
"""Repetitions from which what a reading shows beside a more trusted one is a set of its own."""

LEAST_LEFT = 2.0
"""Periods that must be left of a stretch for another set to be sought there."""

BRISK = 0.5
"""Share of a set's middling speed from which a cut falls into motion: what it shows may be a part of what was done."""

SHORTEST_FLOW = 8
"""Steps of motion under which nothing can be told."""


def find_sets(flow: Flow, cuts: tuple[float, ...]) -> list[FoundSet]:
    """In time order; steps count from the beginning of `flow`. `cuts` are the times of hard cuts."""
    if len(flow.values) < SHORTEST_FLOW:
        return []
    view = View.of(flow, cuts)
    read = _readings(view)
    sets = going_on(_most_trusted(read), view.edges)
    trusted = [one for one in sets if confidence(one) >= LEAST_CONFIDENCE]
    sets = _most_trusted(sets + [part for one in read for part in beside(one, trusted, view.calm, view.columns)])
    sets = [view.filling(one) for one in view.completed(sets)]
    counted = [one for one in sets if confidence(one) >= LEAST_CONFIDENCE]
    rare = np.ascontiguousarray(parts_of(view.rare, flow.columns) @ view.directions)
    for one in _single(rare, counted, view.edges):
        sets = _with_single(sets, view.placed(one))
    sets = [replace(one, reaches=reaches(one, view.rare, view.edges)) for one in sets]
    found = [FoundSet("hold", a, b, (), score) for a, b, score in holds(view.calm, [(s.first, s.end) for s in sets])]
    return sorted(sets + found, key=lambda one: one.first)


def readings(flow: Flow, cuts: tuple[float, ...]) -> list[FoundSet]:
    """All rhythmic sets that any way of looking shows, of which `find_sets` takes the most trusted."""
    if len(flow.values) < SHORTEST_FLOW:
        return []
    view = View.of(flow, cuts)
    return _readings(view)


def _readings(view: View) -> list[FoundSet]:
    """What each way of looking shows, with how far the others agree."""
    seen = [[view.filling(view.placed(one)) for one in _rhythmic(*way, view)] for way in view.ways()]
    return [_compared(one, [other for other in seen if other is not mine and other]) for mine in seen for one in mine]


def _compared(one: FoundSet, others: list[list[FoundSet]]) -> FoundSet:
    """With how many of the other ways of looking count the same, and how many something else, as far as they look at
    the same time. To count each side or both together is no contradiction, to count along one opening no agreement."""
    agreed = denied = 0.0
    for other in filter(None, ([two for two in other if not (one.opens and two.opens)] for other in others)):
        near = max(other, key=lambda two: _shared(one, two))
        share, few, many = _shared(one, near), *sorted((len(one.reps), len(near.reps)))
        if share > LEAST_SHARED and many - few <= (1 if many > FEW else 0):
            agreed += share
        elif share > LEAST_SHARED and abs(many - 2 * few) > 1:
            denied += share
    return replace(one, agreed=agreed, denied=denied)


def _shared(one: FoundSet, other: FoundSet) -> float:
    """The time that two sets have in common, as a share of what they take together."""
    common = min(one.end, other.end) - max(one.first, other.first)
    return max(0.0, common) / (max(one.end, other.end) - min(one.first, other.first) + 1e-9)


def _most_trusted(found: list[FoundSet]) -> list[FoundSet]:
    """Those that are trusted most wherever several lie at one time, in time order; of about equals, the one whose
    count most of them share."""
    result: list[FoundSet] = []
    for one in sorted(found, key=confidence, reverse=True):
        if all(_apart(one, other) for other in result):
            equals = [
                other
                for other in found
                if _shared(one, other) > ABOUT_EQUAL
                and confidence(one) - confidence(other) < MARKEDLY
                and all(_apart(other, taken) for taken in result)
            ]
            votes = Counter(len(other.reps) for other in equals)
            result.append(max(equals, key=lambda other: (votes[len(other.reps)], confidence(other))))
    return sorted(result, key=lambda one: one.first)


def beside(one: FoundSet, taken: list[FoundSet], calm: NDArray[np.float32], columns: int) -> Iterator[FoundSet]:
    """What a reading shows before and after those that are trusted more: it may hold two sets and the rest between.
    Nothing of one that none of them meets. `calm` (n, cells, 2) is the motion it was read from."""
    if all(_apart(one, other) for other in taken):
        return
    runs: list[list[Rep]] = [[]]
    for rep in one.reps:
        if all(rep.end <= other.first or rep.start >= other.end for other in taken):
            runs[-1].append(rep)
        elif runs[-1]:
            runs.append([])
    for run in runs:
        if len(run) >= LEAST_BESIDE:
            part = replace(one, first=run[0].start, end=run[-1].end, reps=tuple(run), agreed=0.0, denied=0.0)
            yield replace(placed(part, calm, columns), course=course(calm, part.reps))


def _apart(one: FoundSet, other: FoundSet) -> bool:
    return min(one.end, other.end) <= max(one.first, other.first)


def _with_single(sets: list[FoundSet], one: FoundSet) -> list[FoundSet]:
    """Also what is done without a rhythm, where it is trusted markedly more than what seemed rhythmic."""
    rivals = [other for other in sets if other.first < one.end and one.first < other.end]
    if any(confidence(one) <= confidence(other) + MARKEDLY for other in rivals):
        return sets
    return [*(other for other in sets if other not in rivals), one]


def _rhythmic(motion: Field, whole: Field, worth: float, view: View) -> list[FoundSet]:
    sets: list[FoundSet] = []
    found = stretches(rhythm(motion), worth)
    for number, one in enumerate(found):
        low = max([0, *(int(before.end) for before in sets), *(other.end for other in found[:number])])
        high = found[number + 1].first if number + 1 < len(found) else len(motion)
        sets += _counted(motion, whole, one, (low, high), view)
    parts = [part for one in sets for part in parted(one, view.edges)]
    return [one for one in parts if _likeness(one) > LEAST_LIKENESS]


def _likeness(one: FoundSet) -> float:
    """How like each other the repetitions that were seen are."""
    return float(np.median([rep.likeness for rep in one.reps if rep.move is not None] or [0.0]))


def _counted(motion: Field, whole: Field, one: Stretch, within: tuple[int, int], view: View) -> list[FoundSet]:
    """The set in a stretch, and those in what it leaves of the stretch: a rest of about a period hides in a rhythm."""
    share = differing(motion[one.first : one.end], one.period)
    opens = opening(view.calm[one.first : one.end], view.columns, one.period)
    half = opens is not None or is_half(one.period, share)
    period = one.period * (2 if half else 1)
    along, all_of_it = (motion, whole) if opens is None else (view.cells @ opens, view.cells)
    counted = count(along, all_of_it, (one.first, one.end), period, within, view.edges)
    reps = tuple(counted.reps)
    if not reps:
        return []
    sides = SIDE_TO_SIDE if counted.sided else 0.0 if half else share
    found = FoundSet("periodic", reps[0].start, reps[-1].end, reps, one.score, sides=sides, opens=opens is not None)
    first, end = int(found.first), int(found.end) + 1
    before, after = replace(one, end=min(one.end, first)), replace(one, first=max(one.first, end))
    sets = [found]
    if before.end - before.first > LEAST_LEFT * period:
        sets = _counted(motion, whole, before, (within[0], first), view) + sets
    if after.end - after.first > LEAST_LEFT * period:
        sets += _counted(motion, whole, after, (end, within[1]), view)
    return sets


def _single(motion: Field, sets: list[FoundSet], cuts: list[int]) -> list[FoundSet]:
    """What is done without a rhythm in the stretches that hold no set."""
    result = []
    for shot in pairwise([0, *cuts, len(motion)]):
        free = [shot]
        for one in sets:
            begin, end = int(one.first), int(one.end) + 1
            free = [part for a, b in free for part in ((a, min(b, begin)), (max(a, end), b)) if part[1] > part[0]]
        for part in free:
            for few in excursions(motion, *part, whole=part == shot):
                times = few.reps[0].start, few.reps[-1].end
                running = _running_at_cuts(motion, shot, times)
                result.append(FoundSet("excursion", *times, few.reps, few.along, few.fills, cut_off=running))
    return result


def _running_at_cuts(motion: Field, shot: tuple[int, int], within: tuple[float, float]) -> bool:
    """Whether a cut at the begin or end of a shot falls into motion as brisk as `within` those steps."""
    speed = np.sqrt((motion.astype(np.float64) ** 2).sum(axis=1))
    brisk = BRISK * float(np.median(speed[int(within[0]) : int(within[1]) + 1]))
    begin, end = shot[0] + UNSEEN_STEPS[1], shot[1] - UNSEEN_STEPS[0]
    begins = shot[0] > 0 and float(speed[begin : begin + EDGE_STEPS].mean()) > brisk
    return begins or (shot[1] < len(motion) and float(speed[max(0, end - EDGE_STEPS) : end].mean()) > brisk)
