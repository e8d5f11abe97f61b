"""Tells which sets are of one exercise by the likeness of their motion."""

from __future__ import annotations

import numpy as np

from analysis.found import FoundSet
from analysis.legs import cosine
from analysis.rhythm import Line

SAME_EXERCISE = 0.6
"""Likeness of the motion, 0-1, from which two sets are of one exercise."""

SHIFTS_ACROSS, SHIFTS_DOWN = 3, 1
"""Cells by which somebody may stand elsewhere in the next set."""


class Exercises:
    """Numbers exercises in the order in which they are first done. Holds are compared with holds alone."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._moves: list[tuple[Line, bool]] = []
        self._sets: list[int] = []

    def add(self, one: FoundSet) -> tuple[int, int]:
        """The set's exercise, from 0, and the how manieth set of it this is, from 1."""
        held = one.method == "hold"
        alike = [self._alike(one.move, move) if held == other else 0.0 for move, other in self._moves]
        if held:
            alike = [float(other) for _, other in self._moves]
        if alike and max(alike) > SAME_EXERCISE:
            number = int(np.argmax(alike))
        else:
            number = len(self._moves)
            self._moves.append((one.move, held))
            self._sets.append(0)
        self._sets[number] += 1
        return number, self._sets[number]

    def _alike(self, one: Line, other: Line) -> float:
        """The largest cosine of two displacements wherever they are done, whichever of the two ways each calls out."""
        if len(one) != len(other) or len(one) % (2 * self._columns):
            return 0.0
        first, second = (move.reshape(-1, self._columns, 2) for move in (one, other))
        return max(
            abs(cosine(np.roll(first, (down, across), axis=(0, 1)).ravel(), second.ravel()))
            for down in range(-SHIFTS_DOWN, SHIFTS_DOWN + 1)
            for across in range(-SHIFTS_ACROSS, SHIFTS_ACROSS + 1)
        )
