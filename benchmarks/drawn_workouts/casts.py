"""Who does what, and where, in each half of the drawn workouts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.drawn_workouts.exercises import EXERCISES
from benchmarks.drawn_workouts.figures import Build

MIXED_SEEDS = 100_000
"""How far from a cast's seeds those of all earlier ones mixed lie."""


@dataclass(frozen=True)
class Cast:
    """What a workout is drawn from, and where the seeds begin."""

    exercises: tuple[str, ...]
    builds: tuple[Build, ...]
    places: tuple[str, ...]
    seed: int

    def and_of(self, other: Cast) -> Cast:
        """With what the other has as well."""
        return Cast(
            (*self.exercises, *other.exercises),
            (*self.builds, *other.builds),
            (*self.places, *other.places),
            self.seed,
        )


_SECOND = ("good morning", "bridge", "side lunge", "mountain climber")
LATER = (
    Cast(
        ("step-up", "leg raise", "pull-up", "side bend", "skater"),
        (Build("lanky", 0.11, 0.055, 0.11, 0.8),),
        ("shelves",),
        33_300_000,
    ),
    Cast(
        ("thruster", "superman", "bird dog", "wood chop", "bicycle crunch"),
        (Build("stocky", 0.21, 0.085, 0.15, 0.95),),
        ("park",),
        52_600_000,
    ),
    Cast(
        ("v-up", "upright row", "donkey kick", "windmill", "squat jump"),
        (Build("wiry", 0.12, 0.075, 0.17, 1.05),),
        ("windows",),
        81_900_000,
    ),
    Cast(
        ("pull-down", "twist", "side leg raise", "inchworm", "punch"),
        (Build("round", 0.27, 0.08, 0.15, 1.1),),
        ("tiles",),
        117_400_000,
    ),
    Cast(
        ("clean", "dead bug", "reverse fly", "triceps extension", "butt kick"),
        (Build("heavy-limbed", 0.18, 0.12, 0.13, 1.2),),
        ("boards",),
        163_800_000,
    ),
    Cast(
        ("toe touch", "front raise", "sumo squat", "cross crunch", "single-leg dead lift"),
        (Build("big-headed", 0.14, 0.065, 0.23, 0.95),),
        ("posters",),
        214_600_000,
    ),
    Cast(
        ("two-arm curl", "crunch", "slam", "march", "pike push-up"),
        (Build("narrow", 0.15, 0.055, 0.18, 0.75),),
        ("racks",),
        271_300_000,
    ),
)
"""In the order in which they were drawn to judge by. Only the evaluation half shows the last; the failures of the
others were looked at, so they are there to learn from."""

_NOT_FIRST = {*_SECOND, *(name for cast in LATER for name in cast.exercises)}
FIRST = Cast(
    tuple(name for name in EXERCISES if name not in _NOT_FIRST),
    (
        Build("usual"),
        Build("slim", 0.1, 0.05, 0.12, 0.9),
        Build("strong", 0.17, 0.09, 0.14, 1.1),
        Build("broad", 0.24, 0.1, 0.16, 1.3),
    ),
    ("room", "studio", "wall", "stripes"),
    1_000,
)
SECOND = Cast(_SECOND, (*FIRST.builds, Build("child", 0.15, 0.08, 0.2, 1.15)), (*FIRST.places, "bricks"), 7_100_000)


def _judged() -> Iterator[tuple[Cast, Cast]]:
    """Each cast that was drawn to judge by, and all that was known before it, mixed."""
    known = replace(SECOND, exercises=(*FIRST.exercises, *SECOND.exercises))
    for cast in LATER:
        yield cast, replace(known, seed=cast.seed + MIXED_SEEDS)
        known = known.and_of(cast)


*_SPENT, _NEWEST = _judged()

HALVES = {"tuning": (FIRST, FIRST, SECOND, *(cast for pair in _SPENT for cast in pair)), "evaluation": _NEWEST}
"""The casts that the workouts of a half are drawn from in turn."""
