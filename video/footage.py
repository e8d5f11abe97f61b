"""Examines a video: all of its packets and one decoded picture. No header is believed.

`probe` and `scan` both begin here, so that they speak of the same stream and the same time zero.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from errors import UnsupportedVideo, VideoTooLarge
from schemas import Limits
from video.clock import PictureClock, timetable
from video.sniff import HEAD_BYTES, browsers_play, extension
from video.source import (
    Decoder,
    codec_of,
    open_container,
    packets,
    prepare,
    refuse_size,
    sound_stream,
    video_streams,
)

MOST_TRIES = 2000
"""Packets without one picture after which a stream counts as undecodable."""

SQUAREST, LONGEST = Fraction(1, 5), Fraction(5)
"""Pixel aspects beyond are damage, not anamorphic film: taken as square."""

GUESSED_GAP = 1 / 25
"""Seconds that a picture stands when nothing at all tells."""


@dataclass(frozen=True)
class Footage:
    """What is known of a video once its packets were read and its first picture was decoded."""

    path: str
    size_bytes: int
    container: str
    codec: str
    video: int
    """Index of the best video stream, and of the sound that belongs to it."""
    audio: int | None
    tick: float
    """Seconds of a unit of the video stream's clock."""
    zero: float
    """Seconds of that clock at which the first picture is shown."""
    width: int
    """As displayed: rotation and pixel aspect applied; likewise the height."""
    height: int
    times: NDArray[np.float64]
    """Seconds from the first picture at which pictures are shown, decodable or not; rising."""
    duration: float
    """Seconds from the first picture to the end of the last."""
    plays: bool
    """Whether every browser plays the file as it is."""

    @property
    def usual_gap(self) -> float:
        """Seconds from a picture to the next: the median, or the duration of a single one."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else self.duration

    @property
    def longest_gap(self) -> float:
        return float(np.diff(self.times).max()) if len(self.times) > 1 else self.duration


def examine(path: str, limits: Limits) -> Footage:
    """Read all packets of the best video stream and decode its first picture.

    Raises UnsupportedVideo or VideoTooLarge, saying what is wrong; the declared size is checked before any decoding.
    """
    with open_container(path) as container:
        candidates = [stream.index for stream in video_streams(container, limits)]
    for index in candidates:
        with open_container(path) as container:
            stream = next(stream for stream in container.streams.video if stream.index == index)
            reading = _read(container, stream, limits)
            if reading.first is not None:
                return _footage(path, container, stream, reading.first, reading, limits)
    raise UnsupportedVideo("The file has a video stream, but not one of its pictures can be decoded.")


def quarter_turns(picture: VideoFrame) -> int:
    """How many quarters a picture must be turned anticlockwise to stand upright, 0-3."""
    return round(picture.rotation / 90) % 4


@dataclass
class _Reading:
    first: VideoFrame | None = None
    stamps: array[int] = field(default_factory=lambda: array("q"))
    durations: array[int] = field(default_factory=lambda: array("q"))


def _read(container: InputContainer, stream: VideoStream, limits: Limits) -> _Reading:
    prepare(stream, limits)
    decoder = Decoder(stream.decode)
    reading, tries = _Reading(), 0
    most = limits.max_fps * limits.max_duration_seconds
    for packet in packets(container, stream):
        if reading.first is None:
            tries += 1
            reading.first = next(iter(decoder.frames(packet)), None)
            if tries > MOST_TRIES:
                break
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and not packet.is_discard:
            reading.stamps.append(stamp)
            reading.durations.append(max(0, packet.duration or 0))
        if len(reading.stamps) > most:
            raise VideoTooLarge(f"The video has more than {most:.0f} pictures: too many for its length to be allowed.")
    if reading.first is None:
        reading.first = next(iter(decoder.frames(None)), None)
    if reading.first is None and decoder.starved:
        raise MemoryError
    return reading


def _footage(
    path: str, container: InputContainer, stream: VideoStream, first: VideoFrame, reading: _Reading, limits: Limits
) -> Footage:
    if first.width * first.height > limits.max_pixels:
        refuse_size(first.width, first.height, limits)
    tick = float(stream.time_base or Fraction(1, 1000))
    times = timetable(
        np.array(reading.stamps, np.float64) * tick,
        np.array(reading.durations, np.float64) * tick,
        PictureClock(tick).time(first.pts, first.dts),
        float(1 / stream.guessed_rate) if stream.guessed_rate else GUESSED_GAP,
    )
    width, height = _displayed(first, stream.sample_aspect_ratio)
    sound = sound_stream(container, stream)
    with Path(path).open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind, codec = extension(container.format.name, head), codec_of(stream) or ""
    return Footage(
        path=path,
        size_bytes=Path(path).stat().st_size,
        container=kind,
        codec=codec,
        video=stream.index,
        audio=sound.index if sound else None,
        tick=tick,
        zero=times.zero,
        width=width,
        height=height,
        times=times.times,
        duration=times.end,
        plays=browsers_play(kind, codec, first.format.name, codec_of(sound) if sound else None),
    )


def _displayed(first: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    if not aspect or not SQUAREST <= aspect <= LONGEST:
        aspect = Fraction(1)
    width, height = max(1, round(first.width * aspect)), first.height
    return (height, width) if quarter_turns(first) % 2 else (width, height)
