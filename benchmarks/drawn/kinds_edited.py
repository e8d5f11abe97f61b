"""Drawings of several shots, joined by hard cuts, dissolves and fades; flashes and whip pans join nothing."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.drawn import cameras, light, sounds
from benchmarks.drawn.cameras import Camera
from benchmarks.drawn.canvas import any_colour
from benchmarks.drawn.comings import Visit, figure, visit
from benchmarks.drawn.kinds_static import idler
from benchmarks.drawn.people import Act, Looks, Person, Route
from benchmarks.drawn.places import Setting
from benchmarks.drawn.scene import Joint, Part, Scene
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.things import Ball, Figure
from benchmarks.drawn.truth import Event, TrueCut, Truth


@dataclass(frozen=True)
class Shot:
    """From the middle of the joint before to the middle of the joint after; `start` and `end` hold the joints off."""

    scene: Scene
    event: Event | None


def edited(seed: int, half: Half) -> Clip:
    """Shots of two to ten seconds, something in a third of them: a fast one, every second, has many short shots."""
    sketch = Sketch(seed, half, tall=0.2)
    brisk = seed % 3 == 0
    count = int(sketch.random.integers(7, 11)) if brisk else int(sketch.random.integers(4, 8))
    lengths = [sketch.sized(1.8, 4.5) if brisk else sketch.sized(4.0, 10.0) for _ in range(count)]
    joints = [Joint("hard")] + [_joint(sketch) for _ in lengths[1:]]
    busy = _busy(sketch, lengths)
    big = busy[int(sketch.random.integers(len(busy)))] if sketch.chance(0.5) else None
    time, parts, shots, cuts = 0.0, [], [], []
    for number, (length, joint) in enumerate(zip(lengths, joints, strict=True)):
        after = joints[number + 1].seconds / 2 if number + 1 < count else 0.0
        free = (time + joint.seconds / 2, time + length - after)
        shot = _shot(sketch, free, number in busy, number == big)
        parts.append(Part(shot.scene, time, joint))
        shots.append(shot)
        if number:
            cuts.append(TrueCut(time, joint.how))
        time = sketch.on_picture(time + length)
    seconds = round(time - 0.05, 1)
    events = tuple(shot.event for shot in shots if shot.event is not None)
    _hear(sketch, seconds, events)
    best = events if big is None else tuple(event for event in events if event is shots[big].event)
    return sketch.clip(Truth(seconds, "edited", events, best, tuple(cuts)), tuple(parts))


def _busy(sketch: Sketch, lengths: list[float]) -> list[int]:
    """Shots in which something happens: a third, of those long enough, and one at least."""
    able = [number for number, length in enumerate(lengths) if length > 3.2] or [lengths.index(max(lengths))]
    count = max(1, min(len(able), round(len(lengths) / 3)))
    return sorted(int(number) for number in sketch.random.choice(able, count, replace=False))


def _joint(sketch: Sketch) -> Joint:
    dice = sketch.between(0, 1)
    if dice < 0.5:
        return Joint("hard")
    if dice < 0.8:
        return Joint("dissolve", sketch.between(0.4, 1.5))
    through = 255.0 if sketch.chance(0.25) else 0.0
    return Joint("fade", sketch.between(0.6, 1.6), through, sketch.between(0.0, 0.4))


def _shot(sketch: Sketch, free: tuple[float, float], busy: bool, big: bool) -> Shot:
    setting = sketch.setting("at eye level", right=1.6)
    camera = _camera(sketch, free, busy)
    figures: tuple[Figure, ...] = ()
    event = None
    if busy:
        figures, event = _happening(sketch, setting, free, big)
    elif sketch.chance(0.6):
        figures = (idler(sketch, setting, max(8.0, free[1])),)
    shine: light.Light = light.steady
    if sketch.chance(0.2):
        shine = light.flashes([sketch.between(*free) for _ in range(int(sketch.random.integers(1, 4)))])
    grain = sketch.between(0.8, 2.5)
    return Shot(Scene(setting, figures, camera, shine, grain=grain, seed=setting.seed), event)


def _camera(sketch: Sketch, free: tuple[float, float], busy: bool) -> Camera:
    """Still, in hand, turning slowly; or whipped round to something else, unless something happens here."""
    start, end = free
    how = sketch.pick(("still", "held", "held", "pan") if busy else ("still", "held", "pan", "whip"))
    if how == "still" or (how == "whip" and end - start < 2.0):
        return cameras.still
    if how == "held":
        return sketch.held(20.0)
    if how == "pan":
        speed = sketch.between(0.02, 0.05 if busy else 0.12)
        return lambda time: cameras.View(speed * (time - start))
    begins = sketch.between(start + 0.5, end - 1.0)
    whip = cameras.panning(begins, begins + sketch.between(0.3, 0.5), sketch.between(0.7, 1.4))
    return cameras.together(whip, cameras.hand_held(sketch.random, 0.6))


def _happening(
    sketch: Sketch, setting: Setting, free: tuple[float, float], big: bool
) -> tuple[tuple[Figure, ...], Event]:
    """Somebody runs through, goes wild, or arrives; where `big`, close by and for longer."""
    room = free[1] - free[0] - 0.4
    doing = sketch.pick(("wild", "wild", "run", "arrive"))
    size = sketch.between(0.75, 0.9) if big else sketch.between(0.35, 0.55)
    length = min(room, sketch.between(2.5, 4.0) if big else sketch.between(1.2, 2.4))
    start = free[0] + 0.2 + sketch.between(0, 1) * (room - length)
    event = Event(
        start, start + length, {"wild": "someone goes wild", "run": "someone runs through"}.get(doing, "an arrival")
    )
    if doing == "run":
        return (visit(sketch, setting, "runner", Visit(start, length, size, False)).figure,), event
    x, y = sketch.aspect * sketch.between(0.35, 0.65), setting.ground.feet(size)
    if doing == "arrive":
        route = Route([(start - 0.3, -0.3 * size, y), (event.end, x, y)])
        return (figure(sketch, "person", route, size),), event
    acts = (Act(start, event.end, "flail"),)
    person = Person(Route([(0, x, y), (1, x, y)]), size, Looks.any(sketch.random), sketch.wobble(), acts)
    if not big:
        return (person,), event
    middle = (start + event.end) / 2
    ball = Ball(start, middle, (x, y - size), (sketch.aspect, 0.5), 0.2, 0.07, any_colour(sketch.random, 60, 250))
    return (person, ball), event


def _hear(sketch: Sketch, seconds: float, events: tuple[Event, ...]) -> None:
    """Music over all of it, or the places' own air; what happens is heard in half of the cases."""
    if sketch.score:
        if sketch.chance(0.5):
            sketch.score.add(0, seconds, sketch.between(-30, -22), sounds.music)
        else:
            sketch.score.add(0, seconds, sketch.between(-46, -36), sounds.outdoors)
        for event in events:
            if sketch.chance(0.5):
                sketch.score.add(event.start, event.end - event.start, sketch.between(-22, -16), sounds.roar)
    sketch.silenced(none=0.25, silent=0.1)
