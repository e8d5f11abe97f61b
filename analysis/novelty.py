"""Measures how unlike the rest of the video each picture is, at a cost that grows with its length alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REPRESENTATIVES = 240
"""Pictures that stand for the whole video, evenly spread over its time: one in 45 s of the longest, all of a short."""

ALIKE_SHARES = (0.15, 0.35)
"""A picture is as unlike the video as it is, on average, unlike the pictures between these shares in likeness: what
is shown for less than the first is rare in full, what is shown for more than the second is not rare at all."""

USUAL_CONTRAST, MOST_GAIN = 0.15, 1.5
"""Contrast (1 is black to white) to which layouts are brought before they are compared, and by which factor at most."""

FULL_DISTANCE = 0.3
"""Root mean square difference (1 is black to white), in one light, that counts as 1: another place altogether."""

PLAIN_CONTRAST = 0.06
"""Standard deviation of a layout below which there is nothing in the picture to be new: black, white or a blank."""

_ROWS = 1024
"""Rows a piece, so that the work in hand stays at a few megabytes."""


def novelty(layouts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n,) 0-1 from (n, cells * 3) small layouts in time order, about evenly spaced: red, green, blue of each cell."""
    chosen = np.unique(np.linspace(0, len(layouts) - 1, REPRESENTATIVES).round().astype(int))
    known = _in_one_light(layouts[chosen])
    starts = range(0, len(layouts), _ROWS)
    return np.concatenate([_rarity(layouts[at : at + _ROWS], known, _weights(at, layouts, chosen)) for at in starts])


def _weights(at: int, layouts: NDArray[np.uint8], chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    """(rows, representatives) how often each counts: a picture near an end has its like on one side only, so that what
    lies there counts for the side that is missing too. Else every end of a slowly changing video would be rare."""
    rows = np.arange(at, min(at + _ROWS, len(layouts)))
    mirrored = 2 * rows[:, None] - chosen[None]
    return np.where((mirrored < 0) | (mirrored >= len(layouts)), 2, 1).astype(np.float32)


def _in_one_light(layouts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, cells * 3) without their mean brightness, and nearer to one contrast: a lamp that goes on, or a camera that
    adapts, shows nothing new."""
    rows = layouts.astype(np.float32) / np.float32(255)
    rows -= rows.mean(axis=1, keepdims=True)
    contrast = np.maximum(PLAIN_CONTRAST, rows.std(axis=1, keepdims=True))
    return np.asarray(rows * np.clip(USUAL_CONTRAST / contrast, 1 / MOST_GAIN, MOST_GAIN), np.float32)


def _rarity(
    layouts: NDArray[np.uint8], known: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    rows = _in_one_light(layouts)
    squares = (rows**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2 * rows @ known.T
    distance = np.sqrt(np.maximum(0.0, squares / rows.shape[1]))
    order = np.argsort(distance, axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    reached = np.cumsum(weights, axis=1)
    first, end = (share * len(known) for share in ALIKE_SHARES)
    counted = np.clip(np.minimum(reached, max(end, first + 1)) - np.maximum(reached - weights, first), 0.0, None)
    nearest = (np.take_along_axis(distance, order, axis=1) * counted).sum(axis=1) / counted.sum(axis=1)
    contrast = layouts.reshape(len(rows), -1, 3).std(axis=1, dtype=np.float32).mean(axis=1) / 255
    shows_something = np.minimum(1.0, contrast / PLAIN_CONTRAST)
    return np.asarray(np.minimum(1.0, nearest / FULL_DISTANCE) * shows_something, np.float64)
