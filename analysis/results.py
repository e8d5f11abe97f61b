"""What was found, as the records that leave the house."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from analysis.times import span_of, whole_ms
from analysis.workout_results import exercise_of, exercise_step, rest, set_in, summary
from config import VERSION
from schemas import (
    AnalyzerResult,
    CurvesResult,
    HighlightResult,
    Highlights,
    HighlightsExports,
    HighlightsParams,
    HighlightsResult,
    LevelsResult,
    Moment,
    Parts,
    SegmentResult,
    Shown,
    Sight,
    Signals,
    VideoInfo,
    VideoResult,
    Window,
    Workout,
    WorkoutExports,
    WorkoutParams,
    WorkoutResult,
    WorkoutSegmentResult,
    WorkoutSet,
)

SIGNALS_ALONE, NOTHING_SHOWN = Sight(), Shown()

FULL_COVERAGE = 0.98
"""Below this share of decoded video a warning says so; encoders may leave out a picture or two at the ends."""


@dataclass(frozen=True)
class Analysed:
    """What was done, whatever was sought. `filename` is for display; `seconds` is how long the work took."""

    info: VideoInfo
    filename: str
    signals: Signals
    seconds: float
    sight: Sight = SIGNALS_ALONE
    shown: Shown = NOTHING_SHOWN


def highlights_result(of: Analysed, found: Highlights, wanted: HighlightsParams) -> HighlightsResult:
    shown = of.shown
    return HighlightsResult(
        **_shared(of, found, wanted),
        highlights_found=len(found.moments),
        highlights=highlight_results(found, wanted, shown),
        segments=[SegmentResult(**_segment(window, shown)) for window in found.windows],
        reel_url=shown.reel,
        contact_sheet_url=shown.contact_sheet,
        exports=HighlightsExports(vtt_url=shown.vtt, csv_url=shown.csv, edl_url=shown.edl),
    )


def highlight_results(
    found: Highlights, wanted: HighlightsParams, shown: Shown = NOTHING_SHOWN
) -> list[HighlightResult]:
    """Best first."""
    return [
        _highlight(rank, moment, found.windows, wanted.min_significance, shown)
        for rank, moment in enumerate(found.moments, 1)
    ]


def workout_result(of: Analysed, found: Workout, wanted: WorkoutParams) -> WorkoutResult:
    info, shown = of.info, of.shown
    return WorkoutResult(
        **_shared(of, found, wanted),
        analysis_type="workout_with_timestamps",
        total_duration_seconds=whole_ms(info.duration_seconds),
        segment_analyses=[_workout_segment(window, set_in(window, found.sets), shown) for window in found.windows],
        system_prompt=wanted.system_prompt,
        user_prompt=wanted.user_prompt,
        exercise_steps=[exercise_step(one, shown.thumbnails.get((one.start, one.end))) for one in found.sets],
        rests=[rest(pause) for pause in found.pauses],
        summary=summary(found, info.duration_seconds),
        exports=WorkoutExports(csv_url=shown.csv),
    )


def shots_between(cuts: tuple[float, ...], duration: float) -> list[tuple[float, float]]:
    """The shots that the cuts part, from the first picture to the end."""
    return [(whole_ms(start), whole_ms(end)) for start, end in pairwise((0.0, *cuts, duration))]


def _shared(of: Analysed, found: Highlights | Workout, wanted: HighlightsParams | WorkoutParams) -> dict[str, Any]:
    info, signals, sight, shown = of.info, of.signals, of.sight, of.shown
    warnings = [*found.warnings, *sight.warnings, *_without_effect(wanted, sight, shown), *shown.warnings]
    if signals.coverage < FULL_COVERAGE:
        warnings.append(f"Only {signals.coverage:.0%} of the video could be decoded; the rest is damaged or missing")
    return {
        "video": VideoResult(filename=of.filename, **measured(info)),
        "video_path": of.filename,
        "processing_time_seconds": round(of.seconds, 2),
        "coverage": round(signals.coverage, 3),
        "eyes_coverage": None if sight.coverage is None else round(sight.coverage, 3),
        "shots": shots_between(signals.cuts, info.duration_seconds),
        "curves": CurvesResult(**asdict(found.curves)),
        "analyzer": AnalyzerResult(
            name=sight.name, model=sight.model, device=sight.device, dtype=sight.dtype, version=VERSION
        ),
        "settings": wanted.model_dump(),
        "warnings": warnings,
        "total_segments_analyzed": len(found.windows),
        "source_url": shown.source,
        "preview_url": shown.preview,
    }


def _without_effect(wanted: HighlightsParams | WorkoutParams, sight: Sight, shown: Shown) -> list[str]:
    """Params that were asked for and change nothing, because signals alone look, or because there is no reel."""
    asked = [
        name for name in wanted.model_fields_set if getattr(wanted, name) != type(wanted).model_fields[name].default
    ]
    for_eyes = sorted({"query", "system_prompt", "user_prompt", "exercises"}.intersection(asked))
    for_a_reel = sorted({"aspect", "target_duration_seconds"}.intersection(asked))
    warnings = []
    if for_eyes and sight.name == "signals":
        warnings.append(f"Without effect, because no model looks at this video: {', '.join(for_eyes)}")
    if for_a_reel and shown.reel is None:
        warnings.append(f"Without effect, because no reel is rendered: {', '.join(for_a_reel)}")
    return warnings


def measured(info: VideoInfo) -> dict[str, Any]:
    """What is shown of a video's format: all but what only the house needs, rounded to what can be meant."""
    shown = asdict(info) | {"duration_seconds": whole_ms(info.duration_seconds), "fps": whole_ms(info.fps)}
    return {name: shown[name] for name in VideoResult.model_fields if name in shown}


def _highlight(rank: int, moment: Moment, windows: list[Window], threshold: float, shown: Shown) -> HighlightResult:
    middle = (moment.start + moment.end) / 2
    return HighlightResult(
        rank=rank,
        **span_of(moment.start, moment.end),
        significance_score=round(moment.score, 1),
        confidence=round(moment.confidence, 2),
        description=moment.told or moment.words,
        signals_text=moment.words,
        signals=LevelsResult(**asdict(moment.levels)),
        parts=Parts(signals=round(moment.absolute, 3), eyes=moment.eyes, rank=round(moment.rank, 3)),
        below_threshold=moment.score < threshold,
        segment=next((window.number for window in windows if middle < window.end), windows[-1].number),
        analysis_success=True,
        thumbnail_url=shown.thumbnails.get((moment.start, moment.end)),
    )


def _segment(window: Window, shown: Shown) -> dict[str, Any]:
    return {
        "segment": window.number,
        "start_timestamp": whole_ms(window.start),
        "end_timestamp": whole_ms(window.end),
        "significance_score": round(window.score, 1),
        "signals": LevelsResult(**asdict(window.levels)),
        "description": window.words,
        "thumbnail_url": shown.thumbnails.get((window.start, window.end)),
    }


def _workout_segment(window: Window, filling: WorkoutSet | None, shown: Shown) -> WorkoutSegmentResult:
    """A window, and the set that fills it."""
    return WorkoutSegmentResult(
        **_segment(window, shown),
        exercise_name=filling and exercise_of(filling),
        movement_phase=filling and filling.phase,
        analysis_success=True,
    )
