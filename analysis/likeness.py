"""Tells how much of one small picture is found in another, wherever the camera moved it and whatever the light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

LONGER_SIDE = 64
"""Pixels of the pictures compared: detail of two pixels survives encoding, and a comparison takes 20 µs."""

DETAIL_PIXELS = 2.5
"""Detail is what a blur of this width takes away: light and shade lie beyond it."""

AROUND_PIXELS = 4.0
"""Width of the surroundings that detail is measured against, so that a bold title weighs no more than its area."""

FAINT_LEVELS = 1.0
"""Grey levels of detail that count half: what encoding leaves of grain stays below."""

BLACK = 20.0
"""Grey levels of a black bar at most: video black is 0 to 16, and encoding adds a little."""

LEAST_SIDE = 8
"""Pixels that must lie between bars; a picture with less is dark and has none."""

EDGE_SHARE = 1 / 8
"""Share of each side over which a picture is faded out, so that its edges are no detail."""

PLAIN, DOUBT = 0.04, 0.15
"""Shares of the mean power of detail: below the first a place shows nothing, and the second is added before
dividing, so that faint places correlate little."""

FOUND = 0.6
"""Correlation from which a place counts as found again: of unrelated pictures few places reach it."""


@dataclass(frozen=True)
class Detail:
    """What is in a picture: `picture` (h, w) is its detail relative to how much of it is around, squares summing to
    1; `spectrum` its Fourier transform; `strength` the mean squared detail in grey levels."""

    picture: NDArray[np.float32]
    spectrum: NDArray[np.float32]
    strength: float


@dataclass(frozen=True)
class Match:
    """`likeness` 0-1 of two pictures once the second is shifted by `x`, `y` pixels to lie over the first."""

    likeness: float
    x: int
    y: int


def detail(grey: NDArray[np.uint8]) -> Detail:
    """Of a picture (h, w) between its black bars, if it has any."""
    scale = LONGER_SIDE / max(grey.shape)
    height, width = (max(LEAST_SIDE, round(side * scale)) for side in grey.shape)
    whole = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    rows, columns = _between_bars(whole)
    small = whole[rows, columns]
    fine = small - cv2.GaussianBlur(small, (0, 0), DETAIL_PIXELS)
    squares = np.asarray(fine * fine, np.float32)
    even = np.zeros((height, width), np.float32)
    even[rows, columns] = fine / (np.sqrt(_around(squares)) + FAINT_LEVELS) * _faded(*small.shape)
    even /= max(1e-6, float(cv2.norm(even)))
    return Detail(even, np.asarray(cv2.dft(even), np.float32), float(squares.mean()))


def match(one: Detail, other: Detail) -> Match:
    """By cross-correlation over all shifts. Unrelated pictures reach a likeness of 0.1 to 0.2."""
    product = cv2.mulSpectrums(one.spectrum, other.spectrum, 0, conjB=True)
    _, most, _, (x, y) = cv2.minMaxLoc(cv2.idft(product, flags=cv2.DFT_SCALE))
    return Match(max(0.0, most), x, y)


def shifted(one: Detail, by: Match) -> NDArray[np.float32]:
    """The picture where `by` lays it."""
    return np.roll(one.picture, (by.y, by.x), (0, 1))


def correlations(*pictures: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Local correlations of the first picture with the second, the first with the third, the second with the third,
    and so on, each (n,), at the n places where one of the pictures has detail."""
    power = [_around(picture * picture) for picture in pictures]
    there = np.maximum.reduce(power) > PLAIN / pictures[0].size
    root = [np.sqrt(one[there] + np.float32(DOUBT / one.size)) for one in power]
    pairs = [(one, other) for one in range(len(pictures)) for other in range(one + 1, len(pictures))]
    return tuple(_around(pictures[one] * pictures[other])[there] / (root[one] * root[other]) for one, other in pairs)


def found_share(one: Detail, other: Detail) -> float:
    """Share of the pictures' detailed area that is found again in the other, all of it under one shift."""
    (local,) = correlations(one.picture, shifted(other, match(one, other)))
    return float((local > FOUND).mean()) if len(local) else 0.0


def _between_bars(picture: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns without black bars: the edges of bars would be found again after every cut."""
    lit = picture > BLACK
    rows, columns = (_inner(np.asarray(lit.any(axis=axis), np.bool_)) for axis in (1, 0))
    return (rows, columns) if rows and columns else (slice(None), slice(None))


def _inner(lit: NDArray[np.bool_]) -> slice | None:
    """From the first to the last, without the one next to a bar, which the scaling mixed with it."""
    found = np.flatnonzero(lit)
    if len(found) < LEAST_SIDE + 2:
        return None
    first, end = int(found[0]), int(found[-1]) + 1
    return slice(first + (first > 0), end - (end < len(lit)))


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), AROUND_PIXELS), np.float32)


@lru_cache(maxsize=64)
def _faded(height: int, width: int) -> NDArray[np.float32]:
    def ramp(side: int) -> NDArray[np.float64]:
        steps = np.arange(side) + 0.5
        return np.asarray(np.minimum(1.0, np.minimum(steps, side - steps) / (side * EDGE_SHARE)), np.float64)

    return np.outer(ramp(height), ramp(width)).astype(np.float32)
