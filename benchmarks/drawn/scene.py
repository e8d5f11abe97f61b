"""Turns a place, figures, a camera and light into pictures, and joins scenes into a film."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.drawn.board import Place
from benchmarks.drawn.cameras import Camera, matrix, still
from benchmarks.drawn.canvas import Brush, octaves
from benchmarks.drawn.layers import Grain, Layer
from benchmarks.drawn.light import Lamp, Light, steady
from benchmarks.drawn.places import Setting
from benchmarks.drawn.things import Figure
from video.draw import Rgb, Style

SHUTTER = 0.5
"""Share of a picture's time for which the shutter is open: the film maker's usual half."""

PIXELS_AN_EXPOSURE, MOST_EXPOSURES = 1.5, 7
"""Blur is the mean of several exposures, so many pixels apart that no steps are seen."""


@dataclass(frozen=True)
class Stir:
    """A part of the background that never rests: leaves in the wind, or water."""

    left: float
    top: float
    right: float
    bottom: float
    what: Literal["leaves", "water"]
    strength: float = 1.0


@dataclass(frozen=True)
class Scene:
    """Everything in front of one camera."""

    setting: Setting
    figures: tuple[Figure, ...] = ()
    camera: Camera = still
    light: Light = steady
    layers: tuple[Layer, ...] = ()
    stirs: tuple[Stir, ...] = ()
    grain: float = 1.5
    seed: int = 0


@dataclass(frozen=True)
class Joint:
    """How one part goes over into the next: a dissolve or fade takes `seconds` in all, with its middle at the time."""

    how: Literal["hard", "dissolve", "fade"]
    seconds: float = 0.0
    through: float = 0.0
    """Brightness a fade goes through: 0 black, 255 white."""
    held: float = 0.0
    """Share of a fade for which nothing else is seen."""


@dataclass(frozen=True)
class Part:
    """A scene from `start` on. The same scene may come twice: its time goes on meanwhile."""

    scene: Scene
    start: float
    joint: Joint = Joint("hard")


class Film:
    """Pictures of parts in time order, drawn one after the other: grain falls as it comes."""

    def __init__(self, parts: tuple[Part, ...], style: Style, step: int = 1) -> None:
        self._parts, self._style, self._step = parts, style, step
        self._stages: dict[int, _Stage] = {}

    def pictures(self, seconds: float) -> Iterator[tuple[int, Rgb]]:
        """Each with its number at the style's rate; every `step`th only."""
        for number in range(0, round(seconds * self._style.rate), self._step):
            yield number, self.at(number / self._style.rate)

    def at(self, time: float) -> Rgb:
        index = max((i for i, part in enumerate(self._parts) if time >= part.start - 1e-6), default=0)
        shown = self._look(index, time)
        for later, other in ((True, index + 1), (False, index)):
            if not 0 < other < len(self._parts):
                continue
            part = self._parts[other]
            share = (time - part.start) / part.joint.seconds + 0.5 if part.joint.seconds else float(not later)
            if 0 < share < 1:
                shown = self._joined(shown, part.joint, share, other - 1 if not later else other, time)
        return shown

    def _joined(self, shown: Rgb, joint: Joint, share: float, other: int, time: float) -> Rgb:
        if joint.how == "dissolve":
            weight = share if share < 0.5 else 1 - share
            return np.asarray(cv2.addWeighted(self._look(other, time), weight, shown, 1 - weight, 0), np.uint8)
        left = min(1.0, max(0.0, (abs(2 * share - 1) - joint.held) / (1 - joint.held)))
        return np.asarray(cv2.convertScaleAbs(shown, alpha=left, beta=joint.through * (1 - left)), np.uint8)

    def _look(self, index: int, time: float) -> Rgb:
        scene = self._parts[index].scene
        if id(scene) not in self._stages:
            rate = self._style.rate / self._step
            self._stages[id(scene)] = _Stage(scene, self._style.width, self._style.height, rate)
        return self._stages[id(scene)].at(time)


class _Stage:
    """A scene built up for pictures of one size."""

    def __init__(self, scene: Scene, width: int, height: int, rate: float) -> None:
        random = np.random.default_rng([scene.seed, 77])
        self._scene, self._size, self._open = scene, (width, height), SHUTTER / rate
        self._place = scene.setting.draw()
        self._stirs = [_Stirring(stir, self._place, random) for stir in scene.stirs]
        self._lamp, self._grain = Lamp(random, width, height), Grain(random, scene.grain, width, height)
        self._still: tuple[NDArray[np.float64], Rgb] | None = None

    def at(self, time: float) -> Rgb:
        exposures = self._exposures(time)
        if exposures == 1:
            picture = self._exposed(time)
        else:
            total = np.zeros((*self._size[::-1], 3), np.float32)
            for number in range(exposures):
                cv2.accumulate(self._exposed(time + self._open * number / exposures), total)
            picture = np.asarray(cv2.convertScaleAbs(total, alpha=1 / exposures), np.uint8)
        picture = self._lamp.lit(picture, self._scene.light(time))
        for layer in self._scene.layers:
            layer(picture, time)
        return self._grain.over(picture)

    def _exposures(self, time: float) -> int:
        before, after = (self._scene.camera(time + ahead * self._open) for ahead in (-0.5, 0.5))
        turned = np.hypot(after.x - before.x, after.y - before.y)
        moved = max((figure.speed(time) for figure in self._scene.figures), default=0.0) * self._open
        pixels = (turned + moved) * self._size[1]
        return int(np.clip(round(pixels / PIXELS_AN_EXPOSURE), 1, MOST_EXPOSURES))

    def _exposed(self, time: float) -> Rgb:
        seen = matrix(self._scene.camera(time), *self._size)
        picture = self._background(seen, time)
        brush = Brush(picture, seen)
        for figure in self._scene.figures:
            figure.paint(brush, time)
        return picture

    def _background(self, seen: NDArray[np.float64], time: float) -> Rgb:
        if self._still is not None and not self._stirs and np.array_equal(seen, self._still[0]):
            return self._still[1].copy()
        region, ground = self._place.region, self._place.picture
        if self._stirs:
            ground = ground.copy()
            for stirring in self._stirs:
                stirring.apply(ground, time)
        scale = ground.shape[0] / region.height
        lay = np.array([[1 / scale, 0, region.left], [0, 1 / scale, region.top], [0, 0, 1]])
        # A background pixel's middle is half a pixel off its corner, in both pictures.
        move = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        whole = np.linalg.inv(move) @ np.vstack([seen, [0, 0, 1]]) @ lay @ move
        picture = cv2.warpAffine(ground, whole[:2], self._size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        self._still = (seen, np.asarray(picture, np.uint8))
        return self._still[1].copy()


class _Stirring:
    def __init__(self, stir: Stir, place: Place, random: np.random.Generator) -> None:
        scale, region = place.picture.shape[0] / place.region.height, place.region
        height, width = place.picture.shape[:2]
        top, bottom = (round(min(height, max(0, (y - region.top) * scale))) for y in (stir.top, stir.bottom))
        left, right = (round(min(width, max(0, (x - region.left) * scale))) for x in (stir.left, stir.right))
        self._where = (slice(top, bottom), slice(left, right))
        if stir.what == "leaves":
            _plant(place.picture[self._where], random)
        self._still = place.picture[self._where].copy()
        rows, columns = self._still.shape[:2]
        # Nothing moves at the edges, where the resting background begins.
        edge = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]) ** 0.3
        far = stir.strength * scale * (0.012 if stir.what == "leaves" else 0.010) * edge
        coarse = 3 if stir.what == "leaves" else 8
        self._ways = [(far * octaves(random, rows, columns, coarse=coarse, levels=3)) for _ in range(4)]
        low, high = (0.3, 1.3) if stir.what == "leaves" else (0.2, 0.7)
        self._turns, self._phases = 2 * np.pi * random.uniform(low, high, 4), random.uniform(0, 2 * np.pi, 4)
        self._rows, self._columns = np.mgrid[0:rows, 0:columns].astype(np.float32)

    def apply(self, ground: Rgb, time: float) -> None:
        gust = 0.7 + 0.5 * np.sin(0.35 * time + self._phases[0])
        sway = gust * np.sin(self._turns * time + self._phases)
        across = (self._columns + sway[0] * self._ways[0] + sway[1] * self._ways[1]).astype(np.float32)
        down = (self._rows + sway[2] * self._ways[2] + sway[3] * self._ways[3]).astype(np.float32)
        ground[self._where] = cv2.remap(self._still, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _plant(ground: Rgb, random: np.random.Generator) -> None:
    """A bush of leaves over a part of the background."""
    height, width = ground.shape[:2]
    scale = float(height)
    brush = Brush(ground, np.array([[scale, 0, 0], [0, scale, 0]], np.float64))
    for _ in range(350):
        turn, lie = random.uniform(0, 2 * np.pi, 2)
        away = np.sqrt(random.uniform()) * (0.85 + 0.15 * np.sin(3 * turn) * np.cos(5 * turn))
        x, y = (0.5 + 0.45 * away * np.cos(turn)) * width / height, 0.5 + 0.45 * away * np.sin(turn)
        green = random.uniform(0.4, 1.3)
        colour = (55 * green, 95 * green, 40 * green)
        brush.disc(x, y, random.uniform(0.015, 0.04), random.uniform(0.008, 0.02), colour, turn=lie)
