"""What moves and is no person: cars, dogs, balls, balloons, birds; cyclists for the evaluation half alone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from benchmarks.drawn.canvas import Brush, Colour, mixed
from benchmarks.drawn.people import Looks, Route


class Figure(Protocol):
    """Something that moves in a scene."""

    def speed(self, time: float) -> float:
        """How fast at most, in picture heights a second: what moves fast is blurred."""

    def paint(self, brush: Brush, time: float) -> None: ...


@dataclass(frozen=True)
class Passing:
    """A figure that is out of the picture before `start` and after `end`, and costs nothing then."""

    figure: Figure
    start: float
    end: float

    def speed(self, time: float) -> float:
        return self.figure.speed(time) if self.start <= time <= self.end else 0.0

    def paint(self, brush: Brush, time: float) -> None:
        if self.start <= time <= self.end:
            self.figure.paint(brush, time)


@dataclass(frozen=True)
class Car:
    """From the side; `height` of the roof."""

    route: Route
    height: float
    colour: Colour

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), tall = self.route.at(time), self.height
        if not brush.sees(x, y, 1.8 * tall):
            return
        ahead = self.route.heading(time)
        y += 0.01 * tall * np.sin(9 * self.route.distance(time) / tall)
        brush.shade(x, y, 1.4 * tall, 0.12 * tall, 0.5)

        def at(along: float, up: float) -> tuple[float, float]:
            return x + ahead * along * tall, y - up * tall

        brush.polygon([at(-1.45, 0.2), at(1.45, 0.2), at(1.42, 0.5), at(0.75, 0.62), at(-1.4, 0.64)], self.colour)
        roof = mixed(self.colour, (255, 255, 255), 0.1)
        brush.polygon([at(-1.1, 0.62), at(0.8, 0.62), at(0.3, 1.0), at(-0.7, 1.0)], roof)
        glass = (70, 85, 100)
        brush.polygon([at(-0.9, 0.64), at(-0.2, 0.64), at(-0.2, 0.93), at(-0.65, 0.93)], glass)
        brush.polygon([at(-0.1, 0.64), at(0.6, 0.64), at(0.25, 0.93), at(-0.1, 0.93)], glass)
        brush.box(*at(1.3 if ahead > 0 else 1.42, 0.52), 0.12 * tall, 0.1 * tall, (245, 240, 200))
        brush.limb(at(-1.4, 0.34), at(1.4, 0.34), 0.05 * tall, mixed(self.colour, (0, 0, 0), 0.4))
        turn = self.route.distance(time) / (0.22 * tall)
        for axle in (-0.9, 0.9):
            _wheel(brush, *at(axle, 0.2), 0.22 * tall, turn * ahead)


@dataclass(frozen=True)
class CarFromAbove:
    """Seen from a mast; `length` from end to end."""

    route: Route
    length: float
    colour: Colour

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), long = self.route.at(time), self.length
        if not brush.sees(x, y, long):
            return
        (a, b), (c, d) = self.route.at(time - 0.3), self.route.at(time + 0.3)
        turn = float(np.arctan2(d - b, c - a)) if abs(c - a) + abs(d - b) > 0.01 * long else 0.0
        cos, sin = np.cos(turn), np.sin(turn)

        def slab(back: float, front: float, half: float, colour: Colour) -> None:
            corners = np.array([[back, -half], [front, -half], [front, half], [back, half]]) * long
            brush.polygon(corners @ np.array([[cos, sin], [-sin, cos]]) + (x, y), colour)

        brush.shade(x + 0.05 * long, y + 0.05 * long, 0.5 * long, 0.32 * long, 0.5)
        slab(-0.5, 0.5, 0.21, self.colour)
        slab(-0.42, 0.28, 0.18, (60, 70, 80))
        slab(-0.32, 0.10, 0.17, mixed(self.colour, (255, 255, 255), 0.2))
        for side in (-0.16, 0.12):
            corners = np.array([[0.45, side], [0.5, side], [0.5, side + 0.05], [0.45, side + 0.05]]) * long
            brush.polygon(corners @ np.array([[cos, sin], [-sin, cos]]) + (x, y), (245, 240, 210))


@dataclass(frozen=True)
class Dog:
    route: Route
    height: float
    coat: Colour

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), tall = self.route.at(time), self.height
        if not brush.sees(x, y, 1.5 * tall):
            return
        ahead, pace = self.route.heading(time), self.route.speed(time) / tall
        swing, phase = min(0.7, 0.4 * pace), 2 * np.pi * self.route.distance(time) / tall / 1.6
        brush.shade(x, y, 0.8 * tall, 0.08 * tall, 0.35)
        dark = mixed(self.coat, (0, 0, 0), 0.25)
        for index, hip in enumerate((-0.5, -0.42, 0.42, 0.5)):
            turn = swing * np.sin(phase + index * np.pi * 0.6)
            foot = (x + ahead * (hip + 0.5 * np.sin(turn)) * tall, y - (0.5 - 0.5 * np.cos(turn)) * tall)
            brush.limb((x + ahead * hip * tall, y - 0.5 * tall), foot, 0.16 * tall, dark, 0.09 * tall)
        brush.disc(x, y - 0.6 * tall, 0.62 * tall, 0.22 * tall, self.coat)
        brush.disc(x - 0.1 * ahead * tall, y - 0.66 * tall, 0.2 * tall, 0.1 * tall, dark)
        wag = 0.15 * np.sin(14 * time)
        tail = (x - ahead * 0.95 * tall, y - (0.95 + wag) * tall)
        brush.limb((x - ahead * 0.58 * tall, y - 0.65 * tall), tail, 0.08 * tall, dark)
        head = (x + ahead * 0.75 * tall, y - (0.88 + 0.03 * np.sin(phase)) * tall)
        brush.limb((x + ahead * 0.5 * tall, y - 0.65 * tall), head, 0.22 * tall, self.coat)
        brush.disc(*head, 0.2 * tall, 0.16 * tall, self.coat)
        brush.limb(head, (head[0] + ahead * 0.28 * tall, head[1] + 0.05 * tall), 0.12 * tall, dark)


@dataclass(frozen=True)
class Ball:
    """A ball, or whatever is thrown, that flies from one point to another in an arc, and is seen only meanwhile."""

    start: float
    end: float
    thrown: tuple[float, float]
    caught: tuple[float, float]
    rise: float
    radius: float
    colour: Colour
    flat: float = 1.0
    """1 round; less is a disc that turns over as it flies."""

    def speed(self, time: float) -> float:
        return 4 * self.rise / (self.end - self.start) if self.start <= time < self.end else 0.0

    def paint(self, brush: Brush, time: float) -> None:
        if not self.start <= time < self.end:
            return
        share = (time - self.start) / (self.end - self.start)
        x = self.thrown[0] + share * (self.caught[0] - self.thrown[0])
        y = self.thrown[1] + share * (self.caught[1] - self.thrown[1]) - 4 * self.rise * share * (1 - share)
        brush.disc(x, y, self.radius, self.radius * self.flat, self.colour, turn=9 * time)
        spot = mixed(self.colour, (0, 0, 0), 0.45)
        brush.disc(
            x + 0.4 * self.radius * np.cos(9 * time), y, 0.35 * self.radius, 0.35 * self.radius * self.flat, spot
        )


@dataclass(frozen=True)
class Balloon:
    """Something large, round and bright that is nowhere else in the video."""

    route: Route
    radius: float
    colour: Colour

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), size = self.route.at(time), self.radius
        if not brush.sees(x, y, 2 * size):
            return
        sway = 0.08 * np.sin(2.2 * time)
        brush.limb((x, y + size), (x - sway, y + 2.2 * size), 0.04 * size, (60, 60, 60))
        brush.disc(x, y, 0.85 * size, size, self.colour, turn=sway)
        for stripe in (-0.45, 0.0, 0.45):
            brush.disc(
                x + stripe * size, y, 0.1 * size, 0.75 * size, mixed(self.colour, (255, 255, 255), 0.6), turn=sway
            )
        brush.disc(x - 0.3 * size, y - 0.4 * size, 0.14 * size, 0.2 * size, (250, 250, 250), turn=0.4)


@dataclass(frozen=True)
class Bird:
    """A small one that flits through, of which nobody would speak. `span` from wing to wing."""

    route: Route
    span: float

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), half = self.route.at(time), self.span / 2
        if not brush.sees(x, y, self.span):
            return
        flap = 0.6 * half * np.sin(2 * np.pi * 5 * time)
        y += 0.3 * self.span * np.sin(3 * time)
        for side in (-1, 1):
            brush.limb((x, y), (x + side * half, y - flap), 0.12 * self.span, (45, 42, 40), 0.04 * self.span)


@dataclass(frozen=True)
class Cyclist:
    """Only the evaluation half shows one. `height` of the rider on the bicycle."""

    route: Route
    height: float
    looks: Looks

    def speed(self, time: float) -> float:
        return self.route.speed(time)

    def paint(self, brush: Brush, time: float) -> None:
        (x, y), tall = self.route.at(time), self.height
        if not brush.sees(x, y, tall):
            return
        ahead, gone = self.route.heading(time), self.route.distance(time)
        brush.shade(x, y, 0.5 * tall, 0.04 * tall, 0.4)

        def at(along: float, up: float) -> tuple[float, float]:
            return x + ahead * along * tall, y - up * tall

        for axle in (-0.3, 0.3):
            _hoop(brush, *at(axle, 0.19), 0.19 * tall, ahead * gone / (0.19 * tall))
        steel = mixed(self.looks.stripe, (200, 40, 40), 0.5)
        for one, other in (((-0.3, 0.19), (-0.1, 0.5)), ((-0.1, 0.5), (0.22, 0.48)), ((0.0, 0.2), (0.22, 0.48))):
            brush.limb(at(*one), at(*other), 0.03 * tall, steel)
        brush.limb(at(0.22, 0.56), at(0.3, 0.19), 0.03 * tall, steel)
        for half in (0.0, np.pi):
            turn = gone / (0.3 * tall) + half
            pedal = at(0.09 * np.cos(turn), 0.2 - 0.09 * np.sin(turn))
            knee = at(0.12 + 0.05 * np.cos(turn), 0.4 - 0.05 * np.sin(turn))
            brush.limb(at(-0.12, 0.55), knee, 0.09 * tall, self.looks.trousers, 0.07 * tall)
            brush.limb(knee, pedal, 0.06 * tall, self.looks.trousers, 0.045 * tall)
        brush.limb(at(-0.12, 0.55), at(0.1, 0.82), 0.15 * tall, self.looks.shirt)
        brush.limb(at(0.09, 0.78), at(0.24, 0.58), 0.055 * tall, self.looks.skin)
        brush.disc(*at(0.16, 0.93), 0.07 * tall, 0.075 * tall, self.looks.skin)
        brush.disc(*at(0.15, 0.97), 0.075 * tall, 0.05 * tall, self.looks.stripe)


def _wheel(brush: Brush, x: float, y: float, radius: float, turn: float) -> None:
    brush.disc(x, y, radius, radius, (28, 28, 30))
    brush.disc(x, y, 0.6 * radius, 0.6 * radius, (150, 150, 155))
    for spoke in range(3):
        aim = turn + spoke * np.pi / 3
        along = (0.55 * radius * np.cos(aim), 0.55 * radius * np.sin(aim))
        brush.limb((x - along[0], y - along[1]), (x + along[0], y + along[1]), 0.12 * radius, (60, 60, 62))


def _hoop(brush: Brush, x: float, y: float, radius: float, turn: float) -> None:
    rim = [(x + radius * np.cos(aim), y + radius * np.sin(aim)) for aim in np.linspace(0, 2 * np.pi, 17)]
    for one, other in pairwise(rim):
        brush.limb(one, other, 0.14 * radius, (30, 30, 32))
    for spoke in range(3):
        aim = turn + spoke * np.pi / 3
        along = (radius * np.cos(aim), radius * np.sin(aim))
        brush.limb((x - along[0], y - along[1]), (x + along[0], y + along[1]), 0.05 * radius, (120, 120, 125))
