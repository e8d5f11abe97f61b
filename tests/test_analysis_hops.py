"""Two hops of one repetition, and what looks like them, drawn as flow."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.flow import RATE, Flow
from analysis.hops import _takes_turns, opening
from analysis.sets import find_sets, readings
from analysis.trust import LEAST_CONFIDENCE, confidence

ROWS, COLUMNS, HOP_SECONDS = 9, 16, 0.6
REPS, BEFORE, AFTER = 8, 3.0, 6.0
LEFT, RIGHT, BODY, TOP = 5, 9, (6, 7, 8), 3

Way = Callable[[float], float]
Moves = Callable[[NDArray[np.float32], Callable[[Way], float]], None]


def hopped(time: float) -> float:
    """Picture widths up from the floor."""
    return 0.02 * math.sin(math.pi * time / HOP_SECONDS) ** 2


def opened(time: float) -> float:
    """0 closed, 1 open: once in two hops."""
    return math.sin(math.pi * time / (2 * HOP_SECONDS)) ** 2


def drawn(moves: Moves) -> Flow:
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


def hands(left: float, right: float, way: Way = opened) -> Moves:
    """They go so many picture widths out to the sides, and come back."""

    def moves(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
        step[TOP, LEFT, 0] -= left * gone(way)
        step[TOP, RIGHT, 0] += right * gone(way)

    return moves


jumping_jacks = hands(0.03, 0.03)
over_a_rope = hands(0.03, 0.03, lambda time: opened(2 * time))
"""The hands go round with each hop."""

in_turn = hands(-0.03, 0.03)
"""Both go to one side with one hop and back with the next: the other side does what the one did, mirrored."""


def restless(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
    """The hands wander as they like while the body hops."""
    hands(0.03, 0.03, lambda time: math.sin(1.7 * time) + math.sin(0.9 * time + 1))(step, gone)


def set_in(flow: Flow) -> NDArray[np.float32]:
    return flow.values[round(BEFORE * RATE) : round((BEFORE + 2 * HOP_SECONDS * REPS) * RATE)]


def test_hands_that_go_out_and_in_with_two_hops_are_found() -> None:
    direction = opening(set_in(drawn(jumping_jacks)), COLUMNS, HOP_SECONDS * RATE)
    assert direction is not None
    found = np.abs(direction[:, -1].reshape(ROWS, COLUMNS, 2)[TOP, [LEFT, RIGHT], 0])
    assert found == pytest.approx(math.sqrt(0.5), abs=0.05)


@pytest.mark.parametrize("moves", [in_turn, over_a_rope, restless])
def test_what_each_side_does_in_turn_or_each_hop_does_or_none_is_no_opening(moves: Moves) -> None:
    assert opening(set_in(drawn(moves)), COLUMNS, HOP_SECONDS * RATE) is None


@pytest.mark.parametrize(("far", "found"), [(0.025, True), (0.008, False)])
def test_hands_that_hardly_move_tell_nothing(far: float, found: bool) -> None:
    assert (opening(set_in(drawn(hands(far, far))), COLUMNS, HOP_SECONDS * RATE) is not None) is found


def test_what_goes_up_and_down_each_other_hop_is_no_opening() -> None:
    def higher(step: NDArray[np.float32], gone: Callable[[Way], float]) -> None:
        step[TOP, [LEFT, RIGHT], 1] -= 0.04 * gone(opened)
        hands(0.02, 0.02, lambda time: opened(2 * time))(step, gone)

    assert opening(set_in(drawn(higher)), COLUMNS, HOP_SECONDS * RATE) is None


def test_slow_hops_are_repetitions() -> None:
    assert opening(set_in(drawn(jumping_jacks)), COLUMNS, HOP_SECONDS * RATE) is not None
    slowly = np.repeat(set_in(drawn(jumping_jacks)), 2, axis=0) / np.float32(2)
    assert opening(slowly, COLUMNS, 2 * HOP_SECONDS * RATE) is None


@pytest.mark.parametrize(("moves", "reps"), [(jumping_jacks, REPS), (over_a_rope, 2 * REPS), (restless, 2 * REPS)])
def test_jumping_jacks_are_counted_by_their_opening_and_skips_by_their_hops(moves: Moves, reps: int) -> None:
    found = [one for one in find_sets(drawn(moves), ()) if confidence(one) >= LEAST_CONFIDENCE]
    assert [len(one.reps) for one in found] == [reps]


def test_ways_of_looking_along_one_opening_do_not_agree_with_each_other() -> None:
    along = [one for one in readings(drawn(jumping_jacks), ()) if one.opens]
    assert len(along) > 1
    assert max(one.agreed for one in along) < 1.01  # with what moves to the sides


@pytest.mark.parametrize(("period", "least", "most"), [(12.0, 1.9, 2.0), (6.0, -0.1, 0.1), (90.0, -0.3, 0.1)])
def test_what_takes_turns_is_the_opposite_one_hop_later_and_the_same_two_hops_later(
    period: float, least: float, most: float
) -> None:
    """Once in two hops, with each hop, and a drift."""
    line = np.sin(2 * np.pi * np.arange(96)[:, None] / period).astype(np.float32)
    assert least <= _takes_turns(line, HOP_SECONDS * RATE) <= most


def test_of_fewer_hops_than_two_repetitions_nothing_is_told() -> None:
    assert opening(set_in(drawn(jumping_jacks))[:14], COLUMNS, HOP_SECONDS * RATE) is None
