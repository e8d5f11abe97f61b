"""One pass gives upright samples at a steady beat and all of the sound, whatever the file is like."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from errors import AnalysisStopped, UnsupportedVideo, VideoTooLarge
from schemas import SOUND_RATE, Limits, Scanned, Sound
from tests.footage import (
    SMALL,
    anamorphic,
    click_at,
    damaged,
    growing,
    moving,
    turned,
    two_videos,
)
from video.draw import Style, draw_video, encode
from video.scan import scan

LIMITS = Limits()
SQUARE_INTRA = replace(SMALL, options={"g": "1"})


@dataclass(frozen=True)
class Whole:
    times: NDArray[np.float64]
    grey: NDArray[np.uint8]
    grid: NDArray[np.uint8]
    sounds: tuple[Sound, ...]
    pieces: list[Scanned]
    last: Scanned


def whole(path: Path, limits: Limits = LIMITS) -> Whole:
    pieces = list(scan(path, limits))
    samples = [piece.samples for piece in pieces if piece.samples is not None]
    return Whole(
        np.concatenate([part.times for part in samples]),
        np.concatenate([part.grey for part in samples]),
        np.concatenate([part.grid for part in samples]),
        tuple(sound for piece in pieces for sound in piece.sounds),
        pieces,
        pieces[-1],
    )


def heard_seconds(sounds: tuple[Sound, ...]) -> float:
    return sum(len(sound.pcm) for sound in sounds) / SOUND_RATE


def loudest_second(sounds: tuple[Sound, ...]) -> float:
    sound = max(sounds, key=lambda sound: float(np.abs(sound.pcm).max()))
    return sound.start + int(np.abs(sound.pcm).argmax()) / SOUND_RATE


@pytest.mark.parametrize(("rate", "count"), [(25, 100), (30, 100), (60, 100), (12, 120), (5, 50)])
def test_ten_samples_a_second_or_every_picture_of_a_slower_video(tmp_path: Path, rate: int, count: int) -> None:
    style = replace(SMALL, rate=rate)
    encode(tmp_path / "v.mp4", moving(10 * rate, style), style)
    seen = whole(tmp_path / "v.mp4")
    assert len(seen.times) == pytest.approx(count, rel=0.2)
    assert np.diff(seen.times).max() <= max(0.17, 1.01 / rate)
    assert seen.last.position == pytest.approx(10.0, abs=0.001)


@pytest.mark.parametrize("count", [1, 3, 10, 16])
def test_a_video_of_few_pictures_gives_all_of_them(tmp_path: Path, count: int) -> None:
    encode(tmp_path / "v.mp4", moving(count), SMALL)
    seen = whole(tmp_path / "v.mp4")
    assert seen.times == pytest.approx(np.arange(count) / 25)
    assert seen.last.pictures == count


def test_a_second_of_video_gives_sixteen_samples(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(25), SMALL)
    assert 16 <= len(whole(tmp_path / "v.mp4").times) <= 17


def test_samples_show_what_the_picture_showed_at_their_time(tmp_path: Path) -> None:
    style = Style(160, 90)
    light = ((number, np.full((90, 160, 3), 20 + number, np.uint8)) for number in range(200))
    encode(tmp_path / "v.mp4", light, style)
    seen = whole(tmp_path / "v.mp4")
    assert seen.grey.mean((1, 2)) == pytest.approx(20 + seen.times * 25, abs=3)
    assert seen.grid.mean((1, 2, 3)) == pytest.approx(20 + seen.times * 25, abs=4)


@pytest.mark.parametrize(("degrees", "shape"), [(0, (72, 128)), (90, (128, 72)), (180, (72, 128)), (270, (128, 72))])
def test_samples_stand_upright(tmp_path: Path, degrees: int, shape: tuple[int, int]) -> None:
    # Turned anticlockwise by so much, the upper left corner comes to lie here.
    corner_at = {0: (0, 0), 90: (1, 0), 180: (1, 1), 270: (0, 1)}[degrees]
    seen = whole(turned(tmp_path / "v.mp4", degrees, Style(320, 180)))
    assert seen.grey.shape[1:] == shape
    quarters = seen.grid[0].astype(int).reshape(2, 6, 2, 6, 3).mean((1, 3))
    assert divmod(int(quarters[..., 0].argmax()), 2) == corner_at
    assert quarters[corner_at] == pytest.approx([230, 20, 20], abs=12)


def test_samples_have_the_shape_of_the_picture_as_shown(tmp_path: Path) -> None:
    seen = whole(anamorphic(tmp_path / "v.mp4", Fraction(16, 9), Style(180, 180)))
    assert seen.grey.shape[1:] == (72, 128)


@pytest.mark.parametrize(
    ("codec", "pixel_format"), [("ffv1", "yuv420p"), ("mjpeg", "yuvj420p"), ("ffv1", "yuv444p10le")]
)
def test_black_is_black_and_white_is_white_in_every_coding(tmp_path: Path, codec: str, pixel_format: str) -> None:
    halves = np.zeros((96, 128, 3), np.uint8)
    halves[:, 64:] = 255
    encode(tmp_path / "v.mkv", [(0, halves)], Style(128, 96, codec=codec, pixel_format=pixel_format))
    seen = whole(tmp_path / "v.mkv")
    assert seen.grey[0, :, :60].max() <= 2
    assert seen.grey[0, :, 68:].min() >= 253
    assert seen.grid[0, :, 7:].min() >= 252


def test_the_stream_that_was_probed_is_the_one_that_is_scanned(tmp_path: Path) -> None:
    seen = whole(two_videos(tmp_path / "v.mp4", SMALL, Style(96, 96)))
    assert seen.grey.shape[1:] == (128, 128)
    assert seen.last.position == pytest.approx(2.0)


def test_pictures_that_change_their_size_are_survived(tmp_path: Path) -> None:
    style = Style(64, 36, codec="mjpeg", pixel_format="yuvj420p")
    seen = whole(growing(tmp_path / "v.mkv", style, replace(style, width=96, height=96)))
    assert seen.last.pictures == 50
    assert len(seen.times) >= 16


def test_pictures_that_grow_past_the_limits_are_refused_or_passed_over(tmp_path: Path) -> None:
    style = Style(64, 36, codec="mjpeg", pixel_format="yuvj420p")
    path = growing(tmp_path / "v.mkv", style, replace(style, width=960, height=960))
    with suppress(VideoTooLarge):
        assert whole(path, Limits(max_pixels=64 * 64)).last.pictures == 25


def test_a_picture_that_stands_is_sampled_again_while_it_is_seen(tmp_path: Path) -> None:
    numbers = [*range(60), *range(300, 360)]
    pictures = zip(numbers, (picture for _, picture in moving(120)), strict=True)
    encode(tmp_path / "v.mp4", pictures, SMALL)
    seen = whole(tmp_path / "v.mp4")
    assert np.diff(seen.times).max() <= 0.6
    standing = (seen.times > 2.4) & (seen.times < 12.0)
    assert len(np.unique(seen.grey[standing], axis=0)) == 1


def test_a_damaged_stretch_has_no_samples_and_the_rest_has(tmp_path: Path) -> None:
    encode(tmp_path / "whole.mp4", moving(250), SQUARE_INTRA)
    seen = whole(damaged(tmp_path / "whole.mp4", tmp_path / "v.mp4", 4.0, 6.0))
    assert not ((seen.times > 4.05) & (seen.times < 5.95)).any()
    assert len(seen.times) == pytest.approx(80, abs=4)
    assert seen.last.pictures == pytest.approx(200, abs=4)
    assert seen.last.position == pytest.approx(10.0, abs=0.05)


def test_a_damaged_end_is_where_the_position_stays(tmp_path: Path) -> None:
    encode(tmp_path / "whole.mp4", moving(250), SQUARE_INTRA)
    seen = whole(damaged(tmp_path / "whole.mp4", tmp_path / "v.mp4", 8.0, 11.0))
    assert seen.last.position == pytest.approx(8.0, abs=0.1)


def test_noise_all_over_a_file_costs_no_more_than_what_it_hits(tmp_path: Path) -> None:
    draw_video(tmp_path / "v.mp4", 8.0, style=Style(160, 90))
    data = bytearray((tmp_path / "v.mp4").read_bytes())
    rng = np.random.default_rng(3)
    for place in rng.integers(data.index(b"mdat") + 4000, len(data), 40):
        data[place] = rng.integers(256)
    (tmp_path / "v.mp4").write_bytes(data)
    seen = whole(tmp_path / "v.mp4")
    assert len(seen.times) > 40
    assert np.isfinite(np.concatenate([sound.pcm for sound in seen.sounds])).all()


def test_sound_lies_on_the_clock_of_the_pictures(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(75, first=25), SMALL, click_at(2.0, 6.0))
    seen = whole(tmp_path / "v.mp4")
    assert loudest_second(seen.sounds) == pytest.approx(1.0, abs=0.03)
    assert seen.sounds[0].start == pytest.approx(0.0, abs=0.001)
    assert heard_seconds(seen.sounds) == pytest.approx(3.0, abs=0.05)


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.webm", "v.avi", "v.ts", "v.mpg"])
def test_a_click_is_heard_when_it_sounds_in_every_container(tmp_path: Path, name: str) -> None:
    codec = {".webm": "libvpx", ".avi": "mpeg4", ".mpg": "mpeg2video"}.get(Path(name).suffix, "libx264")
    encode(tmp_path / name, moving(75), replace(SMALL, codec=codec), click_at(1.5, 3.0))
    seen = whole(tmp_path / name)
    # MP3 in AVI keeps the encoder's delay of 1105 samples, and the MPEG formats count time from elsewhere.
    assert loudest_second(seen.sounds) == pytest.approx(1.5, abs=0.06)
    assert all(sound.pcm.dtype == np.float32 and np.abs(sound.pcm).max() <= 1 for sound in seen.sounds)


def test_sound_that_changes_its_form_is_survived(tmp_path: Path) -> None:
    encode(tmp_path / "a.ts", moving(50), SMALL, click_at(1.0, 2.0))
    encode(tmp_path / "b.ts", moving(50), replace(SMALL, sound_rate=32_000), click_at(1.0, 2.0, 32_000))
    (tmp_path / "v.ts").write_bytes((tmp_path / "a.ts").read_bytes() + (tmp_path / "b.ts").read_bytes())
    seen = whole(tmp_path / "v.ts")
    assert heard_seconds(seen.sounds) == pytest.approx(4.0, abs=0.3)


def test_pieces_are_small_and_their_position_rises(tmp_path: Path) -> None:
    draw_video(tmp_path / "v.mp4", 20.0, style=SMALL)
    pieces = whole(tmp_path / "v.mp4").pieces
    positions = [piece.position for piece in pieces]
    assert positions == sorted(positions)
    assert 20 <= len(pieces) <= 60
    assert all(piece.samples is None or len(piece.samples.times) <= 64 for piece in pieces)


def test_much_sound_beside_few_pictures_comes_in_pieces_too(tmp_path: Path) -> None:
    encode(
        tmp_path / "v.mkv",
        ((number * 40, picture) for number, (_, picture) in enumerate(moving(3))),
        replace(SMALL, rate=1),
        np.zeros(100 * 48_000, np.float32),
    )
    pieces = whole(tmp_path / "v.mkv").pieces
    assert max(heard_seconds(piece.sounds) for piece in pieces) < 8


def test_a_scan_that_is_stopped_leaves_no_child(tmp_path: Path) -> None:
    draw_video(tmp_path / "v.mp4", 20.0, style=SMALL)
    before = len(psutil.Process().children(recursive=True))
    answers = iter([False, False, False])
    with pytest.raises(AnalysisStopped):
        list(scan(tmp_path / "v.mp4", LIMITS, lambda: next(answers, True)))
    assert len(psutil.Process().children(recursive=True)) <= max(before, 2)  # the fork server and its helper


def test_what_probe_refuses_scan_refuses(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_text("Once upon a time")
    with pytest.raises(UnsupportedVideo):
        list(scan(tmp_path / "v.mp4", LIMITS))
