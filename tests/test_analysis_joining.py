"""Sets that are one set with a pause, and those that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.found import FoundSet
from analysis.joining import going_on
from analysis.repetitions import Rep
from analysis.sets import beside
from analysis.trust import confidence

LASTS = 20
WAY = np.array([1.0, 0.0])


def done(begin: int, reps: int, likeness: float = 0.99) -> FoundSet:
    """Repetitions of two seconds each, from step `begin` on."""
    starts = [float(begin + LASTS * number) for number in range(reps)]
    found = tuple(Rep(at, at + LASTS / 2, at + LASTS, 1.0, likeness, WAY, likeness) for at in starts)
    return FoundSet("periodic", begin, starts[-1] + LASTS, found, 0.6, agreed=2.0, move=WAY)


def test_a_set_goes_on_after_a_pause() -> None:
    (one,) = going_on([done(0, 6), done(150, 5)], [])
    assert len(one.reps) == 11


def test_few_repetitions_that_make_a_set_doubtful_are_not_of_it() -> None:
    found = going_on([done(0, 6), done(145, 2, likeness=0.7)], [])
    assert [len(one.reps) for one in found] == [6, 2]
    assert confidence(found[0]) > 0.9


def test_few_repetitions_that_are_like_the_others_are() -> None:
    assert [len(one.reps) for one in going_on([done(0, 3), done(65, 2)], [])] == [5]


def test_what_a_reading_shows_beside_a_set_that_is_trusted_more_is_a_set() -> None:
    values: NDArray[np.float32] = np.zeros((300, 16, 2), np.float32)
    both, trusted = done(0, 12), done(100, 7)

    parts = list(beside(both, [trusted], values, 16))

    assert [(one.first, one.end) for one in parts] == [(0.0, 100.0)]
    assert list(beside(both, [], values, 16)) == []
