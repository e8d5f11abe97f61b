"""The closed lists from which movements are named, where a client brings no list of its own."""

from __future__ import annotations

EXERCISES = (
    "squats",
    "jump squats",
    "goblet squats",
    "barbell squats",
    "split squats",
    "lunges",
    "walking lunges",
    "side lunges",
    "step-ups",
    "calf raises",
    "wall sit",
    "glute bridges",
    "hip thrusts",
    "deadlifts",
    "kettlebell swings",
    "push-ups",
    "knee push-ups",
    "bench press",
    "dips",
    "pull-ups",
    "chin-ups",
    "lat pulldowns",
    "bent-over rows",
    "overhead press",
    "lateral raises",
    "biceps curls",
    "triceps extensions",
    "plank",
    "side plank",
    "sit-ups",
    "crunches",
    "bicycle crunches",
    "Russian twists",
    "leg raises",
    "mountain climbers",
    "superman hold",
    "bird dog",
    "burpees",
    "jumping jacks",
    "high knees",
    "butt kicks",
    "running in place",
    "box jumps",
    "jump rope",
    "battle ropes",
    "medicine ball slams",
    "shadow boxing",
    "rowing machine",
    "stationary bike",
    "yoga stretches",
)
"""Fifty, in the plural where one does several: what the captions of training videos say most."""

PHASES = ("warming up", "exercising", "resting", "stretching and cooling down")
"""What a stretch of a workout may be."""

NO_EXERCISE = "no exercise"
"""The label to be chosen when none of a list fits; it belongs on every list."""


def with_none(labels: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """A list without repeats (letter case aside), with `NO_EXERCISE` at its end."""
    kept = {label.casefold(): label for label in reversed(labels)}
    ordered = [label for label in labels if kept.get(label.casefold()) is label]
    return (*dict.fromkeys(ordered), NO_EXERCISE) if NO_EXERCISE not in ordered else tuple(dict.fromkeys(ordered))
