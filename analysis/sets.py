"""Finds the sets in a stretch of motion: rhythmic ones, single repetitions, and holds."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.excursions import excursions
from analysis.flow import RATE, Flow
from analysis.found import FoundSet
from analysis.holds import holds
from analysis.legs import cosine
from analysis.repetitions import count
from analysis.rhythm import Field, across_of, brightness_of, calmed, main_directions, parts_of, rhythm, rows_of
from analysis.stretches import HOP_SECONDS, Stretch, differing, is_half, stretches
from analysis.trust import LEAST_CONFIDENCE, confidence

GOES_ON_SECONDS, GOES_ON_LENGTHS, SAME_MOVE, SAME_BEAT = 4.0, 1.8, 0.85, 1.8
"""Two runs are one set if they lie no further apart than these seconds or repetitions, go the same way (cosine) and
are of like length: who trains may pause for breath. Longer is a rest."""

LEAST_LIKENESS = 0.8
"""Cosine between the repetitions of a rhythmic set, in the middle: walking, talk and dance often stay below,
nineteen in twenty true sets are above 0.9."""

MARKEDLY, SURE, TWICE_AS_MANY = 0.15, 0.6, 1.6
"""How much surer a set seen another way must be to overrule others; or how sure it must be where it has so many times
as many repetitions, or as few."""

MIDDLE = (20, 80)
"""Percentiles between which the places of a set's repetitions tell how it roams: a passer-by shifts a few of them."""

SHORTEST_FLOW = 8
"""Steps of motion under which nothing can be told."""


def find_sets(flow: Flow, cuts: tuple[float, ...]) -> list[FoundSet]:
    """In time order; steps count from the beginning of `flow`. `cuts` are the times of hard cuts."""
    if len(flow.values) < SHORTEST_FLOW:
        return []
    edges = sorted({round((cut - flow.start) * RATE) for cut in cuts if flow.start < cut < flow.end})
    values, grey = flow.values.copy(), flow.grey.copy()
    for edge in edges:
        values[max(0, edge - 2) : edge + 1] = 0
        grey[max(0, edge - 2) : edge + 1] = 0
    calm = calmed(values)
    parts = parts_of(calm, flow.columns)
    directions = main_directions(parts)
    sets: list[FoundSet] = []
    cells, across, bright = calm.reshape(len(calm), -1), across_of(calm), brightness_of(grey)
    for seen, whole in (
        (np.ascontiguousarray(parts @ directions), cells),
        (rows_of(calm, flow.columns), cells),
        (_main(across), across),
        (_main(bright), bright),
    ):
        sets = _better(sets, [_placed(one, calm, flow.columns) for one in _rhythmic(seen, whole, edges)])
    sets = _going_on(sorted(sets, key=lambda one: one.first), edges)
    sets = [_filling(one, calm, edges) for one in sets]
    rare = np.ascontiguousarray(parts_of(calmed(values, rare=True), flow.columns) @ directions)
    counted = [one for one in sets if confidence(one) >= LEAST_CONFIDENCE]
    sets = _better(sets, [_placed(one, calm, flow.columns) for one in _single(rare, counted, edges)])
    sets += [FoundSet("hold", a, b, (), score) for a, b, score in holds(calm, [(s.first, s.end) for s in sets])]
    return sorted(sets, key=lambda one: one.first)


def _main(parts: Field) -> Field:
    """Motion along its main directions."""
    return np.ascontiguousarray(parts @ main_directions(parts))


def _better(sets: list[FoundSet], others: list[FoundSet]) -> list[FoundSet]:
    """`sets`, but where `others`, seen another way, overrule them."""
    result = list(sets)
    for one in others:
        rivals = [other for other in result if other.first < one.end and one.first < other.end]
        if not rivals or _overrules(one, rivals):
            result = [other for other in result if other not in rivals] + [one]
    return result


def _overrules(one: FoundSet, rivals: list[FoundSet]) -> bool:
    """If it is trusted markedly more; or is sure of about twice as many, the other side's repetitions among them; or of
    half as many, where the others are so fast that they are hops, of which two make a repetition."""
    sure = confidence(one)
    if sure > max(confidence(other) for other in rivals) + MARKEDLY:
        return True
    many = sum(len(other.reps) for other in rivals)
    hops = all(other.beat < HOP_SECONDS * RATE for other in rivals)
    twice = one.beat > HOP_SECONDS * RATE and len(one.reps) > TWICE_AS_MANY * many
    return sure > SURE and (twice or (hops and TWICE_AS_MANY * len(one.reps) < many))


def _rhythmic(motion: Field, whole: Field, cuts: list[int]) -> list[FoundSet]:
    sets: list[FoundSet] = []
    found = stretches(rhythm(motion))
    for number, one in enumerate(found):
        low = max([0, *(int(before.end) for before in sets), *(other.end for other in found[:number])])
        high = found[number + 1].first if number + 1 < len(found) else len(motion)
        sets += _counted(motion, whole, one, (low, high), cuts)
    return [one for one in sets if _likeness(one) > LEAST_LIKENESS]


def _likeness(one: FoundSet) -> float:
    """How like each other the repetitions that were seen are."""
    return float(np.median([rep.likeness for rep in one.reps if rep.move is not None] or [0.0]))


def _counted(motion: Field, whole: Field, one: Stretch, within: tuple[int, int], cuts: list[int]) -> list[FoundSet]:
    share = differing(motion[one.first : one.end], one.period)
    half = is_half(one.period, share)
    reps = count(motion, whole, (one.first, one.end), one.period * (2 if half else 1), within, cuts)
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
                    roams=max(before.roams, one.roams),
                    move=before.move,
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
    return beat < SAME_BEAT * min(before.beat, after.beat) and abs(cosine(before.move, after.move)) > SAME_MOVE


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


def _filling(one: FoundSet, calm: NDArray[np.float32], cuts: list[int]) -> FoundSet:
    """With how much of the motion of its shots it holds."""
    shots = [(a, b) for a, b in pairwise([0, *cuts, len(calm)]) if a < one.end and b > one.first]
    energy = (calm[shots[0][0] : shots[-1][1]] ** 2).sum(axis=(1, 2))
    first, end = (int(place) - shots[0][0] for place in (one.first, one.end + 1))
    return replace(one, fills=float(energy[max(0, first) : end].sum() / (energy.sum() + 1e-12)))


def _placed(one: FoundSet, calm: NDArray[np.float32], columns: int) -> FoundSet:
    """With how its cells move on the way out, in the middle over the repetitions, and how much it roams."""
    spans = [(round(rep.start), max(round(rep.turn), round(rep.start) + 1), round(rep.end) + 1) for rep in one.reps]
    usual = np.median([calm[start:turn].sum(axis=0).ravel() for start, turn, _ in spans], axis=0).astype(np.float64)
    across = (np.arange(calm.shape[1]) % columns).astype(np.float64)
    places, widths = [], []
    for start, _, end in spans:
        share = np.sqrt((calm[start:end] ** 2).sum(axis=2)).sum(axis=0) + 1e-9
        share = share / share.sum()
        places.append(float(share @ across))
        widths.append(float(np.sqrt(share @ (across - places[-1]) ** 2)))
    low, high = np.percentile(places, MIDDLE)
    roams = float(high - low) / (float(np.median(widths)) + 1.0)
    return replace(one, move=np.asarray(usual / (np.linalg.norm(usual) + 1e-12)), roams=roams)
