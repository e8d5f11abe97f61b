"""Drawings of loud sounds while next to nothing moves, and of things that happen without any sound."""

from __future__ import annotations

from benchmarks.drawn import sounds
from benchmarks.drawn.canvas import any_colour
from benchmarks.drawn.comings import Visit, usual_seconds, visit
from benchmarks.drawn.kinds_static import LONG_SECONDS, idler
from benchmarks.drawn.places import Setting
from benchmarks.drawn.scene import Part, Scene
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.sounds import Maker, Score
from benchmarks.drawn.things import Ball, Figure
from benchmarks.drawn.truth import Event, Truth

NOISES: dict[str, tuple[Maker, float, float]] = {
    "bang": (sounds.bang, 0.7, 1.2),
    "shout": (sounds.shout, 0.6, 1.4),
    "barking": (sounds.bark, 1.2, 3.0),
    "horn": (sounds.horn, 0.6, 2.0),
    "applause": (sounds.applause, 2.0, 4.0),
}
"""What is heard, and for how many seconds."""


def loud(seed: int, half: Half, long: bool = False) -> Clip:
    """Someone sits there; two or three sounds far louder than the room. One may be clearly the loudest."""
    sketch = Sketch(seed, half, long=long)
    seconds = 0.75 * LONG_SECONDS if long else round(sketch.between(25, 55), 1)
    setting = sketch.setting("indoors" if sketch.chance(0.6) else "outdoors")
    names = [sketch.pick(tuple(NOISES)) for _ in range(1 if long else 2 if seconds < 40 else 3)]
    lengths = [sketch.between(*NOISES[name][1:]) for name in names]
    starts = sketch.slots(seconds, lengths)
    chief = int(sketch.random.integers(len(names))) if sketch.chance(0.4) else None
    events = tuple(
        Event(start, start + length, name) for start, length, name in zip(starts, lengths, names, strict=True)
    )
    quiet = sketch.between(-55, -42)
    sketch.score = score = Score(seed)
    sketch.air(seconds, quiet, sounds.room if setting.family == "room" else sounds.outdoors)
    for number, event in enumerate(events):
        level = quiet + sketch.between(18, 24) + (11 if number == chief else 0)
        score.add(event.start, event.end - event.start, level, NOISES[event.what][0])
    figures = (idler(sketch, setting, seconds),) if sketch.chance(0.7) else ()
    scene = _scene(sketch, setting, figures)
    best = events if chief is None else (events[chief],)
    return sketch.clip(Truth(seconds, "loud or silent", events, best), (Part(scene, 0.0),))


def silent(seed: int, half: Half) -> Clip:
    """Something is dropped, thrown past, or somebody comes by; there is no sound track, or one of digital silence."""
    sketch = Sketch(seed, half)
    seconds = round(sketch.between(25, 55), 1)
    setting = sketch.setting("indoors" if sketch.chance(0.5) else "outdoors")
    size = sketch.sized(0.3, 0.6)
    doings = [sketch.pick(("fall", "visit", "throw")) for _ in range(2 if seconds < 40 else 3)]
    lengths, walkers = [], []
    for doing in doings:
        walkers.append(sketch.walker(setting))
        lasts = min(5.0, usual_seconds(sketch, walkers[-1], size, False))
        lengths.append(lasts if doing == "visit" else sketch.between(0.5, 0.9))
    starts = sketch.slots(seconds, lengths)
    figures: list[Figure] = []
    events = []
    for doing, who, start, length in zip(doings, walkers, starts, lengths, strict=True):
        if doing == "visit":
            coming = visit(sketch, setting, who, Visit(start, length, size, False))
            figures.append(coming.figure)
            events.append(coming.event)
        else:
            figures.append(_flying(sketch, doing, start, start + length))
            events.append(Event(start, start + length, f"a {doing}"))
    sketch.score = None if sketch.chance(0.5) else Score(seed)
    scene = _scene(sketch, setting, tuple(figures))
    found = tuple(events)
    return sketch.clip(Truth(seconds, "loud or silent", found, found), (Part(scene, 0.0),))


def _flying(sketch: Sketch, doing: str, start: float, end: float) -> Ball:
    """Through the picture in an arc, or down from above."""
    size, colour = sketch.between(0.05, 0.11), any_colour(sketch.random, 40, 250)
    x = sketch.between(0.2, 0.8) * sketch.aspect
    if doing == "fall":
        return Ball(start, end, (x, -size), (x + sketch.between(-0.1, 0.1), 1 + size), 0.0, size, colour, 0.7)
    y = sketch.between(0.4, 0.7)
    ends = ((-size, y), (sketch.aspect + size, y + sketch.between(-0.1, 0.2)))
    thrown, caught = ends if sketch.chance(0.5) else ends[::-1]
    return Ball(start, end, thrown, caught, sketch.between(0.1, 0.3), size, colour)


def _scene(sketch: Sketch, setting: Setting, figures: tuple[Figure, ...]) -> Scene:
    return Scene(setting, figures, grain=sketch.between(0.8, 2.5), seed=sketch.seed)
