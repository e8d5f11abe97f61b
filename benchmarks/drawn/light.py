"""Light on a scene, and how it changes: drifts, clouds, lamps, flashes, an exposure that hunts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.drawn.cameras import Wobble, eased
from benchmarks.drawn.canvas import Floats
from video.draw import Rgb


@dataclass(frozen=True)
class Shine:
    """Brightness as a factor, a lamp's light and a flash's from 0 (off) to 1."""

    gain: float = 1.0
    lamp: float = 0.0
    flash: float = 0.0


Light = Callable[[float], Shine]


def steady(_: float) -> Shine:
    return Shine()


def together(*lights: Light) -> Light:
    def shine(time: float) -> Shine:
        parts = [light(time) for light in lights]
        return Shine(
            float(np.prod([part.gain for part in parts])),
            sum(part.lamp for part in parts),
            max(part.flash for part in parts),
        )

    return shine


def drifting(random: np.random.Generator, strength: float = 0.08) -> Light:
    """Daylight: up and down by some per cent within minutes."""
    wobble = Wobble(random, 0.005, 0.03, 3)
    return lambda time: Shine(1 + strength * 0.7 * np.tanh(wobble(time)))


def clouded(random: np.random.Generator, seconds: float) -> Light:
    """Now and then a cloud takes a third of the light for some seconds."""
    wobble, depth = Wobble(random, 0.04, 0.15, 4), random.uniform(0.2, 0.4)
    return lambda time: Shine(1 - depth * float(eased(0.5 + 0.9 * wobble(min(time, seconds)))))


def switched(times: Sequence[float], strength: float, lit: bool = False) -> Light:
    """A lamp that is switched at these times, and takes some hundredths of a second to glow."""

    def shine(time: float) -> Shine:
        glow = float(lit)
        for count, at in enumerate(times):
            on = (count % 2 == 0) != lit
            glow += (1 if on else -1) * eased((time - at) / 0.08)
        return Shine(1.0, strength * glow)

    return shine


def hunting(times: Sequence[float], random: np.random.Generator) -> Light:
    """A camera that corrects its exposure at these times: too far, then back, for some two seconds."""
    steps = random.uniform(0.12, 0.3, len(times)) * random.choice([-1, 1], len(times))

    def shine(time: float) -> Shine:
        gain = 1.0
        for at, step in zip(times, steps, strict=True):
            if time > at:
                gain *= 1 + step * np.exp(-(time - at) / 0.8) * np.sin(2 * np.pi * 0.9 * (time - at))
        return Shine(float(gain))

    return shine


def flashes(times: Sequence[float]) -> Light:
    """Photographers: a twentieth of a second of white."""

    def shine(time: float) -> Shine:
        return Shine(flash=max((float(0 <= time - at < 0.05) for at in times), default=0.0))

    return shine


class Lamp:
    """Where a lamp's light falls in the pictures of a scene, and what light does to them."""

    def __init__(self, random: np.random.Generator, width: int, height: int) -> None:
        x, y = random.uniform(0.1, 0.9) * width, random.uniform(0.0, 0.5) * height
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        away = ((columns - x) ** 2 + (rows - y) ** 2) / (0.6 * height) ** 2
        warm = np.array([1.0, 0.93, 0.78], np.float32)
        self._map: Floats = np.asarray((0.35 + 0.65 / (1 + away))[..., None] * warm, np.float32)

    def lit(self, picture: Rgb, shine: Shine) -> Rgb:
        if shine.lamp:
            factor = shine.gain * (1 + shine.lamp * self._map)
            picture = np.asarray(cv2.multiply(picture, factor, dtype=cv2.CV_8U), np.uint8)
        elif shine.gain != 1:
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=shine.gain), np.uint8)
        if shine.flash:
            picture = np.asarray(cv2.convertScaleAbs(picture, alpha=1 - 0.5 * shine.flash, beta=125), np.uint8)
        return picture
