"""Tells two hops of one repetition from two repetitions: who jumps with feet out and in hops twice, and opens once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.rhythm import Field
from analysis.stretches import HOP_SECONDS, differing, each_other, takes_turns

LEAST_SHARE, ACROSS_SHARE = 0.03, 0.6
"""Share of the motion that differs each other hop, and of what moves to the sides, from which two hops are one
repetition: nearly all drawn jumping jacks have 0.04 and 0.65 or more, calf raises, pulses and skips over a rope
seldom one of them."""

OTHER_SIDE = 0.3
"""Cosine with the opposite of its mirrored image from which what differs is the other side's: knees lifted in turn
have 0.5 to 0.97, nearly all jumping jacks less than nothing."""

IN_TURN = 0.5
"""How steadily it must differ, of 2: jumping jacks have 0.3 to 1.8, a real man's 0.6 to 0.9, arms that drift while
somebody hops 0.4 and less in three of four."""

KEPT = 4
"""Directions of what opens that are kept: along one alone, all repetitions would be alike."""


def opening(calm: NDArray[np.float32], columns: int, period: float) -> Field | None:
    """(2 * cells, KEPT) the directions of what opens each other time in `calm` (n, cells, 2), which repeats each
    `period` steps as it hops; None where each time is a repetition, or the other side's."""
    if period >= HOP_SECONDS * RATE or differing(calm[:, :, 0], period) < ACROSS_SHARE:
        return None
    flat = calm.reshape(len(calm), -1)
    if differing(flat, period) < LEAST_SHARE:
        return None
    moves = np.asarray(each_other(flat, period, KEPT), np.float32)
    energy = (calm.astype(np.float64) ** 2).sum(axis=(0, 2)).reshape(-1, columns).sum(axis=0)
    middle = float(energy @ np.arange(columns) / energy.sum())
    if _mirrored(moves[:, -1].reshape(-1, columns, 2), middle) < -OTHER_SIDE:
        return None
    return moves if takes_turns(flat @ moves[:, -1:], period) > IN_TURN else None


def _mirrored(move: Field, middle: float) -> float:
    """Cosine of a move (rows, columns, 2) with itself mirrored about the column near `middle`, or edge between two,
    where it is most its own image, or most the opposite."""
    columns = move.shape[1]
    found = []
    for left_and_right in range(round(2 * middle) - 1, round(2 * middle) + 2):
        left = np.arange(max(0, left_and_right - columns + 1), min(columns, left_and_right + 1))
        found.append(float((move[:, left] * move[:, left_and_right - left] * (-1, 1)).sum()))
    return max(found, key=abs)
