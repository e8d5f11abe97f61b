"""Stills are the pictures that are seen at the times asked for, in every container, turned upright."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from errors import AnalysisStopped
from schemas import Limits, Still
from tests.footage import corner, damaged, turned
from video.draw import Rgb, Style, encode
from video.stills import LONGER_SIDE, stills

RATE = 10
STYLE = Style(width=64, height=36, rate=RATE)


def numbered(numbers: Sequence[int]) -> Iterator[tuple[int, Rgb]]:
    """Each picture shows its number in grey: 2 a step, around and around."""
    for number in numbers:
        yield number, np.full((STYLE.height, STYLE.width, 3), 20 + number % 100 * 2, np.uint8)


def number_of(still: Still) -> int:
    return round((float(still.picture.mean()) - 20) / 2)


def drawn(path: Path, numbers: Sequence[int], **options: str) -> Path:
    style = Style(width=64, height=36, rate=RATE, options={"crf": "5", **options})
    encode(path, numbered(numbers), style)
    return path


def taken(path: Path, *times: float) -> list[Still]:
    return list(stills(path, times, Limits()))


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov", "ts", "avi"])
def test_a_still_is_the_picture_that_is_seen_then(tmp_path: Path, ending: str) -> None:
    path = drawn(tmp_path / f"a.{ending}", range(95), bf="0" if ending == "avi" else "2")
    found = taken(path, 0.0, 0.35, 0.4, 6.05, 6.1, 8.99, 9.4)
    assert [number_of(one) for one in found] == pytest.approx([0, 3, 4, 60, 61, 89, 94], abs=1)
    assert [one.time for one in found] == pytest.approx([0.0, 0.3, 0.4, 6.0, 6.1, 8.9, 9.4], abs=0.02)


def test_a_picture_that_stands_is_seen_until_the_next(tmp_path: Path) -> None:
    path = drawn(tmp_path / "slides.mkv", [0, 40, 90], bf="0")
    assert [number_of(one) for one in taken(path, 0.0, 3.9, 4.1, 8.8, 9.0)] == pytest.approx([0, 0, 40, 40, 90], abs=1)


def test_far_apart_is_as_exact_as_side_by_side(tmp_path: Path) -> None:
    path = drawn(tmp_path / "long.mp4", range(900), g="80")
    times = [0.5, 33.3, 33.4, 60.05, 89.9]
    assert [number_of(one) for one in taken(path, *times)] == pytest.approx([5, 33, 34, 0, 99], abs=1)


def test_where_nothing_can_be_decoded_the_next_stands(tmp_path: Path) -> None:
    whole = drawn(tmp_path / "whole.mp4", range(300), g="20")
    path = damaged(whole, tmp_path / "damaged.mp4", 8.0, 18.0)
    found = taken(path, 2.0, 12.0, 25.0)
    assert number_of(found[0]) == pytest.approx(20, abs=1)
    assert number_of(found[2]) == pytest.approx(50, abs=1)
    assert len(found) == 3


def test_a_turned_video_is_seen_upright(tmp_path: Path) -> None:
    (still,) = taken(turned(tmp_path / "turned.mp4", -90, Style(width=64, height=36, rate=RATE)), 0.5)
    assert still.picture.shape == (64, 36, 3)
    red = still.picture[..., 0] > 120
    assert red[:32, 18:].mean() > 0.9  # a quarter turn clockwise takes the upper left to the upper right
    assert red[32:].mean() < 0.1


def test_colours_are_those_of_the_video(tmp_path: Path) -> None:
    style = Style(width=64, height=36, rate=RATE)
    encode(tmp_path / "red.mp4", corner(style), style)
    (still,) = taken(tmp_path / "red.mp4", 0.0)
    assert still.picture[4:12, 4:24].mean(axis=(0, 1)) == pytest.approx((230, 20, 20), abs=12)


def test_a_large_picture_is_made_smaller_in_its_own_shape(tmp_path: Path) -> None:
    style = Style(width=1280, height=720, rate=RATE)
    encode(tmp_path / "large.mp4", corner(style, 2), style)
    (still,) = taken(tmp_path / "large.mp4", 0.0)
    assert still.picture.shape == (576, LONGER_SIDE, 3)


def test_a_stopped_session_waits_for_no_picture(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.mp4", range(20))
    with pytest.raises(AnalysisStopped):
        list(stills(path, [0.0, 1.0], Limits(), lambda: True))
