"""How far a count can be trusted: what was measured about a set, weighed into one number."""

from __future__ import annotations

import numpy as np

from analysis.flow import RATE
from analysis.found import SIDE_TO_SIDE, SIDES, FoundSet
from analysis.rhythm import Line

LEAST_CONFIDENCE = 0.4
"""Below it a count is withheld."""

WEIGHTS = {
    "once": -9.58,
    "likeness": 6.77,
    "least likeness": 2.08,
    "unevenness": -3.11,
    "uneven lengths": -2.28,
    "unequal reach": -1.78,
    "hidden": -2.01,
    "many": 0.7,
    "roams": -1.94,
    "sides": 0.05,
    "score": 1.13,
    "course": 1.22,
    "agreed": 0.53,
    "denied": -0.5,
    "side to side": 0.65,
}
"""Logistic regression of "no more than one off, and right below five" on the drawn workouts of the tuning half
(`python -m benchmarks.workout --fit`)."""

WALKING_SECONDS, ROAMING = 1.3, 0.45
"""A quick rhythm whose place wanders by more than this share of its own extent is somebody walking: a step takes
half a second, and who does jumping jacks stays where they are."""

FEW, ALONE_FROM, ALONE_TO = 3, 0.5, 0.9
"""Fewer rhythmic repetitions than this are believed only where they are what a shot shows: people at rest bend twice
too. Share of the shot's motion that they hold."""

UNEVEN_OF_TWO = 0.3
"""Unevenness taken for two repetitions, of which nobody can tell."""

MANY = 10
"""Repetitions from which more add nothing to the trust."""

STRAIGHT_FROM, STRAIGHT_TO = 0.55, 0.95
"""Share of a single repetition's motion along its way: 0.5-0.77 in drawn gestures, 0.7-0.97 in true ones."""

FILLS_FROM, FILLS_TO = 0.6, 0.95
"""Share of the motion around them that one or two repetitions hold."""

LIKE_FROM, LIKE_TO, LEAST_LIKE = 0.9, 0.98, 25
"""Cosines of three or more repetitions without a rhythm, and the percentile of theirs that is held against these: of
many, one is always less like the others."""

COURSE_FROM, COURSE_TO = 0.5, 0.8
"""How like each other their whole courses are: 0.3 to 0.55 in gestures that go the same way by chance."""

MOST_SINGLE, MOST_CUT_OFF = 0.8, 0.75
"""What is not periodic is never trusted more, and what a cut may have taken a part of."""


def confidence(one: FoundSet) -> float:
    """Likelihood that the count is right, 0-1: no more than one off, and exact below five."""
    if one.method == "hold":
        return round(0.5 + 0.4 * one.score, 3)
    if one.method == "excursion":
        return round(_of_single(one), 3)
    if one.beat < WALKING_SECONDS * RATE and one.roams > ROAMING:
        return 0.0
    total = float(evidence(one) @ np.array(list(WEIGHTS.values())))
    alone = _between(one.fills, ALONE_FROM, ALONE_TO) if len(one.reps) < FEW else 1.0
    return round(alone * float(1 / (1 + np.exp(-total))), 3)


def evidence(one: FoundSet) -> Line:
    """What WEIGHTS weigh, in their order."""
    seen = [rep for rep in one.reps if rep.move is not None] or list(one.reps)
    alike = np.array([rep.likeness for rep in seen])
    reaches = np.array([rep.reach for rep in seen])
    apart = np.diff([rep.turn for rep in one.reps])
    lengths = np.array([rep.end - rep.start for rep in seen])
    return np.array(
        [
            1.0,
            float(np.median(alike)),
            float(alike.min()),
            float(apart.std() / apart.mean()) if len(apart) > 1 else UNEVEN_OF_TWO,
            float(lengths.std() / lengths.mean()) if len(lengths) > 1 else UNEVEN_OF_TWO,
            float(reaches.std() / reaches.mean()),
            1 - len(seen) / len(one.reps),
            float(np.log(min(len(one.reps), MANY))),
            min(one.roams, ROAMING),
            float(one.sides > SIDES),
            one.score,
            _between(one.course, COURSE_FROM, COURSE_TO),
            one.agreed,
            one.denied,
            float(one.sides == SIDE_TO_SIDE),
        ]
    )


def _of_single(one: FoundSet) -> float:
    most = MOST_CUT_OFF if one.cut_off else MOST_SINGLE
    straight = most * _between(one.score, STRAIGHT_FROM, STRAIGHT_TO)
    if len(one.reps) < 3:
        return straight * (0.6 + 0.4 * _between(one.fills, FILLS_FROM, FILLS_TO))
    like = float(np.percentile([rep.likeness for rep in one.reps], LEAST_LIKE))
    course = _between(one.course, COURSE_FROM, COURSE_TO)
    return straight * course * _between(like, LIKE_FROM, LIKE_TO)


def _between(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1))
