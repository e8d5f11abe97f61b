"""Drawn videos hold what their record says, and the same seed draws the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from schemas import SOUND_RATE, Limits
from tests.footage import SMALL
from video.draw import draw_demo, draw_video
from video.probe import probe
from video.scan import scan

LIMITS = Limits()


def changes(path: Path) -> tuple[list[float], list[float]]:
    """Mean change from sample to sample, with the times of the later ones."""
    samples = [piece.samples for piece in scan(path, LIMITS) if piece.samples is not None]
    times = np.concatenate([part.times for part in samples])
    grey = np.concatenate([part.grey for part in samples]).astype(float)
    return list(times[1:]), list(np.abs(np.diff(grey, axis=0)).mean((1, 2)))


def test_pictures_change_where_something_is_planted_and_nowhere_else(tmp_path: Path) -> None:
    drawing = draw_video(tmp_path / "v.mp4", 12.0)
    assert [event.what for event in drawing.planted] == ["burst", "cut", "visitor"]
    changed = list(zip(*changes(drawing.path), strict=True))
    for time, change in changed:
        near = any(event.start - 0.2 <= time <= event.end + 0.2 for event in drawing.planted)
        assert change < 1 or near, f"something changes at {time}"
    most = max(changed, key=lambda pair: pair[1])
    assert most[0] == pytest.approx(drawing.planted[1].start, abs=0.11)


def test_the_burst_is_loud_from_its_first_moment_on(tmp_path: Path) -> None:
    drawing = draw_video(tmp_path / "v.mp4", 12.0, style=SMALL)
    pcm = np.concatenate([sound.pcm for piece in scan(drawing.path, LIMITS) for sound in piece.sounds])
    loud = np.flatnonzero(np.abs(pcm) > 0.1) / SOUND_RATE
    burst = drawing.planted[0]
    assert loud[0] == pytest.approx(burst.start, abs=0.03)
    assert loud[-1] <= burst.end + 0.03


def test_in_a_flat_video_nothing_happens(tmp_path: Path) -> None:
    drawing = draw_video(tmp_path / "v.mp4", 4.0, happening=False, sound=False)
    assert drawing.planted == ()
    assert max(changes(drawing.path)[1]) < 1
    assert not probe(drawing.path, LIMITS).has_audio


def test_the_same_seed_draws_the_same(tmp_path: Path) -> None:
    one, two, other = (draw_video(tmp_path / f"{n}.mp4", 1.0, seed=n // 2, style=SMALL).path for n in range(3))
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_an_hour_is_drawn_cheaply(tmp_path: Path) -> None:
    drawing = draw_video(tmp_path / "v.mp4", 3600, happening=False, sound=False, style=replace(SMALL, rate=1))
    assert probe(drawing.path, LIMITS).duration_seconds == pytest.approx(3600)


def test_the_demo_plays_in_a_browser(tmp_path: Path) -> None:
    drawing = draw_demo(tmp_path / "demo.mp4")
    info = probe(drawing.path, LIMITS)
    assert (info.codec, info.container, info.has_audio, info.width, info.height) == ("h264", "mp4", True, 426, 240)
    data = drawing.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
