"""Repetitions with a pause before or after them, drawn as flow."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.flow import RATE, Flow
from analysis.found import FoundSet
from analysis.pauses import across_pauses, second_look
from analysis.reaches import reaches
from analysis.repetitions import Rep
from analysis.sets import find_sets
from analysis.trust import LEAST_CONFIDENCE, confidence

CELLS, COLUMNS, LASTS = 144, 16, 2.0
BODY = [cell for cell in range(CELLS) if 5 <= cell % COLUMNS <= 8 and cell // COLUMNS >= 2]
ARM = [cell for cell in range(CELLS) if cell % COLUMNS == 10 and 2 <= cell // COLUMNS <= 5]


def motion(seconds: float, begins: list[float], cells: list[int]) -> NDArray[np.float32]:
    """(n, cells, 2) of what goes down and up again for two seconds, beginning at each of these times."""

    def way(time: float) -> float:
        return sum(0.05 - 0.05 * math.cos(2 * math.pi * min(max(0.0, time - begin) / LASTS, 1)) for begin in begins)

    gone = np.array([way(step / RATE) for step in range(int(seconds * RATE) + 1)])
    values = np.random.default_rng(0).normal(size=(len(gone) - 1, CELLS, 2)).astype(np.float32) * 1e-4
    values[:, cells, 1] += np.diff(gone)[:, None].astype(np.float32)
    return values


def one_at(begin: float, values: NDArray[np.float32]) -> FoundSet:
    first, turn, end = (round((begin + part) * RATE) for part in (0, LASTS / 2, LASTS))
    rep = Rep(first, turn, end, 1.0, 1.0, values[first:turn].sum(axis=0).ravel().astype(np.float64), 1.0)
    return FoundSet("periodic", first, end, (rep,), 0.5)


def test_what_is_done_between_pauses_of_any_length_is_one_set() -> None:
    values = motion(34, [5, 10.5, 12.5, 17.2, 22.7], BODY)
    flow = Flow(0.0, values, COLUMNS, np.zeros(values.shape[:2], np.float32))

    found = [one for one in find_sets(flow, ()) if confidence(one) >= LEAST_CONFIDENCE]

    assert [len(one.reps) for one in found] == [5]
    assert [round(rep.turn / RATE) for rep in found[0].reps] == [6, 12, 14, 18, 24]


def test_repetitions_are_found_on_both_sides_of_one_that_is_known() -> None:
    values = motion(30, [4, 9, 14, 25], BODY)

    found = across_pauses(one_at(9, values), values, ())

    assert [round(rep.turn / RATE) for rep in found.reps] == [5, 10, 15]


def test_another_movement_after_a_pause_is_no_repetition() -> None:
    values = motion(20, [4], BODY) + motion(20, [9], ARM)

    assert len(across_pauses(one_at(4, values), values, ()).reps) == 1


def test_nothing_is_sought_beyond_a_cut() -> None:
    values = motion(20, [4, 9], BODY)

    assert len(across_pauses(one_at(4, values), values, (75,)).reps) == 1


def with_these(begins: list[float], values: NDArray[np.float32], lasts: float = LASTS) -> FoundSet:
    reps = tuple(rep for begin in begins for rep in one_at(begin, values).reps)
    last = replace(reps[-1], end=reps[-1].start + lasts * RATE)
    return replace(one_at(begins[0], values), reps=(*reps[:-1], last), end=last.end)


def test_what_was_passed_over_between_two_repetitions_is_found() -> None:
    values = motion(20, [2, 4, 6, 8, 10], BODY)

    found = second_look(with_these([2, 4, 8, 10], values), values)

    assert [round(rep.turn / RATE) for rep in found.reps] == [3, 5, 7, 9, 11]


def test_one_that_lasts_as_long_as_two_is_two() -> None:
    values = motion(20, [2, 4, 6, 8, 10], BODY)

    found = second_look(with_these([2, 4, 6, 8], values, 2 * LASTS), values)

    assert [round(rep.turn / RATE) for rep in found.reps] == [3, 5, 7, 9, 11]


def test_nothing_is_made_up_where_somebody_pauses() -> None:
    values = motion(20, [2, 4, 8, 10], BODY)

    assert len(second_look(with_these([2, 4, 8, 10], values), values).reps) == 4


def test_single_repetitions_of_unlike_courses_are_trusted_less() -> None:
    reps = tuple(Rep(at, at + 10, at + 20, 1.0, 0.99, np.ones(1), 0.9) for at in (0.0, 40.0, 80.0))
    alike, by_chance = (FoundSet("excursion", 0, 100, reps, 0.9, course=course) for course in (0.9, 0.5))

    assert confidence(alike) >= LEAST_CONFIDENCE > confidence(by_chance)


@pytest.mark.parametrize(
    "begins", [[15, 19, 23, 27, 31], [15, 17, 19, 21, 26], [15, 17, 19, 21, 26.5, 28.5, 30.5, 32.5]]
)
def test_repetitions_that_go_equally_far_are_told_so_wherever_a_pause_is(begins: list[float]) -> None:
    values = motion(60, begins, BODY)
    flow = Flow(0.0, values, COLUMNS, np.zeros(values.shape[:2], np.float32))

    (found,) = [one for one in find_sets(flow, ()) if confidence(one) >= LEAST_CONFIDENCE]

    assert list(found.reaches) == pytest.approx([1.0] * len(begins), abs=0.1)


def test_a_repetition_that_goes_half_as_far_is_told_so() -> None:
    values = motion(60, [15, 17, 19, 23, 25], BODY)
    values[210:230, BODY, 1] = values[170:190, BODY, 1] / 2
    flow = Flow(0.0, values, COLUMNS, np.zeros(values.shape[:2], np.float32))

    (found,) = [one for one in find_sets(flow, ()) if confidence(one) >= LEAST_CONFIDENCE]

    assert [round(reach, 1) for reach in found.reaches] == [1.0, 1.0, 1.0, 0.5, 1.0, 1.0]


def test_a_jolt_makes_no_repetition_reach_far() -> None:
    values = motion(60, [15, 17, 19, 21, 23], BODY)
    one = with_these([15, 17, 19, 21, 23], values)
    jolted = values.copy()
    jolted[195, BODY, 1] += 1.0

    assert reaches(one, values, ()) == pytest.approx([1.0] * 5, abs=0.05)
    assert reaches(one, jolted, ())[2] == 1.0
    assert reaches(one, np.zeros_like(values), ()) == (1.0,) * 5
