"""What a background is painted on, and what is known of it: where people stand, and how much of the world it shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.drawn.canvas import Brush, Colour, octaves
from video.draw import Rgb

FINENESS = 2
"""Background pixels for one of the picture: a camera that moves by parts of a pixel must not change its sharpness."""


@dataclass(frozen=True)
class Ground:
    """Where things stand in a place: someone of height h has their feet at `horizon + h / stature`."""

    horizon: float
    stature: float
    least: float = 0.0
    """Height of someone as far away as the ground reaches: at the wall, in a room."""

    def feet(self, height: float) -> float:
        return self.horizon + height / self.stature


@dataclass(frozen=True)
class Region:
    """What of the world a background covers, in picture heights."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Place:
    picture: Rgb
    region: Region


class Board:
    """A background while it is painted."""

    def __init__(self, random: np.random.Generator, region: Region, pixels: int) -> None:
        self.random, self.region = random, region
        self._scale = pixels * FINENESS
        shape = (round(region.height * self._scale), round(region.width * self._scale), 3)
        self.picture: Rgb = np.zeros(shape, np.uint8)
        scale = float(self._scale)
        self.brush = Brush(
            self.picture, np.array([[scale, 0, -region.left * scale], [0, scale, -region.top * scale]], np.float64)
        )

    def slope(self, top: float, bottom: float, first: Colour, last: Colour) -> None:
        """A band from end to end, its colour going from `first` above to `last` below."""
        rows = self._rows(top, bottom)
        share = np.linspace(0, 1, rows.stop - rows.start)[:, None]
        colours = (1 - share) * np.array(first) + share * np.array(last)
        self.picture[rows] = np.clip(colours, 0, 255).astype(np.uint8)[:, None]

    def rough(self, top: float, bottom: float, strength: float, coarse: float = 4, flat: float = 1.0) -> None:
        """Grain of the material: brightness varies by `strength`; `flat` times as wide as high."""
        rows = self._rows(top, bottom)
        part = self.picture[rows]
        if not part.size:
            return
        noise = octaves(self.random, part.shape[0], max(2, round(part.shape[1] / flat)), coarse=coarse, fade=0.75)
        grain = cv2.resize(noise, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_CUBIC)
        part[:] = np.clip(part * (1 + strength * grain[..., None]), 0, 255).astype(np.uint8)

    def finished(self) -> Place:
        """With light that falls unevenly, and as soft as a lens leaves it."""
        height, width = self.picture.shape[:2]
        patches = 1 + 0.10 * octaves(self.random, height // 8, width // 8, coarse=2, levels=2)
        light = cv2.resize(patches, (width, height), interpolation=cv2.INTER_LINEAR)
        lit = np.clip(self.picture * light[..., None], 0, 255).astype(np.uint8)
        soft = np.asarray(cv2.GaussianBlur(lit, (0, 0), 0.45 * FINENESS), np.uint8)
        return Place(soft, self.region)

    def _rows(self, top: float, bottom: float) -> slice:
        first, last = ((edge - self.region.top) * self._scale for edge in (top, bottom))
        return slice(max(0, round(first)), max(0, min(self.picture.shape[0], round(last))))
