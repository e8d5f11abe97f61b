"""Who comes into a picture, stays or passes, and leaves: the figure, and from when to when it is there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawn.canvas import any_colour, mixed
from benchmarks.drawn.people import Act, Doing, Looks, Person, Route
from benchmarks.drawn.places import Setting
from benchmarks.drawn.sketch import Sketch
from benchmarks.drawn.things import Car, CarFromAbove, Cyclist, Dog, Figure
from benchmarks.drawn.truth import Event

PACES = {"person": (0.75, 1.0), "runner": (2.4, 3.6), "dog": (2.0, 4.0), "cyclist": (1.8, 3.2), "car": (2.0, 4.5)}
"""Heights a second: a person of 1.7 m walks 1.3 to 1.7 m a second, a car 1.5 m high drives 3 to 7 m a second there."""

HALF_WIDTHS = {"person": 0.35, "runner": 0.45, "dog": 1.2, "cyclist": 0.7, "car": 1.9}
"""From the middle to the end of what is seen of it, its shadow included, in heights."""

TALL = {"person": 1.0, "runner": 1.0, "dog": 0.36, "cyclist": 1.0, "car": 0.88}
"""Heights beside a person's."""

LEAST = 0.12
"""Height of the smallest visitor: a label is given to what a person notices."""


@dataclass(frozen=True)
class Visit:
    """When somebody comes and goes, how tall a person is there, and for how long they stop (0: they pass)."""

    start: float
    seconds: float
    size: float
    stop: bool


@dataclass(frozen=True)
class Coming:
    figure: Figure
    event: Event


def visit(sketch: Sketch, setting: Setting, who: str, plan: Visit) -> Coming:
    """Someone who is in the picture for `plan.seconds`: its middle crosses an edge at either end of them."""
    if setting.family == "lot" and who == "car":
        return _drive(sketch, plan)
    plan = replace(plan, size=max(plan.size, setting.ground.least, LEAST / TALL[who]))
    tall = plan.size * TALL[who]
    reach = HALF_WIDTHS[who] * tall
    side = int(sketch.random.choice([-1, 1]))
    y = setting.ground.feet(plan.size)
    points = _stopping if plan.stop else _passing
    route = Route([(time, x, y) for time, x in points(sketch, plan, tall * PACES[who][1], side, reach)])
    acts = _fidgets(sketch, plan) if plan.stop else ()
    name = "someone" if who in ("person", "runner") else f"a {who}"
    what = f"{name} comes, stays and leaves" if plan.stop else f"{name} passes"
    return Coming(figure(sketch, who, route, tall, acts), Event(plan.start, plan.start + plan.seconds, what))


def figure(sketch: Sketch, who: str, route: Route, tall: float, acts: tuple[Act, ...] = ()) -> Figure:
    if who == "car":
        return Car(route, tall, any_colour(sketch.random, 30, 240))
    if who == "dog":
        coat = mixed((205, 180, 140), (45, 35, 30), sketch.between(0, 1))
        return Dog(route, tall, coat)
    if who == "cyclist":
        return Cyclist(route, tall, Looks.any(sketch.random))
    return Person(route, tall, Looks.any(sketch.random), sketch.wobble(), acts)


def usual_seconds(sketch: Sketch, who: str, size: float, stop: bool) -> float:
    """How long such a visit lasts: as long as it takes to pass, or to come some way, stop, and go."""
    pace = sketch.between(*PACES[who]) * TALL[who] * size
    if not stop:
        return float(np.clip(sketch.aspect / pace, 1.2, 14.0))
    return float(np.clip(0.6 * sketch.aspect / pace, 1.0, 7.0)) + sketch.between(2.0, 6.0)


def footsteps(plan: Visit) -> NDArray[np.float64]:
    """Times of steps, somewhat less than two a second."""
    return np.arange(plan.start, plan.start + plan.seconds, 0.53)


def _passing(sketch: Sketch, plan: Visit, fastest: float, side: int, reach: float) -> list[tuple[float, float]]:
    """Across at an even pace, or where that would be too slow to be seen, in and out at one side."""
    half = sketch.aspect / 2
    pace = sketch.aspect / plan.seconds
    if pace > 1.6 * fastest:
        return _stopping(sketch, plan, fastest, side, reach)
    over = reach / pace
    return [
        (plan.start - over, half - side * (half + reach)),
        (plan.start + plan.seconds + over, half + side * (half + reach)),
    ]


def _stopping(sketch: Sketch, plan: Visit, fastest: float, side: int, reach: float) -> list[tuple[float, float]]:
    """In to some place, and out again on either side."""
    half, moving = sketch.aspect / 2, plan.seconds * sketch.between(0.25, 0.4)
    deep = min(moving * 0.9 * fastest, sketch.between(0.5, 1.4) * half)
    out = side if sketch.chance(0.5) and sketch.aspect - deep <= 1.4 * deep else -side
    edge = half - side * half
    stop = edge + side * deep
    gone = half + out * half
    pace_in, pace_out = deep / moving, abs(gone - stop) / moving
    return [
        (plan.start - reach / pace_in, edge - side * reach),
        (plan.start + moving, stop),
        (plan.start + plan.seconds - moving, stop + 0.02 * side),
        (plan.start + plan.seconds + reach / pace_out, gone + out * reach),
    ]


def _fidgets(sketch: Sketch, plan: Visit) -> tuple[Act, ...]:
    doings: tuple[Doing, ...] = ("stir", "wave", "crouch", "stir")
    middle, half = plan.start + plan.seconds / 2, 0.2 * plan.seconds
    return (Act(middle - half, middle + half, sketch.pick(doings)),)


def _drive(sketch: Sketch, plan: Visit) -> Coming:
    """A car below a mast: straight through, or in, round a corner and out."""
    long, half = 1.6 * plan.size, sketch.aspect / 2
    reach = 0.75 * long
    side = int(sketch.random.choice([-1, 1]))
    start, end = plan.start, plan.start + plan.seconds
    edge, gone = half - side * half, half + side * half
    y = sketch.between(0.3, 0.75)
    if not plan.stop:
        late = reach / (sketch.aspect / plan.seconds)
        route = Route([(start - late, edge - side * reach, y), (end + late, gone + side * reach, y)])
        what = "a car drives through"
    else:
        x, way = edge + side * sketch.between(0.4, 0.6) * sketch.aspect, 1 if sketch.chance(0.5) else -1
        out = 1.0 + reach if way > 0 else -reach
        turn, pace = start + 0.4 * plan.seconds, abs(x - edge) / (0.4 * plan.seconds)
        route = Route(
            [
                (start - reach / pace, edge - side * reach, y),
                (turn, x, y),
                (end - 0.3 * plan.seconds, x + 0.02 * side, y + way * 0.02),
                (end + 0.2, x, out),
            ]
        )
        what = "a car comes, waits and drives off"
    return Coming(CarFromAbove(route, long, any_colour(sketch.random, 30, 240)), Event(start, end, what))
