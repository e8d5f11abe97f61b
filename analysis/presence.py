"""Measures how much of a picture is covered by what does not belong there: someone before a fixed camera."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SHORTEST_SECONDS = 6.0
"""A shorter shot may show its visitor most of the time: its background cannot be known."""

MOVED_SHARE, FIXED_SHARE = 0.3, 0.88
"""An edge of the background is out of place where its steepness differs by so large a share of itself; a camera is
fixed where most edges keep their place in so large a share of the pictures. A cell is 1/32 of the picture's longer
side: a hand moves edges by one to three cells within seconds."""

LOOKED_AT = 50
"""About so many pictures of each piece are asked whether the camera moved."""

EDGE_SHARE = 0.25
"""The share of the cells, those of the steepest edges, by which it is told whether the camera moved."""

LEAST_EDGE = 5.0
"""Grey levels a cell below which an edge is grain or shade: a picture without edges cannot show that its camera moved,
and its background shows well enough what enters."""

MOST_GAIN = 2.0
"""Contrast changes by this factor at most when a camera adapts its exposure to what enters."""

ANCHOR_SECONDS, REACH_SECONDS = 60.0, 150.0
"""A background is the median of what lies this far around it, made anew so often: daylight and parked cars come and go,
while who stays for two minutes is still a visitor."""

EXEMPLARS = 90
"""Pictures that a background is the median of: one in 3 s."""

APART_LEVELS, APART_SPREADS = 10.0, 4.0
"""A cell is covered where it differs from the background by so many grey levels, and by so many times what it usually
differs by: leaves in the wind are background."""

STEP = 0.12
"""By how much the ratio to the background must change from a cell to the next (12 %) somewhere near what is covered: a
figure has an outline, the pool of a lamp or the shade of a cloud fades out."""

OUTLINE_CELLS = 2
"""How far from an outline a cell may lie."""

LIGHT_NOISE, LIGHT_FITS, LIGHT_CELLS = 0.06, 3, 3
"""Of the fit of light: how far it may be off (6 %), how often it is made anew, and every how many cells it looks at."""

LIGHT_RIDGE = 1.0
"""Cells that vote for light without gamma: a plain background cannot tell it from noise."""

DARK_LEVELS = 8.0
"""Added to all brightness before ratios are taken: in the dark, noise is no ratio."""

TOO_MUCH = 0.5
"""Where more than this still differs it is another light or a covered lens, and not somebody in the scene."""

FADED = 0.5
"""Contrast, as a share of the background's, below which a picture fades in or out."""

MOSTLY_EMPTY = 0.1
"""Median cover of a shot above which its background was not seen often enough to be known."""

EMPTY_SHARE, LEFT_SHARE = 0.005, 0.006
"""Share of the picture up to which a scene is empty, two or three cells; and what is left of a change for good."""

SETTLE_SECONDS, FADE_SECONDS = 4.0, 2.0
"""What never leaves again counts in full for so long, and then by half every so often."""

LEAST_SHIFT_GAIN = 0.5
"""A camera was nudged where shifting the background a little leaves this share of the differing cells or less."""

NUDGE_CELLS, NUDGE_LEVELS = 1.5, 15.0
"""How far a nudge is followed, and grey levels by which a cell may differ and still have a say in it."""

RESTLESS_LEVELS, RESTLESS_SHARE = 8.0, 0.2
"""A cell that usually differs by so much is restless, and where so many are, water, a crowd or leaves fill
the picture: what moves there was there before."""


def presence(
    times: NDArray[np.float64], pictures: NDArray[np.uint8], cuts: tuple[float, ...]
) -> NDArray[np.float64] | None:
    """(n,) share of the picture, 0-1, that is not background; None where no shot was filmed by a fixed camera.

    From (n, h, w) small grey pictures at `times` in seconds, in time order. Shots whose camera moved, and those too
    short or too full to know their background, have no presence: 0. The median as background: Cucchiara 2003.
    """
    result, known = np.zeros(len(times)), False
    for first, end in pairwise([0, *np.searchsorted(times, cuts).tolist(), len(times)]):
        cover = _cover(times[first:end], pictures[first:end])
        if cover is not None and float(np.median(cover)) < MOSTLY_EMPTY:
            result[first:end], known = _settled(times[first:end], cover), True
    return result if known else None


def _settled(times: NDArray[np.float64], cover: NDArray[np.float64]) -> NDArray[np.float64]:
    """What has changed for good fades into the background: a thing that was taken away is not somebody who stays."""
    empty = np.flatnonzero(cover <= EMPTY_SHARE)
    if not len(empty) or empty[-1] == len(cover) - 1:
        return cover
    lasted = np.maximum(0.0, times - times[empty[-1]] - SETTLE_SECONDS)
    return np.asarray(np.maximum(cover * np.exp2(-lasted / FADE_SECONDS), np.minimum(cover, LEFT_SHARE)), np.float64)


def _cover(times: NDArray[np.float64], pictures: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """One shot, piece by piece, for each has its own background; None where the camera moved."""
    if len(times) < 8 or times[-1] - times[0] < SHORTEST_SECONDS:
        return None
    anchors = max(1, round((times[-1] - times[0]) / ANCHOR_SECONDS))
    bounds = np.linspace(times[0], times[-1], anchors + 1)
    edges = np.searchsorted(times, bounds)
    edges[-1] = len(times)
    parts, moved, restless = [], [], []
    for number in np.flatnonzero(np.diff(edges)).tolist():
        near = np.searchsorted(times, [bounds[number] - REACH_SECONDS, bounds[number + 1] + REACH_SECONDS])
        chosen = np.unique(np.linspace(near[0], near[1] - 1, EXEMPLARS).astype(int))
        exemplars = pictures[chosen].astype(np.float32)
        background = np.median(exemplars, axis=0)
        spread = 1.4826 * np.median(np.abs(_in_light_of(background, exemplars) - background), axis=0)
        restless.append(float((spread > RESTLESS_LEVELS).mean()))
        raw = pictures[edges[number] : edges[number + 1]].astype(np.float32)
        piece = _in_light_of(background, raw)
        moved.append(_moved(piece[:: max(1, len(piece) // LOOKED_AT)], background))
        faded = raw.std(axis=(1, 2)) < FADED * background.std()
        parts.append(np.where(faded, 0.0, _covered(piece, background, spread)))
    fixed = np.concatenate(moved).mean() < 1 - FIXED_SHARE and np.median(restless) < RESTLESS_SHARE
    return np.concatenate(parts) if fixed else None


def _moved(pictures: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(n,) whether most of the background's edges are out of place. Steepness and not brightness is compared, and up to
    a factor: a camera that adapts to a bright visitor shades what it sees, and flattens it."""
    down, across = np.gradient(background, axis=0), np.gradient(background, axis=1)
    steep = np.hypot(down, across)
    edge = steep >= max(LEAST_EDGE, float(np.quantile(steep, 1 - EDGE_SHARE)))
    if not edge.any():
        return np.zeros(len(pictures), np.bool_)
    down, across, steep = down[edge], across[edge], steep[edge]
    downs, acrosses = np.gradient(pictures, axis=1)[:, edge], np.gradient(pictures, axis=2)[:, edge]
    gain = np.median((downs * down + acrosses * across) / steep**2, axis=1, keepdims=True).clip(
        1 / MOST_GAIN, MOST_GAIN
    )
    off = np.hypot(downs / gain - down, acrosses / gain - across)
    return np.asarray(np.median(off / steep, axis=1) > MOVED_SHARE, np.bool_)


def _covered(
    pictures: NDArray[np.float32], background: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(n,) share of the cells that differ, not alone and near an outline, of pictures in the background's light."""
    threshold = np.maximum(APART_LEVELS, APART_SPREADS * spread)
    apart = pictures - background
    differ = np.abs(apart) > threshold
    some = np.flatnonzero(differ.any(axis=(1, 2)))
    if not len(some):
        return np.zeros(len(pictures))
    steadied = np.abs(_steadied(apart[some], background)) > threshold
    nudged = steadied.sum(axis=(1, 2)) <= LEAST_SHIFT_GAIN * differ[some].sum(axis=(1, 2))
    differ[some[nudged]] = steadied[nudged]
    share = np.zeros(len(pictures))
    share[some] = (differ[some] & _beside(differ[some]) & _outlined(pictures[some], background)).mean(axis=(1, 2))
    return np.where(share > TOO_MUCH, 0.0, share)


def _steadied(apart: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, h, w) differences without what a small shift of the whole background explains: a camera that was nudged.
    First-order registration (Lucas and Kanade 1981), reweighted so that no visitor steers it."""
    slopes = np.stack([np.gradient(background, axis=0), np.gradient(background, axis=1)], axis=-1).reshape(-1, 2)
    flat = apart.reshape(len(apart), -1)
    shift = np.zeros((len(apart), 2), np.float32)
    outer = (slopes[:, :, None] * slopes[:, None, :]).reshape(-1, 4)
    ridge = np.eye(2, dtype=np.float32)
    for _ in range(LIGHT_FITS):
        trust = 1 / (1 + ((flat - shift @ slopes.T) / NUDGE_LEVELS) ** 2)
        normal = (trust @ outer).reshape(-1, 2, 2) + ridge
        shift = np.linalg.solve(normal, ((trust * flat) @ slopes)[..., None])[..., 0].clip(-NUDGE_CELLS, NUDGE_CELLS)
    return np.asarray((flat - shift @ slopes.T).reshape(apart.shape), np.float32)


def _outlined(pictures: NDArray[np.float32], background: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which cells lie near an outline that the background does not have."""
    ratio = np.log((np.maximum(pictures, 0) + DARK_LEVELS) / (background + DARK_LEVELS))
    near = np.zeros(ratio.shape, np.bool_)
    down, across = np.abs(np.diff(ratio, axis=1)) > STEP, np.abs(np.diff(ratio, axis=2)) > STEP
    near[:, 1:] |= down
    near[:, :-1] |= down
    near[:, :, 1:] |= across
    near[:, :, :-1] |= across
    for _ in range(OUTLINE_CELLS - 1):
        near |= _beside(near)
    return near


def _in_light_of(background: NDArray[np.float32], pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """The pictures (n, h, w) as the background's light would show them: their ratio to it follows a power law, as
    exposure and gamma give. Least squares, reweighted with Cauchy weights, so that no visitor steers it."""
    base = np.log(background + DARK_LEVELS)
    design = np.stack([np.ones(base.size, np.float32), (base - base.mean()).ravel()], axis=1)
    ratio = (np.log(pictures + DARK_LEVELS) - base).reshape(len(pictures), -1)
    seen, some = ratio[:, ::LIGHT_CELLS], design[::LIGHT_CELLS]
    outer = (some[:, :, None] * some[:, None, :]).reshape(len(some), 4)
    ridge = np.diag(np.array([1e-3, LIGHT_RIDGE], np.float32))
    light = np.stack([np.median(seen, axis=1), np.zeros(len(seen), np.float32)], axis=1)
    for _ in range(LIGHT_FITS):
        trust = 1 / (1 + ((seen - light @ some.T) / LIGHT_NOISE) ** 2)
        normal = (trust @ outer).reshape(-1, 2, 2) + ridge
        light = np.linalg.solve(normal, ((trust * seen) @ some)[..., None])[..., 0]
    field = (light @ design.T).reshape(pictures.shape)
    return np.asarray((pictures + DARK_LEVELS) / np.exp(field) - DARK_LEVELS, np.float32)


def _beside(differ: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which cells have a neighbour that differs, up, down, left or right: grain comes alone."""
    wide = np.pad(differ, ((0, 0), (1, 1), (1, 1)))
    return np.asarray(wide[:, :-2, 1:-1] | wide[:, 2:, 1:-1] | wide[:, 1:-1, :-2] | wide[:, 1:-1, 2:], np.bool_)
