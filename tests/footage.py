"""Footage that `video.draw` has no use for: damaged, turned, mislabelled, with times of its own."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import VideoFrame
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from numpy.typing import NDArray

from video.draw import Rgb, Style, encode

SMALL = Style(width=64, height=36)


def moving(count: int, style: Style = SMALL, first: int = 0) -> Iterator[tuple[int, Rgb]]:
    """Pictures numbered from `first` in which a white bar walks to the right."""
    for number in range(count):
        picture = np.full((style.height, style.width, 3), 60, np.uint8)
        left = number * 2 % (style.width - 8)
        picture[:, left : left + 8] = 240
        yield first + number, picture


def draw_workout(path: Path) -> Path:
    """24 s in which somebody made of two boxes goes up and down ten times, from the 4th second to the 20th."""
    style = Style(rate=20)
    random = np.random.default_rng(1)
    wall = np.kron(random.integers(60, 140, (15, 20)), np.ones((12, 16))).astype(np.uint8)[..., None].repeat(3, 2)

    def pictures() -> Iterator[tuple[int, Rgb]]:
        for number in range(24 * style.rate):
            since = number / style.rate - 4
            down = int(20 * (1 - np.cos(2 * np.pi * since / 1.6))) if 0 <= since < 16 else 0
            picture = wall.copy()
            picture[40 + down : 110 + down, 130:190] = (220, 60, 50)
            picture[40 + down : 60 + down, 145:175] = (240, 210, 180)
            yield number, picture

    encode(path, pictures(), style)
    return path


def corner(style: Style, count: int = 10) -> Iterator[tuple[int, Rgb]]:
    """Dark pictures whose upper left quarter is red."""
    for number in range(count):
        picture = np.full((style.height, style.width, 3), 20, np.uint8)
        picture[: style.height // 2, : style.width // 2] = (230, 20, 20)
        yield number, picture


def click_at(second: float, seconds: float, rate: int = 48_000) -> NDArray[np.float32]:
    """Silence with one loud hundredth of a second."""
    sound = np.zeros(round(seconds * rate), np.float32)
    start = round(second * rate)
    sound[start : start + rate // 100] = 0.8
    return sound


def turned(path: Path, degrees: int, style: Style) -> Path:
    with av.open(str(path), "w") as container:
        stream = _stream(container, style)
        stream.set_display_rotation(degrees)
        _write(container, stream, corner(style))
    return path


def anamorphic(path: Path, aspect: Fraction, style: Style) -> Path:
    with av.open(str(path), "w") as container:
        stream = _stream(container, style)
        stream.codec_context.sample_aspect_ratio = aspect
        _write(container, stream, corner(style))
    return path


def two_videos(path: Path, small: Style, large: Style) -> Path:
    """Two streams, the small one first: one second of it and two of the large one."""
    with av.open(str(path), "w") as container:
        streams = [_stream(container, style) for style in (small, large)]
        for stream, style, count in zip(streams, (small, large), (25, 50), strict=True):
            _write(container, stream, moving(count, style))
    return path


def growing(path: Path, first: Style, second: Style) -> Path:
    """One stream whose pictures change their size half way."""
    with av.open(str(path), "w") as container:
        stream = _stream(container, first)
        _write(container, stream, moving(25, first))
        later = path.with_suffix(".later" + path.suffix)
        encode(later, moving(25, second), second)
        with av.open(str(later)) as source:
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    packet.pts = packet.dts = (packet.pts or 0) + 1000
                    container.mux(packet)
    return path


def song_with_cover(path: Path) -> Path:
    """Sound and an attached picture in an MP4."""
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(cover, VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        container.mux(cover.encode(VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), "rgb24")))
        container.mux(cover.encode())
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        container.mux([*sound.encode(frame), *sound.encode()])
    return path


def damaged(path: Path, target: Path, start: float, end: float) -> Path:
    """A copy in which the packets of the pictures from `start` to `end` seconds are zeros."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.pts is not None and packet.pos is not None and start <= packet.pts * packet.time_base < end:
                data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    target.write_bytes(data)
    return target


def _stream(container: OutputContainer, style: Style) -> VideoStream:
    stream = container.add_stream(style.codec, rate=style.rate, options=style.options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = style.width, style.height, style.pixel_format
    return stream


def _write(container: OutputContainer, stream: VideoStream, pictures: Iterator[tuple[int, Rgb]]) -> None:
    for number, rgb in pictures:
        frame = VideoFrame.from_ndarray(rgb, "rgb24")
        frame.pts = number
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
