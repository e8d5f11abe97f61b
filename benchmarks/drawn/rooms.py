"""Rooms: a wall, a floor, and furniture along the wall."""

from __future__ import annotations

from benchmarks.drawn.board import Board, Ground
from benchmarks.drawn.canvas import any_colour, mixed


def room(board: Board, _: Ground) -> None:
    random, region, brush = board.random, board.region, board.brush
    wall, floor = any_colour(random, 120, 210), any_colour(random, 60, 140)
    edge = random.uniform(0.66, 0.74)
    board.slope(region.top, edge, wall, mixed(wall, (0, 0, 0), 0.15))
    board.rough(region.top, edge, 0.025, coarse=8)
    board.slope(edge, region.bottom, mixed(floor, (0, 0, 0), 0.25), floor)
    board.rough(edge, region.bottom, 0.10, coarse=3, flat=8)
    brush.box(region.left, edge - 0.025, region.width, 0.025, mixed(wall, (255, 255, 255), 0.5))
    x = region.left + random.uniform(0, 0.2)
    while x < region.right:
        wide = random.uniform(0.25, 0.6)
        [_window, _shelf, _painting, _cupboard, _sofa][int(random.integers(5))](board, x, wide, edge)
        x += wide + random.uniform(0.08, 0.35)


def _window(board: Board, x: float, wide: float, edge: float) -> None:
    sky = any_colour(board.random, 190, 245)
    board.brush.box(x, edge - 0.55, wide, 0.42, (235, 232, 225))
    for pane in range(2):
        board.brush.box(x + 0.02 + pane * wide / 2, edge - 0.53, wide / 2 - 0.035, 0.38, sky)
        board.brush.disc(x + 0.1 + pane * wide / 2, edge - 0.2, 0.06, 0.05, mixed(sky, (60, 90, 50), 0.6))


def _shelf(board: Board, x: float, wide: float, edge: float) -> None:
    random = board.random
    wood = any_colour(random, 50, 130)
    board.brush.box(x, edge - 0.6, wide, 0.62, wood)
    for row in range(4):
        top = edge - 0.58 + row * 0.15
        board.brush.box(x + 0.015, top, wide - 0.03, 0.125, mixed(wood, (0, 0, 0), 0.5))
        book = x + 0.02
        while book < x + wide - 0.06:
            thick, tall = random.uniform(0.012, 0.035), random.uniform(0.07, 0.115)
            board.brush.box(book, top + 0.125 - tall, thick, tall, any_colour(random))
            book += thick + random.choice([0.002, 0.004, 0.03])


def _painting(board: Board, x: float, wide: float, edge: float) -> None:
    random = board.random
    tall = wide * random.uniform(0.6, 1.0)
    board.brush.box(x, edge - 0.3 - tall, wide, tall, any_colour(random, 20, 90))
    inner = any_colour(random, 90, 220)
    board.brush.box(x + 0.02, edge - 0.28 - tall, wide - 0.04, tall - 0.04, inner)
    for _ in range(5):
        radius = random.uniform(0.02, 0.07)
        board.brush.disc(
            x + wide / 2 + random.uniform(-0.25, 0.25) * wide,
            edge - 0.3 - tall / 2 + random.uniform(-0.2, 0.2) * tall,
            radius,
            radius * 0.7,
            any_colour(random),
        )


def _cupboard(board: Board, x: float, wide: float, edge: float) -> None:
    wood = any_colour(board.random, 70, 170)
    board.brush.box(x, edge - 0.28, wide, 0.32, wood)
    for door in range(2):
        left = x + 0.015 + door * wide / 2
        board.brush.box(left, edge - 0.26, wide / 2 - 0.03, 0.27, mixed(wood, (255, 255, 255), 0.15))
        board.brush.disc(left + wide / 2 - 0.05, edge - 0.13, 0.008, 0.008, (40, 40, 40))
    board.brush.limb((x + wide * 0.7, edge - 0.28), (x + wide * 0.7, edge - 0.45), 0.012, (60, 60, 60))
    board.brush.disc(x + wide * 0.7, edge - 0.47, 0.06, 0.045, (240, 225, 180))


def _sofa(board: Board, x: float, wide: float, edge: float) -> None:
    cloth = any_colour(board.random, 50, 190)
    board.brush.box(x, edge - 0.2, wide, 0.2, mixed(cloth, (0, 0, 0), 0.2))
    for seat in range(2):
        board.brush.box(x + 0.02 + seat * wide / 2, edge - 0.16, wide / 2 - 0.03, 0.12, cloth)
    for arm in (x, x + wide - 0.05):
        board.brush.limb((arm, edge - 0.1), (arm, edge + 0.04), 0.07, mixed(cloth, (0, 0, 0), 0.1))
