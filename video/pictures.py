"""Small samples out of decoded pictures: which pictures to take, upright and undistorted, with their times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from schemas import Samples
from video.clock import PictureClock
from video.footage import Footage, quarter_turns

LONGER_SIDE = 128
"""Pixels of a sample's longer side."""

CELLS = 12
"""Cells a side of the colour grid; a sample has at least a row of pixels for each."""

FEW_SAMPLES = 16
"""A video too short for so many at the usual rate is sampled faster."""

STANDING_SECONDS = 0.5
"""A picture that stands longer than this, and much longer than usual, is sampled again as often: the
viewer sees it all the while, and what measures samples can tell it from a stretch that is damaged."""


@dataclass(frozen=True)
class Sample:
    time: float
    grey: NDArray[np.uint8]
    grid: NDArray[np.uint8]


def stacked(samples: list[Sample]) -> Samples | None:
    if not samples:
        return None
    return Samples(
        times=np.array([sample.time for sample in samples]),
        grey=np.stack([sample.grey for sample in samples]),
        grid=np.stack([sample.grid for sample in samples]),
    )


class Ticks:
    """Chooses the pictures nearest to a regular beat; every picture where a video has hardly more than that."""

    def __init__(self, per_second: float, usual_gap: float) -> None:
        self._step = 1 / per_second
        self._slack = usual_gap / 2
        self._every = usual_gap >= self._step / 1.25
        self._due = 0

    def takes(self, time: float) -> bool:
        """To be asked in rising order of time."""
        beat = math.floor((time + self._slack) / self._step + 1e-6)
        if beat < self._due and not self._every:
            return False
        self._due = beat + 1
        return True


class Sampler:
    """Makes samples of the pictures of one video, all of one size whatever becomes of the pictures' own."""

    def __init__(self, footage: Footage, samples_per_second: float) -> None:
        rate = max(samples_per_second, FEW_SAMPLES / footage.duration)
        self._footage = footage
        self._clock = PictureClock(footage.tick)
        self._ticks = Ticks(rate, footage.usual_gap)
        self._standing = max(STANDING_SECONDS, 2.5 * footage.usual_gap)
        self._width, self._height = _small(footage.width, footage.height)
        # One for each kind of conversion: it keeps its filters from picture to picture.
        self._shrink, self._to_grey, self._to_grid = VideoReformatter(), VideoReformatter(), VideoReformatter()
        self._last: Sample | None = None
        self.shown = -1.0
        """Seconds at which the newest picture is shown; -1 before the first."""
        self.end = 0.0
        """Seconds at which the last decoded picture ends."""

    def add(self, picture: VideoFrame) -> Iterator[Sample]:
        """The samples that a picture makes: its own, if it is chosen, after those of the one before if that stood."""
        time = self._clock.time(picture.pts, picture.dts)
        time = self.end if time is None else time - self._footage.zero
        if not self.shown < time <= self._footage.duration:
            return  # a stamp that is wrong
        yield from self._standing_until(time)
        self.shown = max(time, 0.0)
        self.end = max(self.end, self._next_shown(self.shown))
        stands = self.end - self.shown > self._standing
        if (self._ticks.takes(self.shown) or stands) and (sample := self._sample(self.shown, picture)):
            self._last = sample
            yield sample

    def finish(self) -> Iterator[Sample]:
        """The rest, if the last picture stands to the end."""
        yield from self._standing_until(self._footage.duration)

    def _standing_until(self, time: float) -> Iterator[Sample]:
        """Nothing past the next picture of the timetable: if that one was not decoded, nobody knows what was there."""
        until = min(time, self._next_shown(self.shown))
        if self._last is None or until - self.shown <= self._standing:
            return
        for number in range(1, math.ceil((until - self.shown) / STANDING_SECONDS)):
            yield Sample(self.shown + number * STANDING_SECONDS, self._last.grey, self._last.grid)

    def _next_shown(self, time: float) -> float:
        times = self._footage.times
        place = int(np.searchsorted(times, time + 1e-6, side="right"))
        return float(times[place]) if place < len(times) else self._footage.duration

    def _sample(self, time: float, picture: VideoFrame) -> Sample | None:
        turns = quarter_turns(picture)
        width, height = (self._height, self._width) if turns % 2 else (self._width, self._height)
        try:
            # From the full picture once: the second step, to grey and to colours, costs next to nothing.
            small = self._shrink.reformat(picture, width, height, "yuv420p", interpolation="AREA", threads=1)
            grey = self._to_grey.reformat(small, format="gray", threads=1)
            grid = self._to_grid.reformat(small, CELLS, CELLS, "rgb24", interpolation="AREA", threads=1)
        except (FFmpegError, ValueError):
            return None
        return Sample(time, _upright(grey, turns), _upright(grid, turns))


def _small(width: int, height: int) -> tuple[int, int]:
    scale = LONGER_SIDE / max(width, height)
    return max(CELLS, round(width * scale)), max(CELLS, round(height * scale))


def _upright(picture: VideoFrame, turns: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(picture.to_ndarray(), turns), np.uint8)
