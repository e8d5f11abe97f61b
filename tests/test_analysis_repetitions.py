"""Repetitions counted in motion whose rhythm is known, drawn as flow."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.course import course
from analysis.exercises import Exercises
from analysis.finder import EVERY_SECONDS, SetFinder
from analysis.flow import RATE, Flow, FlowTrack
from analysis.found import FoundSet
from analysis.legs import agreement
from analysis.repetitions import Rep, count, one_after_another
from analysis.sets import find_sets, readings
from analysis.stretches import best_path
from analysis.trust import LEAST_CONFIDENCE, confidence
from analysis.turns import zigzag

CELLS, COLUMNS = 144, 16
NO_CHANGE = np.zeros((CELLS // COLUMNS, COLUMNS), np.float32)
BODY = [cell for cell in range(CELLS) if 5 <= cell % COLUMNS <= 8 and cell // COLUMNS >= 2]


def still(values: NDArray[np.float32]) -> Flow:
    """Motion in a picture whose brightness tells nothing."""
    return Flow(0.0, values, COLUMNS, np.zeros(values.shape[:2], np.float32))


def flow(seconds: float, way: Callable[[float], float], noise: float = 1e-4, seed: int = 0) -> Flow:
    """A body of 28 cells that is `way(time)` picture widths below its place."""
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * RATE) + 1) / RATE
    moved = np.diff([way(float(time)) for time in times])
    values = random.normal(size=(len(moved), CELLS, 2)).astype(np.float32) * noise
    values[:, BODY, 1] += moved[:, None].astype(np.float32)
    return still(values)


def bobbing(begin: float, end: float, period: float, far: float = 0.1) -> Callable[[float], float]:
    """Down and up again once a period, between two times; at rest otherwise."""

    def way(time: float) -> float:
        return far * (0.5 - 0.5 * math.cos(2 * math.pi * (time - begin) / period)) if begin <= time <= end else 0.0

    return way


def growing(seen: Flow) -> Iterator[tuple[FlowTrack, SetFinder]]:
    """The same track and finder, step by step, as the motion comes in."""
    track = FlowTrack()
    finder = SetFinder(track)
    for step, values in enumerate(seen.values):
        track.add(step / RATE, (step + 1) / RATE, values.reshape(-1, COLUMNS, 2), NO_CHANGE)
        yield track, finder


def counted(found: list[FoundSet]) -> list[int]:
    return [len(one.reps) for one in found if confidence(one) >= LEAST_CONFIDENCE]


@pytest.mark.parametrize(("period", "reps"), [(0.8, 12), (2.0, 8), (3.5, 5), (6.0, 4)])
def test_even_repetitions_are_counted_exactly(period: float, reps: int) -> None:
    found = find_sets(flow(reps * period + 16, bobbing(8, 8 + reps * period, period)), ())
    assert counted(found) == [reps]
    assert abs(found[0].first / RATE - 8) < 0.5
    assert abs(found[0].end / RATE - 8 - reps * period) < 0.5


def test_each_turn_is_where_the_way_turns() -> None:
    (found,) = find_sets(flow(30, bobbing(6, 22, 2.0)), ())
    turns = [rep.turn / RATE for rep in found.reps]
    assert np.abs(np.array(turns) - (7 + 2 * np.arange(8))).max() < 0.2


def test_a_clip_that_begins_and_ends_with_the_set_loses_no_repetition() -> None:
    assert counted(find_sets(flow(12, bobbing(0, 12, 2.0)), ())) == [6]


def test_pauses_between_repetitions_do_not_end_a_set() -> None:
    def way(time: float) -> float:
        within = time % 4.0 if 4 <= time < 28 else 3.0
        return 0.1 * (0.5 - 0.5 * math.cos(math.pi * min(within, 2.0)))

    assert counted(find_sets(flow(34, way), ())) == [6]


def test_a_cut_to_another_camera_does_not_split_a_set() -> None:
    seen = flow(30, bobbing(5, 25, 2.0))
    seen.values[150:, :, 0], seen.values[150:, :, 1] = -seen.values[150:, :, 1], 0.0
    assert counted(find_sets(seen, (15.0,))) == [10]


def test_one_repetition_that_fills_a_clip_is_counted() -> None:
    (found,) = find_sets(flow(3.2, bobbing(0.4, 2.8, 2.4)), ())
    assert (found.method, len(found.reps)) == ("excursion", 1)
    assert confidence(found) >= LEAST_CONFIDENCE


def test_what_cuts_take_parts_of_is_never_sure() -> None:
    seen, cuts = flow(60, bobbing(4, 54, 5.0)), tuple(float(cut) for cut in range(3, 60, 3))

    found = [one for one in find_sets(seen, cuts) if one.method == "excursion"]

    assert found
    assert max(confidence(one) for one in found) < 0.8


def test_one_bend_in_a_long_rest_is_no_set() -> None:
    assert counted(find_sets(flow(60, bobbing(30, 32.4, 2.4)), ())) == []


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_exercise(seed: int) -> None:
    assert counted(find_sets(flow(60, lambda time: 0.0, noise=0.003, seed=seed), ())) == []


@pytest.mark.parametrize("seed", range(3))
def test_aimless_motion_is_no_exercise(seed: int) -> None:
    random = np.random.default_rng(seed)
    ways = random.normal(size=(605, 6))
    smooth = np.mean([ways[late : late + 600] for late in range(5)], axis=0)
    values = np.zeros((600, CELLS, 2), np.float32)
    values[:, BODY] = (smooth @ random.normal(size=(6, len(BODY) * 2))).reshape(600, -1, 2) * 0.004
    assert counted(find_sets(still(values), ())) == []


def test_a_posture_held_is_a_hold() -> None:
    def way(time: float) -> float:
        return 0.2 * (min(max((time - 5) / 1.5, 0), 1) - min(max((time - 30) / 1.5, 0), 1))

    seen = flow(40, way, noise=1e-5)
    seen.values[:40, BODY] += np.random.default_rng(1).normal(size=(40, len(BODY), 2)).astype(np.float32) * 3e-3
    holds = [one for one in find_sets(seen, ()) if one.method == "hold"]
    assert [(round(one.first / RATE), round(one.end / RATE)) for one in holds] in ([(6, 30)], [(7, 30)], [(6, 29)])


def test_two_short_flows_and_none_are_read_without_complaint() -> None:
    for steps in (0, 3, 9):
        assert find_sets(still(np.zeros((steps, CELLS, 2), np.float32)), ()) == []


def test_a_set_is_handed_on_before_the_video_ends() -> None:
    seen = flow(150, bobbing(10, 30, 2.0))
    told: list[float] = []
    for track, finder in growing(seen):
        while finder.due:
            told += [track.end for _ in finder.look(())]
    finder.look((), last=True)
    assert [one.count for one in finder.sets] == [10]
    assert told
    assert told[0] < 90


def test_what_is_decided_is_forgotten() -> None:
    seen = flow(300, bobbing(10, 30, 2.0))
    longest = 0
    for step, (track, finder) in enumerate(growing(seen)):
        while finder.due:
            finder.look(())
        longest = max(longest, len(track.read(finder.begin).values) if step % 100 == 0 else 0)
    assert longest < 120 * RATE


@pytest.mark.parametrize("period", [1.9, 2.0])
def test_a_set_without_an_end_is_counted_piece_by_piece(monkeypatch: pytest.MonkeyPatch, period: float) -> None:
    monkeypatch.setattr("analysis.finder.MOST_SECONDS", 60.0)
    seen = flow(200, bobbing(0, 200, period))
    undecided = 0.0
    for track, finder in growing(seen):
        while finder.due:
            undecided = max(undecided, track.end - finder.begin)
            finder.look(())
    finder.look((), last=True)
    assert undecided < 60 + 2 * EVERY_SECONDS
    assert sum(one.count or 0 for one in finder.sets) == pytest.approx(200 / period, abs=2)


def test_flow_is_kept_to_a_few_percent_and_on_an_even_clock() -> None:
    track = FlowTrack()
    edges = np.cumsum([0.0, *np.tile([0.08, 0.12, 0.16], 20)])
    for begin, end in pairwise(edges):
        track.add(float(begin), float(end), np.full((9, 16, 2), (end - begin) * 0.05, np.float32), NO_CHANGE)
    read = track.read(0.0)
    assert len(read.values) == round(edges[-1] * RATE)
    assert np.allclose(read.values.sum(axis=0), edges[-1] * 0.05, rtol=0.05)


def test_a_gap_in_the_pictures_moves_nothing() -> None:
    track = FlowTrack()
    track.add(0.0, 0.1, np.full((9, 16, 2), 0.01, np.float32), NO_CHANGE)
    track.add(0.1, 5.1, np.full((9, 16, 2), 0.5, np.float32), NO_CHANGE)
    assert float(track.read(0.0).values[2:].max()) == 0.0


def test_sets_of_one_movement_are_one_exercise_wherever_it_is_done() -> None:
    def moving(cells: list[int], across: float, down: float) -> FoundSet:
        move = np.zeros((CELLS, 2))
        move[cells] = across, down
        return FoundSet("periodic", 0, 1, (), 1.0, move=move.ravel())

    exercises = Exercises(COLUMNS)
    squat, aside = moving(BODY, 0, 1), moving([cell + 2 for cell in BODY], 0, -1)
    row = moving(BODY[:8], 1, 0)
    hold = FoundSet("hold", 0, 1, (), 1.0)
    assert [exercises.add(one) for one in (squat, row, aside, hold, hold)] == [(0, 1), (1, 1), (0, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize(
    ("curve", "turns"),
    [([0, 1, 0, 1, 0], [0, 1, 2, 3, 4]), ([0, 5, 4.8, 5.1, 0], [0, 3, 4]), ([0, 0, 0], []), ([3, 0], [0, 1])],
)
def test_small_turns_are_left_out(curve: list[float], turns: list[int]) -> None:
    assert zigzag(np.array(curve, np.float64), 0.5) == turns


def test_the_best_path_rests_where_nothing_is_worth_it() -> None:
    worth: NDArray[np.float64] = np.full((3, 12), -1.0)
    worth[1, 4:9] = 2.0
    assert best_path(worth, 0.0, 0.1, 0.5).tolist() == [-1] * 4 + [1] * 5 + [-1] * 3


def test_a_limb_too_fast_for_its_flow_is_counted_by_what_it_covers() -> None:
    seen = flow(30, lambda time: 0.0)
    way = bobbing(8, 20, 1.2)
    moved = np.diff([way(step / RATE) for step in range(len(seen.values) + 1)])
    seen.grey[:, BODY[:6]] += 200 * moved[:, None].astype(np.float32)
    seen.grey[:, BODY[6:12]] -= 200 * moved[:, None].astype(np.float32)
    assert counted(find_sets(seen, ())) == [10]


def test_the_track_keeps_brightness_beside_motion() -> None:
    track = FlowTrack()
    grey = np.linspace(-60, 60, CELLS, dtype=np.float32).reshape(-1, COLUMNS)
    track.add(0.0, 0.1, np.zeros((9, 16, 2), np.float32), grey)
    assert track.read(0.0).grey[0] == pytest.approx(grey.ravel(), rel=0.14, abs=0.07)


def test_getting_into_position_is_no_half_of_a_repetition() -> None:
    """Who bends for the bar goes down as an arm with it does, and much else of the body goes down too."""
    steps = np.arange(320)
    arm = np.where((steps >= 80) & (steps < 240), -np.sin(2 * np.pi * (steps - 80) / 20), 0.0)
    bend = ((steps >= 68) & (steps < 80)) * 0.6 - ((steps >= 240) & (steps < 252)) * 0.6
    field = (arm + bend)[:, None].astype(np.float32)
    whole = np.concatenate([field, np.repeat(2 * bend[:, None], 3, axis=1).astype(np.float32)], axis=1)
    turns = [[rep.turn for rep in count(field, seen, (75, 245), 20.0, (0, 320), []).reps] for seen in (field, whole)]
    assert turns[1] == pytest.approx(range(90, 240, 20), abs=1.5)
    assert turns[0] != pytest.approx(turns[1], abs=1.5)


def test_a_rest_of_six_seconds_parts_two_sets_of_slow_repetitions() -> None:
    first, second = bobbing(6, 31, 5.0), bobbing(37.5, 67.5, 5.0)
    found = find_sets(flow(74, lambda time: first(time) + second(time)), ())
    assert counted(found) == [5, 6]


def test_what_goes_back_and_forth_alike_but_by_chance_elsewhere_is_trusted_less() -> None:
    """The way is the same each time; which parts of the body go it is not."""
    steady = flow(30, bobbing(5, 25, 2.0))
    random, loose = np.random.default_rng(3), flow(30, bobbing(5, 25, 2.0))
    for begin in range(50, 250, 10):
        loose.values[begin : begin + 10, BODY] *= random.uniform(-0.6, 2.6, (1, len(BODY), 1)).astype(np.float32)
    sure, doubtful = (max(map(confidence, find_sets(seen, ())), default=0.0) for seen in (steady, loose))
    assert sure > 0.8
    assert doubtful < sure - 0.1


def rep(start: float, turn: float, end: float) -> Rep:
    return Rep(start, turn, end, 1.0, 1.0, np.ones(2))


def test_courses_are_compared_cell_by_cell_and_phase_by_phase() -> None:
    random = np.random.default_rng(1)
    one = random.normal(size=(20, CELLS, 2)).astype(np.float32)
    same, other = np.concatenate([one] * 4), random.normal(size=(80, CELLS, 2)).astype(np.float32)
    reps = [rep(at, at + 10, at + 20) for at in (0, 20, 40, 60)]
    assert course(same, reps) == pytest.approx(1.0)
    assert course(other, reps) < 0.3
    assert course(same, reps[:1]) == 0.0


def test_sides_that_take_turns_have_a_course_each() -> None:
    random = np.random.default_rng(2)
    left, right = (random.normal(size=(20, CELLS, 2)).astype(np.float32) for _ in range(2))
    reps = [rep(at, at + 10, at + 20) for at in range(0, 120, 20)]
    assert course(np.concatenate([left, right] * 3), reps) == pytest.approx(1.0)


@pytest.mark.parametrize(("other", "expected"), [((1.0, 0.0), 1.0), ((2.0, 0.0), 0.8), ((0.0, 1.0), 0.0)])
def test_agreement_minds_the_size_of_a_movement(other: tuple[float, float], expected: float) -> None:
    assert agreement(np.array([1.0, 0.0]), np.array(other)) == pytest.approx(expected)


def test_readings_say_how_many_ways_of_looking_agree() -> None:
    found = readings(flow(30, bobbing(5, 25, 2.0)), ())
    assert len(found) >= 2
    assert all(len(one.reps) == 10 and one.agreed > 0.9 * (len(found) - 1) and one.denied == 0 for one in found)


def test_no_repetition_begins_before_the_last_is_over() -> None:
    found = one_after_another([rep(0, 5, 12), rep(8, 14, 18), rep(20, 25, 30)])
    assert [(one.start, one.turn, one.end) for one in found] == [(0, 5, 10), (10, 14, 18), (20, 25, 30)]


def test_readings_are_parted_before_one_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = flow(30, bobbing(5, 25, 2.0))
    assert readings(seen, ())
    monkeypatch.setattr("analysis.sets.parted", lambda one, cuts: [])
    assert readings(seen, ()) == []


def test_readings_say_what_they_hold_of_the_motion_in_their_shot() -> None:
    alone, beside = flow(60, bobbing(5, 13, 2.0)), flow(60, bobbing(5, 13, 2.0))
    beside.values[400:550, BODY] += np.random.default_rng(1).normal(size=(150, len(BODY), 2)).astype(np.float32) * 0.01
    shares = [min(one.fills for one in readings(seen, ()) if one.first < 150) for seen in (alone, beside)]
    assert shares[0] > 0.9
    assert shares[1] < 0.6
