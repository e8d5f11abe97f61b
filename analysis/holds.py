"""Finds postures that are held: somebody gets down into one, keeps still, and gets up again or down to the floor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.rhythm import box

LEAST_SECONDS = 8.0
"""Of a hold: a shorter stillness is a pause."""

STILL, STILL_SHARE = 0.035, 0.25
"""Stillness is less motion than this, or than such a share of the brisk motion (its 90th percentile): picture widths a
second, times the root of the number of cells. A drawn plank with trembling limbs shows 0.02, standing 0.05."""

SMOOTH_SECONDS = 1.2
"""A tremble of a second does not end a hold."""

ENTRY_SECONDS = 3.0
"""Getting into a posture and out of it takes no longer."""

LEAST_WAY = 0.08
"""How far the picture must move down before a hold, and up or down after it, summed over its cells: picture widths."""

HALF_SECOND = int(RATE / 2)
"""In steps: by so much the smoothed motion may end before the real one."""


def holds(values: NDArray[np.float32], taken: list[tuple[float, float]]) -> list[tuple[float, float, float]]:
    """First and end step of each hold outside of `taken`, and how sure it is, 0-1; `values` (n, cells, 2)."""
    speed = np.sqrt((values.astype(np.float64) ** 2).sum(axis=(1, 2))) * RATE
    down = np.concatenate([[0.0], np.cumsum(values[:, :, 1].sum(axis=1, dtype=np.float64))])
    usual = box(speed, SMOOTH_SECONDS * RATE)
    still = usual < max(STILL, STILL_SHARE * float(np.percentile(speed, 90)))
    still &= usual < 2 * STILL
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(int))).reshape(-1, 2)
    near = round(ENTRY_SECONDS * RATE)
    found = []
    for first, end in edges.tolist():
        if end - first < LEAST_SECONDS * RATE or any(a < end and b > first for a, b in taken):
            continue
        entered = down[first + HALF_SECOND if first + HALF_SECOND < end else first] - down[max(0, first - near)]
        left = abs(down[max(first, end - HALF_SECOND)] - down[min(len(speed), end + near)])
        if entered > LEAST_WAY and left > LEAST_WAY:
            found.append((float(first), float(end), float(min(1.0, min(entered, left) / (2 * LEAST_WAY)))))
    return found
