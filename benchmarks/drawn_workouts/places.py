"""Draws the places that figures are filmed in: still backgrounds of several kinds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from video.draw import Rgb

WIDTH, HEIGHT, MARGIN = 320, 180, 28
"""Pixels; places are drawn larger by the margin on every side, so that a shaking camera does not see their edge."""

_Drawing = NDArray[np.float64]


def draw_place(kind: str, random: np.random.Generator) -> Rgb:
    """A full `room`, a nearly empty `studio`, a rough `wall`, upright `stripes`, `bricks`, `shelves` with things on
    them, a `park` with leaves and trunks, tall `windows`, `tiles` of many shades, long `boards` one above the other,
    `posters` with rings on a plain wall, `racks` with discs on bars."""
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    picture: _Drawing = np.full((height, width, 3), random.uniform(80, 180)) + random.uniform(-20, 20, 3)
    picture = picture + _patches(random, 50, 10 if kind == "studio" else 24)
    if kind in ("room", "wall"):
        picture = picture + _patches(random, 9, 14)
    furnish = _FURNISHED.get(kind)
    if furnish is not None:
        furnish(picture, random)
    floor = round(height * 0.85)
    picture[floor:] = picture[floor:] * 0.6 + 30
    return np.asarray(np.clip(cv2.GaussianBlur(picture, (3, 3), 0), 0, 255), np.uint8)


def _stripes(picture: _Drawing, random: np.random.Generator) -> None:
    across = np.arange(picture.shape[1]) + 6 * np.sin(np.arange(picture.shape[1]) / 31)
    picture += 28 * np.sign(np.sin(across / random.uniform(4, 7)))[None, :, None]


def _bricks(picture: _Drawing, random: np.random.Generator) -> None:
    high, wide = random.uniform(9, 14), random.uniform(20, 32)
    row, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    shifted = across + wide / 2 * (row // high % 2)
    picture[(row % high < 2) | (shifted % wide < 2)] += 40
    picture += 12 * np.sin(row // high * 7.1 + shifted // wide * 3.7)[..., None]


def _shelves(picture: _Drawing, random: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for board in np.arange(random.uniform(8, 20), height, random.uniform(26, 38)):
        picture[int(board) : int(board) + 3] -= 35
        for across in np.cumsum(random.uniform(9, 34, width // 9)):
            top = max(0, int(board) - int(random.uniform(6, 22)))
            picture[top : int(board), int(across) : int(across) + 7] += random.uniform(-45, 45)


def _boxes(picture: _Drawing, random: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    for _ in range(12):
        x, y = int(random.integers(width)), int(random.integers(height))
        far = (x + int(random.integers(12, 70)), y + int(random.integers(12, 70)))
        cv2.rectangle(picture, (x, y), far, random.uniform(30, 225, 3).tolist(), -1)


def _trees(picture: _Drawing, random: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    picture += _patches(random, 6, 16)
    for across in np.cumsum(random.uniform(25, 90, width // 25)):
        left, wide = int(across), int(random.uniform(5, 16))
        picture[int(random.uniform(0, 0.3) * height) :, left : left + wide] -= random.uniform(25, 60)


def _panes(picture: _Drawing, random: np.random.Generator) -> None:
    """Bright panes with dark bars between them, and what is seen through each."""
    height, width = picture.shape[:2]
    wide, high = int(random.uniform(46, 80)), int(random.uniform(50, 90))
    for left in range(int(random.uniform(-wide, 0)), width, wide):
        for top in range(int(random.uniform(-high, 0)), height, high):
            pane = picture[max(0, top) : top + high - 5, max(0, left) : left + wide - 5]
            pane += random.uniform(10, 70)
            pane[int(pane.shape[0] * random.uniform(0.4, 0.9)) :] -= random.uniform(10, 40)
    picture -= 15


def _tiles(picture: _Drawing, random: np.random.Generator) -> None:
    side = random.uniform(13, 24)
    row, across = np.mgrid[: picture.shape[0], : picture.shape[1]]
    shades = random.uniform(-24, 24, (64, 64))
    picture += shades[(row // side).astype(int), (across // side).astype(int)][..., None]
    picture[(row % side < 1.5) | (across % side < 1.5)] -= 30


def _boards(picture: _Drawing, random: np.random.Generator) -> None:
    """Each of its own shade, with a grain that runs along it and a joint here and there."""
    height, width = picture.shape[:2]
    high = int(random.uniform(14, 26))
    grain = cv2.GaussianBlur(random.normal(size=(height, width)), (0, 0), sigmaX=24, sigmaY=0.8)
    picture += 40 * grain[..., None]
    for top in range(0, height, high):
        picture[top : top + high - 2] += random.uniform(-18, 18)
        picture[top + high - 2 : top + high] -= 25
        joint = int(random.uniform(0, width))
        picture[top : top + high, joint : joint + 2] -= 30


def _posters(picture: _Drawing, random: np.random.Generator) -> None:
    """Sheets of their own shade, rings on each."""
    height, width = picture.shape[:2]
    for _ in range(int(random.integers(5, 10))):
        wide, high = int(random.integers(30, 80)), int(random.integers(36, 90))
        left, top = int(random.integers(-10, width - 20)), int(random.integers(-10, round(height * 0.7)))
        cv2.rectangle(picture, (left, top), (left + wide, top + high), random.uniform(60, 220, 3).tolist(), -1)
        middle = left + wide // 2, top + high // 2
        for radius in range(4, min(wide, high) // 2, int(random.integers(5, 12))):
            cv2.circle(picture, middle, radius, random.uniform(30, 240, 3).tolist(), 2)


def _racks(picture: _Drawing, random: np.random.Generator) -> None:
    """Bars from side to side on dark posts, discs of several sizes along each."""
    height, width = picture.shape[:2]
    for post in np.arange(random.uniform(5, 40), width, random.uniform(60, 100)):
        picture[:, int(post) : int(post) + 5] -= 40
    for bar in np.arange(random.uniform(15, 30), height * 0.8, random.uniform(34, 48)):
        picture[int(bar) : int(bar) + 3] += 30
        for across in np.cumsum(random.uniform(12, 60, width // 12)):
            radius, shade = int(random.uniform(5, 15)), random.uniform(20, 120, 3).tolist()
            cv2.circle(picture, (int(across), int(bar)), radius, shade, -1)
            cv2.circle(picture, (int(across), int(bar)), 2, (170, 170, 170), -1)


_FURNISHED = {
    "stripes": _stripes,
    "bricks": _bricks,
    "shelves": _shelves,
    "room": _boxes,
    "park": _trees,
    "windows": _panes,
    "tiles": _tiles,
    "boards": _boards,
    "posters": _posters,
    "racks": _racks,
}


def _patches(random: np.random.Generator, size: int, levels: float) -> NDArray[np.float32]:
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    coarse = random.normal(size=(max(2, height // size), max(2, width // size), 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * levels, np.float32)
