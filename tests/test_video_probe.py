"""What a video is, by its packets and one picture; and what a file is that is none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from errors import AnalysisFailed, AnalysisStopped, UnsupportedVideo, VideoTooLarge
from schemas import Limits
from tests.footage import SMALL, anamorphic, damaged, moving, song_with_cover, turned, two_videos
from video.draw import Style, draw_video, encode
from video.probe import probe

LIMITS = Limits()


@pytest.fixture
def own_turn() -> Iterator[None]:
    """SVT-AV1 makes the thread that encodes a real-time one where it may, and so all that this starts later: the
    browsers and services of other tests would leave nothing of the machine to anybody."""
    yield
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@pytest.mark.parametrize(
    ("name", "encoder", "codec"),
    [
        ("a.mp4", "libx264", "h264"),
        ("a.mov", "prores", "prores"),
        ("a.mkv", "libx265", "hevc"),
        ("b.mkv", "libsvtav1", "av1"),
        ("a.webm", "libvpx", "vp8"),
        ("b.webm", "libvpx-vp9", "vp9"),
        ("a.avi", "mjpeg", "mjpeg"),
        ("a.mpg", "mpeg2video", "mpeg2video"),
        ("a.ts", "libx264", "h264"),
        ("a.flv", "flv", "flv1"),
        ("a.wmv", "wmv2", "wmv2"),
        ("a.3gp", "mpeg4", "mpeg4"),
    ],
)
@pytest.mark.usefixtures("own_turn")
def test_every_usual_container_and_codec_is_read(tmp_path: Path, name: str, encoder: str, codec: str) -> None:
    formats = {"prores": "yuv422p10le", "mjpeg": "yuvj420p", "libx265": "yuv420p10le"}
    style = Style(128, 96, codec=encoder, pixel_format=formats.get(encoder, "yuv420p"))
    draw_video(tmp_path / name, 1.0, style=style)
    info = probe(tmp_path / name, LIMITS)
    assert (info.codec, info.container) == (codec, name.split(".")[1])
    assert (info.width, info.height, info.has_audio) == (128, 96, True)
    assert info.duration_seconds == pytest.approx(1.0, abs=0.041)
    assert info.size_bytes == (tmp_path / name).stat().st_size


def test_rate_and_pictures_are_counted(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(45), replace(SMALL, rate=30))
    info = probe(tmp_path / "v.mp4", LIMITS)
    assert (info.pictures, info.has_audio) == (45, False)
    assert info.duration_seconds == pytest.approx(1.5)
    assert info.fps == pytest.approx(30)


def test_the_best_stream_is_the_largest_not_the_first(tmp_path: Path) -> None:
    info = probe(two_videos(tmp_path / "v.mp4", SMALL, Style(128, 72)), LIMITS)
    assert (info.width, info.height, info.pictures) == (128, 72, 50)
    assert info.duration_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(("degrees", "size"), [(90, (36, 64)), (180, (64, 36)), (270, (36, 64)), (0, (64, 36))])
def test_a_turned_video_is_as_wide_as_it_is_shown(tmp_path: Path, degrees: int, size: tuple[int, int]) -> None:
    info = probe(turned(tmp_path / "v.mp4", degrees, SMALL), LIMITS)
    assert (info.width, info.height) == size


@pytest.mark.parametrize(("aspect", "width"), [(Fraction(16, 9), 64), (Fraction(1, 2), 18), (Fraction(500), 36)])
def test_pixels_that_are_not_square_count_unless_they_are_absurd(tmp_path: Path, aspect: Fraction, width: int) -> None:
    info = probe(anamorphic(tmp_path / "v.mp4", aspect, Style(36, 36)), LIMITS)
    assert (info.width, info.height) == (width, 36)


def test_time_begins_with_the_first_picture(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(24, first=27), SMALL)
    assert probe(tmp_path / "v.mp4", LIMITS).duration_seconds == pytest.approx(24 / 25)


def test_time_ends_with_the_last_picture_though_the_sound_goes_on(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(25), SMALL, np.zeros(3 * 48_000, np.float32))
    assert probe(tmp_path / "v.mp4", LIMITS).duration_seconds == pytest.approx(1.0)


def test_pictures_may_come_at_any_time(tmp_path: Path) -> None:
    numbers = [0, 40, 50, 300, 1000, 1040]
    pictures = zip(numbers, (picture for _, picture in moving(6)), strict=True)
    encode(tmp_path / "v.mkv", pictures, replace(SMALL, rate=1000))
    info = probe(tmp_path / "v.mkv", LIMITS)
    assert info.pictures == 6
    assert info.duration_seconds == pytest.approx(1.08, abs=0.045)


def test_a_live_recording_without_a_duration_has_one(tmp_path: Path) -> None:
    style = replace(SMALL, codec="libvpx", container_options={"live": "1"})
    encode(tmp_path / "v.webm", moving(50), style)
    assert probe(tmp_path / "v.webm", LIMITS).duration_seconds == pytest.approx(2.0, abs=0.01)


def test_a_clock_that_starts_anew_is_mended(tmp_path: Path) -> None:
    encode(tmp_path / "v.ts", moving(50), SMALL)
    once = (tmp_path / "v.ts").read_bytes()
    (tmp_path / "twice.ts").write_bytes(once + once)
    assert probe(tmp_path / "twice.ts", LIMITS).duration_seconds == pytest.approx(4.0, abs=0.1)


def test_a_header_that_lies_is_not_believed(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(25), SMALL)
    data = bytearray((tmp_path / "v.mp4").read_bytes())
    for mark, place in ((b"mvhd", 20), (b"tkhd", 24)):
        at = data.index(mark) + place
        data[at : at + 4] = b"\x7f\xff\xff\xff"
    (tmp_path / "v.mp4").write_bytes(data)
    assert probe(tmp_path / "v.mp4", LIMITS).duration_seconds == pytest.approx(1.0)


def test_a_damaged_title_does_no_harm(tmp_path: Path) -> None:
    encode(tmp_path / "v.mkv", moving(25), SMALL)
    data = (tmp_path / "v.mkv").read_bytes()
    assert b"Lavf" in data
    (tmp_path / "v.mkv").write_bytes(data.replace(b"Lavf", b"\xff\xfe\xff\xfe"))
    assert probe(tmp_path / "v.mkv", LIMITS).pictures == 25


def test_a_video_cut_short_is_as_long_as_what_is_there(tmp_path: Path) -> None:
    encode(tmp_path / "v.mkv", moving(250), replace(SMALL, codec="mjpeg", pixel_format="yuvj420p"))
    data = (tmp_path / "v.mkv").read_bytes()
    (tmp_path / "v.mkv").write_bytes(data[: len(data) // 2])
    assert 4.0 < probe(tmp_path / "v.mkv", LIMITS).duration_seconds < 6.0


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"Once upon a time\nthere was a file.", "is text"),
        ("Es war einmal …".encode() * 400, "is text"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"#EXTM3U\n#EXTINF:1,\nneighbour.ts\n", "playlist"),
        (b"ffconcat version 1.0\nfile neighbour.ts\n", "playlist"),
        (PNG, "PNG picture"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG picture"),
        (b"GIF89a\x01\0\x01\0", "GIF picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "still picture"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "sound recording"),
        (b"ID3\x04\0\0\0\0\0\x01", "sound recording"),
        (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
        (b"PK\x03\x04\x14\0\0\0", "ZIP"),
        (bytes(5000), "zeros"),
        (bytes(range(256)) * 50, "not a video"),
    ],
)
def test_what_is_no_video_is_called_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    encode(tmp_path / "neighbour.ts", moving(25), SMALL)
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(UnsupportedVideo, match=words):
        probe(tmp_path / "v.mp4", LIMITS)


def cut_off_before_its_index(path: Path) -> None:
    encode(path.with_suffix(".m4v"), moving(25), SMALL)  # an MP4 whose index comes last
    data = path.with_suffix(".m4v").read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])


def cut_off_in_its_index(path: Path) -> None:
    encode(path, moving(25), SMALL)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") + 100])


def without_pictures(path: Path) -> None:
    encode(path.with_suffix(".whole.mp4"), moving(25), SMALL)
    damaged(path.with_suffix(".whole.mp4"), path, 0.0, 9.0)


def with_a_codec_of_yesteryear(path: Path) -> None:
    encode(path.with_suffix(".mov"), moving(25), replace(SMALL, codec="qtrle", pixel_format="rgb24"))
    path.with_suffix(".mov").rename(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (song_with_cover, "sound recording and a cover picture"),
        (cut_off_before_its_index, "incomplete or damaged"),
        (cut_off_in_its_index, "incomplete or damaged"),
        (without_pictures, "not one of its pictures"),
        (with_a_codec_of_yesteryear, "coded as qtrle"),
    ],
)
def test_a_video_that_cannot_be_read_is_told_why(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / "v.mp4")
    with pytest.raises(UnsupportedVideo, match=words):
        probe(tmp_path / "v.mp4", LIMITS)


def test_too_many_pixels_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    encode(tmp_path / "v.avi", moving(1), replace(SMALL, codec="rawvideo"))
    data = bytearray((tmp_path / "v.avi").read_bytes())
    at = data.index(b"strf") + 12
    data[at : at + 8] = (16_000).to_bytes(4, "little") * 2
    (tmp_path / "v.avi").write_bytes(data)
    with pytest.raises(VideoTooLarge, match="16000 × 16000"):
        probe(tmp_path / "v.avi", LIMITS)


def test_a_picture_larger_than_its_header_says_is_not_decoded(tmp_path: Path) -> None:
    encode(tmp_path / "v.avi", moving(1, Style(640, 640)), Style(640, 640, codec="mjpeg", pixel_format="yuvj420p"))
    data = bytearray((tmp_path / "v.avi").read_bytes())
    at = data.index(b"strf") + 12
    data[at : at + 8] = (64).to_bytes(4, "little") * 2
    (tmp_path / "v.avi").write_bytes(data)
    with pytest.raises((UnsupportedVideo, VideoTooLarge)):
        probe(tmp_path / "v.avi", Limits(max_pixels=320 * 320))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(max_duration_seconds=1.5), "lasts"),
        (Limits(max_fps=20), "25 pictures a second"),
        (Limits(max_pixels=2000), "64 × 36"),
    ],
)
def test_more_than_the_limits_allow_is_refused_in_numbers(tmp_path: Path, limits: Limits, words: str) -> None:
    encode(tmp_path / "v.mp4", moving(50), SMALL)
    with pytest.raises(VideoTooLarge, match=words):
        probe(tmp_path / "v.mp4", limits)


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(AnalysisFailed, match="missing"):
        probe(tmp_path / "v.mp4", LIMITS)


def test_a_path_is_never_taken_for_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "v.mp4", moving(5), SMALL)
    os.rename("v.mp4", "concat:a|b %d.mp4")  # noqa: PTH104
    assert probe("concat:a|b %d.mp4", LIMITS).pictures == 5


def test_a_probe_can_be_stopped(tmp_path: Path) -> None:
    encode(tmp_path / "v.mp4", moving(5), SMALL)
    with pytest.raises(AnalysisStopped):
        probe(tmp_path / "v.mp4", LIMITS, lambda: True)
