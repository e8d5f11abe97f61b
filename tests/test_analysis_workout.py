"""Telling work from rest by motion."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analysis.workout import find_stretches, hysteresis
from schemas import WorkoutParams
from tests.drawn import curves

PARAMS = WorkoutParams()


def test_a_set_between_two_rests_is_found_within_a_second() -> None:
    stretches = find_stretches(curves(60, motion={(15, 40): 0.2}), PARAMS).stretches
    assert [stretch.working for stretch in stretches] == [False, True, False]
    assert abs(stretches[1].start - 15) <= 1
    assert abs(stretches[1].end - 40) <= 1


def test_a_pause_between_repetitions_is_no_rest_and_a_long_one_is() -> None:
    signals = curves(60, motion={(10, 19): 0.2, (20, 30): 0.2, (40, 50): 0.2})
    working = [stretch.working for stretch in find_stretches(signals, PARAMS).stretches]
    assert working == [False, True, False, True, False]


def test_a_twitch_is_no_work() -> None:
    stretches = find_stretches(curves(60, motion={(30, 30.5): 0.2}), PARAMS).stretches
    assert [stretch.working for stretch in stretches] == [False]


def test_a_video_without_motion_is_one_rest_and_says_so() -> None:
    found = find_stretches(curves(30), PARAMS)
    assert [(stretch.start, stretch.end, stretch.working) for stretch in found.stretches] == [(0, 30, False)]
    assert found.stretches[0].words == "At rest: nearly still"
    assert found.warnings


def test_stretches_and_windows_cover_any_video_without_gaps() -> None:
    random = np.random.default_rng(5)
    for seed in range(60):
        duration = float(np.exp(random.uniform(np.log(0.05), np.log(900))))
        events = {(at, at + random.uniform(0.2, 30)): random.uniform(0, 0.5) for at in random.uniform(0, duration, 6)}
        found = find_stretches(curves(duration, motion=events, seed=seed), PARAMS)
        stretches = [(stretch.start, stretch.end) for stretch in found.stretches]
        for pieces in (stretches, [(window.start, window.end) for window in found.windows]):
            assert (pieces[0][0], pieces[-1][1]) == (0, duration)
            assert all(one[1] == other[0] for one, other in pairwise(pieces))
        assert all(one.working != other.working for one, other in pairwise(found.stretches))
        assert all(0 <= stretch.confidence <= 1 and stretch.words for stretch in found.stretches)


def test_motion_once_begun_may_weaken_without_ending() -> None:
    curve = np.array([0.0, 0.3, 0.6, 0.3, 0.0, 0.3, 0.0])
    assert hysteresis(curve, start=0.5, stay=0.2).tolist() == [False, True, True, True, False, False, False]
