"""What a person sees of a finished analysis: stills, reel, contact sheet and exports, as files beside the result."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.exports import chapters_vtt, highlights_csv, highlights_edl, sets_csv
from analysis.framing import MotionCentre
from analysis.reel import clips_of
from analysis.results import highlight_results
from analysis.thumbnails import best_still, contact_sheet, jpeg, nearest_still
from analysis.times import clock
from analysis.workout_results import exercise_step
from errors import ServiceError
from progress import Band, Progress
from schemas import (
    Highlights,
    HighlightsParams,
    Limits,
    Moment,
    Outlet,
    Reel,
    Scanned,
    Shown,
    Stage,
    Still,
    VideoInfo,
    Workout,
    WorkoutParams,
    Written,
)
from stores.files import FULL_DISK, PART, write_atomically, write_pieces
from video.reel import render
from video.stills import stills

logger = logging.getLogger(__name__)

REEL, SHEET, VTT, CSV, EDL = "reel.mp4", "contact-sheet.jpg", "chapters.vtt", "highlights.csv", "highlights.edl"
SETS, PREVIEW = "sets.csv", "preview.mp4"

ASPECTS = {"source": None, "16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}

BYTES_A_SECOND = 4_000_000
"""Of a reel at most, and as much for its beginning: ten times what its sizes need."""

Span = tuple[float, float]
"""Start and end, seconds."""


@dataclass(frozen=True)
class _Kept:
    time: float
    detail: float
    name: str


class Showcase:
    """Made for one analysis. Without an outlet it makes nothing. What cannot be made costs the result a warning and no
    more; AnalysisStopped comes through."""

    def __init__(
        self, outlet: Outlet | None, wanted: HighlightsParams | WorkoutParams, limits: Limits, progress: Progress
    ) -> None:
        self._outlet, self._limits, self._progress = outlet, limits, progress
        self._wanted = wanted
        self._reel = wanted if outlet and isinstance(wanted, HighlightsParams) and wanted.reel else None
        self._centres = MotionCentre() if self._reel and self._reel.aspect != "source" else None
        self._kept: list[_Kept] = []
        self._shown = Shown()
        self.wants_stills = outlet is not None
        """Whether a scan should bring stills."""

    def reel_seconds(self, duration: float) -> float:
        """How long the reel of so long a video may become, at a guess; 0 where there will be none."""
        if self._reel is None:
            return 0.0
        most = min(duration / 2, self._reel.max_highlights * self._reel.max_clip_seconds)
        return min(most, self._reel.target_duration_seconds or most)

    def see(self, piece: Scanned) -> None:
        """A piece of the scan. Its stills are kept on disk until it is known which of them are shown."""
        if self._centres:
            self._centres.add(piece.samples)
        if piece.stills and self._outlet and self.wants_stills:
            with self._told("Stills are missing"):
                for still in piece.stills:
                    self._keep(self._outlet.folder, still)
                return
            self.wants_stills = False

    def of_highlights(
        self, video: Path, info: VideoInfo, filename: str, found: Highlights, cuts: Sequence[float], band: Band
    ) -> Shown:
        if self._outlet is not None and isinstance(self._wanted, HighlightsParams):
            self._show_source(self._outlet, video, info)
            spans = [(one.start, one.end) for one in found.moments]
            self._choose_stills(self._outlet, video, spans, [(one.start, one.end) for one in found.windows], cuts)
            self._render(self._outlet, video, found.moments, cuts, band)
            with self._told("The contact sheet is missing"):
                self._lay_out(self._outlet, found.moments)
            records = highlight_results(found, self._wanted, self._shown)
            with self._told("The exports are missing"):
                vtt = self._write(self._outlet, VTT, chapters_vtt(records).encode())
                table = self._write(self._outlet, CSV, highlights_csv(records).encode())
                edl = self._write(self._outlet, EDL, highlights_edl(records, filename, info.fps).encode())
                self._shown = replace(self._shown, vtt=vtt, csv=table, edl=edl)
        return self._shown

    def of_workout(self, video: Path, info: VideoInfo, found: Workout, cuts: Sequence[float]) -> Shown:
        if self._outlet is not None:
            self._show_source(self._outlet, video, info)
            spans = [(one.start, one.end) for one in found.sets]
            self._choose_stills(self._outlet, video, spans, [(one.start, one.end) for one in found.windows], cuts)
            with self._told("The table of sets is missing"):
                data = sets_csv([exercise_step(one) for one in found.sets]).encode()
                self._shown = replace(self._shown, csv=self._write(self._outlet, SETS, data))
        return self._shown

    def _show_source(self, outlet: Outlet, video: Path, info: VideoInfo) -> None:
        if outlet.keeps_source:
            preview = None if info.plays else outlet.url(PREVIEW)
            self._shown = replace(self._shown, source=outlet.url(video.name), preview=preview)

    # ── Stills ────────────────────────────────────────────────────────────────────────────────────

    def _keep(self, folder: Path, still: Still) -> None:
        name = f"still-{round(still.time * 1000):08}.jpg"
        part = folder / (name + PART)
        try:
            part.write_bytes(jpeg(still.picture))
        except OSError:  # half a still on a full disk is nobody's
            part.unlink(missing_ok=True)
            raise
        self._kept.append(_Kept(still.time, still.detail, name))

    def _choose_stills(
        self, outlet: Outlet, video: Path, needed: Sequence[Span], wished: Sequence[Span], cuts: Sequence[float]
    ) -> None:
        """One for each span: the needed ones are decoded anew where the scan left none in them, of the others the
        nearest stands for it."""
        with self._told("Stills are missing"):
            if missing := [span for span in needed if self._best(span, cuts) is None]:
                middles = sorted((start + end) / 2 for start, end in missing)
                with closing(stills(video, middles, self._limits, self._progress.stopped)) as coming:
                    for middle, still in zip(middles, coming, strict=True):
                        self._keep(outlet.folder, replace(still, time=middle))
        best = {span: one for span in wished if (one := self._best(span, cuts) or self._nearest(span, cuts))}
        best |= {span: one for span in needed if (one := self._best(span, cuts))}
        used = {one.name for one in best.values()}
        with self._told("Stills are missing"):
            for name in {one.name for one in self._kept}:
                part = outlet.folder / (name + PART)
                if name in used:
                    part.rename(outlet.folder / name)
                else:
                    part.unlink()
            thumbnails = {span: outlet.url(one.name) for span, one in best.items()}
            self._shown = replace(self._shown, thumbnails=thumbnails)

    def _best(self, span: Span, cuts: Sequence[float]) -> _Kept | None:
        times, details = [one.time for one in self._kept], [one.detail for one in self._kept]
        place = best_still(times, details, *span, cuts)
        return None if place is None else self._kept[place]

    def _nearest(self, span: Span, cuts: Sequence[float]) -> _Kept | None:
        place = nearest_still([one.time for one in self._kept], span[0], cuts)
        return None if place is None else self._kept[place]

    def _lay_out(self, outlet: Outlet, moments: Sequence[Moment]) -> None:
        """The contact sheet: the moments that have a still, in the order of time."""
        cells = sorted(
            (one.start, rank, self._shown.thumbnails[one.start, one.end].rsplit("/", 1)[-1])
            for rank, one in enumerate(moments, 1)
            if (one.start, one.end) in self._shown.thumbnails
        )
        if cells:
            pictures = [(outlet.folder / name).read_bytes() for _, _, name in cells]
            sheet = contact_sheet(pictures, [f"{clock(start)}   no. {rank}" for start, rank, _ in cells])
            self._shown = replace(self._shown, contact_sheet=self._write(outlet, SHEET, sheet))

    # ── Reel ──────────────────────────────────────────────────────────────────────────────────────

    def _render(
        self, outlet: Outlet, video: Path, moments: Sequence[Moment], cuts: Sequence[float], band: Band
    ) -> None:
        if self._reel is None:
            return
        clips = clips_of(moments, self._reel.target_duration_seconds, self._reel.min_clip_seconds, cuts)
        if self._centres:
            clips = [replace(clip, centres=self._centres.within(clip.start, clip.end)) for clip in clips]
        reel = Reel(tuple(clips), ASPECTS[self._reel.aspect])
        self._progress.step(band.begins, "Rendering the reel", Stage.RENDERING)
        with (
            self._told("The reel could not be rendered"),
            closing(render(video, reel, self._limits, self._progress.stopped)) as pieces,
        ):
            most = round(BYTES_A_SECOND * (1 + reel.seconds))
            write_pieces(outlet.folder / REEL, self._reported(pieces, reel.seconds, band), most)
            self._shown = replace(self._shown, reel=outlet.url(REEL))

    def _reported(self, pieces: Iterator[Written], seconds: float, band: Band) -> Iterator[tuple[int, bytes]]:
        for piece in pieces:
            share = piece.seconds / seconds
            self._progress.step(band.at(share), f"Rendering the reel ({min(1.0, share):.0%})", Stage.RENDERING)
            yield piece.offset, piece.data

    def _write(self, outlet: Outlet, name: str, data: bytes) -> str:
        write_atomically(outlet.folder / name, data)
        return outlet.url(name)

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        """What goes wrong inside becomes a warning of the result."""
        try:
            yield
        except (OSError, ServiceError) as error:
            logger.warning("%s", what, exc_info=error)
            warning = f"{what}: {_in_words(error)}"
            if warning not in self._shown.warnings:
                self._shown = replace(self._shown, warnings=(*self._shown.warnings, warning))


def _in_words(error: OSError | ServiceError) -> str:
    if isinstance(error, OSError):
        return "the disk is full" if error.errno in FULL_DISK else "a file could not be written"
    return str(error)
