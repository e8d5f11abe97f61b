"""Places: rooms, streets, meadows and more, painted from chance; two of them only the evaluation half shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.drawn.board import Board, Ground, Place, Region
from benchmarks.drawn.canvas import Colour, any_colour, mixed, octaves
from benchmarks.drawn.rooms import room


@dataclass(frozen=True)
class Setting:
    """A place that is painted when it is first seen, for pictures `pixels` high; where things stand in it is known."""

    family: str
    seed: int
    region: Region
    pixels: int

    @property
    def ground(self) -> Ground:
        random, family = np.random.default_rng([self.seed, 1]), FAMILIES[self.family]
        return Ground(random.uniform(*family.horizon), random.uniform(*family.stature), family.least)

    def draw(self) -> Place:
        board = Board(np.random.default_rng([self.seed, 2]), self.region, self.pixels)
        FAMILIES[self.family].paint(board, self.ground)
        return board.finished()


def _street(board: Board, _: Ground) -> None:
    random, region, brush = board.random, board.region, board.brush
    kerb = random.uniform(0.58, 0.66)
    board.slope(region.top, kerb, mixed((120, 165, 225), (190, 190, 190), random.uniform()), (222, 226, 230))
    board.rough(region.top, kerb, 0.06, coarse=2, flat=3)
    x = region.left
    while x < region.right:
        wide, top = random.uniform(0.35, 0.8), random.uniform(-0.1, 0.3)
        _house(board, x, wide, top, kerb)
        x += wide
    board.slope(kerb, kerb + 0.06, (150, 148, 145), (165, 162, 158))
    asphalt = any_colour(random, 70, 105)
    board.slope(kerb + 0.06, region.bottom, mixed(asphalt, (120, 120, 120), 0.5), asphalt)
    board.rough(kerb, region.bottom, 0.08, coarse=6, flat=3)
    for dash in np.arange(region.left, region.right, 0.4):
        brush.polygon([(dash, 0.84), (dash + 0.2, 0.84), (dash + 0.19, 0.855), (dash - 0.01, 0.855)], (210, 208, 200))


def _house(board: Board, x: float, wide: float, top: float, base: float) -> None:
    random = board.random
    wall = any_colour(random, 90, 200)
    board.brush.box(x, top, wide, base - top, wall)
    glass, columns = any_colour(random, 40, 110), int(random.integers(3, 6))
    for row in np.arange(top + 0.05, base - 0.2, 0.13):
        for column in range(columns):
            left = x + (column + 0.25) * wide / columns
            shine = mixed(glass, (220, 225, 235), float(random.uniform(0, 0.5)))
            board.brush.box(left, float(row), 0.5 * wide / columns, 0.08, shine)
    board.brush.box(x + wide * 0.4, base - 0.16, 0.09, 0.16, mixed(wall, (30, 20, 20), 0.7))


def _lot(board: Board, __: Ground) -> None:
    """A car park seen from a mast."""
    random, region, brush = board.random, board.region, board.brush
    asphalt = any_colour(random, 95, 140)
    grey = mixed(asphalt, (115, 115, 115), 0.7)
    board.slope(region.top, region.bottom, mixed(grey, (150, 150, 150), 0.3), grey)
    board.rough(region.top, region.bottom, 0.07, coarse=5, flat=1.5)
    grass = any_colour(random, 60, 110)
    board.slope(region.top, 0.08, (grass[0] * 0.8, grass[1] * 1.1, grass[2] * 0.6), (90, 110, 60))
    board.rough(region.top, 0.08, 0.2, coarse=10)
    for row in (0.16, 0.7):
        for x in np.arange(region.left, region.right, random.uniform(0.16, 0.22)):
            lean = 0.03 * (float(x) - 0.9)
            brush.limb((float(x), row), (float(x) + lean, row + 0.2), 0.008, (215, 215, 210))
    for _ in range(6):
        x, y = random.uniform(region.left, region.right), random.uniform(0.1, 1.0)
        brush.disc(x, y, random.uniform(0.02, 0.08), random.uniform(0.01, 0.04), mixed(grey, (40, 40, 45), 0.5))


def _meadow(board: Board, ground: Ground) -> None:
    random, region = board.random, board.region
    line = ground.horizon
    board.slope(region.top, line, mixed((120, 160, 220), (170, 170, 175), random.uniform()), (220, 226, 232))
    board.rough(region.top, line, 0.08, coarse=2, flat=3)
    grass = mixed((85, 115, 45), (160, 145, 85), random.uniform() ** 2)
    board.slope(line, line + 0.03, grass, grass)
    for depth in range(3):
        _ridge(board, line - 0.08 + 0.04 * depth, mixed((110, 130, 140), grass, depth / 2))
    board.slope(line + 0.03, region.bottom, mixed(grass, (190, 200, 140), 0.2), grass)
    board.rough(line + 0.03, region.bottom, 0.16, coarse=12, flat=0.6)
    for _ in range(int(random.integers(2, 6))):
        _tree(board, random.uniform(region.left, region.right), line + random.uniform(0.03, 0.12))


def _ridge(board: Board, line: float, colour: Colour) -> None:
    points = np.linspace(board.region.left, board.region.right, 24)
    heights = line - 0.05 * octaves(board.random, 2, 24, coarse=2, levels=3)[0]
    for here, there, low, high in zip(points[:-1], points[1:], heights[:-1], heights[1:], strict=True):
        board.brush.polygon([(here, low), (there, high), (there, line + 0.2), (here, line + 0.2)], colour)


def _tree(board: Board, x: float, base: float) -> None:
    random = board.random
    tall = random.uniform(0.15, 0.4)
    board.brush.limb((x, base), (x, base - tall * 0.6), 0.06 * tall, (75, 60, 45))
    for _ in range(60):
        away, turn = 0.28 * tall * np.sqrt(random.uniform()), random.uniform(0, 2 * np.pi)
        leaf = mixed((50, 80, 30), (130, 160, 80), float(random.uniform()))
        radius = tall * random.uniform(0.03, 0.09)
        at = (x + away * np.cos(turn), base - tall * 0.75 + away * np.sin(turn))
        board.brush.disc(at[0], at[1], radius, radius * 0.8, leaf)


def _pitch(board: Board, __: Ground) -> None:
    random, region, brush = board.random, board.region, board.brush
    edge = random.uniform(0.14, 0.2)
    board.slope(region.top, edge, (70, 70, 80), (110, 105, 105))
    for _ in range(round(900 * region.width / 2)):
        x, y = random.uniform(region.left, region.right), random.uniform(region.top, edge - 0.03)
        brush.disc(x, y, 0.008, 0.011, any_colour(random, 40, 230))
    brush.box(region.left, edge - 0.025, region.width, 0.03, any_colour(random, 80, 220))
    green = (70 + random.uniform(-15, 15), 130 + random.uniform(-15, 15), 60.0)
    board.slope(edge, region.bottom, mixed(green, (0, 0, 0), 0.15), green)
    for index, x in enumerate(np.arange(region.left, region.right, 0.25)):
        if index % 2:
            lean = 0.35 * (x - 0.9)
            points = [(x, edge), (x + 0.25, edge), (x + 0.25 + lean, region.bottom), (x + lean, region.bottom)]
            brush.polygon(points, mixed(green, (150, 200, 110), 0.18))
    board.rough(edge, region.bottom, 0.07, coarse=14, flat=1.2)
    brush.box(region.left, edge + 0.05, region.width, 0.006, (225, 230, 220))
    middle = random.uniform(0.5, 1.2)
    brush.limb((middle, edge + 0.05), (middle - 0.1, region.bottom), 0.008, (225, 230, 220))


def _studio(board: Board, __: Ground) -> None:
    """Out of focus, behind somebody who talks."""
    random, region, brush = board.random, board.region, board.brush
    board.slope(region.top, region.bottom, any_colour(random, 40, 160), any_colour(random, 20, 110))
    for _ in range(14):
        radius, glow = random.uniform(0.03, 0.12), any_colour(random, 60, 210)
        brush.disc(random.uniform(region.left, region.right), random.uniform(region.top, 0.8), radius, radius, glow)
    brush.box(random.uniform(0, 0.5), 0.1, 0.25, 0.5, any_colour(random, 60, 180))
    size = board.picture.shape[0] / 40
    board.picture[:] = cv2.GaussianBlur(board.picture, (0, 0), size)


def _yard(board: Board, _: Ground) -> None:
    """Behind a brick house. Only the evaluation half shows it."""
    random, region, brush = board.random, board.region, board.brush
    foot, brick = random.uniform(0.58, 0.66), (random.uniform(130, 170), random.uniform(70, 95), random.uniform(55, 80))
    board.slope(region.top, foot, (185, 180, 170), (170, 165, 155))
    for row, y in enumerate(np.arange(region.top, foot, 0.04).tolist()):
        for x in np.arange(region.left - 0.05 * (row % 2), region.right, 0.1):
            tone = mixed(brick, any_colour(random, 60, 190), 0.18)
            brush.box(float(x), float(y), 0.092, min(0.033, foot - float(y)), tone)
    brush.box(random.uniform(0.2, 0.9), foot - 0.48, 0.24, 0.48, any_colour(random, 40, 120))
    board.slope(foot, region.bottom, (120, 118, 112), (150, 146, 138))
    board.rough(foot, region.bottom, 0.08, coarse=5)
    for x in np.arange(region.left - 1, region.right + 1, 0.18):
        brush.limb((float(x), foot), (1.8 * float(x) - 0.7, region.bottom), 0.006, (90, 88, 85))


def _shore(board: Board, ground: Ground) -> None:
    """Sand below, the sea behind it. Only the evaluation half shows it."""
    random, region = board.random, board.region
    line = ground.horizon
    board.slope(region.top, line, mixed((130, 170, 225), (165, 160, 165), random.uniform()), (225, 225, 225))
    board.rough(region.top, line, 0.07, coarse=2, flat=4)
    board.slope(line, line + 0.16, (50, 95, 120), (95, 145, 150))
    board.rough(line, line + 0.16, 0.12, coarse=6, flat=6)
    board.slope(line + 0.16, region.bottom, (200, 185, 150), (215, 195, 155))
    board.rough(line + 0.16, region.bottom, 0.06, coarse=6, flat=2)
    for _ in range(25):
        x, y = random.uniform(region.left, region.right), random.uniform(line + 0.2, region.bottom)
        board.brush.disc(x, y, 0.02 * y, 0.008 * y, any_colour(random, 90, 200))


@dataclass(frozen=True)
class Family:
    """How its places are painted, and between which values their ground lies."""

    paint: Callable[[Board, Ground], None]
    horizon: tuple[float, float]
    stature: tuple[float, float]
    least: float
    """As in `Ground`."""


EYE_LEVEL = (0.9, 1.1)
"""Cameras are mostly held as high as the eyes of who stands before them."""

FAMILIES = {
    "room": Family(room, (0.38, 0.48), EYE_LEVEL, 0.34),
    "street": Family(_street, (0.42, 0.47), EYE_LEVEL, 0.22),
    "lot": Family(_lot, (-0.35, -0.25), (0.30, 0.40), 0.14),
    "meadow": Family(_meadow, (0.36, 0.44), EYE_LEVEL, 0.08),
    "pitch": Family(_pitch, (-0.27, -0.22), (0.20, 0.24), 0.1),
    "studio": Family(_studio, (0.45, 0.45), EYE_LEVEL, 0.3),
    "yard": Family(_yard, (0.38, 0.45), EYE_LEVEL, 0.28),
    "shore": Family(_shore, (0.34, 0.42), EYE_LEVEL, 0.2),
}
