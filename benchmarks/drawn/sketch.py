"""What a drawing begins from: its seed, its size, and which places, figures and cameras its half may show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from benchmarks.drawn import sounds
from benchmarks.drawn.board import Region
from benchmarks.drawn.cameras import Camera, Wobble, gliding, hand_held, rocking
from benchmarks.drawn.places import Setting
from benchmarks.drawn.scene import Film, Part
from benchmarks.drawn.sounds import RATE as SOUND_RATE
from benchmarks.drawn.sounds import Maker, Score
from benchmarks.drawn.truth import Truth
from video.draw import Style, encode

_T = TypeVar("_T")

Half = Literal["tuning", "evaluation"]
HALVES: tuple[Half, ...] = ("tuning", "evaluation")

SIZES = ((320, 180), (426, 240), (320, 240))
TALL_SIZES = ((180, 320), (240, 426))
"""As phones are held."""

RATES = ((25, 2), (15, 1), (24, 1), (25, 1), (30, 1))
"""Pictures a second at which a video is written, and every how many of them are: 25 and 2 make 12.5."""

ONLY_EVALUATED = 0.4
"""Share of the evaluation half's choices that fall on what the tuning half never shows."""

WHERE = {
    "indoors": (("room",), ("yard",)),
    "outdoors": (("street", "street", "meadow", "lot"), ("yard", "shore")),
    "at eye level": (("street", "meadow", "room"), ("yard", "shore")),
    "open": (("street", "meadow"), ("yard", "shore")),
    "ground": (("pitch",), ("shore",)),
    "behind a talker": (("studio", "room"), ("yard", "shore")),
    "a road": (("street",), ()),
    "by water": (("meadow",), ("shore",)),
}
"""Families of backgrounds: what both halves show, and what only the evaluation half does."""

Walkers = tuple[tuple[str, ...], tuple[str, ...]]

WALKERS: Walkers = (("person", "person", "car", "dog"), ("cyclist",))
INDOORS: Walkers = (("person", "person", "dog"), ())
"""Who comes by, outdoors and in a room: of both halves, and of the evaluation half."""


@dataclass(frozen=True)
class Clip:
    """A drawing, ready to be written."""

    truth: Truth
    parts: tuple[Part, ...]
    style: Style
    step: int
    score: Score | None
    """None has no sound track; a score without notes is digital silence."""

    def write(self, path: Path) -> None:
        sound = self.score.mixed(self.truth.seconds) if self.score else None
        film = Film(self.parts, self.style, self.step)
        encode(path, film.pictures(self.truth.seconds), self.style, sound)


class Sketch:
    """Chance for one drawing, and what follows from it first."""

    def __init__(self, seed: int, half: Half, *, tall: float = 0.12, long: bool = False) -> None:
        """`tall` is the chance that the picture is upright; a long video is small, and slow as a door camera's."""
        self.seed, self.half = seed, half
        self.random = np.random.default_rng(seed)
        sizes = SIZES[:1] if long else TALL_SIZES if self.chance(tall) else SIZES
        width, height = sizes[int(self.random.integers(len(sizes)))]
        rate, self.step = RATES[0] if long else RATES[int(self.random.integers(len(RATES)))]
        quality = {"crf": str(int(self.random.integers(23, 31)))}
        self.style = Style(width=width, height=height, rate=rate, options=quality, sound_rate=SOUND_RATE)
        self.aspect = width / height
        self.score: Score | None = Score(seed)
        self._settings = 0

    def chance(self, share: float) -> bool:
        return bool(self.random.uniform() < share)

    def between(self, low: float, high: float) -> float:
        return float(self.random.uniform(low, high))

    def sized(self, low: float, high: float) -> float:
        """Any size, small ones as likely as large ones."""
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def wobble(self) -> Wobble:
        return Wobble(self.random, 0.15, 0.8)

    def pick(self, both: Sequence[_T], evaluation: Sequence[_T] = ()) -> _T:
        """One of `both`; in the evaluation half now and then one of the others."""
        new = self.half == "evaluation" and evaluation and self.chance(ONLY_EVALUATED)
        choice = evaluation if new else both
        return choice[int(self.random.integers(len(choice)))]

    def setting(self, where: str, right: float = 0.0, unlike: str = "") -> Setting:
        """A place of another family than `unlike`, with room for a camera that moves, and `right` more to the right."""
        self._settings += 1
        region = Region(-0.3, -0.25, self.aspect + 0.3 + right, 1.25)
        both, evaluation = ([name for name in names if name != unlike] for names in WHERE[where])
        return Setting(self.pick(both, evaluation), 100 * self.seed + self._settings, region, self.style.height)

    def walker(self, setting: Setting) -> str:
        both, evaluation = INDOORS if setting.family == "room" else WALKERS
        return self.pick(both, evaluation)

    def held(self, seconds: float, strength: float = 1.0) -> Camera:
        """A camera in somebody's hand; in the evaluation half also on rails or on a boat."""
        kind = self.pick(("held",), ("gliding", "rocking"))
        if kind == "gliding":
            return gliding(self.random, seconds)
        return rocking(self.random) if kind == "rocking" else hand_held(self.random, strength)

    def air(self, seconds: float, level: float, noise: Maker) -> None:
        """What is heard all the time, and now and then a knock or a scrape in it that means nothing."""
        if self.score:
            self.score.add(0, seconds, level, noise)
            for _ in range(int(self.random.poisson(seconds / 15))):
                make = self.pick((sounds.clack, sounds.hiss, sounds.room))
                above = self.between(3, 10)
                self.score.add(self.between(0, seconds), self.between(0.1, 0.5), level + above, make)

    def on_picture(self, time: float) -> float:
        """The time of the first picture from then on: a cut is seen there."""
        return math.ceil(time * self.style.rate / self.step - 1e-6) * self.step / self.style.rate

    def silenced(self, none: float, silent: float) -> None:
        """Without a sound track, or with one of digital silence, at these chances. To be asked once, last."""
        dice = self.between(0, 1)
        if dice < none:
            self.score = None
        elif dice < none + silent:
            self.score = Score(self.seed)

    def slots(self, seconds: float, lengths: Sequence[float], lead: float = 1.0, apart: float = 3.5) -> list[float]:
        """When each of these lengths begins, one after the other: anywhere, but `apart` from each other."""
        free = seconds - lead - sum(lengths) - apart * (len(lengths) - 1) - 0.5
        assert free >= 0, (seconds, lengths)
        waits = self.random.dirichlet(np.ones(len(lengths) + 1))[:-1] * free
        starts, time = [], lead
        for wait, length in zip(waits.tolist(), lengths, strict=True):
            starts.append(time + wait)
            time += wait + length + apart
        return starts

    def clip(self, truth: Truth, parts: tuple[Part, ...]) -> Clip:
        return Clip(truth, parts, self.style, self.step, self.score)
