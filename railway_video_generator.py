"""The workbench: a video goes in, a result comes out, every step on this page."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from analysis.finder import SetFinder
from analysis.flow import FlowTrack
from analysis.highlights import find_highlights
from analysis.results import highlights_result, workout_result
from analysis.signals import SignalCollector
from analysis.windows import spans
from analysis.workout import put_together
from analysis.workout_results import exercise_step
from progress import Progress
from schemas import (
    Finding,
    HighlightsParams,
    HighlightsResult,
    Limits,
    Signals,
    Stage,
    VideoInfo,
    WorkoutParams,
    WorkoutResult,
)
from video.probe import probe
from video.scan import scan

SCAN_BEGINS, SCAN_ENDS = 2.0, 95.0
"""Percent of the work that looking at the pictures is, from and to: opening is little, choosing less."""

ProgressCallback = Callable[[int, str], object]


class RailwayVideoGenerator:
    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()

    def generate_highlights(
        self,
        video_path: str,
        progress_callback: ProgressCallback | None = None,
        *,
        filename: str | None = None,
        **params: object,
    ) -> HighlightsResult:
        """The significant moments of a video. `params` are those of HighlightsParams; `filename` is shown instead
        of the path's own. Raises AnalysisFailed and AnalysisStopped."""
        began = time.monotonic()
        progress, wanted = Progress.of(progress_callback), HighlightsParams.model_validate(params)
        info, signals = self._look(video_path, wanted.segment_duration, progress)
        progress.step(SCAN_ENDS, "Choosing the moments", Stage.RATING)
        found = find_highlights(signals, wanted)
        progress.check()
        name = filename or Path(video_path).name
        return highlights_result(info, name, signals, found, wanted, time.monotonic() - began)

    def analyze_workout_with_timestamps(
        self,
        video_path: str,
        progress_callback: ProgressCallback | None = None,
        *,
        filename: str | None = None,
        **params: object,
    ) -> WorkoutResult:
        """The sets, repetitions and rests in a video. `params` are those of WorkoutParams; the rest as above. Each set
        is handed on to a `Progress` as soon as it is over."""
        began = time.monotonic()
        progress, wanted = Progress.of(progress_callback), WorkoutParams.model_validate(params)
        track = FlowTrack()
        finder = SetFinder(track)
        collector = SignalCollector(track)

        def count(*, last: bool = False) -> None:
            for one in finder.look(collector.hard_cuts(finder.begin), last=last):
                progress.hand_on(Finding("set", exercise_step(one)))

        def watch() -> None:
            while finder.due:
                count()

        info, signals = self._look(video_path, wanted.segment_duration, progress, collector, watch)
        progress.step(SCAN_ENDS, "Counting the last repetitions", Stage.RATING)
        count(last=True)
        found = put_together(signals, finder.sets, wanted)
        progress.check()
        name = filename or Path(video_path).name
        return workout_result(info, name, signals, found, wanted, time.monotonic() - began)

    def _look(
        self,
        video_path: str,
        segment_duration: float,
        progress: Progress,
        collector: SignalCollector | None = None,
        after_each: Callable[[], None] | None = None,
    ) -> tuple[VideoInfo, Signals]:
        """One pass over every second. The child decodes the next pictures while these are measured."""
        progress.step(0, "Opening the video", Stage.LOADING)
        info = probe(video_path, self._limits, progress.stopped)
        report = _SegmentReport(progress, info.duration_seconds, segment_duration)
        collector = collector or SignalCollector()
        report(0.0)
        for piece in scan(video_path, self._limits, progress.stopped):
            collector.add(piece.samples, piece.sounds)
            if after_each:
                after_each()
            report(piece.position)
        report.finish()
        # What was decoded may outlast what the container said.
        duration = max(info.duration_seconds, collector.seen_seconds)
        return replace(info, duration_seconds=duration), collector.finish(duration)


class _SegmentReport:
    """Turns seconds scanned into percent and "Analyzing segment 13/20"."""

    def __init__(self, progress: Progress, duration: float, segment_duration: float) -> None:
        self._progress = progress
        self._duration = duration
        self._ends = [end for _, end in spans(duration, segment_duration)]

    def finish(self) -> None:
        total = len(self._ends)
        self._progress.step(SCAN_ENDS, f"Analyzed {total} of {total} segments", Stage.SCANNING, (total, total))

    def __call__(self, position: float) -> None:
        total = len(self._ends)
        done = min(total - 1, bisect(self._ends, position))
        share = min(1.0, position / self._duration)
        self._progress.step(
            SCAN_BEGINS + (SCAN_ENDS - SCAN_BEGINS) * share,
            f"Analyzing segment {done + 1}/{total}",
            Stage.SCANNING,
            (done, total),
        )
