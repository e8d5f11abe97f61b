"""What a result holds: every key that is promised, none that is not there yet, and figures that fit together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.service import Service
from video.draw import draw_video

SHARED = {
    "video",
    "video_path",
    "processing_time_seconds",
    "coverage",
    "eyes_coverage",
    "shots",
    "curves",
    "analyzer",
    "settings",
    "warnings",
    "total_segments_analyzed",
    "source_url",
    "preview_url",
}
LEVELS = {"motion", "loudness", "novelty", "presence"}
SEGMENT = {
    *("segment", "start_timestamp", "end_timestamp", "significance_score", "signals", "description", "thumbnail_url"),
}
SPAN = {"start_timestamp", "end_timestamp", "duration"}


@pytest.fixture(scope="module")
def highlights(shared_service: Service, clip: Path) -> dict[str, Any]:
    return shared_service.results(shared_service.start(clip, max_highlights=4, segment_duration=5))


@pytest.fixture(scope="module")
def workout(shared_service: Service, clip: Path) -> dict[str, Any]:
    return shared_service.results(shared_service.start(clip, "workout", segment_duration=5, user_prompt="lunges"))


def test_highlights_have_every_key(highlights: dict[str, Any]) -> None:
    assert highlights.keys() == SHARED | {
        *("highlights_found", "highlights", "segments", "reel_url", "contact_sheet_url", "exports"),
    }
    assert highlights["exports"].keys() == {"vtt_url", "csv_url", "edl_url"}
    assert highlights["video"].keys() == {
        *("filename", "duration_seconds", "fps", "width", "height", "codec", "has_audio", "size_bytes")
    }
    assert highlights["curves"].keys() == {"step_seconds", "significance", "motion", "loudness"}
    assert highlights["analyzer"].keys() == {"name", "model", "device", "dtype", "version"}
    for moment in highlights["highlights"]:
        assert moment.keys() == SPAN | {
            *("rank", "timestamp_formatted", "significance_score", "confidence", "description", "signals_text"),
            *("signals", "parts", "below_threshold", "segment", "analysis_success", "thumbnail_url"),
        }
        assert moment["signals"].keys() == LEVELS
        assert moment["parts"].keys() == {"signals", "eyes", "rank"}
    assert all(segment.keys() == SEGMENT for segment in highlights["segments"])


def test_a_workout_has_every_key(workout: dict[str, Any]) -> None:
    assert workout.keys() == SHARED | {
        *("analysis_type", "total_duration_seconds", "segment_analyses", "system_prompt", "user_prompt"),
        *("exercise_steps", "rests", "summary", "exports"),
    }
    assert workout["exports"].keys() == {"csv_url"}
    further = {"exercise_name", "movement_phase", "analysis_success"}
    assert all(segment.keys() == SEGMENT | further for segment in workout["segment_analyses"])
    assert all(rest.keys() == SPAN | {"activity"} for rest in workout["rests"])
    for step in workout["exercise_steps"]:
        assert step.keys() == SPAN | {
            *("exercise_name", "exercise_source", "timestamp_formatted", "description", "movement_phase", "set_index"),
            *("reps", "reps_range", "count_unit", "tempo", "rep_events", "observations", "confidence", "method"),
            "thumbnail_url",
        }
    assert workout["summary"].keys() == {
        *("total_exercises_identified", "total_sets", "total_reps", "work_seconds", "rest_seconds"),
        *("video_duration_formatted", "text"),
    }


def test_signals_alone_say_so(highlights: dict[str, Any]) -> None:
    assert highlights["analyzer"] | {"name": "signals", "model": None} == highlights["analyzer"]
    assert highlights["eyes_coverage"] is None
    assert all(moment["parts"]["eyes"] is None for moment in highlights["highlights"])


def test_the_params_in_force_are_echoed(highlights: dict[str, Any], workout: dict[str, Any]) -> None:
    settings = highlights["settings"]
    assert (settings["max_highlights"], settings["segment_duration"], settings["min_significance"]) == (4, 5, 6)
    assert workout["settings"]["user_prompt"] == workout["user_prompt"] == "lunges"


def test_params_without_effect_are_told(workout: dict[str, Any], shared_service: Service, clip: Path) -> None:
    assert "Without effect, because no model looks at this video: user_prompt" in workout["warnings"]
    asked = shared_service.results(shared_service.start(clip, query="goals", aspect="9:16", reel=False))
    assert [warning.rsplit(": ")[-1] for warning in asked["warnings"]] == ["query", "aspect"]


def test_moments_are_ranked_apart_and_within_the_video(highlights: dict[str, Any]) -> None:
    moments = highlights["highlights"]
    scores = [moment["significance_score"] for moment in moments]
    assert scores == sorted(scores, reverse=True)
    assert all(1 <= score <= 10 for score in scores)
    spans = sorted((moment["start_timestamp"], moment["end_timestamp"]) for moment in moments)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert spans[0][0] >= 0
    assert spans[-1][1] <= highlights["video"]["duration_seconds"]


def test_the_planted_burst_is_found(highlights: dict[str, Any], shared_service: Service, footage: Path) -> None:
    burst = next(event for event in draw_video(footage / "planted.mp4").planted if event.what == "burst")
    top = highlights["highlights"][0]
    shared = min(top["end_timestamp"], burst.end) - max(top["start_timestamp"], burst.start)
    assert shared > 0.5 * min(top["duration"], burst.end - burst.start)
    assert top["significance_score"] >= 6


def test_segments_and_shots_cover_the_video(highlights: dict[str, Any], workout: dict[str, Any]) -> None:
    duration = highlights["video"]["duration_seconds"]
    segments = [(s["start_timestamp"], s["end_timestamp"]) for s in highlights["segments"]]
    for spans in (segments, highlights["shots"]):
        assert spans[0][0] == 0
        assert spans[-1][1] == pytest.approx(duration, abs=0.002)
        assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert highlights["total_segments_analyzed"] == len(segments)
    assert workout["total_segments_analyzed"] == len(workout["segment_analyses"])


def test_a_video_in_which_nothing_happens_scores_low_and_says_so(shared_service: Service, footage: Path) -> None:
    flat = draw_video(footage / "flat.mp4", 12, happening=False, sound=False).path
    data = shared_service.results(shared_service.start(flat))
    assert data["highlights"], "never silently empty"
    assert all(moment["below_threshold"] for moment in data["highlights"])
    assert all(moment["significance_score"] <= 4 for moment in data["highlights"])
    assert data["curves"]["loudness"] is None
    assert "No moment reaches" in data["warnings"][0]
