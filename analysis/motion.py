"""Measures how two small pictures differ: motion the camera does not explain, and what no motion explains."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.camera import FLOW_NOISE, Motion, Shaking, aligned, centres, fit_camera, median, moved_by, undone_by

BLOCK = 8
"""Pixels a side of the blocks that flow is averaged over: the flow's own patch size."""

MOVING_SHARE = 0.1
"""Motion is the mean over this share of the picture that moves most: a person at mid-distance fills about a tenth."""

TEXTURE_FLOOR = 4.0
"""Mean squared gradient (grey levels) under which a block shows nothing whose motion could be seen."""

PLAIN_VOTE = 0.25
"""What a block without texture weighs for a camera that stands still: without it, a car on bare asphalt would be the
only thing the camera's motion is read from."""

EVIDENCE_LEVELS = 2.0
"""Grey levels that a block must change by, beyond the picture's own noise, before its flow is believed."""

NOISE_FACTOR = 2.0
"""How many times the median block's change counts as noise: grain and encoder noise change all blocks alike."""

APPEARED_LEVELS, UNDONE_SHARE = 25.0, 0.7
"""What changes a block by so much, and is left by the flow to this share, has come from beyond the flow's reach: it
moved by a block at least. A ball thrown across the picture shows so."""

MOST_APPEARED = 0.4
"""Where more of the picture than this appears at once, that is a cut, a flash or a covered lens and not motion."""

BLANK_LEVELS = 3.0
"""Standard deviation of a picture's grey levels below which it is blank: what comes out of black did not move."""

GAIN_WINS = 0.7
"""A change of contrast is believed where it leaves less than this share of what a change of brightness leaves."""

MOST_GAIN = 1.6
"""A change of contrast is followed up to this factor from one sample to the next: a fade, and no cut."""

FLASH_LEVELS = 25.0
"""Grey levels by which the whole picture may brighten or darken at once; what moves in a flash cannot be told."""

BORDER = 0.5
"""Pixels that the camera may shift a block beyond the picture's edge before it is left out."""

SEEN_TEXTURE = 4.0
"""Times TEXTURE_FLOOR from which a block's flow counts in full: flow takes a flat block along with its neighbours, and
a shaking camera then shows there as motion of its own."""

CAMERA_DOUBT = 0.15
"""Share of the camera's own motion that is left over everywhere when it is removed: depth, blur, rolling shutter."""

STEADY_PIXELS = 0.1
"""Camera motion from one sample to the next under which it is not worth undoing."""

LOST_LEVELS = 8.0
"""Grey levels left over the whole picture at which flow has lost its hold and is believed by half: a hand before the
lens or a camera that is swung round leaves 8 to 15, a ball tossed close by 4 to 6."""

SWEEP_PIXELS = 3.0
"""Camera motion from one sample to the next at which what is left when it is removed is believed by half: a camera
that is snatched up or swung round blurs and hides what moves. Following a player takes one or two."""


@dataclass(frozen=True)
class Change:
    """How one picture became the next. `motion` in pixels of the pictures, the camera's share removed; `camera`, that
    share; `unexplained` in grey levels: mean change of a pixel after all motion and any change of light is undone;
    `flow` (rows, columns, 2) pixels to the right and down by which each block moved against the camera, less where a
    block shows or changes little to tell it by; `grey` (rows, columns) levels by which each block became brighter
    against the camera. None unless asked for, and where the pictures cannot be compared."""

    motion: float
    camera: float
    unexplained: float
    flow: NDArray[np.float32] | None = None
    grey: NDArray[np.float32] | None = None


class Comparer:
    """Compares neighbouring pictures of one size, in time order where the flow of blocks is asked for: for one thread
    at a time."""

    def __init__(self) -> None:
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        # Half resolution instead of a quarter: 0.3 ms instead of 0.1 ms, and small objects keep their own motion.
        self._flow.setFinestScale(1)
        self._shaking = Shaking()

    def change(self, before: NDArray[np.uint8], after: NDArray[np.uint8], *, signed: bool = False) -> Change:
        """Both (h, w), at least 16 × 16 for motion; smaller pictures, and blank ones, are compared without.
        `signed` asks for the flow of every block too."""
        first, later = _smooth(before), _smooth(after)
        second, gain, offset = _same_light(first, later)
        if min(float(first.std()), float(second.std())) < BLANK_LEVELS or min(first.shape) < 2 * BLOCK:
            return Change(0.0, 0.0, float(cv2.absdiff(first, second).mean()))
        flow = np.asarray(self._flow.calc(first, second, None), np.float32)  # type: ignore[call-overload]  # None: no guess
        left = np.asarray(cv2.absdiff(first, _undo(second, flow)), np.uint8)
        # A dissolve changes contrast too, and must stay unexplained.
        still = left if gain == 1.0 else cv2.absdiff(first, _undo(_lit(later, 1.0, offset), flow))
        unexplained = float(still.mean())
        if abs(offset) > FLASH_LEVELS:
            return Change(0.0, 0.0, unexplained)
        seen = _see(first, second, flow)
        motion, camera = _moved(seen, left)
        if not signed:
            return Change(motion / (1 + (unexplained / LOST_LEVELS) ** 4), camera, unexplained)
        told = aligned(first, second)
        held = self._shaking.goes_on(told)
        if held:
            seen = _steadied(first, second, seen, told)
        moved = self._against_camera(first, seen, held)
        grey = _brightened(first, seen)
        return Change(motion / (1 + (unexplained / LOST_LEVELS) ** 4), camera, unexplained, moved, grey)

    def _against_camera(self, first: NDArray[np.uint8], seen: _Seen, held: bool) -> NDArray[np.float32]:
        """(rows, columns, 2) pixels moved, signed. Where the camera moved, flow is measured anew with that undone: a
        thin arm is lost in the flow of a background that moves by more than the arm does. Of a camera that somebody
        holds nothing is left then."""
        blocks, camera = seen.blocks, seen.camera
        if float(np.hypot(*camera.T).mean()) > STEADY_PIXELS:
            again = np.asarray(self._flow.calc(first, seen.undone, None), np.float32)  # type: ignore[call-overload]
            blocks = _blocks(again, seen.rows, seen.columns).reshape(-1, 2)
            camera = (
                np.zeros_like(camera) if held else _camera(blocks, seen.texture, seen.weights, seen.rows, seen.columns)
            )
            blocks = np.where(seen.inside[:, None], blocks, camera)
        visible = np.minimum(1.0, seen.texture / (SEEN_TEXTURE * TEXTURE_FLOOR))
        changed = np.minimum(1.0, seen.change / seen.evidence)
        moved = (blocks - camera) * (visible * changed)[:, None]
        return np.asarray(moved.reshape(seen.rows, seen.columns, 2), np.float32)


@dataclass(frozen=True)
class _Seen:
    """What moved, block by block: `blocks` and `camera` (n, 2) the flow and the camera's share of it, `weights` (n,)
    what a block's vote on the camera weighs, `texture` and `change` (n,) what there is to see in it and by how much it
    changed once the camera's motion is undone, `undone` the later picture in which it is."""

    rows: int
    columns: int
    blocks: NDArray[np.float64]
    camera: NDArray[np.float64]
    weights: NDArray[np.float64]
    texture: NDArray[np.float64]
    change: NDArray[np.float64]
    undone: NDArray[np.uint8]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which blocks the camera's motion keeps inside the picture: what enters at an edge compares to nothing."""
        off_left, off_right, off_top, off_bottom = _off_edges(self.rows, self.columns)
        x, y = self.camera.T
        across = (off_left | (x > -BORDER)) & (off_right | (x < BORDER))
        return np.asarray(across & (off_top | (y > -BORDER)) & (off_bottom | (y < BORDER)), np.bool_)

    @property
    def evidence(self) -> float:
        """Grey levels by which a block must change for its flow to be believed."""
        return EVIDENCE_LEVELS + NOISE_FACTOR * median(self.change)


@lru_cache(maxsize=8)
def _off_edges(rows: int, columns: int) -> NDArray[np.bool_]:
    """(4, rows * columns) which blocks do not lie at the left edge, the right, the top and the bottom one."""
    y, x = (index.ravel() for index in np.mgrid[:rows, :columns])
    return np.stack([x > 0, x < columns - 1, y > 0, y < rows - 1])


def _see(first: NDArray[np.uint8], second: NDArray[np.uint8], flow: NDArray[np.float32]) -> _Seen:
    rows, columns = first.shape[0] // BLOCK, first.shape[1] // BLOCK
    texture = _blocks(_gradient(first), rows, columns).ravel()
    plain = texture <= TEXTURE_FLOOR
    weights = np.where(plain, PLAIN_VOTE, np.minimum(1.0, texture / (20 * TEXTURE_FLOOR)))
    blocks = _blocks(flow, rows, columns).reshape(-1, 2)
    camera = _camera(blocks, texture, weights, rows, columns)
    field = cv2.resize(camera.reshape(rows, columns, 2).astype(np.float32), first.shape[::-1])
    undone = _undo(second, np.asarray(field, np.float32))
    change = _blocks(np.asarray(cv2.absdiff(first, undone), np.uint8), rows, columns).ravel()
    return _Seen(rows, columns, blocks, camera, weights, texture, change, undone)


def _steadied(first: NDArray[np.uint8], second: NDArray[np.uint8], seen: _Seen, motion: Motion) -> _Seen:
    """The same with the camera's motion told pixel by pixel."""
    camera = moved_by(centres(seen.rows, seen.columns), motion, BLOCK)
    undone = np.asarray(np.clip(undone_by(second, motion) + 0.5, 0, 255), np.uint8)
    change = _blocks(np.asarray(cv2.absdiff(first, undone), np.uint8), seen.rows, seen.columns).ravel()
    return replace(seen, camera=camera, undone=undone, change=change)


def _brightened(first: NDArray[np.uint8], seen: _Seen) -> NDArray[np.float32]:
    """(rows, columns) grey levels by which each block became brighter once the camera's motion is undone."""
    apart = seen.undone.astype(np.float32) - first
    changed = np.minimum(1.0, seen.change / seen.evidence) * seen.inside
    brighter = _blocks(apart, seen.rows, seen.columns) * changed.reshape(seen.rows, seen.columns)
    return np.asarray(brighter, np.float32)


def _camera(
    blocks: NDArray[np.float64], texture: NDArray[np.float64], weights: NDArray[np.float64], rows: int, columns: int
) -> NDArray[np.float64]:
    """Blocks without texture vote for a camera that stands still, whatever their flow."""
    return fit_camera(centres(rows, columns), np.where(texture[:, None] <= TEXTURE_FLOOR, 0.0, blocks), weights)


def _moved(seen: _Seen, left: NDArray[np.uint8]) -> tuple[float, float]:
    """Pixels moved by the part of the picture that moves most against the camera, and by the camera. `left` is what the
    flow leaves."""
    believed = (seen.change > seen.evidence) & seen.inside
    doubt = FLOW_NOISE + CAMERA_DOUBT * np.hypot(*seen.camera.T)
    moved = np.clip(np.hypot(*(seen.blocks - seen.camera).T) - doubt, 0.0, 2 * BLOCK)
    undone = _blocks(left, seen.rows, seen.columns).ravel()
    appeared = believed & (seen.change > APPEARED_LEVELS) & (undone > UNDONE_SHARE * seen.change)
    if appeared.mean() < MOST_APPEARED:
        moved = np.where(appeared, np.maximum(moved, BLOCK), moved)
    most = max(1, round(MOVING_SHARE * moved.size))
    shift = float(np.hypot(*seen.camera.T).mean())
    trust = 1 / (1 + (shift / SWEEP_PIXELS) ** 2)
    return trust * float(np.partition(moved * believed, -most)[-most:].mean()), shift


def _same_light(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float, float]:
    """The second picture in the light of the first, the gain that took, and by how much brighter the first is: a fade
    or a change of exposure is no motion. Brightness alone is matched, and contrast too where that explains more."""
    one, other = _small(first), _small(second)
    gain = min(MOST_GAIN, max(1 / MOST_GAIN, float(one.std() / max(1.0, other.std()))))
    shift, offset = median(one - gain * other), median(one - other)
    if np.abs(one - gain * other - shift).mean() > GAIN_WINS * np.abs(one - other - offset).mean():
        return _lit(second, 1.0, offset), 1.0, offset
    return _lit(second, gain, shift), gain, offset


def _lit(picture: NDArray[np.uint8], gain: float, offset: float) -> NDArray[np.uint8]:
    if gain == 1.0 and abs(offset) < 0.5:
        return picture
    return np.asarray(np.clip(gain * picture.astype(np.float32) + (offset + 0.5), 0, 255), np.uint8)


def _small(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    return cv2.resize(picture, (16, 16), interpolation=cv2.INTER_AREA).astype(np.float64)


def _smooth(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0), np.uint8)


def _gradient(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Squared gradient in grey levels a pixel."""
    across = cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across * across + down * down, np.float32)


def _blocks(values: NDArray[np.uint8] | NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float64]:
    """Means over rows × columns equal blocks."""
    return cv2.resize(values.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float64)


def _undo(after: NDArray[np.uint8], flow: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The later picture with `flow` undone, so that it lies over the earlier one."""
    height, width = after.shape
    x = np.arange(width, dtype=np.float32)[None, :] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return np.asarray(cv2.remap(after, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
