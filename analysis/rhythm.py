"""How well motion repeats, moment by moment and period by period: the map that sets are read from."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE

Field = NDArray[np.float32]
"""(n, k) motion on the even clock, k numbers a step."""

Line = NDArray[np.float64]

SHORTEST, LONGEST, PERIODS = 0.5, 8.0, 34
"""Seconds of the fastest and the slowest repetition looked for, and how many lengths between them: 9 % apart."""

SMOOTH_SHARE = 1 / 14
"""Motion is smoothed over this share of a period: a lobe of it lasts half."""

LEAST_SEEN = 1.5
"""Periods that motion must last for one to be told: of less, too little lies a period after what went before."""

WIDTHS_A_LEVEL = 1e-3
"""Picture widths of motion that a grey level of change stands for: an arm that crosses a cell changes it by ten."""

KEPT = 8
"""Directions of motion kept: 14 and 24 count no better on drawn workouts, and worse with a hand-held camera."""

THIRD = 0.3
"""How much of the score of a third of a period is taken off that period's."""

ROW_SHARE = 0.8
"""What moves in a whole row counts so much: fully, and the hops of jumping jacks outweigh their arms."""

WINSOR_SECONDS, WINSOR = 6.0, 4.0
"""A place may move by WINSOR times what it usually does within WINSOR_SECONDS on either side: someone who walks past
moves each place once, and one arm in turn with the other a quarter of the time."""

NOISE = 1.0
"""Times the median place's speed that is taken off every place's: most places show what does not move."""

STILL = 2e-4
"""Picture widths a step that a place may always move."""


@dataclass(frozen=True)
class Rhythm:
    """`score` (periods, n): 1 where motion is the same one period later and opposite half a period later, 0 where it
    is neither. `reach` (periods, n): how far the picture's parts go, in widths times the root of their number, if that
    period is theirs. `fading` (periods, n): how strong motion is now against its surroundings."""

    score: NDArray[np.float32]
    reach: NDArray[np.float32]
    fading: NDArray[np.float32]


def periods() -> Line:
    return np.geomspace(SHORTEST, LONGEST, PERIODS)


def calmed(values: NDArray[np.float32], rare: bool = False) -> NDArray[np.float32]:
    """(n, cells, 2) flow less its noise, in which no place moves far more than it usually does around that time; unless
    what is `rare` is asked for."""
    speed = np.sqrt((values**2).sum(axis=2))
    usual = box(np.sqrt(speed), 2 * WINSOR_SECONDS * RATE) ** 2
    most = np.inf if rare else WINSOR * usual + STILL
    noise = NOISE * box(np.median(speed, axis=1), 2 * RATE)[:, None]
    kept = np.minimum(1, most / (speed + 1e-9)) * np.maximum(0, 1 - noise / (speed + 1e-9))
    return np.asarray(values * kept[..., None], np.float32)


def parts_of(values: NDArray[np.float32], columns: int) -> Field:
    """(n, 2 * cells + rows) the flow of each cell, and of the rows."""
    return np.concatenate([values.reshape(len(values), -1), ROW_SHARE * rows_of(values, columns)], axis=1)


def rows_of(values: NDArray[np.float32], columns: int) -> Field:
    """(n, rows) what moves up and down in each row of the picture as a whole. One side's repetition is the other
    side's too there, which is how moves from side to side are counted."""
    return np.ascontiguousarray(values[:, :, 1].reshape(len(values), -1, columns).sum(axis=2))


def across_of(values: NDArray[np.float32]) -> Field:
    """(n, cells) what moves to the sides. Hops do not: two of them make a jumping jack, which goes out and in once."""
    return np.ascontiguousarray(values[:, :, 0])


def brightness_of(grey: NDArray[np.float32]) -> Field:
    """(n, cells) how each cell brightens, as if so much of a picture width had moved: a thin limb that swings too fast
    for its flow to be told covers a place and uncovers it again."""
    width = grey * WIDTHS_A_LEVEL
    return np.ascontiguousarray(calmed(np.stack([width, np.zeros_like(width)], axis=-1))[..., 0])


def main_directions(flat: Field) -> NDArray[np.float32]:
    """(k, KEPT) the directions in which most motion lies, small motion counted like large motion at other times."""
    energy = (flat**2).sum(axis=1)
    flat = flat / np.sqrt(box(energy, 2 * WINSOR_SECONDS * RATE) + STILL**2).astype(np.float32)[:, None]
    _, directions = np.linalg.eigh((flat.T @ flat).astype(np.float64))
    return np.asarray(directions[:, -KEPT:], np.float32)


def rhythm(field: Field) -> Rhythm:
    """The map over `field`, at its own steps."""
    count = len(periods())
    score, reach, fading = (np.zeros((count, len(field)), np.float32) for _ in range(3))
    for number, period in enumerate(periods()):
        if LEAST_SEEN * period * RATE < len(field):
            score[number], reach[number], fading[number] = _at_period(field, float(period))
        else:
            score[number] = -1
    # What repeats in a third of a period repeats in all of it too, and is opposite half way.
    third = round(np.log(3) / np.log(periods()[1] / periods()[0]))
    score[third:] -= THIRD * np.maximum(score[:-third], 0)
    return Rhythm(score, reach, fading)


def _at_period(field: Field, period: float) -> tuple[Line, Line, Line]:
    lag = period * RATE
    seen = smoothed(field, max(0.5, SMOOTH_SHARE * lag))
    seen = np.asarray(seen - box(seen, 3 * lag), np.float32)
    energy = (seen.astype(np.float64) ** 2).sum(axis=1)
    energy = np.minimum(energy, 4 * box(np.sqrt(energy), 4 * lag) ** 2)
    near, far = (np.sqrt(bell(energy, share * lag)) for share in (0.3, 1.2))
    score = (_likeness(seen, lag, lag) - _likeness(seen, lag / 2, lag)) / 2
    return score, near * np.sqrt(2) * lag / (2 * np.pi), near / (far + 1e-9)


def _likeness(seen: Field, lag: float, period: float) -> Line:
    """(n,) how like the motion is `lag` steps apart, around each step: 1 the same, -1 opposite, 0 unrelated. What moves
    strongly counts more, up to twice the usual."""
    later = shifted(seen, lag)
    product = (seen[: len(later)] * later).sum(axis=1, dtype=np.float64)
    mean = 0.5 * ((seen[: len(later)] ** 2).sum(axis=1) + (later**2).sum(axis=1)) + 1e-12
    weight = np.minimum(mean, 2 * box(np.sqrt(mean), 4 * period) ** 2)
    first = round(lag / 2)
    above, below = np.zeros(len(seen)), np.zeros(len(seen))
    above[first : first + len(later)] = weight * product / mean
    below[first : first + len(later)] = weight
    spread = max(2.0, 0.75 * period)
    return bell(above, spread) / (bell(below, spread) + 1e-12)


def shifted(field: Field, lag: float) -> Field:
    """`field` begun `lag` steps later, read between steps where `lag` is no whole number."""
    whole = int(lag)
    share = np.float32(lag - whole)
    later = field[whole:]
    return later if share < 0.02 else later[:-1] * (1 - share) + later[1:] * share


def smoothed(field: Field, spread: float) -> Field:
    """Seen through a bell of so many steps, along time."""
    size = 2 * int(3 * spread + 0.5) + 1
    seen = cv2.GaussianBlur(field, (1, size), sigmaX=1e-9, sigmaY=spread, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32).reshape(field.shape)


def box(curve: NDArray[np.float32] | Line, length: float) -> NDArray[np.float64]:
    """Means over `length` steps around each; the ends are repeated outwards."""
    half = min(max(1, int(length / 2)), max(1, len(curve) - 1))
    padded = np.concatenate([np.repeat(curve[:1], half + 1, axis=0), curve, np.repeat(curve[-1:], half, axis=0)])
    total = np.cumsum(padded, axis=0, dtype=np.float64)
    return np.asarray((total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1), np.float64)


def bell(curve: Line, spread: float) -> Line:
    """Three boxes, which are a bell, with nothing beyond the ends."""
    half = max(1, round(np.sqrt(spread**2 * 4 + 1) / 2))
    for _ in range(3):
        total = np.concatenate([np.zeros(half + 1), np.cumsum(curve), np.repeat(curve.sum(), half)])
        curve = (total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1)
    return np.maximum(curve, 0) if (curve >= -1e-9).all() else curve
