"""Two hops of one repetition, and what looks like them, drawn as flow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.flow import RATE, Flow
from analysis.hops import opening
from analysis.sets import find_sets
from analysis.trust import LEAST_CONFIDENCE, confidence

ROWS, COLUMNS, HOP_SECONDS = 9, 16, 0.6
REPS, BEFORE, AFTER = 8, 3.0, 6.0
LEFT, RIGHT, BODY, TOP, BOTTOM = 5, 9, (6, 7, 8), 3, 6

Way = Callable[[float], float]


def hopped(time: float) -> float:
    """Picture widths up from the floor."""
    return 0.02 * math.sin(math.pi * time / HOP_SECONDS) ** 2


def opened(time: float) -> float:
    """0 closed, 1 open: once in two hops."""
    return math.sin(math.pi * time / (2 * HOP_SECONDS)) ** 2


def drawn(moves: Callable[[NDArray[np.float32], Callable[[Way], float]], None]) -> Flow:
    """A still picture, but for a body that hops twice a repetition and does what `moves` has its limbs do in a step."""
    random, lasts = np.random.default_rng(0), 2 * HOP_SECONDS * REPS
    count = round((BEFORE + lasts + AFTER) * RATE)
    values = random.normal(size=(count, ROWS, COLUMNS, 2)).astype(np.float32) * 1e-4
    for step in range(count):
        begin, end = (min(max(0.0, at / RATE - BEFORE), lasts) for at in (step, step + 1))

        def gone(way: Way, begin: float = begin, end: float = end) -> float:
            return way(end) - way(begin)

        values[step, 2:8, BODY, 1] -= gone(hopped)
        moves(values[step], gone)
    return Flow(0.0, values.reshape(count, -1, 2), COLUMNS, np.zeros((count, ROWS * COLUMNS), np.float32))


def jumping_jacks(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
    """The hands go out, and come back with the other hop."""
    step[TOP, LEFT, 0] -= 0.03 * gone(opened)
    step[TOP, RIGHT, 0] += 0.03 * gone(opened)


def knees(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
    """A knee goes out and comes back with each hop, in turn with the other."""
    step[BOTTOM, LEFT, 0] -= 0.03 * gone(lambda time: opened(2 * time) * (time % (2 * HOP_SECONDS) < HOP_SECONDS))
    step[BOTTOM, RIGHT, 0] += 0.03 * gone(lambda time: opened(2 * time) * (time % (2 * HOP_SECONDS) >= HOP_SECONDS))


def over_a_rope(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
    """The hands go round with each hop."""
    step[TOP, LEFT, 0] -= 0.03 * gone(lambda time: opened(2 * time))
    step[TOP, RIGHT, 0] += 0.03 * gone(lambda time: opened(2 * time))


def set_in(flow: Flow) -> NDArray[np.float32]:
    return flow.values[round(BEFORE * RATE) : round((BEFORE + 2 * HOP_SECONDS * REPS) * RATE)]


def test_hands_that_go_out_and_in_with_two_hops_are_found() -> None:
    direction = opening(set_in(drawn(jumping_jacks)), COLUMNS, HOP_SECONDS * RATE)
    assert direction is not None
    hands = np.abs(direction.reshape(ROWS, COLUMNS, 2)[TOP, [LEFT, RIGHT], 0])
    assert hands == pytest.approx(math.sqrt(0.5), abs=0.05)


@pytest.mark.parametrize("moves", [knees, over_a_rope])
def test_what_each_side_does_in_turn_or_each_hop_does_is_no_opening(
    moves: Callable[[NDArray[np.float32], Callable[[Way], float]], None],
) -> None:
    assert opening(set_in(drawn(moves)), COLUMNS, HOP_SECONDS * RATE) is None


@pytest.mark.parametrize(("moves", "reps"), [(jumping_jacks, REPS), (over_a_rope, 2 * REPS)])
def test_jumping_jacks_are_counted_by_their_opening_and_skips_by_their_hops(
    moves: Callable[[NDArray[np.float32], Callable[[Way], float]], None], reps: int
) -> None:
    found = [one for one in find_sets(drawn(moves), ()) if confidence(one) >= LEAST_CONFIDENCE]
    assert [len(one.reps) for one in found] == [reps]


def test_of_fewer_hops_than_two_repetitions_nothing_is_told() -> None:
    assert opening(set_in(drawn(jumping_jacks))[:14], COLUMNS, HOP_SECONDS * RATE) is None
