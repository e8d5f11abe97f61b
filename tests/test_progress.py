"""The one line that runs back from the work."""

from __future__ import annotations

import pytest

from errors import AnalysisStopped
from progress import Band, Pace, Progress, bands
from schemas import Stage, Step


def test_percent_never_falls() -> None:
    told: list[Step] = []
    progress = Progress(told.append)
    progress(40, "halfway")
    progress(10, "and back?")
    assert [step.percent for step in told] == [40, 40]


def test_the_same_report_is_made_once() -> None:
    told: list[Step] = []
    progress = Progress(told.append)
    for percent in (7.1, 7.4, 7.9):
        progress(percent, "Analyzing segment 1/3")
    assert len(told) == 1


def test_a_stage_and_its_segments_stay_until_others_are_named() -> None:
    told: list[Step] = []
    progress = Progress(told.append)
    progress.step(5, "Analyzing segment 1/3", Stage.SCANNING, (0, 3))
    progress(90, "Choosing")
    assert told[-1] == Step(90, "Choosing", Stage.SCANNING, 0, 3)


def test_percent_is_parted_by_the_seconds_that_the_parts_take() -> None:
    assert bands(Band(10, 90), 4, 12) == [Band(10, 30), Band(30, 90)]
    assert bands(Band(2, 95), 4, 0) == [Band(2, 95), Band(95, 95)]
    assert [Band(30, 90).at(share) for share in (-1, 0, 0.5, 1, 2)] == [30, 30, 60, 90, 90]


def test_work_that_should_stop_is_stopped_at_its_next_report() -> None:
    progress = Progress(stopped=lambda: True)
    with pytest.raises(AnalysisStopped):
        progress(1, "going on")


def test_stopping_is_asked_even_when_nothing_changed() -> None:
    stop = False
    progress = Progress(stopped=lambda: stop)
    progress(5, "same")
    stop = True
    with pytest.raises(AnalysisStopped):
        progress(5, "same")


def test_no_library_can_swallow_a_stop() -> None:
    assert not issubclass(AnalysisStopped, Exception)


def test_any_callable_of_percent_and_message_will_do() -> None:
    told: list[tuple[int, str]] = []
    Progress.of(lambda percent, message: told.append((percent, message)))(12.7, "Looking")
    assert told == [(12, "Looking")]


def test_ours_is_used_as_it_is() -> None:
    progress = Progress()
    assert Progress.of(progress) is progress


def test_nobody_need_listen() -> None:
    Progress.of(None)(50, "alone")


def test_nothing_is_said_of_a_pace_that_is_not_known() -> None:
    pace = Pace()
    pace.learn(seconds=5, video_seconds=0)
    assert pace.seconds_for(60) is None


def test_a_pace_is_learnt_and_follows_the_newest_slowly() -> None:
    pace = Pace()
    pace.learn(seconds=5, video_seconds=10)
    assert pace.seconds_for(60) == 30
    pace.learn(seconds=15, video_seconds=10)
    assert pace.seconds_for(10) == pytest.approx(0.7 * 5 + 0.3 * 15)
