"""Films a script: a place, a figure in it, a camera, its light, and whoever walks past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.drawn_workouts.figures import BONES, Build, Pose
from benchmarks.drawn_workouts.places import HEIGHT, MARGIN, WIDTH, draw_place
from benchmarks.drawn_workouts.poses import FRONT
from benchmarks.drawn_workouts.scripts import RATE, Script
from video.draw import Rgb

Point = NDArray[np.float64]

CONTRAST = 30.0
"""Grey levels by which clothes differ from the place at least."""

FADE_SECONDS = 0.7


@dataclass(frozen=True)
class Setting:
    """How a video is filmed."""

    build: Build
    place: str
    size: float = 0.68
    """Height of the standing figure, 1 is the picture's."""
    shake: float = 0.0
    """Pixels that the camera trembles by, from one picture to the next and on."""
    pan: float = 0.0
    """Pixels that the camera wanders by, slowly."""
    grain: float = 2.0
    """Grey levels."""
    light: float = 0.0
    """Share by which the light comes and goes."""
    passers: bool = False
    cuts: tuple[float, ...] = ()
    """Seconds at which another camera takes over."""
    fades: bool = False
    """The other camera takes over slowly."""


def film(script: Script, setting: Setting, seed: int) -> Iterator[tuple[int, Rgb]]:
    """Numbered pictures at RATE a second."""
    stage = _Stage(script, setting, np.random.default_rng(seed))
    for number in range(len(script.poses)):
        yield number, stage.picture(number)


class _Stage:
    def __init__(self, script: Script, setting: Setting, random: np.random.Generator) -> None:
        self._script, self._setting, self._random = script, setting, random
        self._places = [draw_place(setting.place, random) for _ in range(2)]
        self._office = draw_place("wall", random)
        behind = np.mean(self._places[0], axis=(0, 1))
        self._clothes, self._others_clothes = _clothes(random, behind), _clothes(random, behind)
        self._foot = np.array([WIDTH * random.uniform(0.42, 0.58), HEIGHT * 0.94]) + MARGIN
        self._views = [(1.0, 1.0), (random.uniform(0.45, 0.75), random.uniform(0.85, 1.15))]
        self._shift, self._speed = np.zeros(2), np.zeros(2)
        self._phases = random.uniform(0, 6.28, 4)

    def picture(self, number: int) -> Rgb:
        drawn = self._seen(number)
        framed = self._framed(drawn, number / RATE).astype(np.float32)
        if self._setting.light:
            framed *= 1 + self._setting.light * np.sin(number / RATE * 0.9 + self._phases[0])
        grain = self._random.normal(size=(HEIGHT, WIDTH, 1)).astype(np.float32) * self._setting.grain
        return np.asarray(np.clip(framed + grain, 0, 255), np.uint8)

    def _seen(self, number: int) -> Rgb:
        time = number / RATE
        if any(start <= time < end for start, end in self._script.talking):
            return self._talking(self._script.poses[number])
        before = [cut for cut in self._setting.cuts if cut <= time]
        camera = len(before) % 2
        drawn = self._shot(number, camera)
        if self._setting.fades and before and time - before[-1] < FADE_SECONDS:
            share = (time - before[-1]) / FADE_SECONDS
            other = self._shot(number, 1 - camera)
            drawn = np.asarray(cv2.addWeighted(drawn, share, other, 1 - share, 0), np.uint8)
        return drawn

    def _shot(self, number: int, camera: int) -> Rgb:
        drawn = self._places[camera].copy()
        turned, larger = self._views[camera]
        scale = self._setting.size * HEIGHT * larger
        if self._setting.passers:
            self._pass_by(drawn, number)
        self._draw(drawn, self._script.poses[number] * (turned, 1.0), self._foot, scale)
        return drawn

    def _talking(self, pose: Pose) -> Rgb:
        drawn = self._office.copy()
        self._draw(drawn, pose, np.array([WIDTH / 2 + MARGIN, HEIGHT * 2.1 + MARGIN]), HEIGHT * 1.9)
        return drawn

    def _draw(self, picture: Rgb, pose: Pose, foot: Point, scale: float, other: bool = False) -> None:
        clothes, build = self._others_clothes if other else self._clothes, self._setting.build
        thick = {
            "trunk": build.trunk,
            "head": build.head,
            "leg": build.limb * 1.2,
            "shin": build.limb,
            "arm": build.limb,
        }
        points = foot + pose * (scale * build.width, -scale)
        for first, second, part in BONES:
            start, end, radius = points[first], points[second], thick[part] * scale
            colour, band = clothes[part]
            _line(picture, start, end, radius, colour)
            # A band and a lighter side: cloth has folds, and a body that has none cannot be seen to move.
            _line(picture, start + (end - start) * 0.35, start + (end - start) * 0.6, radius * 0.7, band)
        _line(picture, points[0] + (0.02 * scale, 0), points[0] + (0.04 * scale, 0), 0.04 * scale, [20, 20, 20])

    def _pass_by(self, picture: Rgb, number: int) -> None:
        """Someone crosses the picture in 3 to 4 seconds, is gone for a while, and comes back."""
        seconds = (number / RATE + self._phases[1]) % 11.0
        if seconds < 3.6:
            place = (seconds / 3.6 * 1.3 - 0.15) * WIDTH + MARGIN
            pose = FRONT.copy()
            swing = 0.12 * np.sin(number / RATE * 6)
            pose[[7, 8, 5, 6], 0] += np.array([0.5, 1, -0.5, -1]) * swing
            pose[[9, 10, 3, 4], 0] -= np.array([0.5, 1, -0.5, -1]) * swing
            self._draw(picture, pose, np.array([place, HEIGHT * 0.9 + MARGIN]), HEIGHT * 0.6, other=True)

    def _framed(self, drawn: Rgb, time: float) -> Rgb:
        setting = self._setting
        if not setting.shake and not setting.pan:
            return drawn[MARGIN : MARGIN + HEIGHT, MARGIN : MARGIN + WIDTH]
        self._speed = 0.8 * self._speed + self._random.normal(size=2) * setting.shake * 0.5
        self._shift = 0.96 * self._shift + self._speed
        slow = setting.pan * np.array(
            [np.sin(time * 0.5 + self._phases[2]), 0.5 * np.sin(time * 0.33 + self._phases[3])]
        )
        zoom = 1 + 0.002 * setting.pan * np.sin(time * 0.4 + self._phases[0])
        turn = 0.12 * setting.shake * np.sin(time * 2.1 + self._phases[1])
        matrix = np.asarray(cv2.getRotationMatrix2D((WIDTH / 2 + MARGIN, HEIGHT / 2 + MARGIN), turn, zoom), np.float64)
        matrix[:, 2] = matrix[:, 2] + np.clip(self._shift + slow, -MARGIN + 4, MARGIN - 4) - MARGIN
        return np.asarray(
            cv2.warpAffine(drawn, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT),
            np.uint8,
        )


def _clothes(random: np.random.Generator, behind: NDArray[np.float64]) -> dict[str, list[list[int]]]:
    """Two colours of every part of the body, none of which hides before what is behind."""
    clothes = {}
    for part in ("leg", "shin", "arm", "trunk", "head"):
        colours = random.integers(20, 236, (2, 3))
        while (np.abs(colours.mean(axis=1) - behind.mean()) < CONTRAST).any():
            colours = random.integers(20, 236, (2, 3))
        clothes[part] = colours.tolist()
    return clothes


def _line(picture: Rgb, start: Point, end: Point, thick: float, colour: list[int]) -> None:
    one, other = ((round(float(x) * 16), round(float(y) * 16)) for x, y in (start, end))
    cv2.line(picture, one, other, colour, max(2, round(thick)), cv2.LINE_AA, 4)
