"""Videos whose every picture bears its number and whose sound ticks, so that a cut can be held to both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from video.draw import Rgb, Style, encode

BITS = 12
"""Of a number: black and white fields, in two rows of six across the picture, so that they survive any encoder."""

NUMBERED = Style(width=192, height=108, rate=25, options={"g": "60"})

TICK_SECONDS, TICK_LENGTH = 0.5, 0.004
"""A tick is heard so often, from second 0 on, and lasts so long."""


def draw_numbered(
    path: str | Path, seconds: float = 12.0, style: Style = NUMBERED, *, sound: bool = True, numbers: Iterable[int] = ()
) -> Path:
    """A video whose pictures bear their numbers, 0 from the first, and which ticks. `numbers` leaves out the others:
    the picture before each that is missing stands longer."""
    count = round(seconds * style.rate)
    pictures = ((number, numbered(number, style)) for number in numbers or range(count))
    encode(path, pictures, style, ticking(seconds, style.sound_rate) if sound else None)
    return Path(path)


def numbered(number: int, style: Style) -> Rgb:
    picture = np.full((style.height, style.width, 3), 128, np.uint8)
    for bit, (rows, columns) in enumerate(_fields(style.height, style.width)):
        picture[rows, columns] = 235 if number >> bit & 1 else 20
    return picture


def number_of(grey: NDArray[np.uint8]) -> int:
    """The number that a (h, w) picture bears."""
    fields = enumerate(_fields(*grey.shape))
    return sum(int(np.median(grey[rows, columns]) > 128) << bit for bit, (rows, columns) in fields)


def ticking(seconds: float, rate: int) -> NDArray[np.float32]:
    times = np.arange(round(seconds * rate)) / rate
    return np.where(times % TICK_SECONDS < TICK_LENGTH, np.sin(2 * np.pi * 3000 * times), 0).astype(np.float32) * 0.8


def shown(path: Path) -> list[tuple[float, int]]:
    """Seconds at which each picture of a video is shown, and its number."""
    with av.open(str(path)) as container:
        return [
            (float(f.time or 0), number_of(np.asarray(f.to_ndarray(format="gray"), np.uint8)))
            for f in container.decode(video=0)
        ]


def heard(path: Path) -> list[float]:
    """Seconds at which ticks begin."""
    rate, times = 48_000, list[float]()
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    sound = np.zeros(round((float(frames[-1].time or 0) + 1) * rate))
    for frame in frames:
        at, pcm = round(float(frame.time or 0) * rate), frame.to_ndarray()[0]
        kept = pcm[max(0, -at) :]
        sound[max(0, at) : max(0, at) + len(kept)] = kept
    last = -1.0
    for place in np.flatnonzero(np.abs(sound) > 0.25):
        if place / rate - last > TICK_SECONDS / 4:
            times.append(place / rate)
            last = place / rate
    return times


def _fields(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for bit in range(BITS):
        row, column = divmod(bit, BITS // 2)
        top, left = height * (1 + 4 * row) // 9, width * (1 + 4 * column) // (4 * BITS // 2 + 1)
        yield slice(top, top + height * 3 // 9), slice(left, left + width * 3 // (4 * BITS // 2 + 1))
