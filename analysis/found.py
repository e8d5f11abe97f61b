"""A set as it was found, before it is told to anybody."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.repetitions import Rep
from analysis.rhythm import Line
from schemas import Method

SIDES = 0.15
"""Share of the motion that differs each other repetition from which they are done side by side."""

SIDE_TO_SIDE = 1.0
"""The same share where they go to one side and then to the other, through where they started from."""


@dataclass(frozen=True)
class FoundSet:
    """A set, times in steps. `score` is how well it repeats (for single ones: how straight), `fills` its share of the
    motion around it, `sides` how much differs each other time."""

    method: Method
    first: float
    end: float
    reps: tuple[Rep, ...]
    score: float
    fills: float = 1.0
    sides: float = 0.0
    cut_off: bool = False
    """Whether a cut beside single repetitions falls into motion."""
    opens: bool = False
    """Whether it was counted along what opens with one hop and closes with the next, which is the same in each way of
    looking."""
    roams: float = 0.0
    """How far the place of the motion wanders from one repetition to the next, against its own extent."""
    course: float = 1.0
    """How like each other the whole courses of its repetitions are, in all cells: cosine, in the middle."""
    agreed: float = 0.0
    denied: float = 0.0
    """How many other ways of looking count as many repetitions in the same time, and how many count otherwise."""
    reaches: tuple[float, ...] = ()
    """How far each repetition goes, 1 is usual, as it is told."""
    move: Line = field(default_factory=lambda: np.zeros(1), compare=False)
    """Displacement of its way out, in the cells of the picture, of length one."""

    @property
    def beat(self) -> float:
        """Steps from one repetition to the next; of a single one its length."""
        turns = [rep.turn for rep in self.reps]
        return float(np.median(np.diff(turns))) if len(turns) > 1 else self.end - self.first
