"""The workbench, used as a library: a path goes in, a result comes out, and any callable hears of the progress."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from errors import AnalysisFailed, AnalysisStopped, UnsupportedVideo, VideoTooLarge
from progress import Progress
from railway_video_generator import RailwayVideoGenerator
from schemas import HighlightsResult, Limits, Stage, Step, WorkoutResult


@pytest.fixture(scope="module")
def workbench() -> RailwayVideoGenerator:
    return RailwayVideoGenerator()


def test_a_path_becomes_highlights(workbench: RailwayVideoGenerator, clip: Path) -> None:
    result = workbench.generate_highlights(str(clip), max_highlights=2)
    assert isinstance(result, HighlightsResult)
    assert 1 <= len(result.highlights) <= 2
    assert result.video.filename == result.video_path == "clip.mp4"


def test_a_path_becomes_a_workout(workbench: RailwayVideoGenerator, clip: Path) -> None:
    result = workbench.analyze_workout_with_timestamps(str(clip), segment_duration=4)
    assert isinstance(result, WorkoutResult)
    assert result.total_segments_analyzed == 3


def test_any_callable_hears_each_segment_named(workbench: RailwayVideoGenerator, clip: Path) -> None:
    told: list[tuple[int, str]] = []
    workbench.generate_highlights(
        str(clip), lambda percent, message: told.append((percent, message)), segment_duration=4
    )
    percents = [percent for percent, _ in told]
    assert percents == sorted(percents)
    named = [message for _, message in told if message.startswith("Analyzing segment ")]
    assert list(dict.fromkeys(named)) == [f"Analyzing segment {number}/3" for number in (1, 2, 3)]


def test_stages_follow_each_other(workbench: RailwayVideoGenerator, clip: Path) -> None:
    told: list[Step] = []
    workbench.generate_highlights(str(clip), Progress(told.append))
    assert list(dict.fromkeys(step.stage for step in told)) == [Stage.LOADING, Stage.SCANNING, Stage.RATING]
    assert told[-1].segments_done == told[-1].segments_total


def test_segments_announced_are_segments_delivered(workbench: RailwayVideoGenerator, clip: Path) -> None:
    for length in (2.3, 5.8):
        told: list[Step] = []
        result = workbench.generate_highlights(str(clip), Progress(told.append), segment_duration=length)
        assert told[-1].segments_total == result.total_segments_analyzed


def test_a_callback_that_raises_stops_the_work(workbench: RailwayVideoGenerator, clip: Path) -> None:
    def refuse(percent: int, message: str) -> None:
        if percent > 30:
            raise InterruptedError(message)

    with pytest.raises(InterruptedError, match="Analyzing segment"):
        workbench.generate_highlights(str(clip), refuse)


def test_work_that_is_no_longer_wanted_stops(workbench: RailwayVideoGenerator, clip: Path) -> None:
    asked = iter([False] * 3)
    with pytest.raises(AnalysisStopped):
        workbench.generate_highlights(str(clip), Progress(stopped=lambda: next(asked, True)))


def test_the_same_video_gives_the_same_result(workbench: RailwayVideoGenerator, clip: Path) -> None:
    one, two = (workbench.generate_highlights(str(clip)) for _ in range(2))
    assert one.model_copy(update={"processing_time_seconds": 0}) == two.model_copy(
        update={"processing_time_seconds": 0}
    )


def test_params_are_held_to_their_ranges_here_too(workbench: RailwayVideoGenerator, clip: Path) -> None:
    with pytest.raises(ValidationError):
        workbench.generate_highlights(str(clip), max_highlights=0)


def test_what_is_no_video_is_refused(workbench: RailwayVideoGenerator, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("nothing to see here " * 50)
    with pytest.raises(UnsupportedVideo):
        workbench.generate_highlights(str(tmp_path / "notes.mp4"))


def test_a_video_that_is_gone_is_told(workbench: RailwayVideoGenerator, tmp_path: Path) -> None:
    with pytest.raises((AnalysisFailed, UnsupportedVideo)):
        workbench.generate_highlights(str(tmp_path / "gone.mp4"))


def test_limits_are_its_own(clip: Path) -> None:
    with pytest.raises(VideoTooLarge):
        RailwayVideoGenerator(Limits(max_duration_seconds=2)).generate_highlights(str(clip))
