"""Small grey scenes, and signals with known events, drawn for tests of what is measured and chosen."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.signals import SignalCollector
from schemas import SOUND_RATE, Samples, Signals, Sound

RATE = 10
"""Samples a second."""

HEIGHT, WIDTH = 72, 128

Picture = NDArray[np.uint8]


def scene(seed: int) -> Picture:
    """A large textured picture to look at a part of."""
    random = np.random.default_rng(seed)
    coarse = cv2.resize(random.normal(size=(8, 12)), (256, 144), interpolation=cv2.INTER_CUBIC)
    fine = cv2.resize(random.normal(size=(30, 50)), (256, 144), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(random.integers(90, 160) + 45 * coarse + 20 * fine, 0, 255), np.uint8)


def look(picture: Picture, x: float = 0.0, y: float = 0.0) -> Picture:
    """The part of a scene that begins `x`, `y` pixels from its middle left."""
    shift = np.array([[1, 0, -20 - x], [0, 1, -30 - y]], np.float32)
    return np.asarray(cv2.warpAffine(picture, shift, (WIDTH, HEIGHT)), np.uint8)


def with_square(picture: Picture, x: float, y: float = 30.0, size: int = 18) -> Picture:
    """A bright square with its corner at `x`, `y`, to a sixteenth of a pixel."""
    drawn = picture.copy()
    corner, far = (round(x * 16), round(y * 16)), (round((x + size) * 16), round((y + size) * 16))
    cv2.rectangle(drawn, corner, far, 250, -1, cv2.LINE_AA, 4)
    cv2.circle(drawn, (round((x + size / 2) * 16), round((y + size / 2) * 16)), 5 * 16, 20, -1, cv2.LINE_AA, 4)
    return drawn


def grainy(picture: Picture, random: np.random.Generator, spread: float = 2.0) -> Picture:
    return np.asarray(np.clip(picture + random.normal(size=picture.shape) * spread, 0, 255), np.uint8)


def samples(pictures: list[Picture], times: NDArray[np.float64] | None = None) -> Samples:
    grid = [cv2.resize(picture, (12, 12), interpolation=cv2.INTER_AREA) for picture in pictures]
    return Samples(
        times=np.arange(len(pictures)) / RATE if times is None else times,
        grey=np.stack(pictures),
        grid=np.repeat(np.stack(grid)[..., None], 3, axis=3),
    )


def film(seconds: float, draw: Callable[[float], Picture], sounds: tuple[Sound, ...] = ()) -> Signals:
    """What is measured on a film that `draw` gives the picture of at any time."""
    collector = SignalCollector()
    collector.add(samples([draw(at / RATE) for at in range(round(seconds * RATE))]), sounds)
    return collector.finish(seconds)


def tone(seconds: float, begin: float, end: float, quiet: float = 0.001, loud: float = 0.3) -> NDArray[np.float32]:
    """A steady quiet tone with a loud stretch."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    return np.asarray(
        np.sin(2 * np.pi * 440 * time) * np.where((time >= begin) & (time < end), loud, quiet), np.float32
    )


def curves(
    duration: float,
    *,
    motion: dict[tuple[float, float], float] | None = None,
    novelty: dict[tuple[float, float], float] | None = None,
    cuts: tuple[float, ...] = (),
    seed: int = 0,
    noise: float = 0.005,
    apart: float = 1 / RATE,
) -> Signals:
    """Signals without sound that hold a value over each given stretch of seconds, and a little noise elsewhere, of
    pictures `apart` seconds apart."""
    random = np.random.default_rng(seed)
    step = min(0.25, duration / 4)
    times = (np.arange(max(4, int(np.ceil(duration / step - 1e-6)))) + 0.5) * step
    drawn = [np.abs(random.normal(size=len(times))) * noise for _ in range(2)]
    for curve, stretches in zip(drawn, (motion or {}, novelty or {}), strict=True):
        for (begin, end), value in stretches.items():
            curve[(times >= begin) & (times < end)] += value
    motion_curve, novelty_curve = drawn
    still, sharp = np.zeros(len(times)), np.full(len(times), 20.0)
    return Signals(duration, step, motion_curve, still, novelty_curve, None, sharp, None, None, cuts, 1.0, apart)
