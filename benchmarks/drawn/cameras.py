"""How cameras move: where each looks, how close and how level, at any time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class View:
    """How far a camera has moved from its place, in picture heights; its zoom as a logarithm, its roll in radians."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 0.0
    roll: float = 0.0

    def and_also(self, other: View) -> View:
        return View(self.x + other.x, self.y + other.y, self.zoom + other.zoom, self.roll + other.roll)


Camera = Callable[[float], View]


class Wobble:
    """An aimless smooth movement of unit spread: a sum of sines whose frequencies lie in a band of Hz."""

    def __init__(self, random: np.random.Generator, low: float, high: float, parts: int = 5) -> None:
        self._turns = 2 * np.pi * np.exp(random.uniform(np.log(low), np.log(high), parts))
        self._phases = random.uniform(0, 2 * np.pi, parts)
        # The slower parts of what a hand or a leaf does are the larger ones.
        weights = 1 / np.sqrt(self._turns)
        self._weights = weights * np.sqrt(2 / (weights**2).sum())

    def __call__(self, time: float) -> float:
        return float((self._weights * np.sin(self._turns * time + self._phases)).sum())


def still(_: float) -> View:
    return View()


def together(*cameras: Camera) -> Camera:
    """All of these movements at once."""

    def view(time: float) -> View:
        total = View()
        for camera in cameras:
            total = total.and_also(camera(time))
        return total

    return view


def hand_held(random: np.random.Generator, strength: float = 1.0) -> Camera:
    """A slow sway of 1 to 2 per cent of the picture, a tremor of a tenth of that at 4 to 9 Hz, a little roll."""
    sway = [Wobble(random, 0.15, 1.0) for _ in range(4)]
    tremor = [Wobble(random, 4.0, 9.0) for _ in range(2)]
    far = strength * random.uniform(0.010, 0.022)
    shake = strength * random.uniform(0.0008, 0.002)

    def view(time: float) -> View:
        return View(
            far * 1.3 * sway[0](time) + shake * tremor[0](time),
            far * sway[1](time) + shake * tremor[1](time),
            0.3 * far * sway[2](time),
            0.4 * far * sway[3](time),
        )

    return view


def stepping(random: np.random.Generator, start: float, end: float) -> Camera:
    """Somebody walks with the camera in hand for a while: each step bounces it, each second one sways it."""
    hertz, bounce = random.uniform(1.7, 2.1), random.uniform(0.006, 0.013)
    drift, nearer = random.uniform(-0.05, 0.05), random.uniform(-0.1, 0.15)

    def view(time: float) -> View:
        share = _eased((time - start) / 0.6) * _eased((end - time) / 0.6)
        step = 2 * np.pi * hertz * time
        gone = _eased((time - start) / (end - start))
        sideways = drift * gone + share * bounce * np.sin(step / 2)
        return View(sideways, share * bounce * abs(np.sin(step / 2)) * 1.5, nearer * gone)

    return view


def shaken(random: np.random.Generator, start: float, end: float, strength: float = 0.05) -> Camera:
    """A jolt: the camera is put down, taken up or pushed."""
    across, down = Wobble(random, 2.0, 5.0), Wobble(random, 2.0, 5.0)

    def view(time: float) -> View:
        share = strength * _eased((time - start) / 0.1) * _eased((end - time) / 0.4)
        return View(share * across(time), share * down(time), 0.0, 0.5 * share * across(time + 9))

    return view


def panning(start: float, end: float, x: float, y: float = 0.0) -> Camera:
    """Turns by (x, y) between two times, gently at both ends; quickly, it is a whip pan."""

    def view(time: float) -> View:
        share = _eased((time - start) / (end - start))
        return View(x * share, y * share)

    return view


def sliding(speed: float) -> Camera:
    """Turns at an even pace, `speed` picture heights a second."""
    return lambda time: View(speed * time)


def gliding(random: np.random.Generator, seconds: float) -> Camera:
    """On rails: closer, slowly, and a little sideways."""
    zoom, aside = random.uniform(0.15, 0.35), random.uniform(-0.15, 0.15)
    phase = random.uniform(0, np.pi)

    def view(time: float) -> View:
        wave = 0.5 - 0.5 * np.cos(2 * np.pi * time / max(seconds, 20) + phase)
        return View(aside * wave, 0.0, zoom * wave)

    return view


def rocking(random: np.random.Generator) -> Camera:
    """On a boat: the horizon tilts and rises every few seconds."""
    hertz, tilt, rise = random.uniform(0.12, 0.25), random.uniform(0.02, 0.05), random.uniform(0.01, 0.03)
    rough = Wobble(random, 0.3, 0.9)

    def view(time: float) -> View:
        turn = 2 * np.pi * hertz * time
        return View(0.006 * rough(time), rise * np.sin(turn + 1), 0.0, tilt * np.sin(turn))

    return view


def matrix(view: View, width: int, height: int) -> NDArray[np.float64]:
    """(2, 3) from world units to pixels: a camera that has not moved sees 0 to width / height, and 0 to 1."""
    scale = height * np.exp(view.zoom)
    cos, sin = scale * np.cos(view.roll), scale * np.sin(view.roll)
    x, y = width / height / 2 + view.x, 0.5 + view.y
    return np.array([[cos, -sin, width / 2 - cos * x + sin * y], [sin, cos, height / 2 - sin * x - cos * y]])


def _eased(share: float) -> float:
    """0 before, 1 after, and smooth between."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


eased = _eased
