"""Drawings in which nothing happens, or the same from end to end."""

from __future__ import annotations

from benchmarks.drawn import cameras, sounds
from benchmarks.drawn.canvas import any_colour
from benchmarks.drawn.people import Route
from benchmarks.drawn.scene import Part, Scene, Stir
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.sounds import Maker
from benchmarks.drawn.things import Car, Figure, Passing
from benchmarks.drawn.truth import Truth

WAYS = ("still room", "slow pan", "traffic", "water", "hiss", "in hand")


def flat(seed: int, half: Half) -> Clip:
    """A still room, a slow pan, cars that never stop coming, water, hiss, or a hand-held look at nothing."""
    sketch = Sketch(seed, half, tall=0.2)
    seconds = round(sketch.between(25, 55), 1)
    scene, noise = _flat_scene(sketch, WAYS[seed % len(WAYS)], seconds)
    if sketch.score:
        sketch.score.add(
            0, seconds, sketch.between(-50, -24) if noise is sounds.hiss else sketch.between(-50, -34), noise
        )
    sketch.silenced(none=0.15, silent=0.1)
    return sketch.clip(Truth(seconds, "flat", (), (), flat=True), (Part(scene, 0.0),))


def _flat_scene(sketch: Sketch, way: str, seconds: float) -> tuple[Scene, Maker]:
    seed = sketch.seed
    if way == "slow pan":
        speed = sketch.between(0.02, 0.06)
        setting = sketch.setting("outdoors", right=speed * seconds)
        return Scene(setting, camera=cameras.sliding(speed), grain=sketch.between(0.8, 2.5), seed=seed), sounds.outdoors
    if way == "traffic":
        return Scene(sketch.setting("a road"), _traffic(sketch, seconds), grain=1.5, seed=seed), sounds.outdoors
    if way == "water":
        water = (Stir(-0.3, 0.45, sketch.aspect + 0.3, 1.25, "water", 1.5),)
        return Scene(sketch.setting("by water"), stirs=water, grain=sketch.between(0.8, 2.5), seed=seed), sounds.hiss
    if way == "in hand":
        return Scene(sketch.setting("at eye level"), camera=sketch.held(seconds), grain=1.5, seed=seed), sounds.room
    grain = sketch.between(2, 6) if way == "still room" else sketch.between(0.5, 2)
    noise = sounds.room if way == "still room" else sounds.hiss
    return Scene(sketch.setting("indoors"), grain=grain, seed=seed), noise


def _traffic(sketch: Sketch, seconds: float) -> tuple[Figure, ...]:
    """Cars a second or two apart on both lanes, from before the start to after the end."""
    far: list[Figure] = []
    near: list[Figure] = []
    for lane, ahead, y, tall in ((far, 1, 0.76, 0.17), (near, -1, 0.93, 0.24)):
        time = -6.0
        reach, crossing = 1.5 * tall, sketch.between(2.6, 3.6)
        while time < seconds + 3:
            ends = (-reach, sketch.aspect + reach)[::ahead]
            route = Route([(time, ends[0], y), (time + crossing, ends[1], y)])
            car = Car(route, tall * sketch.between(0.9, 1.1), any_colour(sketch.random, 30, 240))
            lane.append(Passing(car, time - 0.5, time + crossing + 0.5))
            time += sketch.between(1.2, 2.0)
    return tuple(far + near)
