"""Turns decoded pictures upright: a decoder tells their rotation and pixel aspect and applies neither."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from av import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from video.footage import Footage, quarter_turns

Plane = NDArray[np.uint8]


class Shrinker:
    """RGB pictures of one video, none with a longer side than asked for. Keeps its filters from picture to picture."""

    def __init__(self, footage: Footage, longer_side: int, interpolation: str = "AREA") -> None:
        scale = min(1.0, longer_side / max(footage.width, footage.height))
        self._size = max(1, round(footage.width * scale)), max(1, round(footage.height * scale))
        self._interpolation = interpolation
        self._convert = VideoReformatter()

    def rgb(self, picture: VideoFrame) -> NDArray[np.uint8]:
        """(h, w, 3), upright and undistorted."""
        turns = quarter_turns(picture)
        width, height = self._size[::-1] if turns % 2 else self._size
        rgb = self._convert.reformat(picture, width, height, "rgb24", interpolation=self._interpolation, threads=1)
        return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns), np.uint8)


def planes(picture: VideoFrame) -> list[Plane]:
    """Luma and the two halved colour planes of a yuv420p picture: views, to be used while the picture lives."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in picture.planes
    ]


def from_planes(parts: Sequence[Plane]) -> VideoFrame:
    """The yuv420p picture of three planes; even in width and height."""
    height, width = parts[0].shape
    packed = np.concatenate([part.ravel() for part in parts]).reshape(height * 3 // 2, width)
    return VideoFrame.from_ndarray(packed, "yuv420p")
