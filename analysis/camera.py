"""Finds the camera's share of how two small pictures differ: a shift, a turn and a zoom of the whole picture."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

FLOW_NOISE = 0.15
"""Pixels by which the flow of a still block may err: nine in ten err by less than 0.10 under strong grain (4 levels)
on drawn pictures; the rest is margin."""

DOUBTED_LEVELS = 4.0
"""Grey levels by which a pixel may differ once the camera's motion is undone, before it is doubted that the camera
moved it: a wall without texture differs by less, a limb that moves by far more."""

PRIOR_SHIFT, PRIOR_TURN = 20.0, 3e5
"""What it takes to move the camera at all, and to turn or zoom it, in squared grey levels a pixel: it keeps what a
picture does not tell near nothing."""

BORDER_PIXELS = 3
"""Left out at every edge, beyond which nothing is known."""

MOST_STEPS, LEAST_STEP = 6, 0.01
"""Steps of the search for the camera's motion, and pixels under which a step is the last."""

EVERY = 5
"""Of so many pixels one tells by how much the light has changed: the middle of thousands is no better known."""

SHAKES_PIXELS, SHAKING_SAMPLES = 0.05, 20
"""A camera is held by hand whose motion changes by so much from one sample to the next, up and down and to the sides
alike, in the middle of so many: what somebody does before a camera that stands is smoother, or goes one way."""

Number = TypeVar("Number", bound=np.generic)

Motion = NDArray[np.float64]
"""(4,) pixels shifted to the right and down, and by which share of the distance from the middle a pixel moves outwards
and turns to the right."""


def fit_camera(
    points: NDArray[np.float64], flow: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n, 2) flow that a shift, a turn and a zoom of the whole picture give at `points` (n, 2).

    Iteratively reweighted least squares with Cauchy weights (Holland and Welsch 1977), begun at the median shift,
    so that what moves on its own does not steer the camera while it fills less than half the picture.
    """
    model = np.broadcast_to([_weighted_median(axis, weights) for axis in flow.T], flow.shape)
    for _ in range(5):
        off = np.hypot(*(flow - model).T)
        scale = max(FLOW_NOISE, 1.5 * median(off))
        model = _similarity(points, flow, weights / (1 + (off / scale) ** 2))
    return model


def _similarity(
    points: NDArray[np.float64], flow: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The weighted least squares shift, zoom and turn, in closed form (Umeyama 1991)."""
    share = weights / max(1e-9, float(weights.sum()))
    middle, shift = share @ points, share @ flow
    (x, y), (u, v) = (points - middle).T, (flow - shift).T
    size = max(1e-6, float(share @ (x * x + y * y)))
    zoom, turn = share @ (x * u + y * v) / size, share @ (x * v - y * u) / size
    return np.stack([shift[0] + zoom * x - turn * y, shift[1] + zoom * y + turn * x], axis=1)


def median(values: NDArray[np.float64] | NDArray[np.float32]) -> float:
    """The upper one of two, in a fifth of the time that NumPy's own takes for so few."""
    middle = values.size // 2
    return float(np.partition(values, middle, axis=None)[middle])


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][min(len(values) - 1, int(np.searchsorted(sums, sums[-1] / 2)))])


@lru_cache(maxsize=8)
def centres(rows: int, columns: int) -> NDArray[np.float64]:
    """(rows * columns, 2) x and y of the blocks, from the picture's middle, in blocks."""
    y, x = np.mgrid[:rows, :columns]
    return np.stack([x.ravel() - (columns - 1) / 2, y.ravel() - (rows - 1) / 2], 1).astype(np.float64)


def aligned(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Motion:
    """The motion of the whole picture that leaves least of the second picture unlike the first, pixel by pixel.

    Gauss and Newton's steps, a pixel counting less the more unlike it stays (Geman and McClure 1987). Where blocks have
    too little texture for a flow of their own, thousands of faint pixels still agree on one motion of all."""
    slopes = _slopes(first)
    prior = np.diag([PRIOR_SHIFT, PRIOR_SHIFT, PRIOR_TURN, PRIOR_TURN])
    motion = np.zeros(4)
    wide, other = _inner(first).astype(np.float32), second.astype(np.float32)
    for _ in range(MOST_STEPS):
        # Most cameras stand, and for them this is nearly all there is to do.
        left = np.asarray((wide - _inner(undone_by(other, motion) if motion.any() else other)).ravel(), np.float32)
        left -= median(left[::EVERY])
        doubt = 1 + (left / np.float32(DOUBTED_LEVELS)) ** 2
        weighed = slopes / (doubt * doubt)
        step = np.linalg.solve((weighed @ slopes.T).astype(np.float64) + prior, (weighed @ left).astype(np.float64))
        motion = motion + step
        if np.abs(step[:2]).max() < LEAST_STEP:
            break
    return motion


class Shaking:
    """Tells from motions in time order whether the camera is held by hand."""

    def __init__(self) -> None:
        self._before = np.zeros(4)
        self._changes: deque[Motion] = deque(maxlen=SHAKING_SAMPLES)

    def goes_on(self, motion: Motion) -> bool:
        """Whether it shakes, with `motion` the next."""
        self._changes.append(np.abs(motion - self._before)[:2])
        self._before = motion
        return all(median(axis) > SHAKES_PIXELS for axis in np.array(self._changes).T)


def _slopes(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(4, n) grey levels by which each inner pixel changes with each part of a Motion."""
    across = _inner(cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8))
    down = _inner(cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8))
    x, y = _places(*picture.shape)
    slopes = np.empty((4, *across.shape), np.float32)
    slopes[0], slopes[1], slopes[2], slopes[3] = across, down, across * x + down * y, down * x - across * y
    return slopes.reshape(4, -1)


@lru_cache(maxsize=8)
def _places(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and y of each inner pixel, from the picture's middle."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return _inner(x) - np.float32((width - 1) / 2), _inner(y) - np.float32((height - 1) / 2)


def _inner(picture: NDArray[Number]) -> NDArray[Number]:
    return picture[BORDER_PIXELS:-BORDER_PIXELS, BORDER_PIXELS:-BORDER_PIXELS]


def undone_by(picture: NDArray[np.float32] | NDArray[np.uint8], motion: Motion) -> NDArray[np.float32]:
    """The later picture with the camera's motion undone."""
    height, width = picture.shape
    x, y = (width - 1) / 2, (height - 1) / 2
    right, down, zoom, turn = motion.tolist()
    matrix = np.array([[1 + zoom, -turn, right - zoom * x + turn * y], [turn, 1 + zoom, down - zoom * y - turn * x]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, matrix, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE), np.float32
    )


def moved_by(points: NDArray[np.float64], motion: Motion, size: float) -> NDArray[np.float64]:
    """(n, 2) pixels that a motion of the camera moves the `points` (n, 2) by, which are `size` pixels a unit."""
    right, down, zoom, turn = motion.tolist()
    x, y = size * points.T
    return np.stack([right + zoom * x - turn * y, down + zoom * y + turn * x], axis=1)
