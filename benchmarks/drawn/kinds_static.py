"""Drawings by a camera that stands still: visitors, changes of light, bad weather, and what is unlike the rest."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.drawn import layers, light, sounds
from benchmarks.drawn.cameras import Camera, still
from benchmarks.drawn.comings import Coming, Visit, figure, footsteps, usual_seconds, visit
from benchmarks.drawn.people import Act, Looks, Person, Route
from benchmarks.drawn.places import Setting
from benchmarks.drawn.scene import Joint, Part, Scene, Stir
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.things import Balloon, Bird, Figure, Passing
from benchmarks.drawn.truth import Event, TrueCut, Truth

LONG_SECONDS = 240.0
"""A dull hour in small: long enough that its one event is a fiftieth of it."""


def visitors(seed: int, half: Half, long: bool = False) -> Clip:
    """Nothing, then someone, then nothing again; in some, one visit is twice what the others are."""
    sketch = Sketch(seed, half, long=long)
    seconds = LONG_SECONDS if long else round(sketch.between(28, 70), 1)
    setting = sketch.setting(sketch.pick(("indoors", "outdoors")))
    count = 1 if long else int(sketch.random.integers(2, 5)) if seconds > 45 else 2
    size = sketch.sized(0.14, 0.6)
    chief = int(sketch.random.integers(count)) if count > 1 and sketch.chance(0.5) else None
    groups = _visits(sketch, setting, seconds, size, count, chief)
    events = tuple(group[0].event for group in groups)
    figures = tuple(sorted((one.figure for group in groups for one in group), key=_depth))
    scene = _watched(sketch, setting, figures, seconds)
    _ambience(sketch, setting, seconds)
    if sketch.score and size > 0.35:
        for event in events:
            plan = Visit(event.start, event.end - event.start, size, False)
            sketch.score.add(0, seconds, -38, sounds.steps_at(footsteps(plan)))
    sketch.silenced(none=0.25, silent=0.2)
    best = events if chief is None else (events[chief],)
    return sketch.clip(Truth(seconds, "visitors", events, best), (Part(scene, 0.0),))


def changing_light(seed: int, half: Half) -> Clip:
    """Lamps, clouds or an exposure that hunts; and one thing that happens."""
    sketch = Sketch(seed, half)
    seconds = round(sketch.between(30, 60), 1)
    how = ("lamp", "clouds", "hunting", "lamp and clouds")[seed % 4]
    setting = sketch.setting("indoors" if "lamp" in how else "outdoors")
    size = sketch.sized(0.3, 0.6)
    who, stop = sketch.walker(setting), sketch.chance(0.4)
    lasts = usual_seconds(sketch, who, size, stop)
    changes = [1.0] * int(sketch.random.integers(2, 5))
    place = int(sketch.random.integers(len(changes) + 1))
    starts = sketch.slots(seconds, [*changes[:place], lasts, *changes[place:]], apart=2.5)
    coming = visit(sketch, setting, who, Visit(starts.pop(place), lasts, size, stop))
    lights = [light.drifting(sketch.random)]
    if "lamp" in how:
        lights.append(light.switched(starts, sketch.between(0.35, 0.75), lit=sketch.chance(0.5)))
    if "clouds" in how:
        lights.append(light.clouded(sketch.random, seconds))
    if how == "hunting":
        lights.append(light.hunting(starts, sketch.random))
    scene = replace(_watched(sketch, setting, (coming.figure,), seconds), light=light.together(*lights))
    _ambience(sketch, setting, seconds)
    if sketch.score and "lamp" in how:
        for start in starts:
            sketch.score.add(start, 0.1, -34, sounds.clack)
    sketch.silenced(none=0.3, silent=0.1)
    events = (coming.event,)
    return sketch.clip(Truth(seconds, "light", events, events), (Part(scene, 0.0),))


def weather(seed: int, half: Half) -> Clip:
    """Rain, snow, a noisy sensor at night or leaves everywhere; and somebody comes through it."""
    sketch = Sketch(seed, half)
    seconds = round(sketch.between(28, 60), 1)
    how = ("rain", "snow", "night", "leaves")[seed % 4]
    setting = sketch.setting("outdoors")
    size = sketch.sized(0.28, 0.6)
    groups = _visits(sketch, setting, seconds, size, 1 if seconds < 40 else 2, None)
    scene = _watched(sketch, setting, tuple(group[0].figure for group in groups), seconds)
    if how in ("rain", "snow"):
        fall = layers.rain if how == "rain" else layers.snow
        scene = replace(scene, layers=(fall(sketch.random, sketch.aspect),))
    if how == "night":
        dark = sketch.between(0.3, 0.45)
        scene = replace(scene, grain=sketch.between(9, 14), light=lambda _: light.Shine(dark))
    if how == "leaves":
        bushes = tuple(
            Stir(x, y, x + 0.45, y + 0.5, "leaves", 1.6)
            for x, y in ((-0.05, 0.0), (0.5, 0.45), (sketch.aspect - 0.4, 0.1))
        )
        scene = replace(scene, stirs=bushes)
    if sketch.score:
        noise = sounds.rainfall if how == "rain" else sounds.outdoors
        sketch.score.add(0, seconds, sketch.between(-38, -26), noise)
    sketch.silenced(none=0.2, silent=0.1)
    events = tuple(group[0].event for group in groups)
    return sketch.clip(Truth(seconds, "weather", events, events), (Part(scene, 0.0),))


def novel(seed: int, half: Half) -> Clip:
    """The same picture for long; for some seconds something unlike it, and then the same again."""
    sketch = Sketch(seed, half, tall=0.3)
    seconds = round(sketch.between(28, 60), 1)
    how = ("card", "cutaway", "balloon", "thing")[seed % 4]
    setting = sketch.setting({"card": "indoors", "thing": "open"}.get(how, "at eye level"))
    lengths = [sketch.between(2, 5) for _ in range(1 if seconds < 40 else 2)]
    starts = sketch.slots(seconds, lengths, lead=3.0, apart=5.0)
    spans = [
        (sketch.on_picture(start), sketch.on_picture(start + long)) for start, long in zip(starts, lengths, strict=True)
    ]
    camera: Camera = sketch.held(seconds, 0.6) if sketch.chance(0.4) else still
    scene = replace(_watched(sketch, setting, (idler(sketch, setting, seconds),), seconds), camera=camera)
    parts: tuple[Part, ...] = (Part(scene, 0.0),)
    cuts: tuple[TrueCut, ...] = ()
    if how == "card":
        cards = tuple(layers.card(sketch.random, sketch.aspect, start, end) for start, end in spans)
        scene = replace(scene, layers=cards)
        parts = (Part(scene, 0.0),)
    elif how == "cutaway":
        for start, end in spans:
            elsewhere = sketch.setting("at eye level", unlike=setting.family)
            other = Scene(elsewhere, camera=still, grain=scene.grain, seed=sketch.seed)
            parts += (Part(other, start, Joint("hard")), Part(scene, end, Joint("hard")))
            cuts += (TrueCut(start, "hard"), TrueCut(end, "hard"))
    else:
        strange = _balloon if how == "balloon" else _thing
        figures = (*scene.figures, *(strange(sketch, start, end) for start, end in spans))
        parts = (Part(replace(scene, figures=figures), 0.0),)
    _ambience(sketch, setting, seconds)
    sketch.silenced(none=0.35, silent=0.1)
    events = tuple(Event(start, end, f"a {how} that is nowhere else") for start, end in spans)
    return sketch.clip(Truth(seconds, "novel", events, events, cuts), parts)


def idler(sketch: Sketch, setting: Setting, seconds: float) -> Person:
    """Someone who is there all the time, and does a little now and then."""
    size = sketch.between(0.35, 0.6)
    x, y = sketch.aspect * sketch.between(0.3, 0.7), setting.ground.feet(size)
    begins = sketch.slots(seconds, [3.0] * max(1, int(seconds / 14)), apart=2.0)
    acts = tuple(Act(begin, begin + 3.0, "stir") for begin in begins)
    return Person(Route([(0, x, y), (1, x, y)]), size, Looks.any(sketch.random), sketch.wobble(), acts)


def _visits(
    sketch: Sketch, setting: Setting, seconds: float, size: float, count: int, chief: int | None
) -> list[list[Coming]]:
    """Groups of one; the chief one is a pair, or comes much nearer."""
    pair = sketch.chance(0.5)
    plans: list[tuple[str, float, bool, float]] = []
    for number in range(count):
        who, stop = sketch.walker(setting), sketch.chance(0.5)
        near = min(0.85, 2.2 * size) if number == chief and not pair else size * sketch.between(0.88, 1.12)
        plans.append((who, near, stop, usual_seconds(sketch, who, near, stop)))
    spare = seconds - 2.0 - 4.0 * (count - 1)
    shrink = min(1.0, 0.7 * spare / sum(plan[3] for plan in plans))
    lengths = [shrink * plan[3] for plan in plans]
    starts = sketch.slots(seconds, lengths, apart=3.0)
    groups = []
    for number, ((who, near, stop, _), start, length) in enumerate(zip(plans, starts, lengths, strict=True)):
        group = [visit(sketch, setting, who, Visit(start, length, near, stop))]
        if number == chief and pair:
            beside = Visit(start + 0.3, length - 0.6, 1.08 * near, not stop)
            group.append(visit(sketch, setting, sketch.walker(setting), beside))
        groups.append(group)
    return groups


def _watched(sketch: Sketch, setting: Setting, figures: tuple[Figure, ...], seconds: float) -> Scene:
    """By a camera on a wall: the light drifts, leaves may move, a bird flits through."""
    stirs: tuple[Stir, ...] = ()
    if setting.family not in ("room", "studio") and sketch.chance(0.45):
        x, y = sketch.between(-0.1, sketch.aspect - 0.3), sketch.between(-0.1, 0.5)
        stirs = (Stir(x, y, x + sketch.between(0.3, 0.5), y + sketch.between(0.3, 0.5), "leaves"),)
    if setting.family != "room" and sketch.chance(0.4):
        figures = (*(_bird(sketch, seconds) for _ in range(1 + int(seconds / 30))), *figures)
    drift = light.drifting(sketch.random) if sketch.chance(0.5) else light.steady
    return Scene(setting, figures, light=drift, stirs=stirs, grain=sketch.between(0.8, 3.0), seed=sketch.seed)


def _ambience(sketch: Sketch, setting: Setting, seconds: float) -> None:
    noise = sounds.room if setting.family in ("room", "studio") else sounds.outdoors
    sketch.air(seconds, sketch.between(-55, -36), noise)


def _balloon(sketch: Sketch, start: float, end: float) -> Figure:
    x, size = sketch.between(0.25, 0.75) * sketch.aspect, sketch.between(0.14, 0.28)
    drift = sketch.between(-0.15, 0.15)
    colour = (235.0, 60.0, 70.0) if sketch.chance(0.5) else (250.0, 200.0, 40.0)
    return Balloon(Route([(start - 0.1, x, 1 + size), (end + 0.1, x + drift, -2.2 * size)]), size, colour)


def _bird(sketch: Sketch, seconds: float) -> Figure:
    span, y, start = sketch.between(0.02, 0.045), sketch.between(0.05, 0.45), sketch.between(0, seconds)
    ends, takes = (-0.1, sketch.aspect + 0.1), sketch.between(1.5, 4.0)
    left, right = ends if sketch.chance(0.5) else ends[::-1]
    route = Route([(start, left, y), (start + takes, right, y + sketch.between(-0.2, 0.2))])
    return Passing(Bird(route, span), start - 0.5, start + takes + 0.5)


def _thing(sketch: Sketch, start: float, end: float) -> Figure:
    """A car where there are none: in, stop, out."""
    tall, y = sketch.between(0.3, 0.45), sketch.between(0.85, 0.98)
    far = 1.9 * tall
    middle = sketch.aspect * sketch.between(0.4, 0.6)
    route = Route(
        [(start - 0.4, -far, y), (start + 0.8, middle, y), (end - 0.8, middle, y), (end + 0.4, sketch.aspect + far, y)]
    )
    return figure(sketch, "car", route, tall)


def _depth(figure: Figure) -> float:
    """What is nearer is painted later."""
    return float(getattr(figure, "height", 0.0))
