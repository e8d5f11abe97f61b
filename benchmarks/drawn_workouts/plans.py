"""The drawn workouts: every condition, in a half to tune on and a half to judge by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.drawn_workouts.exercises import (
    EXERCISES,
    FIFTH_BUILDS,
    FIFTH_EXERCISES,
    FIRST_BUILDS,
    FIRST_EXERCISES,
    FOURTH_BUILDS,
    FOURTH_EXERCISES,
    HELD,
    SECOND_BUILDS,
    SECOND_EXERCISES,
    SEVENTH_BUILDS,
    SEVENTH_EXERCISES,
    SIXTH_BUILDS,
    SIXTH_EXERCISES,
    THIRD_BUILDS,
    THIRD_EXERCISES,
    UNSEEN_BUILDS,
    UNSEEN_EXERCISES,
)
from benchmarks.drawn_workouts.figures import Build
from benchmarks.drawn_workouts.filming import Setting
from benchmarks.drawn_workouts.places import (
    FIFTH_PLACES,
    FIRST_PLACES,
    FOURTH_PLACES,
    SECOND_PLACES,
    SEVENTH_PLACES,
    SIXTH_PLACES,
    THIRD_PLACES,
    UNSEEN_PLACES,
)
from benchmarks.drawn_workouts.scripts import Script

WORKING = (
    *("clean", "hand-held", "slow", "irregular", "grain", "light", "small", "passers-by", "angle cuts", "cross-fades"),
    *("short sets", "clip ends", "pauses", "holds"),
)
NOTHING = ("rest only", "dance", "talk")
"""Conditions with nothing to count."""

CONDITIONS = (*WORKING, *NOTHING, "rounds")


@dataclass(frozen=True)
class Cast:
    """What a workout is drawn from, and where the seeds begin."""

    exercises: tuple[str, ...]
    builds: tuple[Build, ...]
    places: tuple[str, ...]
    seed: int


FIRST = Cast(FIRST_EXERCISES, FIRST_BUILDS, FIRST_PLACES, 1_000)
SECOND = Cast(SECOND_EXERCISES, (*FIRST_BUILDS, *SECOND_BUILDS), (*FIRST_PLACES, *SECOND_PLACES), 7_100_000)
THIRD = Cast(THIRD_EXERCISES, THIRD_BUILDS, THIRD_PLACES, 33_300_000)
MIXED = Cast((*FIRST_EXERCISES, *SECOND_EXERCISES), SECOND.builds, SECOND.places, 33_400_000)
FOURTH = Cast(FOURTH_EXERCISES, FOURTH_BUILDS, FOURTH_PLACES, 52_600_000)
AGAIN_MIXED = Cast(
    (*MIXED.exercises, *THIRD_EXERCISES),
    (*MIXED.builds, *THIRD_BUILDS),
    (*MIXED.places, *THIRD_PLACES),
    52_700_000,
)
FIFTH = Cast(FIFTH_EXERCISES, FIFTH_BUILDS, FIFTH_PLACES, 81_900_000)
MORE_MIXED = Cast(
    (*AGAIN_MIXED.exercises, *FOURTH_EXERCISES),
    (*AGAIN_MIXED.builds, *FOURTH_BUILDS),
    (*AGAIN_MIXED.places, *FOURTH_PLACES),
    82_000_000,
)
SIXTH = Cast(SIXTH_EXERCISES, SIXTH_BUILDS, SIXTH_PLACES, 117_400_000)
STILL_MORE_MIXED = Cast(
    (*MORE_MIXED.exercises, *FIFTH_EXERCISES),
    (*MORE_MIXED.builds, *FIFTH_BUILDS),
    (*MORE_MIXED.places, *FIFTH_PLACES),
    117_500_000,
)
SEVENTH = Cast(SEVENTH_EXERCISES, SEVENTH_BUILDS, SEVENTH_PLACES, 163_800_000)
EVEN_MORE_MIXED = Cast(
    (*STILL_MORE_MIXED.exercises, *SIXTH_EXERCISES),
    (*STILL_MORE_MIXED.builds, *SIXTH_BUILDS),
    (*STILL_MORE_MIXED.places, *SIXTH_PLACES),
    163_900_000,
)
"""But for the first, these were evaluation halves once: their failures were looked at, so they are there to learn
from."""

UNSEEN = Cast(UNSEEN_EXERCISES, UNSEEN_BUILDS, UNSEEN_PLACES, 214_600_000)
KNOWN = Cast(
    (*EVEN_MORE_MIXED.exercises, *SEVENTH_EXERCISES),
    (*EVEN_MORE_MIXED.builds, *SEVENTH_BUILDS),
    (*EVEN_MORE_MIXED.places, *SEVENTH_PLACES),
    214_700_000,
)

HALVES = {
    "tuning": (
        *(FIRST, FIRST, SECOND, THIRD, MIXED, FOURTH, AGAIN_MIXED, FIFTH, MORE_MIXED),
        *(SIXTH, STILL_MORE_MIXED, SEVENTH, EVEN_MORE_MIXED),
    ),
    "evaluation": (UNSEEN, KNOWN),
}
"""The casts that the workouts of a half are drawn from in turn."""


@dataclass(frozen=True)
class Drawn:
    """A workout to be filmed."""

    name: str
    condition: str
    script: Script
    setting: Setting
    seed: int


def plan(half: str, condition: str, number: int) -> Drawn:
    """The same every time."""
    casts = HALVES[half]
    cast = casts[number % len(casts)]
    earlier = sum(casts[before % len(casts)] is cast for before in range(number))
    seed = cast.seed + 100 * CONDITIONS.index(condition) + earlier
    random = np.random.default_rng(seed)
    setting = Setting(
        build=cast.builds[random.integers(len(cast.builds))],
        place=str(random.choice(cast.places)),
        size=random.uniform(0.58, 0.76),
    )
    script = Script(random)
    _WRITERS.get(condition, _sets)(script, list(cast.exercises), condition)
    setting = _filmed(setting, condition, script, random)
    return Drawn(f"{half}-{condition.replace(' ', '-')}-{number}", condition, script, setting, seed)


def _sets(script: Script, names: list[str], condition: str) -> None:
    """One to three sets with rests between, and before and after."""
    random = script.random
    how = {
        "slow": {"pace": 1.8},
        "irregular": {"uneven": 0.22, "held": 0.3},
        "pauses": {"pauses": 2.5},
    }.get(condition, {})
    script.rest(random.uniform(2.5, 5), "still")
    for name in random.choice(names, int(random.integers(1, 4))):
        fewest, most = (3, 8) if condition in ("slow", "pauses") else (4, 15)
        script.work(EXERCISES[str(name)], int(random.integers(fewest, most + 1)), **how)
        script.rest(random.uniform(6, 14))


def _short_sets(script: Script, names: list[str], condition: str) -> None:
    """A tutorial: one to three repetitions are shown, then somebody talks."""
    random = script.random
    script.talk(random.uniform(3, 5))
    for _ in range(3):
        script.poses.append(EXERCISES[name := str(random.choice(names))].keys[0])
        script.hold_still(script.poses[-1], random.uniform(0.5, 1.0), sway=0.001)
        script.work(EXERCISES[name], int(random.integers(1, 4)), pace=1.2)
        script.hold_still(script.poses[-1], random.uniform(0.4, 0.8), sway=0.001)
        script.talk(random.uniform(3, 6))


def _clip_ends(script: Script, names: list[str], condition: str) -> None:
    """The video begins with the first repetition and ends with the last."""
    script.work(EXERCISES[str(script.random.choice(names))], int(script.random.integers(3, 9)))


def _rounds(script: Script, names: list[str], condition: str) -> None:
    """Two exercises in turn, two rounds of them."""
    script.rest(script.random.uniform(2.5, 5), "still")
    for name in [*script.random.choice(names, 2, replace=False)] * 2:
        script.work(EXERCISES[str(name)], int(script.random.integers(5, 11)))
        script.rest(script.random.uniform(6, 14))


def _holds(script: Script, names: list[str], condition: str) -> None:
    random = script.random
    script.rest(random.uniform(3, 6), "fidget")
    script.stay(str(random.choice(list(HELD))), random.uniform(15, 40))
    script.rest(random.uniform(6, 12))
    script.work(EXERCISES[str(random.choice(names))], int(random.integers(5, 11)))
    script.rest(random.uniform(5, 8))


def _rest_only(script: Script, names: list[str], condition: str) -> None:
    while script.now < 75:
        script.rest(script.random.uniform(5, 15))


def _dance(script: Script, names: list[str], condition: str) -> None:
    script.dance(60)


def _talk(script: Script, names: list[str], condition: str) -> None:
    script.talk(60)


_WRITERS = {
    "short sets": _short_sets,
    "clip ends": _clip_ends,
    "holds": _holds,
    "rounds": _rounds,
    "rest only": _rest_only,
    "dance": _dance,
    "talk": _talk,
}


def _filmed(setting: Setting, condition: str, script: Script, random: np.random.Generator) -> Setting:
    if condition in ("angle cuts", "cross-fades"):
        cuts = [random.uniform(0.3, 0.7) * (one.end - one.start) + one.start for one in script.sets]
        return replace(setting, cuts=tuple(cuts), fades=condition == "cross-fades")
    if condition in NOTHING:
        return replace(setting, shake=float(random.choice([0, 0, 0.5])), pan=float(random.choice([0, 6])))
    conditions: dict[str, Setting] = {
        "hand-held": replace(setting, shake=0.7, pan=10.0),
        "grain": replace(setting, grain=12.0),
        "light": replace(setting, light=0.12),
        "small": replace(setting, size=random.uniform(0.28, 0.36)),
        "passers-by": replace(setting, passers=True),
    }
    return conditions.get(condition, setting)
