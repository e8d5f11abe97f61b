"""Stills, reel and exports as an analysis makes them: what fails costs a warning, and a stop is a stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from errors import AnalysisStopped
from progress import Progress
from railway_video_generator import RailwayVideoGenerator
from schemas import Finding, HighlightResult, Outlet, Stage, Step
from tests.service import decoders
from video.draw import Style, draw_video, encode


@pytest.fixture
def outlet(tmp_path: Path, clip: Path) -> Outlet:
    (tmp_path / "source.mp4").write_bytes(clip.read_bytes())
    return Outlet(tmp_path, "/files")


def source(outlet: Outlet) -> str:
    return str(outlet.folder / "source.mp4")


def names(outlet: Outlet) -> set[str]:
    return {path.name for path in outlet.folder.iterdir()}


class Interfering(Progress):
    """Does something to the child that renders, as soon as it has begun."""

    def __init__(self, folder: Path, interfere: Callable[[psutil.Process], None]) -> None:
        self.flag = threading.Event()
        self.steps: list[Step] = []
        self._folder, self._interfere, self._done = folder, interfere, False
        super().__init__(self._seen, self.flag.is_set)

    def _seen(self, step: Step) -> None:
        self.steps.append(step)
        if not self._done and "%" in step.message and step.stage is Stage.RENDERING:
            self._done = True
            (child,) = decoders(os.getpid(), self._folder)
            self._interfere(child)


def test_moments_are_handed_on_before_the_reel_is_rendered(outlet: Outlet) -> None:
    told: list[Step | Finding] = []
    result = RailwayVideoGenerator().generate_highlights(
        source(outlet), Progress(told.append, found=told.append), outlet=outlet
    )
    found = [place for place, one in enumerate(told) if isinstance(one, Finding)]
    rendering = [place for place, one in enumerate(told) if isinstance(one, Step) and one.stage is Stage.RENDERING]
    assert len(found) == result.highlights_found
    assert max(found) < min(rendering)
    for place, record in zip(found, result.highlights, strict=True):
        one = told[place]
        assert isinstance(one, Finding)
        assert isinstance(one.item, HighlightResult)
        assert one.item == record.model_copy(update={"thumbnail_url": None})


def test_rendering_has_its_own_stretch_of_progress(outlet: Outlet) -> None:
    told: list[Step] = []
    RailwayVideoGenerator().generate_highlights(source(outlet), Progress(told.append), outlet=outlet)
    percents = [step.percent for step in told]
    rendering = [step.percent for step in told if step.stage is Stage.RENDERING]
    assert percents == sorted(percents)
    assert rendering[-1] - rendering[0] > 10
    assert rendering[-1] < 100


def test_without_an_outlet_no_file_is_made(clip: Path) -> None:
    before = set(clip.parent.iterdir())
    result = RailwayVideoGenerator().generate_highlights(str(clip))
    assert (result.reel_url, result.source_url, result.contact_sheet_url) == (None, None, None)
    assert all(one.thumbnail_url is None for one in result.highlights)
    assert all(segment.thumbnail_url is None for segment in result.segments)
    assert set(clip.parent.iterdir()) == before


def test_an_encoder_that_dies_costs_the_reel_alone(outlet: Outlet) -> None:
    progress = Interfering(outlet.folder, lambda child: child.send_signal(signal.SIGSEGV))
    result = RailwayVideoGenerator().generate_highlights(source(outlet), progress, outlet=outlet)
    assert result.reel_url is None
    assert [warning for warning in result.warnings if "reel" in warning] == [
        "The reel could not be rendered: The video's decoder crashed on this file (SIGSEGV)."
    ]
    assert result.contact_sheet_url
    assert not [name for name in names(outlet) if "reel" in name or name.endswith(".part")]


def test_a_file_that_cannot_be_written_costs_the_reel_alone(outlet: Outlet) -> None:
    (outlet.folder / "reel.mp4.part").mkdir()
    result = RailwayVideoGenerator().generate_highlights(source(outlet), outlet=outlet)
    assert result.reel_url is None
    assert "The reel could not be rendered: a file could not be written" in result.warnings
    assert result.exports.csv_url


def test_stills_that_cannot_be_written_cost_a_warning(outlet: Outlet) -> None:
    for ms in range(0, 12_000, 40):
        (outlet.folder / f"still-{ms:08}.jpg.part").mkdir()
    result = RailwayVideoGenerator().generate_highlights(source(outlet), outlet=outlet)
    assert [warning for warning in result.warnings if "tills" in warning] == [
        "Stills are missing: a file could not be written"
    ]
    assert result.reel_url


def test_a_cancel_while_rendering_ends_the_child_at_once(outlet: Outlet) -> None:
    """The child is held still, so that it cannot end by itself first."""
    held: list[psutil.Process] = []
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        progress.flag.set()

    def hold(child: psutil.Process) -> None:
        child.suspend()
        held.append(child)
        threading.Timer(0.1, ask).start()

    progress = Interfering(outlet.folder, hold)
    with pytest.raises(AnalysisStopped):
        RailwayVideoGenerator().generate_highlights(source(outlet), progress, outlet=outlet)
    assert time.monotonic() - asked[0] < 0.25
    assert not held[0].is_running()
    assert not {"reel.mp4", "reel.mp4.part"} & names(outlet)


def test_a_still_is_taken_anew_where_the_scan_left_none(tmp_path: Path) -> None:
    """A video of 12 s in which stills lie 0.75 s apart, and moments last half a second."""
    outlet = Outlet(tmp_path, "/files")
    draw_video(tmp_path / "source.mp4")
    wanted: dict[str, Any] = {"min_clip_seconds": 0.5, "max_clip_seconds": 0.5, "max_highlights": 8, "reel": False}
    result = RailwayVideoGenerator().generate_highlights(source(outlet), outlet=outlet, **wanted)
    for one in result.highlights:
        assert one.thumbnail_url
        shown = int(one.thumbnail_url.rsplit("-", 1)[1].removesuffix(".jpg")) / 1000
        assert one.start_timestamp <= shown <= one.end_timestamp
        assert (tmp_path / one.thumbnail_url.rsplit("/", 1)[1]).stat().st_size > 500


def test_a_segment_in_which_a_picture_stands_has_the_still_of_that_picture(tmp_path: Path) -> None:
    """Slides that stand for five seconds each, in segments of two."""
    slides = np.random.default_rng(1).integers(0, 255, (6, 9, 16, 3), np.uint8).repeat(10, 1).repeat(10, 2)
    style = Style(width=160, height=90)
    encode(tmp_path / "source.mp4", ((125 * number, slide) for number, slide in enumerate(slides)), style)
    wanted: dict[str, Any] = {"segment_duration": 2, "reel": False}
    result = RailwayVideoGenerator().generate_highlights(
        source(Outlet(tmp_path, "/files")), outlet=Outlet(tmp_path, "/files"), **wanted
    )
    for one in result.segments:
        assert one.thumbnail_url
        picture = cv2.imread(str(tmp_path / one.thumbnail_url.rsplit("/", 1)[1]))
        assert picture is not None
        seen = [np.abs(picture[..., ::-1].astype(int) - slide).mean() for slide in slides]
        first, last = (min(5, int(time // 5)) for time in (one.start_timestamp, one.end_timestamp))
        assert int(np.argmin(seen)) in (first, last)


def test_a_source_that_browsers_do_not_play_has_a_preview(tmp_path: Path) -> None:
    outlet = Outlet(tmp_path, "/files")
    draw_video(tmp_path / "source.mkv", 4)
    result = RailwayVideoGenerator().generate_highlights(str(tmp_path / "source.mkv"), outlet=outlet)
    assert result.preview_url == "/files/preview.mp4"


def test_sets_of_a_workout_have_stills_and_a_table(tmp_path: Path, bobbing: Path) -> None:
    outlet = Outlet(tmp_path, "/files", keeps_source=False)
    result = RailwayVideoGenerator().analyze_workout_with_timestamps(str(bobbing), outlet=outlet)
    assert result.exports.csv_url == "/files/sets.csv"
    assert (tmp_path / "sets.csv").read_bytes().count(b"\r\n") == 1 + len(result.exercise_steps)
    assert all(step.thumbnail_url for step in result.exercise_steps)
    assert all(segment.thumbnail_url for segment in result.segment_analyses)
    assert result.source_url is None
