"""The drawn workouts: every condition, in a half to tune on and a half to judge by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.drawn_workouts.casts import HALVES
from benchmarks.drawn_workouts.exercises import EXERCISES, HELD
from benchmarks.drawn_workouts.filming import Setting
from benchmarks.drawn_workouts.scripts import Script

WORKING = (
    *("clean", "hand-held", "slow", "irregular", "grain", "light", "small", "passers-by", "angle cuts", "cross-fades"),
    *("short sets", "clip ends", "pauses", "holds"),
)
NOTHING = ("rest only", "dance", "talk")
"""Conditions with nothing to count."""

CONDITIONS = (*WORKING, *NOTHING, "rounds")


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
