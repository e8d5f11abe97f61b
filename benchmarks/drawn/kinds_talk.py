"""Drawings of somebody who talks to the camera."""

from __future__ import annotations

from benchmarks.drawn import cameras, layers, sounds
from benchmarks.drawn.kinds_static import idler
from benchmarks.drawn.people import Looks, Talker
from benchmarks.drawn.scene import Joint, Part, Scene
from benchmarks.drawn.sketch import Clip, Half, Sketch
from benchmarks.drawn.sounds import Score, Speech
from benchmarks.drawn.truth import Event, TrueCut, Truth

SECONDS = {
    "laugh": (1.8, 3.5),
    "gesture": (1.2, 2.4),
    "outburst": (2.5, 4.0),
    "applause": (2.5, 5.0),
    "cutaway": (2.5, 4.5),
}
"""What may happen, and for how long."""

LOUD = ("laugh", "outburst", "applause")


def talk(seed: int, half: Half) -> Clip:
    """Laughter, applause, arms thrown up, or another picture for some seconds.

    An outburst is laughter with arms thrown up: where there is one, it is the best.
    """
    sketch = Sketch(seed, half, tall=0.4)
    seconds = round(sketch.between(28, 60), 1)
    kinds = list(SECONDS)
    doings = [kinds[(seed + 2 * number) % len(kinds)] for number in range(2 if seconds < 40 else 3)]
    lengths = [sketch.between(*SECONDS[doing]) for doing in doings]
    starts = sketch.slots(seconds, lengths, lead=2.0, apart=4.0)
    events = tuple(
        Event(sketch.on_picture(start), sketch.on_picture(start + length), doing)
        for start, length, doing in zip(starts, lengths, doings, strict=True)
    )
    speech = Speech.over(
        sketch.random, seconds, tuple((event.start, event.end) for event in events if event.what in LOUD)
    )
    parts, cuts = _cut_away(sketch, _talker(sketch, speech, seconds, events), events)
    if sketch.score:
        _hear(sketch, sketch.score, speech, seconds, events)
    best = tuple(event for event in events if event.what == "outburst") or events
    return sketch.clip(Truth(seconds, "talk", events, best, cuts), parts)


def _talker(sketch: Sketch, speech: Speech, seconds: float, events: tuple[Event, ...]) -> Scene:
    quiet = [sketch.between(3, seconds - 3) for _ in range(int(seconds / 7))]
    small = [(start, start + sketch.between(0.8, 1.6), sketch.between(0.2, 0.4)) for start in quiet]
    large = [(event.start, event.end, 1.0) for event in events if event.what in ("gesture", "outburst")]
    figure = Talker(
        x=sketch.aspect * sketch.between(0.42, 0.58),
        size=sketch.between(0.6, 0.85) * min(1.0, sketch.aspect + 0.15),
        looks=Looks.any(sketch.random),
        idle=sketch.wobble(),
        voice=speech.mouth,
        gestures=tuple(sorted(small + large)),
        rocks=tuple((event.start, event.end) for event in events if event.what in ("laugh", "outburst")),
    )
    return Scene(
        sketch.setting("behind a talker"),
        (figure,),
        sketch.held(seconds, 0.35) if sketch.chance(0.4) else cameras.still,
        layers=(layers.captions(sketch.random, seconds),) if sketch.chance(0.3) else (),
        grain=sketch.between(0.8, 2.5),
        seed=sketch.seed,
    )


def _cut_away(sketch: Sketch, scene: Scene, events: tuple[Event, ...]) -> tuple[tuple[Part, ...], tuple[TrueCut, ...]]:
    """To somebody else for these stretches, and back to who talks."""
    parts, cuts = [Part(scene, 0.0)], []
    for event in events:
        if event.what == "cutaway":
            setting = sketch.setting("at eye level")
            camera = sketch.held(sketch.between(10, 20), 0.8) if sketch.chance(0.5) else cameras.still
            who = idler(sketch, setting, event.end + 6)
            other = Scene(setting, (who,), camera, grain=scene.grain, seed=sketch.seed + 50)
            parts += [Part(other, event.start, Joint("hard")), Part(scene, event.end, Joint("hard"))]
            cuts += [TrueCut(event.start, "hard"), TrueCut(event.end, "hard")]
    return tuple(parts), tuple(cuts)


def _hear(sketch: Sketch, score: Score, speech: Speech, seconds: float, events: tuple[Event, ...]) -> None:
    level = sketch.between(-30, -22)
    score.add(0, seconds, sketch.between(-60, -46), sounds.room)
    score.add(0, seconds, level, speech.make)
    for event in events:
        if event.what in LOUD:
            make = sounds.applause if event.what == "applause" else sounds.laugh
            score.add(event.start, event.end - event.start, level + sketch.between(3, 9), make)
