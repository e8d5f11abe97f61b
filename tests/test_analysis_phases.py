"""Where a repetition begins, in motion drawn as flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.phases import begun_at_rest
from analysis.repetitions import Rep

CELLS, OUT, RESTS = 12, 10, 5
"""Cells of the picture; steps of a way out or back, and of the rest between two repetitions."""


def motion(reps: int) -> NDArray[np.float32]:
    """(n, cells, 2) of so many repetitions, with a rest before and after each: every cell goes down and up again."""
    way = np.diff(0.5 - 0.5 * np.cos(np.linspace(0, np.pi, OUT + 1)))
    course = np.concatenate([np.zeros(RESTS), *[np.concatenate([way, -way, np.zeros(RESTS)])] * reps])
    values = np.zeros((len(course), CELLS, 2), np.float32)
    values[:, :, 1] = 0.1 * course[:, None]
    return values


def a_set(first: float, turns: list[float], alike: list[float]) -> FoundSet:
    """Of repetitions that turn at these steps, each as long as all others."""
    half = OUT + RESTS / 2
    move = np.tile([0.0, 1.0], CELLS) / np.sqrt(CELLS)
    reps = tuple(
        Rep(turn - half, turn, turn + half, 1.0, 0.9, move, each) for turn, each in zip(turns, alike, strict=True)
    )
    return FoundSet("periodic", first, reps[-1].end, reps, 0.6, move=move)


def between(reps: int) -> list[float]:
    """The steps in the middle of the rests before, between and after so many repetitions."""
    return [RESTS / 2 + number * (2 * OUT + RESTS) for number in range(reps + 1)]


def test_who_rests_at_what_was_taken_for_the_turn_begins_there() -> None:
    wrong = a_set(0.0, between(5), [0.7, 0.95, 0.95, 0.95, 0.95, 0.7])

    found = begun_at_rest(wrong, motion(5))

    assert [round(rep.turn / RATE, 1) for rep in found.reps] == [1.5, 4.0, 6.5, 9.0, 11.5]
    assert found.reps[0].alike == 0.95
    assert (found.first, found.end) == (found.reps[0].start, found.reps[-1].end)


def test_who_moves_the_arms_while_the_body_is_held_does_not_rest() -> None:
    """As who stands with a bar and gets under it: the body waits there, and the set begins where all is still."""
    rest = 2 * OUT
    way = np.diff(0.5 - 0.5 * np.cos(np.linspace(0, np.pi, OUT + 1)))
    body = [np.zeros(RESTS), *[np.concatenate([-way, np.zeros(rest), way, np.zeros(RESTS)])] * 5]
    arms = [np.zeros(RESTS), *[np.concatenate([np.zeros(OUT), *[way, -way], np.zeros(OUT + RESTS)])] * 5]
    values = np.zeros((len(np.concatenate(body)), CELLS, 2), np.float32)
    values[:, :-3, 1], values[:, -3:, 0] = 0.1 * np.concatenate(body)[:, None], 0.1 * np.concatenate(arms)[:, None]
    each = 2 * OUT + rest + RESTS
    one = a_set(0.0, [RESTS / 2 + number * each for number in range(6)], [0.95] * 6)

    found = begun_at_rest(one, values)

    assert len(found.reps) == 5
    assert found.first == RESTS / 2


def test_a_set_without_a_rest_stays_as_it_is() -> None:
    values = motion(5)
    values = values[np.abs(values).max(axis=(1, 2)) > 0]
    one = a_set(0.0, [float(number * 2 * OUT) for number in range(6)], [0.7, 0.95, 0.95, 0.95, 0.95, 0.7])

    assert begun_at_rest(one, values) is one


def test_a_set_that_rests_between_its_repetitions_stays_as_it_is() -> None:
    turns = [RESTS + OUT + number * (2 * OUT + RESTS) for number in range(5)]
    one = a_set(0.0, [float(turn) for turn in turns], [0.7, 0.95, 0.95, 0.95, 0.7])

    assert begun_at_rest(one, motion(5)) is one
