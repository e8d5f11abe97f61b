"""Picks stills while a video is scanned: of each stretch the sharpest picture, so that none is decoded again."""

from __future__ import annotations

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from schemas import Still
from video.footage import Footage
from video.upright import Shrinker

STILL_SIDE = 480
"""Pixels of a still's longer side: a card on a page, twice as fine as it is wide on a plain screen."""

STRETCH_SECONDS, MOST_STILLS = 1.0, 600
"""One still for so many seconds, and no more of them in all: the shortest moment mostly holds one."""


class Picker:
    """To be told of each sample before the picture that it was made of."""

    def __init__(self, footage: Footage) -> None:
        self._stretch = max(STRETCH_SECONDS, footage.duration / MOST_STILLS)
        self._shrinker = Shrinker(footage, STILL_SIDE, "BILINEAR")
        self._standing: VideoFrame | None = None
        self._sample: tuple[float, float] | None = None
        self._best: tuple[float, float, VideoFrame] | None = None
        self._ends = self._stretch
        self._stills: list[Still] = []

    def sampled(self, time: float, grey: NDArray[np.uint8]) -> None:
        """A sample, of the picture that is told of next or, where it stands, of the one before."""
        if self._sample is not None:
            self._compare(*self._sample, self._standing)
        self._sample = time, _detail(grey)

    def shown(self, time: float, picture: VideoFrame) -> None:
        if self._sample is not None:
            own = self._standing is None or self._sample[0] >= time
            self._compare(*self._sample, picture if own else self._standing)
            self._sample = None
        self._standing = picture

    def finish(self) -> None:
        if self._sample is not None:
            self._compare(*self._sample, self._standing)
        self._make()

    def take(self) -> tuple[Still, ...]:
        stills, self._stills = tuple(self._stills), []
        return stills

    def _compare(self, time: float, detail: float, picture: VideoFrame | None) -> None:
        if time >= self._ends:
            self._make()
            self._ends = (time // self._stretch + 1) * self._stretch
        if picture is not None and (self._best is None or detail > self._best[1]):
            self._best = time, detail, picture

    def _make(self) -> None:
        if self._best is not None:
            time, detail, picture = self._best
            self._stills.append(Still(time, self._shrinker.rgb(picture), detail))
            self._best = None


def _detail(grey: NDArray[np.uint8]) -> float:
    """Energy of the second differences along both sides: what is blurred, by focus or by motion, has little."""
    levels = grey.astype(np.float32)
    along, down = (np.diff(levels, n=2, axis=axis).ravel() for axis in (1, 0))
    return float(along @ along + down @ down) / grey.size
