"""How a set that was found is told: its unit, and the range of its count by how sure that is."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import finder
from analysis.flow import RATE, FlowTrack
from analysis.workout_results import exercise_step
from schemas import WorkoutSet

ROWS, COLUMNS = 9, 16
LEFT, RIGHT = slice(3, 6), slice(9, 12)
"""Columns of the picture in which the one arm and the other are."""


def told(reps: int, other: slice = LEFT) -> WorkoutSet:
    """The one set of 30 seconds in which every second repetition is done by the `other` arm."""
    times = np.arange(30 * int(RATE) + 1) / RATE
    number = np.floor((times - 6) / 2)
    place = np.where((number >= 0) & (number < reps), 0.05 - 0.05 * np.cos(np.pi * (times - 6)), 0.0)
    track = FlowTrack()
    random = np.random.default_rng(0)
    for step, moved in enumerate(np.diff(place)):
        flow = random.normal(size=(ROWS, COLUMNS, 2)).astype(np.float32) * 1e-4
        flow[3:, other if number[step] % 2 else LEFT, 1] += moved
        track.add(step / RATE, (step + 1) / RATE, flow, np.zeros((ROWS, COLUMNS), np.float32))
    (one,) = finder.SetFinder(track).look((), last=True)
    return one


def test_where_left_and_right_take_turns_each_side_is_counted() -> None:
    one, both = told(8), told(8, RIGHT)
    assert (one.count, one.unit) == (8, "reps")
    assert (both.count, both.unit) == (8, "each side")
    assert exercise_step(both).count_unit == "each side"
    assert exercise_step(both).description.endswith(", from side to side")


@pytest.mark.parametrize(
    ("reps", "sure", "low", "high"),
    [
        (8, 0.96, 8, 8),
        (8, 0.95, 7, 9),
        (8, 0.61, 7, 9),
        (8, 0.6, 6, 10),
        (8, 0.4, 6, 10),
        (4, 0.5, 2, 6),
        (3, 0.5, 2, 4),
        (8, 0.39, None, None),
    ],
)
def test_the_less_sure_a_count_is_the_wider_is_its_range(
    monkeypatch: pytest.MonkeyPatch, reps: int, sure: float, low: int | None, high: int | None
) -> None:
    monkeypatch.setattr(finder, "confidence", lambda _: sure)
    one = told(reps)
    assert (one.count, one.low, one.high) == (None if low is None else reps, low, high)
