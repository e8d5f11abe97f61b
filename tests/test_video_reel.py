"""A reel shows exactly the clips asked for, in step with their sound, in a form that every browser plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from errors import AnalysisStopped, UnsupportedVideo
from schemas import Centre, Clip, Limits, Reel, Written
from stores.files import write_pieces
from tests.footage import SMALL, anamorphic, corner, damaged, turned
from tests.numbered import NUMBERED, TICK_SECONDS, draw_numbered, heard, numbered, shown
from video.child import never
from video.draw import Style, encode
from video.preview import preview
from video.reel import render

CLIPS = (Clip(1.0, 2.5), Clip(4.033, 5.2), Clip(5.2, 5.9), Clip(9.0, 11.0))
MOST = 1 << 26


def rendered(video: Path, *clips: Clip, stopped: Callable[[], bool] = never, **form: object) -> Path:
    reel = Reel(clips, **form)  # type: ignore[arg-type]
    return written(video.with_name("reel.mp4"), render(video, reel, Limits(), stopped))


def written(target: Path, pieces: Iterator[Written]) -> Path:
    write_pieces(target, ((piece.offset, piece.data) for piece in pieces), MOST)
    return target


def first_picture(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def size_of(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        return container.streams.video[0].width, container.streams.video[0].height


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_numbered(tmp_path_factory.mktemp("reel") / "video.mp4")


@pytest.fixture(scope="module")
def reel(video: Path) -> Path:
    return rendered(video, *CLIPS)


def test_each_clip_begins_with_the_picture_seen_at_its_start_and_leaves_none_out(reel: Path) -> None:
    wanted = [*range(25, 63), *range(100, 130), *range(130, 148), *range(225, 275)]
    found = [number for _, number in shown(reel)]
    assert found == pytest.approx(wanted, abs=0)


def test_pictures_come_at_one_steady_rate(reel: Path) -> None:
    times = [time for time, _ in shown(reel)]
    assert np.diff(times) == pytest.approx(1 / NUMBERED.rate, abs=1e-6)
    assert times[0] == 0


def test_sound_is_in_step_with_the_pictures_of_every_clip(reel: Path) -> None:
    """Each tick was heard at a whole half second of the source: the picture that is seen then says so too."""
    pictures, clips = shown(reel), set()
    for tick in heard(reel):
        time, number = next(one for one in reversed(pictures) if one[0] <= tick)
        source = number / NUMBERED.rate + tick - time
        assert abs(source - round(source / TICK_SECONDS) * TICK_SECONDS) < 0.02
        clips.add(next(place for place, clip in enumerate(CLIPS) if clip.start - 0.04 <= source < clip.end + 0.04))
    assert clips == {0, 1, 2, 3}


@pytest.mark.parametrize("rate", [5, 12, 24, 48])
def test_sound_is_in_step_wherever_within_a_picture_a_clip_starts(tmp_path: Path, rate: int) -> None:
    style = Style(width=192, height=108, rate=rate)
    reel = rendered(draw_numbered(tmp_path / "video.mp4", 6, style), Clip(1.19, 2.4), Clip(3.37, 5.2))
    pictures, ticks = shown(reel), heard(reel)
    for tick in ticks:
        time, number = next(one for one in reversed(pictures) if one[0] <= tick)
        first = next(one for one, same in pictures if same == number)
        source = number / rate + tick - (first if rate < 10 else time)
        assert abs(source - round(source / TICK_SECONDS) * TICK_SECONDS) < 0.02
    assert len(ticks) >= 4


def test_sound_keeps_to_its_clip_to_the_millisecond(reel: Path) -> None:
    """Each clip's sound begins with its first picture, so that the ticks' times can be told exactly."""
    begins = np.cumsum([0, 38, 30, 18]) / NUMBERED.rate
    starts = [1.0, 4.0, 5.2, 9.0]
    expected = [
        begin + tick - start
        for begin, start, clip in zip(begins, starts, CLIPS, strict=True)
        for tick in np.arange(0, 12, TICK_SECONDS)
        if start + 0.01 < tick < clip.end - 0.02
    ]
    found = heard(reel)
    assert all(min(abs(tick - time) for time in found) < 0.002 for tick in expected)


def test_every_browser_plays_it(reel: Path) -> None:
    data = reel.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "its table of contents comes first"
    with av.open(str(reel)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, sound.codec_context.name) == ("h264", "yuv420p", "aac")
        assert video.profile == "High"
        assert (container.duration or 0) / 1e6 == pytest.approx(136 / 25, abs=0.03)


def test_clips_begin_with_key_pictures_so_that_a_player_can_jump_there(reel: Path) -> None:
    with av.open(str(reel)) as container:
        keys = {round(float((p.pts or 0) * p.time_base) * 25) for p in container.demux(video=0) if p.is_keyframe}
    assert {0, 38, 68, 86} <= keys


def test_sound_fades_at_both_ends_of_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "tone.mp4"
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * 48_000) / 48_000)).astype(np.float32)
    encode(path, ((n, np.full((36, 64, 3), 90, np.uint8)) for n in range(100)), SMALL, tone)
    with av.open(str(rendered(path, Clip(1, 2), Clip(3, 3.5)))) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    joint = np.abs(sound[47_900:48_100])
    assert np.abs(sound[20_000:30_000]).max() > 0.4
    assert joint.max() < 0.25
    assert joint[95:105].max() < 0.06


def test_a_video_without_sound_makes_a_reel_without(tmp_path: Path) -> None:
    path = rendered(draw_numbered(tmp_path / "video.mp4", 3, sound=False), Clip(1, 2))
    with av.open(str(path)) as container:
        assert not container.streams.audio
    assert [number for _, number in shown(path)] == list(range(25, 50))


@pytest.mark.parametrize(
    ("ending", "keys"), [("mkv", "keyint=60"), ("ts", "open-gop=1"), ("mov", "intra-refresh=1:bframes=0")]
)
def test_containers_make_no_difference_nor_where_decoding_may_begin(tmp_path: Path, ending: str, keys: str) -> None:
    style = replace(NUMBERED, options={"g": "50", "x264-params": keys})
    reel = rendered(draw_numbered(tmp_path / f"video.{ending}", 9, style), Clip(1, 1.6), Clip(8.2, 8.8))
    assert [number for _, number in shown(reel)] == [*range(25, 40), *range(205, 220)]
    (inside,) = (tick for tick in heard(reel) if 0.65 < tick < 1.1)
    assert inside == pytest.approx(0.9, abs=0.002)


def test_a_varying_rate_becomes_a_steady_one(tmp_path: Path) -> None:
    numbers = [n for n in range(150) if n < 60 or n % 5 == 0 or n > 120]
    style = Style(width=192, height=108, options={"bf": "0"})
    reel = rendered(draw_numbered(tmp_path / "video.mkv", 6, style, numbers=numbers), Clip(2, 5.5))
    found = [number for _, number in shown(reel)]
    held = [max(n for n in numbers if n <= wanted) for wanted in range(50, 137)]
    assert found[: len(held)] == held
    assert np.diff([time for time, _ in shown(reel)]) == pytest.approx(0.04, abs=1e-6)


@pytest.mark.parametrize(("rate", "expected"), [(60, 30), (50, 25), (5, 10), (24, 24)])
def test_a_rate_that_no_screen_needs_is_halved_and_a_slow_one_raised(tmp_path: Path, rate: int, expected: int) -> None:
    style = Style(width=192, height=108, rate=rate)
    reel = rendered(draw_numbered(tmp_path / "video.mp4", 3, style), Clip(1, 2))
    pictures = shown(reel)
    assert len(pictures) == expected
    assert pictures[0] == (0, rate)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pictures_stand_upright(tmp_path: Path, degrees: int) -> None:
    reel = rendered(turned(tmp_path / "turned.mp4", degrees, Style(width=96, height=64)), Clip(0, 0.4))
    assert size_of(reel) == ((96, 64) if degrees == 180 else (64, 96))
    picture = first_picture(reel)
    height, width = picture.shape[:2]
    red = np.array([[part[..., 0].mean() for part in np.split(half, 2, axis=1)] for half in np.split(picture, 2)])
    row, column = np.unravel_index(int(red.argmax()), (2, 2))
    assert (int(row), int(column)) == {90: (1, 0), 180: (1, 1), 270: (0, 1)}[degrees]
    assert (height, width) == picture.shape[:2]


def test_pixels_are_square(tmp_path: Path) -> None:
    reel = rendered(anamorphic(tmp_path / "wide.mp4", Fraction(4, 3), Style(width=96, height=64)), Clip(0, 0.4))
    assert size_of(reel) == (128, 64)


@pytest.mark.parametrize(
    ("size", "expected", "small"),
    [((1920, 1080), (1280, 720), (854, 480)), ((1080, 1440), (720, 960), (480, 640))],
)
def test_large_pictures_are_reduced_and_those_of_a_preview_more(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int], small: tuple[int, int]
) -> None:
    style = Style(width=size[0], height=size[1])
    encode(tmp_path / "large.mp4", corner(style, 5), style)
    assert size_of(rendered(tmp_path / "large.mp4", Clip(0, 0.2))) == expected
    assert size_of(written(tmp_path / "small.mp4", preview(tmp_path / "large.mp4", Limits()))) == small


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    style = Style(width=99, height=61, codec="libvpx-vp9", pixel_format="yuv420p")
    encode(tmp_path / "odd.webm", corner(style, 5), style)
    width, height = size_of(rendered(tmp_path / "odd.webm", Clip(0, 0.2)))
    assert (width % 2, height % 2) == (0, 0)
    assert width == pytest.approx(99, abs=1)


@pytest.mark.parametrize(("aspect", "size"), [(9 / 16, (60, 108)), (1.0, (108, 108)), (16 / 9, (192, 108))])
def test_an_aspect_is_cut_out(video: Path, aspect: float, size: tuple[int, int]) -> None:
    assert size_of(rendered(video, Clip(1, 1.2), aspect=aspect)) == size


def test_the_cut_out_follows_what_moves(tmp_path: Path) -> None:
    """A bright bar walks from the left to the right, and the middle of a narrow reel with it."""
    style = Style(width=192, height=108)

    def bar(number: int) -> np.ndarray:
        picture = np.full((108, 192, 3), 30, np.uint8)
        picture[:, 20 + 3 * number : 32 + 3 * number] = 230
        return picture

    encode(tmp_path / "bar.mp4", ((number, bar(number)) for number in range(50)), style)
    centres = (Centre(0, 26 / 192, 0.5), Centre(2, 176 / 192, 0.5))
    reel = rendered(tmp_path / "bar.mp4", Clip(0, 2, centres), aspect=9 / 16)
    with av.open(str(reel)) as container:
        columns = [frame.to_ndarray(format="gray").mean(axis=0) for frame in container.decode(video=0)]
    places = [float(np.average(np.arange(60), weights=column - column.min() + 1e-9)) for column in columns]
    assert places[25] == pytest.approx(29.5, abs=4)
    assert all(5 < place < 55 for place in places)


def test_what_is_damaged_is_held_over(tmp_path: Path, video: Path) -> None:
    broken = damaged(video, tmp_path / "broken.mp4", 1.4, 2.0)
    pictures = shown(rendered(broken, Clip(1.0, 3.0)))
    assert len(pictures) == 50
    assert [number for _, number in pictures][:10] == list(range(25, 35))


@pytest.mark.parametrize("cut", [48, 49, 50])
def test_a_clip_ends_with_the_last_picture_of_its_shot(tmp_path: Path, cut: int) -> None:
    """Pictures that all differ, until a place that differs more; its sound fades out with it."""
    style = Style(width=192, height=108)
    pictures = ((number, numbered(number, style) // (1 if number < cut else 3)) for number in range(75))
    encode(tmp_path / "cut.mp4", pictures, style, np.full(3 * 48_000, 0.5, np.float32))
    reel = rendered(tmp_path / "cut.mp4", Clip(1, 2, doubtful=0.1), Clip(2.2, 2.6))
    with av.open(str(reel)) as container:
        bright = [frame.to_ndarray(format="gray").max() > 128 for frame in container.decode(video=0)]
    with av.open(str(reel)) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    assert bright == [True] * (cut - 25) + [False] * 10
    joint = (cut - 25) * 1920
    assert np.abs(sound[joint - 3000 : joint - 1000]).mean() > 0.3
    assert np.abs(sound[joint - 4 : joint + 4]).max() < 0.1


def test_a_clip_past_the_end_shows_what_there_is(video: Path) -> None:
    assert [number for _, number in shown(rendered(video, Clip(11.6, 14.0)))] == list(range(290, 300))


def test_rendering_stops_when_it_should(video: Path) -> None:
    answers = iter([False] * 6)
    with pytest.raises(AnalysisStopped):
        rendered(video, *CLIPS, stopped=lambda: next(answers, True))
    assert not list(video.parent.glob("*.part"))


def test_what_is_no_video_makes_no_reel(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("nothing to see here " * 50)
    with pytest.raises(UnsupportedVideo):
        rendered(tmp_path / "notes.mp4", Clip(0, 1))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.mp4"]


@pytest.mark.parametrize("form", [{}, {"aspect": 9 / 16}, {"longer_side": 160, "shorter_side": 90}])
def test_colours_are_those_of_the_source_whatever_is_cut_out(tmp_path: Path, form: dict[str, Any]) -> None:
    """What is as large as high definition and says nothing has its colours, in a narrower or a smaller reel too."""
    style = Style(width=1280, height=720)
    encode(tmp_path / "large.mp4", corner(style, 5), style)
    with av.open(str(rendered(tmp_path / "large.mp4", Clip(0, 0.2), **form))) as container:
        picture = next(container.decode(video=0))
        assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (1, 1, 1)


@pytest.mark.parametrize("form", [{}, {"aspect": 1.0}])
def test_full_levels_become_those_that_it_tells(tmp_path: Path, form: dict[str, Any]) -> None:
    style = Style(width=96, height=64, codec="mjpeg", pixel_format="yuvj420p")
    half = np.zeros((64, 96, 3), np.uint8)
    half[:32] = 255
    encode(tmp_path / "full.avi", ((number, half) for number in range(5)), style)
    with av.open(str(rendered(tmp_path / "full.avi", Clip(0, 0.2), **form))) as container:
        picture = next(container.decode(video=0))
        luma = picture.to_ndarray()[:64]
    assert picture.color_range == 1
    assert (luma[:24].mean(), luma[40:].mean()) == pytest.approx((235, 16), abs=2)


def test_colours_are_told(reel: Path) -> None:
    with av.open(str(reel)) as container:
        stream = container.streams.video[0]
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        assert (context.color_range, context.colorspace) == (1, 6)
