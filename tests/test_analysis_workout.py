"""A workout put together: rests and what happens in them, form in words, a table for a coach."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.exports import COLUMNS, sets_csv
from analysis.form import LONG_PAUSE, pace, remarks
from analysis.workout import put_together
from analysis.workout_results import exercise_name, exercise_step, summary
from schemas import Repetition, WorkoutParams, WorkoutSet
from tests.drawn import curves

PARAMS = WorkoutParams()


def done(
    start: float = 0.0, lengths: Sequence[float] = (2.0,) * 6, ranges: Sequence[float] | None = None, pause: float = 0.0
) -> WorkoutSet:
    """A counted set of repetitions of such lengths and ranges."""
    reps, at = [], start
    for length, far in zip(lengths, ranges or (1.0,) * len(lengths), strict=True):
        reps.append(Repetition(at, at + length / 2, at + length, far, far < 0.6))
        at += length + pause
    number = len(reps)
    return WorkoutSet(
        start, reps[-1].end, "periodic", number, number, number, "reps", tuple(reps), 0.9, exercise=0, set_index=1
    )


def uncounted(start: float, end: float) -> WorkoutSet:
    return WorkoutSet(start, end, "none", None, None, None, None, (), 0.3, exercise=1, set_index=1)


def held(start: float, end: float) -> WorkoutSet:
    return WorkoutSet(start, end, "hold", None, None, None, None, (), 0.9, exercise=2, set_index=1)


def codes(one: WorkoutSet) -> list[str]:
    return [remark.code for remark in remarks(one)]


def test_sets_and_pauses_cover_the_video() -> None:
    found = put_together(curves(60), [done(10), uncounted(40, 50)], PARAMS)
    spans = sorted([(s.start, s.end) for s in found.sets] + [(p.start, p.end) for p in found.pauses])
    assert spans == [(0.0, 10), (10, 22.0), (22.0, 40), (40, 50), (50, 60)]


def test_a_pause_says_what_happens_in_it() -> None:
    found = put_together(curves(60, motion={(30, 60): 0.1}), [done(10)], PARAMS)
    assert [pause.activity for pause in found.pauses] == ["At rest: nearly still", "At rest: moving about"]


def test_a_pause_between_cuts_is_another_shot() -> None:
    found = put_together(curves(60, cuts=(10.2, 21.8)), [done(0, (2.0,) * 5), done(22)], PARAMS)
    assert found.pauses[0].activity.startswith("Another shot")


@pytest.mark.parametrize(
    ("cuts", "sets", "shots"),
    [
        ((30.0,), [], [False]),
        ((0.4,), [], [False]),
        ((12.0,), [done(12)], [True, False]),
        ((24.0,), [done(12)], [False, True]),
        ((), [done(12)], [False, False]),
        ((24.0, 40.0), [done(12), done(40)], [False, True, False]),
        ((24.0, 30.0, 40.0), [done(12), done(40)], [False, False, False]),
        ((24.6,), [done(12), done(25.2)], [False, False, False]),
    ],
)
def test_another_shot_is_one_that_cuts_part_from_the_sets_beside_it(
    cuts: tuple[float, ...], sets: list[WorkoutSet], shots: list[bool]
) -> None:
    pauses = put_together(curves(60, cuts=cuts), sets, PARAMS).pauses
    assert [pause.activity.startswith("Another shot") for pause in pauses] == shots


def test_nothing_lies_after_the_end_of_the_video() -> None:
    found = put_together(curves(21.97), [done(10)], PARAMS)
    (step,) = [exercise_step(one) for one in found.sets]
    assert (step.end_timestamp, step.rep_events[-1].end) == (21.97, 21.97)
    assert found.pauses[-1].end == 10


def test_of_too_few_pictures_nothing_is_said_but_that() -> None:
    found = put_together(curves(60, apart=1.0), [], PARAMS)
    (warning,) = found.warnings
    assert "fewer than two pictures a second" in warning
    assert [pause.activity for pause in found.pauses] == ["Not known: too few pictures a second"]
    assert summary(found, 60).text == "No sets in 01:00: too few pictures a second to tell"


def test_one_picture_is_too_short_and_no_rest() -> None:
    found = put_together(curves(0.04, apart=0.04), [], PARAMS)
    assert (found.pauses, found.warnings) == ([], ["No repeated movement was found: the video is too short for one"])


@pytest.mark.parametrize(("sure", "shown"), [(0.396, 0.39), (0.797, 0.79), (0.29, 0.29), (0.4, 0.4), (1.0, 1.0)])
def test_a_confidence_is_not_shown_higher_than_it_is(sure: float, shown: float) -> None:
    assert exercise_step(replace(done(), confidence=sure)).confidence == shown


def test_a_video_without_sets_is_one_pause_and_says_so() -> None:
    found = put_together(curves(30), [], PARAMS)
    assert [(pause.start, pause.end) for pause in found.pauses] == [(0.0, 30)]
    assert found.warnings == ["No repeated movement was found, so the whole video counts as rest"]
    assert summary(found, 30).text.startswith("No sets")


def test_steady_work_needs_no_remark() -> None:
    assert codes(done()) == []


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (done(lengths=(2.0, 2.1, 2.2, 2.4, 2.6, 2.8)), "slowing"),
        (done(lengths=(3.0, 2.8, 2.5, 2.2, 2.0, 1.9)), "speeding_up"),
        (done(lengths=(1.5, 4.0, 4.0, 1.5, 1.5, 4.0, 4.0, 1.5)), "uneven_tempo"),
        (done(ranges=(1.0, 1.0, 1.0, 0.9, 0.75, 0.7)), "range_shrinking"),
        (done(ranges=(1.0, 1.0, 0.5, 1.0, 1.0, 1.0)), "partial_reps"),
        (done(pause=2.0), "pauses"),
    ],
)
def test_what_was_measured_is_told(one: WorkoutSet, code: str) -> None:
    assert code in codes(one)


@pytest.mark.parametrize("pause", [0.3, 1.0, 1.4, 4.0])
@pytest.mark.parametrize("reps", [4, 5, 8])
def test_a_pause_changes_no_tempo(reps: int, pause: float) -> None:
    for before in range(1, reps):
        steady = done(lengths=(2.0,) * reps).reps
        late = [replace(rep, start=rep.start + pause, turn=rep.turn + pause, end=rep.end + pause) for rep in steady]
        paused = replace(done(lengths=(2.0,) * reps), reps=(*steady[:before], *late[before:]))
        assert {"slowing", "speeding_up"}.isdisjoint(codes(paused))
        if pause > LONG_PAUSE:
            assert codes(paused) == ["pauses"]


def test_the_trend_is_how_much_longer_the_last_took_than_the_first() -> None:
    for change in (4.0, 0.5, 0.25):
        lengths = [2.0 * change ** (number / 20) for number in range(21)]
        measured = pace(done(lengths=lengths))
        assert measured is not None
        assert measured.trend == pytest.approx(change - 1, rel=0.1)


@settings(deadline=None, database=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0.1, 15.0), st.floats(0.0, 6.0)), min_size=4, max_size=12))
def test_no_repetition_is_shorter_by_all_of_another(spans: list[tuple[float, float]]) -> None:
    reps, at = [], 0.0
    for length, wait in spans:
        reps.append(Repetition(at, at + length / 2, at + length, 1.0, False))
        at += length + wait
    one = replace(done(lengths=(2.0,) * len(reps)), reps=tuple(reps))
    measured = pace(one)
    assert measured is not None
    assert measured.trend > -0.995
    shorter = [int(share) for remark in remarks(one) for share in re.findall(r"(\d+)% shorter", remark.text)]
    assert all(0 < share < 100 for share in shorter)


def test_nothing_is_said_of_what_was_not_counted() -> None:
    assert codes(uncounted(0, 10)) == []
    assert pace(held(0, 10)) is None


def test_a_set_becomes_a_step_with_every_repetition() -> None:
    step = exercise_step(done(3.0))
    assert (step.reps, step.reps_range, step.method, step.exercise_name) == (6, (6, 6), "periodic", "Exercise A")
    assert step.tempo is not None
    assert (step.tempo.seconds_per_rep, step.tempo.reps_per_minute) == (2.0, 30.0)
    assert [(event.n, event.turn) for event in step.rep_events][:2] == [(1, 4.0), (2, 6.0)]
    assert step.description == "6 repetitions in 12 seconds, 2.0 seconds each"


def test_what_is_not_known_is_null_and_never_zero() -> None:
    step = exercise_step(uncounted(0, 10))
    assert (step.reps, step.reps_range, step.tempo, step.rep_events, step.count_unit) == (None, None, None, [], None)


def test_the_summary_adds_up_what_was_counted() -> None:
    found = put_together(curves(100), [done(10), uncounted(40, 50), held(60, 90)], PARAMS)
    told = summary(found, 100)
    assert (told.total_sets, told.total_reps, told.total_exercises_identified) == (3, 6, 3)
    assert told.work_seconds + told.rest_seconds == 100
    assert told.text == (
        "3 sets of 3 exercises, 6 repetitions counted, 1 hold (00:30), 1 set not counted; 00:52 of work and 00:48 of"
        " rest in 01:40"
    )


@pytest.mark.parametrize(
    ("sets", "duration", "told"),
    [
        ([uncounted(0.4, 60)], 60.0, "01:00 of work and 00:00 of rest in 01:00"),
        ([uncounted(0.4, 59.7)], 59.9, "00:59 of work and 00:00 of rest in 00:59"),
        ([uncounted(0.9, 30.6)], 60.0, "00:30 of work and 00:30 of rest in 01:00"),
        ([held(0.7, 60.0)], 60.0, "1 hold (00:59), 00:59 of work and 00:01 of rest in 01:00"),
    ],
)
def test_work_and_rest_add_up_to_the_whole(sets: list[WorkoutSet], duration: float, told: str) -> None:
    text = summary(put_together(curves(duration), sets, PARAMS), duration).text
    assert text.replace(";", ",").endswith(told)


@pytest.mark.parametrize(("number", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (27, "AB")])
def test_exercises_without_a_name_have_letters(number: int, name: str) -> None:
    assert exercise_name(number) == f"Exercise {name}"


def test_a_coach_gets_one_row_a_set() -> None:
    rows = list(csv.DictReader(io.StringIO(sets_csv([exercise_step(done(3.0)), exercise_step(uncounted(30, 40))]))))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["reps"] for row in rows] == ["6", ""]
    assert rows[0]["seconds_per_rep"] == "2.0"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_name_is_run_as_a_formula(sign: str) -> None:
    name = f'{sign}HYPERLINK("x")'
    step = exercise_step(done()).model_copy(update={"exercise_name": name})
    (row,) = csv.DictReader(io.StringIO(sets_csv([step]), newline=""))
    assert row["exercise"] == f"'{name}"
