"""Drawings by a camera in somebody's hand."""

from __future__ import annotations

import numpy as np

from benchmarks.drawn import cameras, layers, sounds
from benchmarks.drawn.cameras import Camera
from benchmarks.drawn.canvas import any_colour, mixed
from benchmarks.drawn.comings import Visit, visit
from benchmarks.drawn.people import Act, Looks, Person, Route
from benchmarks.drawn.places import Setting
from benchmarks.drawn.scene import Part, Scene
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.things import Ball, Figure
from benchmarks.drawn.truth import Event, Truth


def hand_held(seed: int, half: Half) -> Clip:
    """Someone busy in front of a camera in somebody's hand: tosses, leaps, passers-by; a shake, a covered lens."""
    sketch = Sketch(seed, half, tall=0.4)
    seconds = round(sketch.between(25, 50), 1)
    setting = sketch.setting("at eye level")
    mixture = (("toss",), ("toss",), ("jump",), ("toss", "jump"), ("toss", "pass"))[seed % 5]
    doings = [mixture[number % len(mixture)] for number in range(int(sketch.random.integers(2, 5)))]
    lengths = [{"toss": 0.6, "jump": 0.8, "pass": 2.2}[doing] * sketch.between(0.85, 1.15) for doing in doings]
    disturbed = sketch.chance(0.5)
    if disturbed:
        lengths.append(1.3)
    starts = sketch.slots(seconds, lengths, lead=2.5, apart=2.0)
    scene_layers = (layers.covered(sketch.random, starts[-1], starts[-1] + 1.3),) if disturbed else ()
    figures, events = _done(sketch, setting, seconds, doings, list(zip(starts, lengths, strict=False)))
    camera = _in_hand(sketch, seconds, starts)
    scene = Scene(setting, figures, camera, layers=scene_layers, grain=sketch.between(1, 2.5), seed=seed)
    if sketch.score:
        sketch.air(seconds, sketch.between(-50, -36), sounds.room)
        for event, doing in zip(events, doings, strict=True):
            if sketch.chance(0.6) and doing != "pass":
                make = sounds.shout if doing == "jump" else sounds.clack
                sketch.score.add(event.start if doing == "jump" else event.end, 0.6, -20, make)
    sketch.silenced(none=0.15, silent=0.1)
    leaps = tuple(event for event, doing in zip(events, doings, strict=True) if doing == "jump")
    return sketch.clip(Truth(seconds, "hand-held", events, leaps or events), (Part(scene, 0.0),))


def _done(
    sketch: Sketch, setting: Setting, seconds: float, doings: list[str], spans: list[tuple[float, float]]
) -> tuple[tuple[Figure, ...], tuple[Event, ...]]:
    """Someone who stirs a pot but for these things, and who else comes by."""
    size = sketch.between(0.5, 0.8)
    route = _shifting(sketch, sketch.aspect * sketch.between(0.4, 0.6), setting.ground.feet(size), size, spans)
    acts: list[Act] = []
    others: list[Figure] = []
    events = []
    colour = mixed((230, 180, 90), any_colour(sketch.random, 120, 250), 0.5)
    free = 0.0
    for doing, (start, length) in zip(doings, spans, strict=False):
        end = start + length
        if doing == "pass":
            coming = visit(sketch, setting, "person", Visit(start, length, sketch.between(0.9, 1.1), False))
            others.append(coming.figure)
            events.append(Event(start, end, "someone passes in front"))
            continue
        acts.append(Act(free, start - 0.2, "stir"))
        free = end + 0.4
        if doing == "toss":
            acts.append(Act(start - 0.15, end + 0.15, "toss"))
            x, y = route.at(start)
            hand = (x + 0.3 * size * route.heading(start), y - 0.75 * size)
            caught = (hand[0] + sketch.between(-0.03, 0.03), hand[1] + 0.05)
            flat = sketch.pick((0.25, 1.0))
            rise = sketch.between(0.2, 0.32)
            others.append(Ball(start, end, hand, caught, rise, 0.1 * size, colour, flat))
            events.append(Event(start, end, "something is tossed and caught"))
        else:
            acts.append(Act(start, end, "jump"))
            events.append(Event(start, end, "someone leaps"))
    acts.append(Act(free, seconds, "stir"))
    person = Person(route, size, Looks.any(sketch.random), sketch.wobble(), tuple(acts))
    return (person, *others), tuple(events)


def _shifting(sketch: Sketch, x: float, y: float, size: float, spans: list[tuple[float, float]]) -> Route:
    """Nobody stands like a post: a step aside now and then, between the things that happen."""
    points = [(0.0, x, y)]
    free = 0.5
    for start, length in spans:
        if start - free > 3.0 and sketch.chance(0.5):
            begin, took = sketch.between(free, start - 2.0), sketch.between(0.7, 1.4)
            points.append((begin, x, y))
            x = float(np.clip(x + size * sketch.between(-0.25, 0.25), 0.3 * sketch.aspect, 0.7 * sketch.aspect))
            points.append((begin + took, x, y))
        free = start + length + 0.5
    return Route([*points, (points[-1][0] + 1, x, y)])


def _in_hand(sketch: Sketch, seconds: float, busy: list[float]) -> Camera:
    """In hand all the time; taken up with a shake, or walked about with, in some."""
    moves = [sketch.held(seconds)]
    if sketch.chance(0.5):
        moves.append(cameras.shaken(sketch.random, -0.2, sketch.between(0.6, 1.3)))
    if sketch.chance(0.4):
        start = sketch.between(0.2, 0.6) * seconds
        moves.append(cameras.stepping(sketch.random, start, start + sketch.between(3, 7)))
    return cameras.together(*moves)
