"""Which part of each picture a reel shows, and how large: upright, undistorted, in one size from end to end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from av import VideoFrame
from av.video.reformatter import VideoReformatter

from schemas import Centre
from video.footage import Footage, quarter_turns
from video.mp4 import MPEG_RANGE
from video.upright import from_planes, planes

LEAST_SIDE = 16
"""Pixels: a macroblock of H.264."""

FULL_RANGE = 2
"""Luma from 0 to 255 and not 16 to 235, as FFmpeg numbers it."""

AVERAGED = 1.5
"""From such a reduction on, pixels are averaged and not interpolated, so that fine patterns do not shimmer."""


class Framing:
    """Cuts an aspect out of every picture, or nothing where `aspect` (width by height) is None."""

    def __init__(self, footage: Footage, aspect: float | None, longer_side: int, shorter_side: int) -> None:
        width, height = float(footage.width), float(footage.height)
        shown = (width, height) if aspect is None else (min(width, height * aspect), min(height, width / aspect))
        scale = min(1.0, longer_side / max(shown), shorter_side / min(shown))
        self.width, self.height = _even(shown[0] * scale), _even(shown[1] * scale)
        self._whole = max(self.width, _even(width * scale)), max(self.height, _even(height * scale))
        self._interpolation = "AREA" if scale < 1 / AVERAGED else "BILINEAR"
        self._convert = VideoReformatter()

    def framed(self, picture: VideoFrame, centre: Centre | None) -> VideoFrame:
        """The part around a centre, as far as the picture reaches; yuv420p."""
        turns = quarter_turns(picture)
        width, height = self._whole[::-1] if turns % 2 else self._whole
        ranges = (FULL_RANGE, MPEG_RANGE) if picture.color_range == FULL_RANGE else (None, None)
        whole = self._convert.reformat(
            *(picture, width, height, "yuv420p"),
            interpolation=self._interpolation,
            src_color_range=ranges[0],
            dst_color_range=ranges[1],
            threads=1,
        )
        if not turns and self._whole == (self.width, self.height):
            return whole
        left = _offset(self._whole[0], self.width, centre.x if centre else 0.5)
        top = _offset(self._whole[1], self.height, centre.y if centre else 0.5)
        parts = []
        for plane, share in zip(planes(whole), (1, 2, 2), strict=True):
            upright = np.rot90(plane, turns)
            rows = slice(top // share, (top + self.height) // share)
            parts.append(upright[rows, left // share : (left + self.width) // share])
        return from_planes(parts)


def centre_at(centres: Sequence[Centre], time: float) -> Centre | None:
    """Between the centres of a clip, which are in time order; None where it has none."""
    if not centres:
        return None
    times = [one.time for one in centres]
    x, y = (float(np.interp(time, times, along)) for along in ([c.x for c in centres], [c.y for c in centres]))
    return Centre(time, x, y)


def _even(length: float) -> int:
    return max(LEAST_SIDE, round(length / 2) * 2)


def _offset(whole: int, part: int, centre: float) -> int:
    """Even, as the colour planes are halved."""
    return int(min(max(0.0, centre * whole - part / 2), whole - part)) // 2 * 2
