"""What lies between a scene and its picture: rain, snow, grain, a hand on the lens, captions, a card slid in."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.drawn.cameras import eased
from benchmarks.drawn.canvas import Brush, Colour, any_colour, mixed
from video.draw import Rgb

Layer = Callable[[Rgb, float], None]
"""Paints what it is at a time over a picture."""

GRAINS = 7
"""Different pictures of grain, each of which lands at another place every time: none is seen to repeat."""


def brush_on(picture: Rgb) -> Brush:
    """A brush whose world is the picture: one high."""
    scale = float(picture.shape[0])
    return Brush(picture, np.array([[scale, 0, 0], [0, scale, 0]], np.float64))


class Grain:
    """A sensor's noise: the same amount everywhere, soft-edged as it is once a video was made smaller."""

    def __init__(self, random: np.random.Generator, spread: float, width: int, height: int) -> None:
        self._random, self._size = random, (height, width)
        shape = (height + 32, width + 32)
        grains = [cv2.GaussianBlur(random.normal(size=shape), (0, 0), 0.6) for _ in range(GRAINS)]
        self._grains = [
            np.repeat(np.round(spread * grain / grain.std())[..., None], 3, axis=2).astype(np.int16) for grain in grains
        ]

    def over(self, picture: Rgb) -> Rgb:
        grain = self._grains[int(self._random.integers(GRAINS))]
        top, left = self._random.integers(0, 33, 2)
        height, width = self._size
        part = grain[top : top + height, left : left + width]
        return np.asarray(cv2.add(picture, part, dtype=cv2.CV_8U), np.uint8)


def rain(random: np.random.Generator, aspect: float, drops: int = 90) -> Layer:
    """Streaks, each as long as a drop falls while the shutter is open."""
    x, phase = random.uniform(-0.1, aspect + 0.1, drops), random.uniform(0, 1.3, drops)
    near = random.uniform(0.4, 1.0, drops)
    wind = random.uniform(-0.15, 0.15)

    def paint(picture: Rgb, time: float) -> None:
        glass = np.zeros_like(picture)
        brush = brush_on(glass)
        fallen = phase + 2.4 * near * time
        round_trip, down = np.floor(fallen / 1.3), fallen % 1.3 - 0.15
        along = (x + round_trip * 0.618 * aspect) % (aspect + 0.2) - 0.1
        for left, top, size in zip(along.tolist(), down.tolist(), near.tolist(), strict=True):
            end = (left + wind * 0.1 * size, top + 0.1 * size)
            brush.limb((left, top), end, 0.004 * size, mixed((30, 30, 32), (95, 95, 100), size))
        cv2.add(picture, glass, dst=picture)

    return paint


def snow(random: np.random.Generator, aspect: float, flakes: int = 110) -> Layer:
    x, phase = random.uniform(0, aspect, flakes), random.uniform(0, 1.1, flakes)
    near, turn = random.uniform(0.3, 1.0, flakes), random.uniform(0, 2 * np.pi, flakes)

    def paint(picture: Rgb, time: float) -> None:
        brush = brush_on(picture)
        down = (phase + 0.35 * near * time) % 1.1 - 0.05
        along = (x + 0.05 * np.sin(1.3 * time + turn) + 0.04 * time) % aspect
        for left, top, size in zip(along.tolist(), down.tolist(), near.tolist(), strict=True):
            brush.disc(left, top, 0.011 * size, 0.011 * size, (235, 238, 242))

    return paint


def covered(random: np.random.Generator, start: float, end: float) -> Layer:
    """A hand comes before the lens from one side, out of focus, and goes."""
    side, skin = random.choice([-1, 1]), mixed((60, 30, 22), (95, 60, 45), float(random.uniform()))

    def paint(picture: Rgb, time: float) -> None:
        share = eased((time - start) / 0.25) * eased((end - time) / 0.25)
        if share <= 0:
            return
        aspect = picture.shape[1] / picture.shape[0]
        hand = picture.copy()
        brush = brush_on(hand)
        x = aspect / 2 + side * (1 - share) * (aspect + 1.2) / 1.4
        brush.disc(x, 0.5, 0.75 * aspect, 0.95, skin)
        for finger in range(4):
            y = 0.2 + 0.2 * finger + 0.01 * np.sin(5 * time + finger)
            brush.disc(x - 0.2 * side * finger, y, 0.5 * aspect, 0.11, mixed(skin, (0, 0, 0), 0.2 + 0.1 * (finger % 2)))
        picture[:] = cv2.blur(hand, (7, 7))

    return paint


def captions(random: np.random.Generator, seconds: float) -> Layer:
    """Burned-in words that change every second or so."""
    letters = list("aeioulnrstdmkpg")
    changes = np.cumsum(random.uniform(0.5, 1.4, round(seconds * 1.5) + 2))
    texts = [
        " ".join("".join(random.choice(letters, int(random.integers(2, 8)))) for _ in range(int(random.integers(1, 4))))
        for _ in changes
    ]

    def paint(picture: Rgb, time: float) -> None:
        height, width = picture.shape[:2]
        text = texts[int(np.searchsorted(changes, time))]
        size = min(height, width) / 260
        (wide, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 1)
        at = ((width - wide) // 2, round(0.84 * height))
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_DUPLEX, size, (10, 10, 10), 3, cv2.LINE_AA)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_DUPLEX, size, (250, 250, 245), 1, cv2.LINE_AA)

    return paint


def card(random: np.random.Generator, aspect: float, start: float, end: float) -> Layer:
    """A titled card with a chart that slides in over a part of the picture, stays, and slides out."""
    wide, tall = random.uniform(0.45, 0.65) * aspect, random.uniform(0.45, 0.7)
    left, top = random.uniform(0.05, 0.3) * aspect, random.uniform(0.1, 0.25)
    ground, ink = any_colour(random, 190, 250), any_colour(random, 20, 140)
    bars = random.uniform(0.15, 0.75, 5)
    colours: list[Colour] = [any_colour(random, 40, 220) for _ in bars]

    def paint(picture: Rgb, time: float) -> None:
        share = eased((time - start) / 0.3) * eased((end - time) / 0.3)
        if share <= 0:
            return
        brush = brush_on(picture)
        x = left - (1 - share) * (left + wide + 0.02)
        brush.box(x, top, wide, tall, ground)
        brush.box(x + 0.05 * wide, top + 0.06 * tall, 0.6 * wide, 0.09 * tall, ink)
        for number, (bar, colour) in enumerate(zip(bars.tolist(), colours, strict=True)):
            high = bar * tall
            brush.box(x + (0.08 + 0.17 * number) * wide, top + 0.95 * tall - high, 0.12 * wide, high, colour)

    return paint
