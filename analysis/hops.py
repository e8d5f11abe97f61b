"""What differs each other time in a rhythm: a side, or one of two hops. Who jumps with feet out and in hops twice, and
opens once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.rhythm import Field, Line, shifted, smoothed

HOP_SECONDS, HOP_SHARE = 0.8, 0.05
"""A rhythm faster than this of which more than the share differs each other time is one of two hops in a repetition."""

LEAST_AFTER = 4
"""Steps beyond two periods under which nothing is told of what differs each other one."""

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


def differing(part: Field, period: float) -> float:
    """Share of the motion in steps `part` that differs each other period: that of the one side, of feet out and in."""
    if 2 * period + LEAST_AFTER > len(part):
        return 0.0
    seen = _settled(part, period)
    half, once, twice = (_spread(seen, lag) for lag in (period / 2, period, 2 * period))
    same = float(np.linalg.eigvalsh(once - half)[-1])
    other = float(np.linalg.eigvalsh(twice - once)[-1])
    return other / (same + other + 1e-12)


def is_half(period: float, share: float) -> bool:
    """Whether a rhythm of `period` steps is only half of a repetition: who jumps with feet out and in hops twice."""
    return period < HOP_SECONDS * RATE and share > HOP_SHARE


def opening(calm: NDArray[np.float32], columns: int, period: float) -> Field | None:
    """(2 * cells, KEPT) the directions of what opens each other time in `calm` (n, cells, 2), which repeats each
    `period` steps as it hops; None where each time is a repetition, or the other side's."""
    if period >= HOP_SECONDS * RATE or differing(calm[:, :, 0], period) < ACROSS_SHARE:
        return None
    flat = calm.reshape(len(calm), -1)
    if differing(flat, period) < LEAST_SHARE:
        return None
    moves = np.asarray(_each_other(flat, period, KEPT), np.float32)
    energy = (calm.astype(np.float64) ** 2).sum(axis=(0, 2)).reshape(-1, columns).sum(axis=0)
    middle = float(energy @ np.arange(columns) / energy.sum())
    if _mirrored(moves[:, -1].reshape(-1, columns, 2), middle) < -OTHER_SIDE:
        return None
    return moves if _takes_turns(flat @ moves[:, -1:], period) > IN_TURN else None


def _mirrored(move: Field, middle: float) -> float:
    """Cosine of a move (rows, columns, 2) with itself mirrored about the column near `middle`, or edge between two,
    where it is most its own image, or most the opposite."""
    columns = move.shape[1]
    found = []
    for left_and_right in range(round(2 * middle) - 1, round(2 * middle) + 2):
        left = np.arange(max(0, left_and_right - columns + 1), min(columns, left_and_right + 1))
        found.append(float((move[:, left] * move[:, left_and_right - left] * (-1, 1)).sum()))
    return max(found, key=abs)


def _each_other(part: Field, period: float, count: int) -> NDArray[np.float64]:
    """(k, count) the directions of what differs most each other period in `part` (n, k), which is longer than two
    periods; the strongest is the last."""
    seen = _settled(part, period)
    return np.asarray(np.linalg.eigh(_spread(seen, 2 * period) - _spread(seen, period))[1][:, -count:])


def _takes_turns(line: Field, period: float) -> float:
    """How much more motion along one direction (n, 1) is like itself two periods later than one period later: 2 where
    it is the same then and the opposite before, 0 where it does neither."""
    seen = np.asarray(_settled(line, period), np.float32)

    def alike(lag: float) -> float:
        later = shifted(seen, lag)
        now = seen[: len(later)]
        return 2 * float((now * later).sum() / ((now**2).sum() + (later**2).sum() + 1e-12))

    return alike(2 * period) - alike(period)


def _settled(part: Field, period: float) -> Line:
    seen = smoothed(np.ascontiguousarray(part), max(0.6, period / 12)).astype(np.float64)
    return np.asarray(seen - seen.mean(axis=0))


def _spread(seen: Line, lag: float) -> Line:
    """(k, k) what moves together, `lag` steps apart."""
    later = shifted(seen.astype(np.float32), lag)
    product = seen[: len(later)].T @ later / len(later)
    return np.asarray(product + product.T, np.float64)
