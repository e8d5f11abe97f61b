"""Drawings of sport: players who never stand still, and now and then all run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.drawn import cameras, sounds
from benchmarks.drawn.cameras import Camera
from benchmarks.drawn.canvas import Point
from benchmarks.drawn.people import Act, Looks, Person, Route
from benchmarks.drawn.scene import Part, Scene
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.things import Ball
from benchmarks.drawn.truth import Event, Truth

JOG, SPRINT = (0.4, 1.3), (3.0, 4.2)
"""Heights a second: 0.7 to 2.3 and 5 to 7.5 m a second of someone 1.8 m tall."""

LEAP_SECONDS = 1.6
"""How long they leap about once they have scored."""


@dataclass(frozen=True)
class Attack:
    """They run to a point and on along the field; `scored` makes it the best of the game, with leaps at its end."""

    start: float
    end: float
    aim: Point
    ahead: int
    scored: bool


def sport(seed: int, half: Half) -> Clip:
    """Two or three attacks; in half of the games one of them scores, and the crowd roars."""
    sketch = Sketch(seed, half, tall=0.0)
    seconds = round(sketch.between(35, 70), 1)
    setting = sketch.setting("ground", right=0.8)
    attacks = _attacks(sketch, seconds)
    ground = setting.ground
    tall, top = (0.65 - ground.horizon) * ground.stature, max(0.35, ground.feet(ground.least) + 0.02)
    game = _Game(sketch, tall, top)
    players = [game.player(seconds, attacks) for _ in range(10 if setting.family == "pitch" else 5)]
    balls = [
        Ball(one.start + 0.3, one.end - 0.3, game.near(one.aim, 0.5), game.ahead(one, 2), 0.12, 0.016, (245, 245, 240))
        for one in attacks
    ]
    camera = _from_the_stand(sketch, seconds)
    scene = Scene(setting, (*balls, *players), camera, grain=sketch.between(1, 2.5), seed=seed)
    if sketch.score:
        sketch.score.add(0, seconds, sketch.between(-40, -30), sounds.murmur)
        for one in attacks:
            if one.scored or sketch.chance(0.5):
                level = -14 if one.scored else sketch.between(-26, -19)
                sketch.score.add(one.start + 0.5, one.end - one.start + 0.5, level, sounds.roar)
    sketch.silenced(none=0.25, silent=0.1)
    events = tuple(Event(one.start, one.end, "they score" if one.scored else "everybody runs") for one in attacks)
    best = tuple(event for event in events if event.what == "they score") or events
    return sketch.clip(Truth(seconds, "sport", events, best), (Part(scene, 0.0),))


def _attacks(sketch: Sketch, seconds: float) -> list[Attack]:
    lengths = [sketch.between(2.4, 4.5) for _ in range(int(sketch.random.integers(2, 4)))]
    chief = int(sketch.random.integers(len(lengths))) if sketch.chance(0.5) else None
    if chief is not None:
        lengths[chief] = sketch.between(5.0, 6.0)
    starts = sketch.slots(seconds, lengths, lead=2.5, apart=5.0)
    attacks = []
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        side = sketch.between(0.2, 0.8)
        aim = (side * sketch.aspect, sketch.between(0.4, 0.85))
        attacks.append(Attack(start, start + length, aim, 1 if side < 0.5 else -1, number == chief))
    return attacks


class _Game:
    """Players of one height on a field from `top` to the lower edge of the picture."""

    def __init__(self, sketch: Sketch, tall: float, top: float) -> None:
        self._sketch, self._tall, self._top = sketch, tall, top

    def player(self, seconds: float, attacks: list[Attack]) -> Person:
        """Jogs about; three of four join in an attack."""
        sketch = self._sketch
        points = [(0.0, sketch.between(0.1, 0.9) * sketch.aspect, sketch.between(max(0.4, self._top), 0.9))]
        acts = []
        for attack in attacks:
            self._jog(points, attack.start)
            if sketch.chance(0.75):
                acts += self._join(points, attack)
        self._jog(points, seconds + 1)
        shirt = (200.0, 40.0, 45.0) if sketch.chance(0.5) else (50.0, 70.0, 190.0)
        return Person(Route(points), self._tall, Looks.any(sketch.random, shirt), sketch.wobble(), tuple(acts))

    def near(self, aim: Point, far: float) -> Point:
        return self._inside(aim[0] + self._sketch.between(-far, far), aim[1] + 0.5 * self._sketch.between(-far, far))

    def ahead(self, attack: Attack, seconds: float) -> Point:
        """Where the attack has got to so long after it reached its aim."""
        return self._inside(attack.aim[0] + attack.ahead * min(0.6, 3.0 * self._tall * seconds), attack.aim[1])

    def _join(self, points: list[tuple[float, float, float]], attack: Attack) -> list[Act]:
        sketch, legs = self._sketch, 0
        runs = attack.end - (LEAP_SECONDS if attack.scored else 0.0)
        while points[-1][0] < runs - 0.3:
            time, x, y = points[-1]
            leg = min(sketch.between(0.8, 1.4), runs - time)
            goal = self.near(self.ahead(attack, legs), 0.3)
            away = max(1e-6, float(np.hypot(goal[0] - x, goal[1] - y)))
            share = min(1.3, sketch.between(*SPRINT) * self._tall * leg / away)
            points.append((time + leg, *self._inside(x + share * (goal[0] - x), y + share * (goal[1] - y))))
            legs += 1
        if not attack.scored:
            return []
        points.append((attack.end, *points[-1][1:]))
        return [Act(runs, attack.end, "flail")]

    def _jog(self, points: list[tuple[float, float, float]], until: float) -> None:
        sketch = self._sketch
        while points[-1][0] < until - 0.3:
            time, x, y = points[-1]
            leg = min(sketch.between(0.9, 2.0), until - time)
            turn, far = sketch.between(0, 2 * np.pi), sketch.between(*JOG) * self._tall * leg
            points.append((time + leg, *self._inside(x + far * np.cos(turn), y + 0.5 * far * np.sin(turn))))

    def _inside(self, x: float, y: float) -> Point:
        return float(np.clip(x, 0.02, self._sketch.aspect - 0.02)), float(np.clip(y, self._top, 0.95))


def _from_the_stand(sketch: Sketch, seconds: float) -> Camera:
    """On a tripod that a hand turns: a slow pan there and back, or a little unrest."""
    if sketch.chance(0.5):
        return cameras.together(
            cameras.panning(0.2 * seconds, 0.2 * seconds + 5, 0.25),
            cameras.panning(0.6 * seconds, 0.6 * seconds + 6, -0.2),
            cameras.hand_held(sketch.random, 0.15),
        )
    return sketch.held(seconds, 0.4)
