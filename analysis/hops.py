"""Tells two hops of one repetition from two repetitions: who jumps with feet out and in hops twice, and opens once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.rhythm import Field, Line
from analysis.stretches import HOP_SECONDS, differing, each_other

LEAST_SHARE, ACROSS_SHARE = 0.03, 0.6
"""Share of the motion that differs each other hop, and of what moves to the sides, from which two hops are one
repetition: drawn jumping jacks have 0.04 and 0.55 or more, calf raises and skips over a rope never both."""

OTHER_SIDE = 0.3
"""Cosine with the opposite of its mirrored image from which what differs is the other side's: knees lifted in turn
have 0.5 to 0.97, nearly all jumping jacks less than nothing."""


def opening(calm: NDArray[np.float32], columns: int, period: float) -> Field | None:
    """(2 * cells, 1) the direction of what opens each other time in `calm` (n, cells, 2), which repeats each `period`
    steps as it hops; None where each time is a repetition, or the other side's."""
    flat = calm.reshape(len(calm), -1)
    if period >= HOP_SECONDS * RATE or differing(calm[:, :, 0], period) < ACROSS_SHARE:
        return None
    if differing(flat, period) < LEAST_SHARE:
        return None
    move = each_other(flat, period)
    energy = (calm.astype(np.float64) ** 2).sum(axis=(0, 2)).reshape(-1, columns).sum(axis=0)
    middle = float(energy @ np.arange(columns) / energy.sum())
    if _mirrored(move.reshape(-1, columns, 2), middle) < -OTHER_SIDE:
        return None
    return np.asarray(move[:, None], np.float32)


def _mirrored(move: Line, middle: float) -> float:
    """Cosine of a move (rows, columns, 2) with itself mirrored about the column near `middle`, or edge between two,
    where it is most its own image, or most the opposite."""
    columns = move.shape[1]
    found = []
    for left_and_right in range(round(2 * middle) - 1, round(2 * middle) + 2):
        left = np.arange(max(0, left_and_right - columns + 1), min(columns, left_and_right + 1))
        found.append(float((move[:, left] * move[:, left_and_right - left] * (-1, 1)).sum()))
    return max(found, key=abs)
