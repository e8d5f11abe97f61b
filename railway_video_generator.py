"""The workbench: a video goes in, a result comes out, every step on this page."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from analysis.finder import SetFinder
from analysis.flow import FlowTrack
from analysis.highlights import choose_highlights, find_candidates, with_words
from analysis.naming import with_names
from analysis.results import Analysed, highlight_results, highlights_result, workout_result
from analysis.signals import SignalCollector
from analysis.windows import spans
from analysis.workout import put_together, within
from analysis.workout_results import exercise_step
from metrics import Meter
from progress import Band, Progress, bands
from schemas import (
    AnalysisType,
    Finding,
    HighlightsParams,
    HighlightsResult,
    Limits,
    Outlet,
    Scanned,
    Signals,
    Stage,
    VideoInfo,
    WorkoutParams,
    WorkoutResult,
    WorkoutSet,
)
from showcase import Showcase
from video.probe import probe
from video.scan import scan
from vision.eyes import Eyes
from vision.sweeping import NoSweep, Sweep, Sweeper
from vision.watching import ModelWatcher, Nobody, Span, Watcher, exercise_list

WORK = Band(2.0, 95.0)
"""Percent of the work that looking is, at all pictures and then with the eyes: opening is little, choosing less."""

SCAN_SPEED, RENDER_SPEED, MOMENT_SECONDS, SET_SECONDS = 15.0, 2.5, 10.0, 45.0
"""Seconds of video that are scanned, and of a reel that are rendered, in one second; and in which there is a moment, or
a set, about. For shares of progress alone."""

ProgressCallback = Callable[[int, str], object]


class RailwayVideoGenerator:
    def __init__(self, limits: Limits | None = None, eyes: Eyes | None = None, meter: Meter | None = None) -> None:
        """Without eyes, signals alone look. The meter is told of segments."""
        self._limits = limits or Limits()
        self._eyes = eyes or Eyes()
        self._meter = meter or Meter()

    def generate_highlights(
        self,
        video_path: str,
        progress_callback: ProgressCallback | None = None,
        *,
        filename: str | None = None,
        outlet: Outlet | None = None,
        **params: object,
    ) -> HighlightsResult:
        """The significant moments of a video. `params` are those of HighlightsParams; `filename` is shown instead
        of the path's own; with an `outlet` there are stills, a reel and exports. Each moment is handed on to a
        `Progress` before the reel is rendered. Raises AnalysisFailed and AnalysisStopped."""
        began = time.monotonic()
        progress, wanted = Progress.of(progress_callback), HighlightsParams.model_validate(params)
        info, showcase = self._open(video_path, progress), Showcase(outlet, wanted, self._limits, progress)
        expected = min(wanted.max_highlights, 1 + info.duration_seconds / MOMENT_SECONDS)
        scanning, rating, describing, rendering = self._bands(
            info, 2 * expected, expected, reel_seconds=showcase.reel_seconds(info.duration_seconds)
        )
        with self._sweeper(wanted, progress) as sweep:
            looks = [showcase.see, sweep.see]
            stills = showcase.wants_stills or sweep.wants_stills
            report = self._report(AnalysisType.HIGHLIGHTS, progress, scanning, info, wanted.segment_duration)
            info, signals = self._scan(video_path, info, report, looks, stills)
            swept = sweep.finish()
        with self._watcher(video_path, progress, scanning.ends, sweep.spans) as watcher:
            progress.step(scanning.ends, "Choosing the moments", Stage.RATING)
            most = watcher.candidates(wanted.max_highlights, wanted.query)
            candidates = find_candidates(signals, wanted, most, swept)
            glances = watcher.rate(candidates.moments, wanted.query, rating)
            found = choose_highlights(signals, candidates, wanted, glances)
            found = with_words(found, watcher.describe(found.moments, describing))
        for record in highlight_results(found, wanted):
            progress.hand_on(Finding("moment", record))
        name, sight = filename or Path(video_path).name, watcher.sight(info.duration_seconds)
        with self._eyes.give_way():
            shown = showcase.of_highlights(Path(video_path), info, name, found, signals.cuts, rendering)
        progress.step(WORK.ends, "Writing the result")
        done = Analysed(info, name, signals, time.monotonic() - began, sight, shown)
        return highlights_result(done, found, wanted)

    def analyze_workout_with_timestamps(
        self,
        video_path: str,
        progress_callback: ProgressCallback | None = None,
        *,
        filename: str | None = None,
        outlet: Outlet | None = None,
        **params: object,
    ) -> WorkoutResult:
        """The sets, repetitions and rests in a video. `params` are those of WorkoutParams; the rest as above. Each set
        is handed on to a `Progress` as soon as it is over."""
        began = time.monotonic()
        progress, wanted = Progress.of(progress_callback), WorkoutParams.model_validate(params)
        track = FlowTrack()
        finder = SetFinder(track)
        collector = SignalCollector(track)

        def hand_on(sets: Sequence[WorkoutSet]) -> None:
            for one in sets:
                progress.hand_on(Finding("set", exercise_step(one)))

        def watch(_: Scanned) -> None:
            while finder.due:
                hand_on(finder.look(collector.hard_cuts(finder.begin)))

        info, showcase = self._open(video_path, progress), Showcase(outlet, wanted, self._limits, progress)
        scanning, naming, _ = self._bands(info, 1 + info.duration_seconds / SET_SECONDS)
        report = self._report(AnalysisType.WORKOUT, progress, scanning, info, wanted.segment_duration)
        looks = [showcase.see, watch]
        info, signals = self._scan(video_path, info, report, looks, showcase.wants_stills, collector)
        progress.step(scanning.ends, "Counting the last repetitions", Stage.RATING)
        hand_on(within(finder.look(collector.hard_cuts(finder.begin), last=True), signals.duration_seconds))
        found = put_together(signals, finder.sets, wanted)
        with self._watcher(video_path, progress, scanning.ends) as watcher:
            glances = watcher.name(found.sets, wanted, naming)
            found = with_names(found, glances, len(exercise_list(wanted)))
        progress.step(WORK.ends, "Writing the result")
        name, sight = filename or Path(video_path).name, watcher.sight(info.duration_seconds)
        shown = showcase.of_workout(Path(video_path), info, found, signals.cuts)
        return workout_result(Analysed(info, name, signals, time.monotonic() - began, sight, shown), found, wanted)

    def _open(self, video_path: str, progress: Progress) -> VideoInfo:
        progress.step(0, "Opening the video", Stage.LOADING)
        return probe(video_path, self._limits, progress.stopped)

    def _bands(self, info: VideoInfo, *looks: float, reel_seconds: float = 0.0) -> list[Band]:
        """Percent for the scan, for each time the model looks at about so many stretches, and for the reel."""
        looking = (count * self._eyes.seconds_a_look for count in looks)
        return bands(WORK, info.duration_seconds / SCAN_SPEED, *looking, reel_seconds / RENDER_SPEED)

    def _report(
        self, analysis_type: AnalysisType, progress: Progress, band: Band, info: VideoInfo, segment_duration: float
    ) -> _SegmentReport:
        count = partial(self._meter.segments, analysis_type)
        return _SegmentReport(progress, band, spans(info.duration_seconds, segment_duration), count)

    def _scan(
        self,
        video_path: str,
        info: VideoInfo,
        report: _SegmentReport,
        looks: Sequence[Callable[[Scanned], None]],
        stills: bool,
        collector: SignalCollector | None = None,
    ) -> tuple[VideoInfo, Signals]:
        """One pass over every second, with `stills` if those are wanted; each of `looks` is shown each piece. The child
        decodes the next pictures while these are measured."""
        collector = collector or SignalCollector()
        report(0.0)
        with self._eyes.give_way():
            for piece in scan(video_path, self._limits, report.progress.stopped, stills=stills):
                collector.add(piece.samples, piece.sounds)
                for look in looks:
                    look(piece)
                report(piece.position)
        report.finish()
        # What was decoded may outlast what the container said.
        duration = max(info.duration_seconds, collector.seen_seconds)
        return replace(info, duration_seconds=duration), collector.finish(duration)

    def _sweeper(self, wanted: HighlightsParams, progress: Progress) -> Sweeper:
        """Who looks at every segment while the video is read, if the model is quick enough."""
        model = self._eyes.at_once(lambda words: progress.step(0, words, Stage.LOADING))
        return Sweep(model, wanted.segment_duration, wanted.query, progress) if model else NoSweep()

    def _watcher(self, video_path: str, progress: Progress, percent: float, swept: Sequence[Span] = ()) -> Watcher:
        """Who looks at the video beside the signals; waits for a model that is still being loaded."""
        model = self._eyes.wait(lambda words: progress.step(percent, words, Stage.LOADING))
        return ModelWatcher(model, video_path, self._limits, progress, swept) if model else Nobody(self._eyes.warning)


class _SegmentReport:
    """Turns seconds scanned into percent and "Analyzing segment 13/20", and has each segment counted."""

    def __init__(self, progress: Progress, band: Band, segments: Sequence[Span], count: Callable[[int], None]) -> None:
        self.progress = progress
        self._band = band
        self._ends = [end for _, end in segments]
        self._count = count
        self._done = 0

    def finish(self) -> None:
        total = len(self._ends)
        self._note(total)
        self.progress.step(self._band.ends, f"Analyzed {total} of {total} segments", Stage.SCANNING, (total, total))

    def __call__(self, position: float) -> None:
        total = len(self._ends)
        done = min(total - 1, bisect(self._ends, position))
        self._note(done)
        self.progress.step(
            self._band.at(position / self._ends[-1]),
            f"Analyzing segment {done + 1}/{total}",
            Stage.SCANNING,
            (done, total),
        )

    def _note(self, done: int) -> None:
        if done > self._done:
            self._count(done - self._done)
            self._done = done
