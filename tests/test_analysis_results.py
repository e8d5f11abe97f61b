"""What was found becomes records: names, roundings and warnings with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.results import Analysed, highlights_result, measured, shots_between, workout_result
from analysis.times import clock
from schemas import (
    Curves,
    Highlights,
    HighlightsParams,
    HighlightsResult,
    Moment,
    Pause,
    SignalLevels,
    Signals,
    VideoInfo,
    Window,
    Workout,
    WorkoutParams,
    WorkoutResult,
    WorkoutSet,
)

INFO = VideoInfo(20.0004, 24.99999, 640, 360, "h264", "mp4", True, 1234, 500)
LEVELS = SignalLevels(motion=0.5, loudness=None, novelty=0.25)
CURVES = Curves(0.25, [1.0, 9.1], [0.0, 0.5], None)
WINDOWS = [Window(1, 0, 10, 3.14, LEVELS, "Little happens here"), Window(2, 10, 20.0004, 8.0, LEVELS, "Strong motion")]


def signals(*, cuts: tuple[float, ...] = (), coverage: float = 1.0) -> Signals:
    flat = np.zeros(80)
    return Signals(20.0004, 0.25, flat, flat, flat, None, flat, None, None, cuts, coverage, 0.1)


def moment(start: float, end: float, score: float) -> Moment:
    return Moment(start, end, score, 0.876, LEVELS, 0.91234, 1.0, "A sudden burst of motion")


def highlights(*moments: Moment, coverage: float = 1.0, **params: object) -> HighlightsResult:
    found = Highlights(list(moments) or [moment(11.0, 13.5, 8.26)], WINDOWS, CURVES)
    wanted = HighlightsParams.model_validate(params)
    return highlights_result(Analysed(INFO, "match.mp4", signals(coverage=coverage), 1.2345), found, wanted)


def workout(sets: list[WorkoutSet], pauses: list[Pause], **params: object) -> WorkoutResult:
    found = Workout(sets, pauses, WINDOWS, CURVES)
    return workout_result(Analysed(INFO, "gym.mp4", signals(), 1.0), found, WorkoutParams.model_validate(params))


WORK = WorkoutSet(0.0, 12.0, "none", None, None, None, None, (), 0.333, exercise=0, set_index=1)
REST = Pause(12.0, 20.0, "At rest: nearly still")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (12.9, "00:12"), (75.2, "01:15"), (3599.99, "59:59"), (3661, "01:01:01")]
)
def test_times_are_shown_as_on_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_shots_lie_between_the_cuts() -> None:
    assert shots_between((), 5.0) == [(0.0, 5.0)]
    assert shots_between((1.23456, 3.0), 5.0) == [(0.0, 1.235), (1.235, 3.0), (3.0, 5.0)]


def test_a_videos_format_is_rounded_to_what_can_be_meant() -> None:
    shown = measured(INFO)
    assert (shown["duration_seconds"], shown["fps"]) == (20.0, 25.0)
    assert "container" not in shown
    assert "pictures" not in shown


def test_a_moment_is_told_with_its_parts() -> None:
    (told,) = highlights().highlights
    assert (told.rank, told.start_timestamp, told.end_timestamp, told.duration) == (1, 11.0, 13.5, 2.5)
    assert (told.timestamp_formatted, told.significance_score, told.confidence) == ("00:11 - 00:13", 8.3, 0.88)
    assert told.parts.model_dump() == {"signals": 0.912, "eyes": None, "rank": 1.0}
    assert told.description == told.signals_text == "A sudden burst of motion"


def test_a_moment_belongs_to_the_segment_that_holds_its_middle() -> None:
    numbers = [h.segment for h in highlights(moment(9.0, 10.5, 7), moment(9.6, 10.6, 7), moment(18, 20, 7)).highlights]
    assert numbers == [1, 2, 2]


def test_what_misses_the_threshold_is_marked() -> None:
    found = highlights(moment(1, 3, 6.0), moment(5, 7, 5.9), min_significance=6).highlights
    assert [told.below_threshold for told in found] == [False, True]


def test_damage_is_warned_of() -> None:
    assert highlights(coverage=0.99).warnings == []
    damaged = highlights(coverage=0.56)
    assert damaged.coverage == 0.56
    assert damaged.warnings == ["Only 56% of the video could be decoded; the rest is damaged or missing"]


def test_params_at_their_usual_values_are_not_warned_of() -> None:
    assert highlights(aspect="source", query=None, max_highlights=3).warnings == []


def test_params_without_effect_are_named() -> None:
    assert highlights(query="goals", aspect="1:1", target_duration_seconds=30).warnings == [
        "Without effect, because no model looks at this video: query",
        "Without effect, because no reel is rendered: aspect, target_duration_seconds",
    ]


def test_a_set_that_cannot_be_counted_is_a_step_whose_repetitions_are_unknown() -> None:
    (step,) = workout([WORK], [REST]).exercise_steps
    assert (step.exercise_name, step.exercise_source, step.set_index) == ("Exercise A", "motion", 1)
    assert (step.reps, step.reps_range, step.tempo, step.method, step.rep_events) == (None, None, None, "none", [])
    assert step.confidence == 0.33


def test_work_and_rest_are_summed_up() -> None:
    result = workout([WORK], [REST])
    assert result.summary.model_dump() == {
        "total_exercises_identified": 1,
        "total_sets": 1,
        "total_reps": None,
        "work_seconds": 12.0,
        "rest_seconds": 8.0,
        "video_duration_formatted": "00:20",
        "text": "1 set of 1 exercise, 1 set not counted; 00:12 of work and 00:08 of rest in 00:20",
    }
    (rest,) = result.rests
    assert (rest.duration, rest.activity) == (8.0, "At rest: nearly still")


def test_a_window_bears_the_name_of_the_exercise_done_in_it() -> None:
    assert [each.exercise_name for each in workout([WORK], [REST]).segment_analyses] == ["Exercise A", None]


def test_a_video_of_rest_alone_has_no_steps() -> None:
    result = workout([], [Pause(0.0, 20.0, "At rest: nearly still")])
    assert result.exercise_steps == []
    assert (result.summary.total_exercises_identified, result.summary.total_sets) == (0, 0)
