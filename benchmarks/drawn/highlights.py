"""The test bed for highlights: ten kinds of drawn videos, each with known events, in two halves that share no seed.

Thresholds are tuned on the tuning half only. The evaluation half has other seeds, and shows places (a yard, a shore), a
figure (a cyclist) and camera motions (on rails, on a boat) that the tuning half never does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import video.draw
from benchmarks.drawn.kinds_edited import edited
from benchmarks.drawn.kinds_flat import flat
from benchmarks.drawn.kinds_held import hand_held
from benchmarks.drawn.kinds_sound import loud, silent
from benchmarks.drawn.kinds_sport import sport
from benchmarks.drawn.kinds_static import changing_light, novel, visitors, weather
from benchmarks.drawn.kinds_talk import talk
from benchmarks.drawn.sketch import Clip, Half
from benchmarks.drawn.truth import Kind

Maker = Callable[[int, Half], Clip]

FIRST_SEED: dict[Half, int] = {"tuning": 100_000, "evaluation": 500_000}
"""Seeds of a half: a hundred for each kind from here on."""


@dataclass(frozen=True)
class Drawing:
    """One video of the bed, which its seed and its maker decide."""

    kind: Kind
    half: Half
    seed: int
    make: Maker

    @property
    def name(self) -> str:
        return f"{self.kind.replace(' ', '-')}-{self.seed}"

    def clip(self) -> Clip:
        return self.make(self.seed, self.half)


PLAN: tuple[tuple[Kind, tuple[Maker, ...]], ...] = (
    ("visitors", (visitors,) * 5 + (partial(visitors, long=True),)),
    ("hand-held", (hand_held,) * 5),
    ("sport", (sport,) * 4),
    ("talk", (talk,) * 5),
    ("edited", (edited,) * 6),
    ("loud or silent", (loud, silent, loud, silent, partial(loud, long=True))),
    ("flat", (flat,) * 6),
    ("light", (changing_light,) * 4),
    ("weather", (weather,) * 4),
    ("novel", (novel,) * 4),
)
"""Kinds, and what makes each of their videos."""


def drawings(half: Half) -> list[Drawing]:
    """All of a half, the kinds in turn."""
    return [
        Drawing(kind, half, FIRST_SEED[half] + 100 * row + number, make)
        for row, (kind, makers) in enumerate(PLAN)
        for number, make in enumerate(makers)
    ]


def drawn(drawing: Drawing, folder: Path) -> Path:
    """The video's file in a folder, drawn unless this very code has drawn it before."""
    path = folder / f"{drawing.name}-{code_hash()}.mp4"
    if not path.exists():
        part = path.with_suffix(".part.mp4")
        drawing.clip().write(part)
        part.rename(path)
    return path


def code_hash() -> str:
    """Of everything that decides what is drawn."""
    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(video.draw.__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
