"""Stills that come with a scan: one for each stretch, the sharpest, of what is seen then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from schemas import Limits, Still
from tests.footage import turned
from tests.numbered import draw_numbered, number_of
from video.draw import Rgb, Style, encode
from video.picking import MOST_STILLS, STRETCH_SECONDS
from video.scan import scan


def picked(path: Path) -> list[Still]:
    return [still for piece in scan(path, Limits(), stills=True) for still in piece.stills]


def test_none_come_unless_they_are_asked_for(clip: Path) -> None:
    assert all(piece.stills == () for piece in scan(clip, Limits()))


def test_there_is_one_in_every_stretch_that_shows_what_is_seen_then(tmp_path: Path) -> None:
    stills = picked(draw_numbered(tmp_path / "video.mp4", 6))
    assert [int(still.time / STRETCH_SECONDS) for still in stills] == list(range(6))
    for still in stills:
        grey = still.picture.mean(axis=2).astype(np.uint8)
        assert abs(number_of(grey) - still.time * 25) < 1


def test_the_sharpest_of_a_stretch_is_taken(tmp_path: Path) -> None:
    style = Style(width=192, height=108, rate=20)
    noise = np.random.default_rng(1).integers(0, 255, (108, 192, 3), np.uint8)
    sharp = {7, 22, 40}

    def pictures() -> Iterator[tuple[int, Rgb]]:
        for number in range(45):
            blurred = cv2.GaussianBlur(noise, (0, 0), 1 if number in sharp else 6)
            yield number, np.asarray(blurred, np.uint8)

    encode(tmp_path / "video.mp4", pictures(), style)
    times = [still.time for still in picked(tmp_path / "video.mp4")]
    for number in sharp:
        assert min(abs(time - number / style.rate) for time in times) < 0.11


def test_a_picture_that_stands_is_there_in_every_stretch(tmp_path: Path) -> None:
    style = Style(width=192, height=108, options={"bf": "0"})
    shown = [*range(50), *range(150, 200)]
    stills = picked(draw_numbered(tmp_path / "pause.mkv", 8, style, numbers=shown, sound=False))
    numbers = [number_of(still.picture.mean(axis=2).astype(np.uint8)) for still in stills]
    seen = [max(number for number in shown if number <= still.time * 25 + 0.5) for still in stills]
    assert [int(still.time / STRETCH_SECONDS) for still in stills] == list(range(8))
    assert numbers == seen


def test_a_long_video_has_no_more_of_them(tmp_path: Path) -> None:
    style = Style(width=64, height=36, rate=1)
    grey = np.full((36, 64, 3), 90, np.uint8)
    encode(tmp_path / "long.mp4", ((number, grey) for number in range(1500)), style)
    assert len(picked(tmp_path / "long.mp4")) == pytest.approx(MOST_STILLS, abs=2)


def test_they_stand_upright_and_are_small(tmp_path: Path) -> None:
    stills = picked(turned(tmp_path / "turned.mp4", 90, Style(width=960, height=640)))
    assert stills[0].picture.shape == (480, 320, 3)
    assert stills[0].picture[-100:, :100, 0].mean() > 150, "the red quarter is at the lower left"
