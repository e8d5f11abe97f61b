"""Joins what was found apart and is one set with a pause."""

from __future__ import annotations

from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.legs import cosine
from analysis.trust import confidence

GOES_ON_SECONDS, SAME_MOVE, SAME_BEAT = 4.0, 0.85, 1.8
"""Two runs are one set if they lie no further apart than these seconds, go the same way (cosine) and are of like
length: who trains may pause for breath. Longer is a rest."""

MANY = 3
"""Repetitions from which it is not asked whether the set that goes on with them is trusted less."""


def going_on(sets: list[FoundSet], cuts: list[int]) -> list[FoundSet]:
    """Sets that are one set with a pause, as one."""
    result: list[FoundSet] = []
    for one in sets:
        if result and _is_same(result[-1], one, cuts) and _is_believed(result[-1], one):
            result.append(_as_one(result.pop(), one))
        else:
            result.append(one)
    return result


def _is_believed(before: FoundSet, after: FoundSet) -> bool:
    """Whether two are trusted as one set: a few repetitions that make it doubtful are somebody who gets up."""
    few, many = sorted((before, after), key=lambda one: len(one.reps))
    return len(few.reps) >= MANY or confidence(_as_one(before, after)) >= confidence(many)


def _as_one(before: FoundSet, after: FoundSet) -> FoundSet:
    share = len(before.reps) / (len(before.reps) + len(after.reps))
    return FoundSet(
        "periodic",
        before.first,
        after.end,
        before.reps + after.reps,
        share * before.score + (1 - share) * after.score,
        sides=min(before.sides, after.sides),
        roams=max(before.roams, after.roams),
        course=share * before.course + (1 - share) * after.course,
        agreed=share * before.agreed + (1 - share) * after.agreed,
        denied=share * before.denied + (1 - share) * after.denied,
        move=before.move,
    )


def _is_same(before: FoundSet, after: FoundSet, cuts: list[int]) -> bool:
    pause, beat = after.first - before.end, max(before.beat, after.beat)
    shots = sum(before.end < cut < after.first for cut in cuts)
    if shots > 1 or pause > GOES_ON_SECONDS * RATE:
        return False
    return beat < SAME_BEAT * min(before.beat, after.beat) and abs(cosine(before.move, after.move)) > SAME_MOVE
