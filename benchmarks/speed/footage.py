"""Footage to measure on: textured, moving, with grain and sound, so that it costs what footage costs in life."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from video.draw import Rgb, Style, encode

FINE = {"preset": "medium", "crf": "21", "g": "250"}
"""x264's own defaults, a little finer: with pictures that no other refers to, which a scan may leave out."""

HD = Style(1280, 720, 30, options=FINE)
SMALL = Style(640, 360, 30, options=FINE)
"""For an hour of footage, which has to be looked at in minutes."""

SHOT_SECONDS = 5.0
DRAWN_SECONDS = 20.0
"""What is drawn and coded; longer footage is the same again and again, for both take long."""

GRAIN_LEVELS = 4.0
"""Grey levels of grain: with them, 720p comes to the 4 Mbit/s or so that phones and cameras make of it."""

SEED = 22


def footage_of(folder: Path, name: str, style: Style, seconds: float) -> Path:
    """A video of so many seconds in the folder: made unless it is there."""
    path = folder / f"{name}-{seconds:.0f}s.mp4"
    if not path.exists():
        part = path.with_suffix(".part.mp4")
        if seconds > DRAWN_SECONDS:
            repeated(footage_of(folder, name, style, DRAWN_SECONDS), part, round(seconds / DRAWN_SECONDS))
        else:
            encode(part, _pictures(style, seconds), style, _sound(seconds, style.sound_rate))
        part.rename(path)
    return path


def repeated(piece: Path, target: Path, times: int) -> Path:
    """The piece so many times over, its packets copied: an hour in seconds."""
    with av.open(str(piece)) as source, av.open(str(target), "w") as container:
        streams = {
            s.index: container.add_stream_from_template(s) for s in (source.streams.video[0], source.streams.audio[0])
        }
        length = (source.duration or 0) / 1_000_000
        last = dict.fromkeys(streams, -(1 << 62))
        for number in range(times):
            source.seek(0)
            for packet in source.demux(*source.streams.video, *source.streams.audio):
                shift = round(number * length / packet.time_base)
                if packet.dts is None or packet.pts is None or packet.dts + shift <= last[packet.stream_index]:
                    continue
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                last[packet.stream_index] = packet.dts
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    return target


def _pictures(style: Style, seconds: float) -> Iterator[tuple[int, Rgb]]:
    """Shots of a few seconds: a hand-held camera sways over a place, and things move through it."""
    random = np.random.default_rng(SEED)
    grain = random.normal(0, GRAIN_LEVELS, (8, style.height, style.width, 1)).astype(np.int8)
    shot = -1
    for number in range(round(seconds * style.rate)):
        time = number / style.rate
        if int(time / SHOT_SECONDS) != shot:
            shot = int(time / SHOT_SECONDS)
            place, things = _texture(random, style.height * 3 // 2, style.width * 3 // 2), _things(random, style)
        x, y = (round((0.5 + 0.4 * np.sin(time * pace + shot)) * room) for pace, room in _sway(style))
        picture = place[y : y + style.height, x : x + style.width].copy()
        for thing, speed in things:
            _put(picture, thing, time * speed)
        noisy = cv2.add(picture.astype(np.int16), np.repeat(grain[number % 8], 3, 2), dtype=cv2.CV_8U)
        yield number, np.asarray(noisy, np.uint8)


def _sway(style: Style) -> tuple[tuple[float, int], tuple[float, int]]:
    """(radians a second, pixels of room) across and down."""
    return (0.37, style.width // 2), (0.53, style.height // 2)


def _texture(random: np.random.Generator, height: int, width: int) -> Rgb:
    """Noise of every size, the larger the stronger: as in pictures of the world."""
    total = np.full((height, width, 3), random.uniform(90, 150, 3), np.float32)
    for cells in (4, 9, 20, 45, 100, 220, 480):
        noise = random.normal(0, 60 / cells**0.4, (cells * height // width + 1, cells, 3)).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(total.clip(0, 255), np.uint8)


def _things(random: np.random.Generator, style: Style) -> list[tuple[Rgb, float]]:
    """Textured things of some sizes, and the speed each goes round at."""
    sizes = [style.height // part for part in (3, 5, 8)]
    return [(_texture(random, size, size), random.uniform(0.4, 2.0)) for size in sizes]


def _put(picture: Rgb, thing: Rgb, angle: float) -> None:
    size = len(thing)
    x = round((0.5 + 0.45 * np.sin(angle)) * (picture.shape[1] - size))
    y = round((0.5 + 0.45 * np.cos(1.7 * angle)) * (picture.shape[0] - size))
    picture[y : y + size, x : x + size] = thing


def _sound(seconds: float, rate: int) -> NDArray[np.float32]:
    """Noise that swells, with a knock every few seconds."""
    random = np.random.default_rng(SEED)
    times = np.arange(round(seconds * rate)) / rate
    swell = 0.02 + 0.02 * np.sin(times * 0.9)
    knock = 0.5 * np.exp(-20 * (times % 3.7))
    return (random.normal(0, 1, len(times)) * (swell + 0.2 * knock)).clip(-1, 1).astype(np.float32)
