"""Follows what moves, so that a narrower picture can be cut out around it: smoothly, and without a search."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas import Centre, Samples

NOISE = 12
"""Grey levels by which a pixel may differ between samples without having moved: grain and compression."""

SMOOTH_SECONDS = 1.0
"""Spread of the bell by which centres are averaged: a camera operator is no faster."""

STEP_SECONDS = 0.25
"""Between the centres of a clip."""

MIDDLE = np.array([0.5, 0.5])

CALM = 0.0004
"""Share of the picture that moves so little that the middle counts as much as the motion."""

Floats = NDArray[np.float64]


class MotionCentre:
    """Takes samples in time order, keeps three numbers of each, and answers for any stretch."""

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None
        self._times: list[float] = []
        self._moves: list[tuple[float, float, float]] = []
        """Share of the picture that moves; its centre, in shares from the upper left, times that."""

    def add(self, samples: Samples | None) -> None:
        if samples is None:
            return
        for time, grey in zip(samples.times, samples.grey.astype(np.int16), strict=True):
            if self._before is not None and self._before.shape == grey.shape:
                self._times.append(float(time))
                self._moves.append(_move(np.abs(grey - self._before) > NOISE))
            self._before = grey

    def within(self, start: float, end: float) -> tuple[Centre, ...]:
        """Where it moves, from start to end; the middle where nothing does."""
        times, moves = np.array(self._times), np.array(self._moves).reshape(-1, 3)
        inside = (times > start) & (times <= end)  # what came before a cut is another scene
        times, moves = times[inside], moves[inside]
        shares, places = moves[:, 0], moves[:, 1:]
        usual = (places.sum(axis=0) + CALM * MIDDLE) / (shares.sum() + CALM)
        centres = []
        for time in np.linspace(start, end, max(2, round((end - start) / STEP_SECONDS) + 1)):
            near = np.exp(-0.5 * ((times - time) / SMOOTH_SECONDS) ** 2)
            x, y = _on_a_line(times - time, near * shares, near[:, None] * places, usual, CALM * max(1.0, near.sum()))
            centres.append(Centre(float(time), float(x), float(y)))
        return tuple(centres)


def _on_a_line(since: Floats, weights: Floats, weighted: Floats, usual: Floats, calm: float) -> Floats:
    """Where a line through weighted places, since seconds from now, is now: unlike their mean it does not lag behind at
    the ends. It is drawn to the usual place, and to standing still, by as much weight as `calm`."""
    total = weights.sum() + calm
    mean = (weighted.sum(axis=0) + calm * usual) / total
    when = float(weights @ since) / total
    slope = ((since - when) @ (weighted - weights[:, None] * mean)) / (weights @ (since - when) ** 2 + calm)
    return np.asarray((mean - slope * when).clip(0, 1), np.float64)


def _move(moved: NDArray[np.bool_]) -> tuple[float, float, float]:
    height, width = moved.shape
    across, down = moved.mean(axis=0), moved.mean(axis=1)
    x = float(across @ (np.arange(width) + 0.5)) / width / width
    y = float(down @ (np.arange(height) + 0.5)) / height / height
    return float(moved.mean()), x, y
