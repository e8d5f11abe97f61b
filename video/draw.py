"""Draws short videos for the demo and the tests: what happens in them, and when, is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""(height, width, 3)"""


@dataclass(frozen=True)
class Style:
    """How a video is written. Its container follows the path's ending; codec names are FFmpeg's encoders."""

    width: int = 320
    height: int = 180
    rate: int = 25
    """Pictures a second."""
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    """For the encoder, such as `crf`."""
    container_options: dict[str, str] = field(default_factory=dict)
    sound_rate: int = 48_000
    """Sound samples a second: the default is the one rate that every sound codec in use takes, Opus included."""


@dataclass(frozen=True)
class Planted:
    """Something that happens, from `start` to `end` in seconds; a cut takes no time."""

    what: Literal["burst", "cut", "visitor"]
    start: float
    end: float


@dataclass(frozen=True)
class Drawing:
    path: Path
    seconds: float
    planted: tuple[Planted, ...]


def draw_demo(path: str | Path) -> Drawing:
    """The demo: 16 seconds of 426 × 240 with sound, an MP4 that plays in browsers."""
    return draw_video(path, 16.0, style=Style(width=426, height=240))


def draw_video(
    path: str | Path,
    seconds: float = 12.0,
    *,
    happening: bool = True,
    sound: bool = True,
    seed: int = 0,
    style: Style | None = None,
) -> Drawing:
    """A quiet place where a burst of motion comes with a loud noise; a hard cut to another place, and a visitor there.

    Nothing happens unless `happening`: one picture from end to end, and a faint hum. The same `seed` draws the same.
    """
    style = style or Style()
    planted = _plan(seconds) if happening else ()
    count = max(1, round(seconds * style.rate))
    scene = _Scene(style, planted, np.random.default_rng(seed))
    pictures = ((number, scene.at(number / style.rate)) for number in range(count))
    encode(path, pictures, style, _noise(seconds, planted, style.sound_rate, seed) if sound else None)
    return Drawing(Path(path), count / style.rate, planted)


def encode(
    path: str | Path, pictures: Iterable[tuple[int, Rgb]], style: Style, sound: NDArray[np.float32] | None = None
) -> None:
    """Write pictures, each with its number: it is shown from number / rate seconds on. Numbers may leave gaps.

    `sound` is mono at the style's rate and begins at 0.
    """
    path = Path(path)
    movie = {"movflags": "faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=movie | style.container_options) as container:
        video = _video_stream(container, style)
        track = _Track(container, path.suffix, sound, style.sound_rate) if sound is not None else None
        for number, rgb in pictures:
            frame = VideoFrame.from_ndarray(rgb, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, style.rate)
            container.mux(video.encode(frame))
            if track:
                track.write_until(number / style.rate + 0.5)
        container.mux(video.encode())
        if track:
            track.finish()


def _video_stream(container: OutputContainer, style: Style) -> VideoStream:
    quick = {"preset": "veryfast", "crf": "20", "g": str(2 * style.rate)} if style.codec == "libx264" else {}
    stream = container.add_stream(style.codec, rate=style.rate, options=quick | style.options)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = style.width, style.height, style.pixel_format
    return stream


class _Track:
    """Sound beside the pictures, written no further ahead of them than asked."""

    def __init__(self, container: OutputContainer, suffix: str, sound: NDArray[np.float32], rate: int) -> None:
        codec = {".webm": "libopus", ".mkv": "libopus", ".avi": "libmp3lame", ".mpg": "mp2"}.get(suffix, "aac")
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        self._container, self._stream, self._sound = container, stream, sound
        self._rate, self._written = rate, 0

    def write_until(self, seconds: float) -> None:
        end = min(len(self._sound), round(seconds * self._rate))
        if end > self._written:
            frame = AudioFrame.from_ndarray(self._sound[None, self._written : end], "fltp", "mono")
            frame.sample_rate, frame.pts = self._rate, self._written
            frame.time_base = Fraction(1, self._rate)
            self._container.mux(self._stream.encode(frame))
            self._written = end

    def finish(self) -> None:
        self.write_until(len(self._sound) / self._rate)
        self._container.mux(self._stream.encode())


def _plan(seconds: float) -> tuple[Planted, ...]:
    return (
        Planted("burst", 0.25 * seconds, 0.25 * seconds + min(2.0, 0.15 * seconds)),
        Planted("cut", 0.5 * seconds, 0.5 * seconds),
        Planted("visitor", 0.65 * seconds, 0.9 * seconds),
    )


class _Scene:
    def __init__(self, style: Style, planted: tuple[Planted, ...], rng: np.random.Generator) -> None:
        self._planted = planted
        self._places = [_place(style, rng, tint) for tint in ((70, 110, 90), (120, 90, 70))]
        self._unit = style.height / 18

    def at(self, time: float) -> Rgb:
        cut = any(event.what == "cut" and time >= event.start for event in self._planted)
        place = self._places[cut]
        for event in self._planted:
            if event.start <= time < event.end:
                place = place.copy()
                draw = self._draw_ball if event.what == "burst" else self._draw_visitor
                draw(place, time - event.start, event.end - event.start)
        return place

    def _draw_ball(self, picture: Rgb, since: float, length: float) -> None:
        """A bright ball that flies about: four times across in a second."""
        height, width = picture.shape[:2]
        x = (0.5 + 0.4 * np.sin(since * 12.6)) * width
        y = (0.5 + 0.35 * np.sin(since * 17.3 + 1)) * height
        _fill(picture, x - 2 * self._unit, y - 2 * self._unit, 4 * self._unit, 4 * self._unit, (250, 230, 60))

    def _draw_visitor(self, picture: Rgb, since: float, length: float) -> None:
        """Someone who comes in on the left, walks through at an even pace, and leaves on the right."""
        height, width = picture.shape[:2]
        x = -3 * self._unit + since / length * (width + 3 * self._unit)
        sway = np.sin(since * 6) * 0.4 * self._unit
        _fill(picture, x, height - 11 * self._unit, 3 * self._unit, 9 * self._unit, (40, 50, 160))
        _fill(
            picture,
            x + 0.5 * self._unit + sway,
            height - 14 * self._unit,
            2 * self._unit,
            3 * self._unit,
            (220, 180, 150),
        )


def _fill(picture: Rgb, x: float, y: float, width: float, height: float, colour: tuple[int, int, int]) -> None:
    left, top, right, bottom = (max(0, round(edge)) for edge in (x, y, x + width, y + height))
    picture[top:bottom, left:right] = colour


def _place(style: Style, rng: np.random.Generator, tint: tuple[int, int, int]) -> Rgb:
    """A still background: soft patches under a light that falls from above, so that nothing in it is flat."""
    patches = rng.uniform(-25, 25, (10, 17))
    rows = np.linspace(0, 8.999, style.height)
    columns = np.linspace(0, 15.999, style.width)
    top, left = rows.astype(int), columns.astype(int)
    down, across = (rows - top)[:, None], columns - left
    upper = patches[top][:, left] * (1 - across) + patches[top][:, left + 1] * across
    lower = patches[top + 1][:, left] * (1 - across) + patches[top + 1][:, left + 1] * across
    light = upper * (1 - down) + lower * down + np.linspace(40, -20, style.height)[:, None]
    return np.asarray((light[..., None] + tint).clip(0, 255), np.uint8)


def _noise(seconds: float, planted: tuple[Planted, ...], rate: int, seed: int) -> NDArray[np.float32]:
    """A hum 50 dB below full scale; each burst is loud noise that dies away."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    sound = 0.004 * np.sin(2 * np.pi * 110 * times)
    for event in planted:
        if event.what == "burst":
            within = (times >= event.start) & (times < event.end)
            fading = np.exp(-(times[within] - event.start) / (event.end - event.start))
            sound[within] += rng.normal(0, 0.25, int(within.sum())) * fading
    return sound.clip(-1, 1).astype(np.float32)
