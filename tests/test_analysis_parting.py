"""What was read as one set and is several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.found import FoundSet
from analysis.parting import parted
from analysis.repetitions import Rep

LASTS = 30
WAY = np.array([1.0, 0.0])


def done(*turns: int) -> FoundSet:
    """Repetitions of three seconds each, that turn at these steps."""
    reps = tuple(Rep(turn - 15.0, float(turn), turn + 15.0, 1.0, 0.99, WAY, 0.98) for turn in turns)
    return FoundSet("periodic", reps[0].start, reps[-1].end, reps, 0.6, move=WAY)


def unlike(one: FoundSet, *numbers: int) -> FoundSet:
    """The same, these of its repetitions less like the others."""
    return replace(one, reps=tuple(replace(rep, alike=0.7) if n in numbers else rep for n, rep in enumerate(one.reps)))


def turns(sets: list[FoundSet]) -> list[list[float]]:
    return [[rep.turn for rep in one.reps] for one in sets]


def test_a_rest_within_a_reading_parts_it() -> None:
    assert turns(parted(done(20, 50, 80, 160, 190), [])) == [[20, 50, 80], [160, 190]]


def test_a_pause_for_breath_does_not() -> None:
    one = done(20, 50, 80, 145, 175)
    assert parted(one, []) == [one]


def test_a_rest_that_hides_in_a_repetition_is_none_of_it() -> None:
    one = done(20, 50, 80, 160, 190)
    late = replace(one, reps=(*one.reps[:3], replace(one.reps[3], start=100.0), one.reps[4]))
    before, after = parted(late, [])
    assert (before.end, after.first) == (95.0, 160 - 1.5 * (60 + 15) / 2)


def test_what_is_unlike_the_rest_in_a_shot_of_its_own_is_left_out() -> None:
    assert turns(parted(unlike(done(20, 50, 80, 110, 140), 2), [65, 95])) == [[20, 50], [110, 140]]
    assert turns(parted(unlike(done(20, 50, 80), 0), [35])) == [[50, 80]]


def test_a_set_seen_by_two_cameras_is_one() -> None:
    one = done(20, 50, 80, 110, 140)
    assert parted(one, [65, 95]) == [one]
    some = unlike(one, 3)
    assert parted(some, [95]) == [some]


def test_what_was_hidden_by_a_shot_parts_nothing() -> None:
    one = done(20, 50, 80, 110, 140)
    hidden = replace(one.reps[2], move=None, alike=0.0)
    one = replace(one, reps=(*one.reps[:2], hidden, *one.reps[3:]))
    assert parted(one, [65, 95]) == [one]
