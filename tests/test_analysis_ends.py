"""The first and the last repetition of a set, found by their course where they were passed over."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.ends import with_ends
from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.repetitions import Rep

CELLS, COLUMNS, LASTS = 144, 16, 2.0
BODY = [cell for cell in range(CELLS) if 5 <= cell % COLUMNS <= 8 and cell // COLUMNS >= 2]
ARM = [cell for cell in range(CELLS) if cell % COLUMNS == 10 and 2 <= cell // COLUMNS <= 5]


def motion(begins: list[float], seconds: float = 30.0, share: float = 1.0) -> NDArray[np.float32]:
    """(n, cells, 2) of repetitions of two seconds that begin at each of these times: the body goes down and up, an arm
    out half a second later and back; `share` of it for the first of them."""

    def gone(time: float, late: float) -> float:
        shares = [share, *[1.0] * (len(begins) - 1)]
        return sum(
            size * (0.05 - 0.05 * math.cos(2 * math.pi * min(max(0.0, time - begin - late) / (LASTS - 0.5), 1)))
            for begin, size in zip(begins, shares, strict=True)
        )

    times = [step / RATE for step in range(int(seconds * RATE) + 1)]
    values = np.random.default_rng(0).normal(size=(len(times) - 1, CELLS, 2)).astype(np.float32) * 1e-4
    values[:, BODY, 1] += np.diff([gone(time, 0.0) for time in times])[:, None].astype(np.float32)
    values[:, ARM, 0] += np.diff([gone(time, 0.5) for time in times])[:, None].astype(np.float32)
    return values


def known(begins: list[float]) -> FoundSet:
    steps = [tuple((begin + part * LASTS) * RATE for part in (0, 0.5, 1)) for begin in begins]
    reps = tuple(Rep(start, turn, end, 1.0, 1.0, np.ones(1), 1.0) for start, turn, end in steps)
    return FoundSet("periodic", reps[0].start, reps[-1].end, reps, 0.5)


@pytest.mark.parametrize("missed", [0, 3])
def test_an_end_that_was_passed_over_is_found(missed: int) -> None:
    begins = [6.0, 8.2, 10.4, 12.6]

    found = with_ends(known(begins[1:] if missed == 0 else begins[:-1]), motion(begins), 0, 300)

    assert [rep.turn / RATE for rep in found.reps] == pytest.approx([7.0, 9.2, 11.4, 13.6], abs=0.25)
    assert (found.first, found.end) == (found.reps[0].start, found.reps[-1].end)


def test_all_that_go_on_from_a_set_are_found() -> None:
    begins = [2.0, 4.1, 6.2, 8.3, 10.4, 12.5, 14.6]

    assert len(with_ends(known(begins[2:5]), motion(begins), 0, 300).reps) == 7


def test_a_whole_set_stays_as_it_is() -> None:
    begins = [6.0, 8.2, 10.4, 12.6]

    assert with_ends(known(begins), motion(begins), 0, 300) == known(begins)


def test_half_a_repetition_is_none() -> None:
    begins = [6.0, 8.2, 10.4, 12.6]

    assert len(with_ends(known(begins[1:]), motion(begins, share=0.3), 0, 300).reps) == 3


def test_what_another_set_or_another_shot_holds_is_left_to_it() -> None:
    begins = [6.0, 8.2, 10.4, 12.6]

    assert len(with_ends(known(begins[1:]), motion(begins), 65, 300).reps) == 3
    assert len(with_ends(known(begins[:-1]), motion(begins), 0, 140).reps) == 3


def test_two_are_too_few_to_know_another_by() -> None:
    begins = [6.0, 8.2, 10.4]

    assert len(with_ends(known(begins[:2]), motion(begins), 0, 300).reps) == 2


def test_what_was_hidden_tells_nothing_of_the_course() -> None:
    begins = [6.0, 8.2, 10.4, 12.6]
    one = known(begins[:-1])
    hidden = replace(one, reps=(*one.reps[:1], replace(one.reps[1], move=None), *one.reps[2:]))

    assert len(with_ends(hidden, motion(begins), 0, 300).reps) == 3
