"""Moves from side to side, drawn as motion whose count is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.repetitions import Counted, count
from analysis.sides import Beat, beat_of, folded
from analysis.ways import pieces

LENGTH, REST = 20, 60
"""Steps of a repetition, and of standing still before and after them all."""


def eased(steps: int) -> NDArray[np.float64]:
    """From 0 to 1, slow at both ends."""
    return 0.5 - 0.5 * np.cos(np.pi * np.arange(1, steps + 1) / steps)


def trained(heights: list[float]) -> NDArray[np.float32]:
    """(n, 1) motion of repetitions that go so far, to the one side or the other, and come back."""
    half = LENGTH // 2
    course = [np.concatenate([height * eased(half), height * (1 - eased(half))]) for height in heights]
    places = np.concatenate([np.zeros(REST + 1), *course, np.zeros(REST)])
    return np.diff(places)[:, None].astype(np.float32)


def counted(field: NDArray[np.float32], period: float, reps: int) -> Counted:
    return count(field, field, (REST, REST + reps * LENGTH), period, (0, len(field)), [])


@pytest.mark.parametrize("reps", [4, 7, 12])
def test_each_side_is_a_repetition_with_its_turn_far_out(reps: int) -> None:
    found = counted(trained([(-1) ** number for number in range(reps)]), 2.0 * LENGTH, reps)
    assert found.sided
    assert [rep.turn for rep in found.reps] == pytest.approx([REST + LENGTH * (k + 0.5) for k in range(reps)], abs=1.5)


def test_out_and_back_the_same_way_is_not_folded() -> None:
    found = counted(trained([1.0] * 7), float(LENGTH), 7)
    assert not found.sided
    assert len(found.reps) == 7


def test_who_swings_through_the_middle_does_one_repetition_out_and_back() -> None:
    """A squat goes through its middle at its fastest, however it is smoothed."""
    swing = np.diff(np.sin(2 * np.pi * np.arange(301) / 40))[:, None].astype(np.float32)
    assert beat_of(swing, pieces(swing, (40, 260), 40.0, []), (40, 260), 40.0) == Beat(40.0)


def test_sides_too_quick_to_be_repetitions_are_left_together() -> None:
    quick = trained([1.0, -1.0] * 8)[::5] * 5
    core = (REST // 5, REST // 5 + 64)
    assert beat_of(quick, pieces(quick, core, 8.0, []), core, 8.0) == Beat(8.0)


def test_the_fold_follows_a_place_that_drifts() -> None:
    steps = np.arange(400)
    away = folded(np.sin(2 * np.pi * steps / 40) + 0.002 * steps, 20.0)
    assert away[100:300].max() == pytest.approx(1.0, abs=0.15)
    assert away[100:300].min() < 0.1
