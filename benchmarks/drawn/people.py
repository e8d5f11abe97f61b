"""Figures that walk, run, throw, jump and talk, jointed as people are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawn.cameras import Wobble, eased
from benchmarks.drawn.canvas import Brush, Colour, Point, any_colour, mixed

Doing = Literal["toss", "jump", "wave", "stir", "flail", "crouch"]

SMOOTHING = np.linspace(-0.25, 0.25, 5)
"""Seconds around a time over which a route is averaged: nobody starts or turns at once."""


class Route:
    """Where something is at any time, through waypoints (seconds, x, y); it stands still before and after them."""

    def __init__(self, points: Sequence[tuple[float, float, float]]) -> None:
        self._times, self._x, self._y = (np.array(column, np.float64) for column in zip(*points, strict=True))
        gone = np.hypot(np.diff(self._x), np.diff(self._y))
        self._gone = np.concatenate([[0.0], np.cumsum(gone)])

    def at(self, time: float) -> Point:
        when = time + SMOOTHING
        x = float(np.interp(when, self._times, self._x).mean())
        return x, float(np.interp(when, self._times, self._y).mean())

    def distance(self, time: float) -> float:
        """Gone so far: what the legs count by."""
        return float(np.interp(time + SMOOTHING, self._times, self._gone).mean())

    def speed(self, time: float) -> float:
        return (self.distance(time + 0.1) - self.distance(time - 0.1)) / 0.2

    def heading(self, time: float) -> float:
        """1 to the right, -1 to the left; as before while standing."""
        index = int(np.clip(np.searchsorted(self._times, time), 1, max(1, len(self._times) - 1)))
        steps = np.diff(self._x)[:index]
        moved = steps[np.abs(steps) > 1e-9]
        return float(np.sign(moved[-1])) if len(moved) else 1.0


@dataclass(frozen=True)
class Act:
    """What someone does from `start` to `end` besides walking."""

    start: float
    end: float
    doing: Doing


@dataclass(frozen=True)
class Pose:
    """Angles from hanging straight down, in radians; lengths as shares of the height."""

    arms: tuple[float, float] = (0.0, 0.0)
    lift: float = 0.0
    bend: float = 0.0
    lean: float = 0.0


@dataclass(frozen=True)
class Looks:
    skin: Colour
    hair: Colour
    shirt: Colour
    stripe: Colour
    trousers: Colour

    @classmethod
    def any(cls, random: np.random.Generator, shirt: Colour | None = None) -> Looks:
        skin = mixed((235, 195, 165), (110, 75, 55), float(random.uniform()))
        shirt = shirt or any_colour(random, 20, 240)
        hair = mixed((25, 20, 18), (190, 155, 105), float(random.uniform()) ** 2)
        return cls(skin, hair, shirt, mixed(shirt, any_colour(random), 0.6), any_colour(random, 20, 120))


@dataclass(frozen=True)
class Person:
    """Someone `height` picture heights tall, whose feet follow a route."""

    route: Route
    height: float
    looks: Looks
    idle: Wobble
    acts: tuple[Act, ...] = field(default=())

    def speed(self, time: float) -> float:
        quick = any(act.start <= time < act.end and act.doing in ("toss", "jump", "flail") for act in self.acts)
        return self.route.speed(time) + (2.0 * self.height if quick else 0.0)

    def paint(self, brush: Brush, time: float) -> None:
        x, y = self.route.at(time)
        if not brush.sees(x, y - self.height / 2, 0.8 * self.height):
            return
        tall, pose = self.height, self._pose(time)
        brush.shade(x, y, 0.22 * tall, 0.04 * tall, 0.35)
        pace = self.route.speed(time) / tall
        swing = min(1.0, pace / 0.8) * (0.55 + 0.25 * min(1.0, pace / 2.5))
        phase = 2 * np.pi * self.route.distance(time) / tall / (0.8 + 0.25 * min(2.0, pace))
        facing = self.route.heading(time)
        bob = 0.02 * tall * swing * abs(np.cos(phase))
        hip = (x, y - (0.5 + pose.lift - 0.18 * pose.bend) * tall + bob)
        aslant = (pose.lean + 0.12 * facing * min(1.5, pace / 2) + 0.015 * self.idle(time)) * tall
        neck = (hip[0] + aslant, hip[1] - 0.32 * tall)
        self._leg(brush, hip, swing * np.sin(phase), facing, pose.bend)
        self._arm(brush, neck, pose.arms[1] - 0.9 * swing * np.sin(phase), facing)
        self._leg(brush, hip, -swing * np.sin(phase), facing, pose.bend)
        self._trunk(brush, hip, neck)
        self._arm(brush, neck, pose.arms[0] + 0.9 * swing * np.sin(phase), facing)
        self._head(brush, neck, facing, time)

    def _pose(self, time: float) -> Pose:
        fidget = 0.10 * self.idle(0.7 * time + 20)
        pose = Pose(arms=(0.1 + fidget, -0.1 + fidget))
        for act in self.acts:
            if act.start <= time < act.end:
                pose = posed(act, (time - act.start) / (act.end - act.start), time)
        return pose

    def _leg(self, brush: Brush, hip: Point, angle: float, facing: float, bend: float) -> None:
        length, turn = 0.25 * self.height, angle * facing
        turn += 0.7 * bend * facing
        knee = (hip[0] + length * np.sin(turn), hip[1] + length * np.cos(turn))
        back = turn - facing * (max(0.0, -angle) * 0.9 + 0.15 + 1.4 * bend)
        foot = (knee[0] + length * np.sin(back), knee[1] + length * np.cos(back))
        brush.limb(hip, knee, 0.105 * self.height, self.looks.trousers, 0.08 * self.height)
        shin = mixed(self.looks.trousers, (0, 0, 0), 0.15)
        brush.limb(knee, foot, 0.08 * self.height, shin, 0.055 * self.height)
        toe = (foot[0] + 0.06 * self.height * facing, foot[1])
        brush.limb(foot, toe, 0.04 * self.height, (35, 30, 30))

    def _arm(self, brush: Brush, neck: Point, angle: float, facing: float) -> None:
        length, turn = 0.17 * self.height, angle * facing
        shoulder = (neck[0], neck[1] + 0.03 * self.height)
        elbow = (shoulder[0] + length * np.sin(turn), shoulder[1] + length * np.cos(turn))
        fore = turn + facing * (0.3 + 0.15 * abs(angle))
        hand = (elbow[0] + length * np.sin(fore), elbow[1] + length * np.cos(fore))
        brush.limb(shoulder, elbow, 0.07 * self.height, mixed(self.looks.shirt, (0, 0, 0), 0.15), 0.055 * self.height)
        brush.limb(elbow, hand, 0.05 * self.height, self.looks.skin, 0.04 * self.height)

    def _trunk(self, brush: Brush, hip: Point, neck: Point) -> None:
        broad, tall = 0.10 * self.height, self.height
        low, high = np.array([hip[0], hip[1] + 0.03 * tall]), np.array(neck)
        at = [high + share * (low - high) for share in (0.0, 0.3, 0.5, 1.0)]
        widths = [broad, 0.97 * broad, 0.93 * broad, 0.8 * broad]
        looks = [self.looks.shirt, self.looks.stripe, mixed(self.looks.shirt, (0, 0, 0), 0.12)]
        for index, colour in enumerate(looks):
            (x, y), (u, v) = at[index], at[index + 1]
            one, other = widths[index], widths[index + 1]
            brush.polygon([(x - one, y), (x + one, y), (u + other, v), (u - other, v)], colour)

    def _head(self, brush: Brush, neck: Point, facing: float, time: float) -> None:
        x, y = neck[0] + 0.004 * self.height * self.idle(time + 50), neck[1] - 0.09 * self.height
        brush.limb((neck[0], neck[1] + 0.01 * self.height), (x, y), 0.05 * self.height, self.looks.skin)
        brush.disc(x, y - 0.015 * self.height, 0.062 * self.height, 0.075 * self.height, self.looks.hair)
        brush.disc(
            x + 0.014 * self.height * facing,
            y + 0.008 * self.height,
            0.05 * self.height,
            0.062 * self.height,
            self.looks.skin,
        )


def posed(act: Act, share: float, time: float) -> Pose:
    """What an act looks like when `share` of it is over."""
    if act.doing == "toss":
        up = np.sin(np.pi * min(1.0, share * 1.6))
        return Pose(arms=(0.5 + 1.6 * up, 0.3 + 0.8 * up), lean=-0.04 * up, bend=0.15 * np.sin(np.pi * share))
    if act.doing == "jump":
        air = 4 * max(0.0, share - 0.25) / 0.75 * (1 - max(0.0, share - 0.25) / 0.75)
        crouch = float(np.exp(-(((share - 0.15) / 0.1) ** 2)))
        return Pose(arms=(0.2 + 2.3 * air, -0.2 - 2.3 * air), lift=0.22 * air, bend=0.6 * crouch)
    if act.doing == "wave":
        return Pose(arms=(2.5 + 0.5 * np.sin(9 * time), -0.1))
    if act.doing == "stir":
        return Pose(arms=(0.75 + 0.12 * np.sin(7 * time), 0.5 + 0.05 * np.sin(5 * time)))
    if act.doing == "flail":
        beat = 11 * time
        return Pose(
            arms=(1.5 + 1.3 * np.sin(beat), -1.5 + 1.3 * np.sin(beat + 1)),
            lift=0.09 * abs(np.sin(beat / 2)),
            lean=0.1 * np.sin(beat / 2),
        )
    down = eased(share / 0.3) * eased((1 - share) / 0.3)
    return Pose(arms=(0.6 * down, 0.4 * down), bend=0.8 * down, lean=0.12 * down)


@dataclass(frozen=True)
class Talker:
    """Head and shoulders of someone who talks: nods, blinks, and shows a hand when the words ask for it."""

    x: float
    size: float
    looks: Looks
    idle: Wobble
    voice: NDArray[np.float64]
    """How open the mouth is, 0-1, twenty times a second."""
    gestures: tuple[tuple[float, float, float], ...]
    """(start, end, strength): small ones of 0.3, thrown up arms of 1."""
    rocks: tuple[tuple[float, float], ...] = ()
    """Stretches in which a laugh rocks the whole body."""

    def speed(self, time: float) -> float:
        return 1.5 if any(start <= time < end and strong > 0.6 for start, end, strong in self.gestures) else 0.0

    def paint(self, brush: Brush, time: float) -> None:
        size = self.size
        rocking = max((eased((time - a) / 0.2) * eased((b - time) / 0.3) for a, b in self.rocks), default=0.0)
        open_mouth = float(self.voice[min(len(self.voice) - 1, max(0, int(20 * time)))])
        nod = 0.02 * self.idle(time) + 0.012 * open_mouth + 0.05 * rocking * np.sin(2 * np.pi * 3.6 * time)
        x, y = self.x + 0.03 * size * self.idle(0.6 * time + 30), 1.0 - 0.78 * size + nod * size
        self._shoulders(brush, x, y, 0.4 * nod * size)
        for start, end, strong in self.gestures:
            share = eased((time - start) / 0.3) * eased((end - time) / 0.3)
            if share > 0:
                self._hands(brush, x, time, share * strong)
        self._face(brush, x + 0.02 * size * self.idle(time + 10), y, open_mouth, time)

    def _shoulders(self, brush: Brush, x: float, y: float, rise: float) -> None:
        size, foot = self.size, 1.3
        top = y + 0.33 * size + rise
        brush.limb((x, y), (x, top), 0.2 * size, mixed(self.looks.skin, (0, 0, 0), 0.15))
        outline = [
            (x - 0.14, 0.0),
            (x + 0.14, 0.0),
            (x + 0.45, 0.14),
            (x + 0.52, 1.0),
            (x - 0.52, 1.0),
            (x - 0.45, 0.14),
        ]
        brush.polygon([(x + (a - x) * size, top + b * (foot - top)) for a, b in outline], self.looks.shirt)
        for offset in (-0.2, 0.12):
            brush.limb((x + offset * size, top + 0.08), (x + offset * size, foot), 0.03 * size, self.looks.stripe)

    def _hands(self, brush: Brush, x: float, time: float, raised: float) -> None:
        for side in (-1, 1):
            shake = 0.03 * np.sin(2 * np.pi * 2.6 * time + side) * min(1.0, 1.5 * raised)
            elbow = (x + side * 0.5 * self.size, 1.1)
            hand = (x + side * (0.35 + 0.05 * raised) * self.size + shake, 1.08 - 0.85 * raised + shake)
            brush.limb(elbow, hand, 0.15 * self.size, mixed(self.looks.shirt, (0, 0, 0), 0.15), 0.1 * self.size)
            brush.disc(hand[0], hand[1] - 0.05 * self.size, 0.07 * self.size, 0.09 * self.size, self.looks.skin)

    def _face(self, brush: Brush, x: float, y: float, open_mouth: float, time: float) -> None:
        size, skin = self.size, self.looks.skin
        brush.disc(x, y - 0.06 * size, 0.215 * size, 0.275 * size, self.looks.hair)
        brush.disc(x, y + 0.02 * size, 0.18 * size, 0.245 * size, skin)
        lid = 0.004 if (time * 0.31 + self.x) % 1 < 0.04 else 0.02
        for side in (-1, 1):
            brush.disc(x + side * 0.075 * size, y - 0.03 * size, 0.035 * size, lid * size, (240, 240, 235))
            brush.disc(x + side * 0.075 * size, y - 0.03 * size, 0.014 * size, lid * 0.8 * size, (30, 25, 25))
            brow = (x + side * 0.04 * size, y - 0.085 * size), (x + side * 0.115 * size, y - 0.08 * size)
            brush.limb(brow[0], brow[1], 0.014 * size, self.looks.hair)
        brush.limb(
            (x, y - 0.02 * size), (x + 0.012 * size, y + 0.06 * size), 0.025 * size, mixed(skin, (0, 0, 0), 0.15)
        )
        brush.disc(x, y + 0.13 * size, 0.06 * size, (0.012 + 0.045 * open_mouth) * size, (110, 40, 40))
