"""What pictures are made of: noise of several sizes, and a brush that paints shapes to a sixteenth of a pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from video.draw import Rgb

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]
Point = tuple[float, float]

SHIFT = 4
"""Binary digits after the point in the coordinates OpenCV paints at."""

CORNERS = 24
"""Corners of a disc: rounder than any picture of this size can show."""

_TURN = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)
_HALF = np.linspace(-np.pi / 2, np.pi / 2, CORNERS // 4 + 1)
_STROKE = np.concatenate([-np.stack([np.cos(_HALF), np.sin(_HALF)], 1), np.stack([np.cos(_HALF), np.sin(_HALF)], 1)])
"""Both ends of a stroke to the right that has no length yet, each a half circle of radius 1."""


def octaves(
    random: np.random.Generator, height: int, width: int, *, coarse: float = 4, levels: int = 5, fade: float = 0.6
) -> Floats:
    """(height, width) noise of about unit spread: `levels` sizes, the largest `coarse` patches high."""
    total = np.zeros((height, width), np.float32)
    power, weight, rows = 0.0, 1.0, coarse
    for _ in range(levels):
        grid = random.normal(size=(max(2, round(rows)), max(2, round(rows * width / height)))).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        power += weight**2
        weight, rows = weight * fade, rows * 2
    return np.asarray(total / (0.7 * np.sqrt(power)), np.float32)


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """A colour between two: `share` of the other."""
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return red, green, blue


def any_colour(random: np.random.Generator, low: float = 30, high: float = 220) -> Colour:
    """Mostly dull ones, as things are."""
    red, green, blue = random.uniform(low, high, 3).tolist()
    grey = (red + green + blue) / 3
    return mixed((red, green, blue), (grey, grey, grey), float(random.uniform(0.2, 0.8)))


class Brush:
    """Paints in world units, of which the picture is one high, through a (2, 3) matrix from there to pixels."""

    def __init__(self, picture: Rgb, matrix: NDArray[np.float64]) -> None:
        self.picture = picture
        self._turn = np.ascontiguousarray(matrix[:, :2].T) * (1 << SHIFT)
        self._move = matrix[:, 2] * (1 << SHIFT)
        self._steps: list[list[float]] = matrix[:, :2].T.tolist()
        self._corner: list[float] = matrix[:, 2].tolist()
        self.scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
        """Pixels of a world unit."""

    def sees(self, x: float, y: float, reach: float) -> bool:
        """Whether something at a point, no larger than `reach` around it, may lie in the picture."""
        (a, b), (c, d) = self._steps
        px, py = x * a + y * c + self._corner[0], x * b + y * d + self._corner[1]
        far = reach * self.scale
        height, width = self.picture.shape[:2]
        return bool(-far < px < width + far and -far < py < height + far)

    def polygon(self, points: Sequence[Point] | NDArray[np.float64], colour: Colour) -> None:
        """A filled shape without dents."""
        at = np.asarray(points, np.float64) @ self._turn + self._move
        cv2.fillConvexPoly(self.picture, np.rint(at).astype(np.int32), colour, cv2.LINE_AA, SHIFT)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def disc(self, x: float, y: float, across: float, down: float, colour: Colour, turn: float = 0.0) -> None:
        """An ellipse with these radii, turned by `turn` radians."""
        points = _CIRCLE * (across, down)
        if turn:
            cos, sin = np.cos(turn), np.sin(turn)
            points = points @ np.array([[cos, sin], [-sin, cos]])
        self.polygon(points + np.array((x, y)), colour)

    def limb(self, start: Point, end: Point, wide: float, colour: Colour, narrow: float | None = None) -> None:
        """A tapered stroke with round ends; `wide` and `narrow` are its widths at start and end."""
        along, down = end[0] - start[0], end[1] - start[1]
        length = math.hypot(along, down) or 1e-6
        points = _STROKE * ((wide if narrow is None else narrow) / 2)
        points[: len(_STROKE) // 2] = _STROKE[: len(_STROKE) // 2] * (wide / 2)
        points[len(_STROKE) // 2 :, 0] += length
        cos, sin = along / length, down / length
        self.polygon(points @ np.array([[cos, sin], [-sin, cos]]) + start, colour)

    def shade(self, x: float, y: float, across: float, down: float, strength: float) -> None:
        """A soft dark ellipse: the shadow of what stands there."""
        px, py = (np.array([x, y]) @ self._turn + self._move) / (1 << SHIFT)
        wide, high = across * self.scale * 1.3, down * self.scale * 1.3
        height, width = self.picture.shape[:2]
        left, right = max(0, int(px - wide)), min(width, int(px + wide) + 1)
        top, bottom = max(0, int(py - high)), min(height, int(py + high) + 1)
        if left >= right or top >= bottom:
            return
        rows = ((np.arange(top, bottom) - py) / max(high, 0.5))[:, None] ** 2
        columns = ((np.arange(left, right) - px) / max(wide, 0.5)) ** 2
        dark = 1 - strength * np.clip(1.6 * (1 - rows - columns), 0, 1)
        part = self.picture[top:bottom, left:right]
        part[:] = part * dark[..., None]
