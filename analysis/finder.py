"""Finds the sets of a video while it is being looked at, and hands on each as soon as it is over."""

from __future__ import annotations

import numpy as np

from analysis.exercises import Exercises
from analysis.flow import RATE, FlowTrack
from analysis.found import SIDES, FoundSet
from analysis.sets import find_sets
from analysis.trust import LEAST_CONFIDENCE, confidence
from schemas import Repetition, WorkoutSet

EVERY_SECONDS = 30.0
"""Of video between two looks. Each looks at what is not decided yet, so that the
work grows with the video and not with its square."""

SETTLED_SECONDS = 15.0
"""A set that ended so long ago is over: no pause within a set is longer."""

MOST_SECONDS = 360.0
"""Of undecided video after which all that is found is told, also what still goes on: a longer set comes in pieces. With
the wait for the next look 4,000 samples, 2 MB."""

QUIET_SECONDS = 60.0
"""Kept before now where no set was found: one may have begun there."""

DROPPED = 0.3
"""Confidence under which what repeats is no exercise: people walk, talk and dance in rhythms too."""

CERTAIN, LIKELY, FEW = 0.95, 0.6, 4
"""Confidence above which the range of a count is the count alone, and one to either side; else it is two,
but for counts of so few."""

PARTIAL = 0.6
"""Range against the set's usual one below which a repetition is a partial one."""


class SetFinder:
    """Reads a FlowTrack that grows, and forgets what is decided. The same video gives the same sets, however the pieces
    of its scan fall."""

    def __init__(self, track: FlowTrack) -> None:
        self._track = track
        self._begin = 0.0
        self._next_look = EVERY_SECONDS
        self._exercises: Exercises | None = None
        self.sets: list[WorkoutSet] = []
        """All that are over, in time order."""

    @property
    def begin(self) -> float:
        """Seconds from which on nothing is decided yet."""
        return self._begin

    @property
    def due(self) -> bool:
        """Whether enough was added to the track for another look."""
        return self._track.end > self._next_look + 1.0

    def look(self, cuts: tuple[float, ...], *, last: bool = False) -> list[WorkoutSet]:
        """The sets that are over now and were not before; with `last` all that are left. `cuts` from `begin` on."""
        until = None if last else self._next_look
        self._next_look += EVERY_SECONDS
        flow = self._track.read(self._begin, until)
        found = find_sets(flow, tuple(cut for cut in cuts if until is None or cut < until - 1.0))
        long = flow.end - self._begin > MOST_SECONDS
        horizon = flow.end - SETTLED_SECONDS
        over = [one for one in found if last or long or self._begin + one.end / RATE < horizon]
        new = [self._told(one, sure) for one in over if (sure := confidence(one)) >= DROPPED]
        open_from = min([one.first / RATE + self._begin for one in found if one not in over], default=flow.end)
        decided = max([one.end / RATE + self._begin for one in over], default=self._begin)
        self._begin = max(decided, min(open_from - SETTLED_SECONDS, flow.end - QUIET_SECONDS), self._begin)
        self._track.forget(self._begin)
        self.sets += new
        return new

    def _told(self, one: FoundSet, sure: float) -> WorkoutSet:
        self._exercises = self._exercises or Exercises(self._track.columns)
        exercise, number = self._exercises.add(one)
        count = len(one.reps) if one.reps and sure >= LEAST_CONFIDENCE else None
        doubt = 0 if sure > CERTAIN else 1 if sure > LIKELY or len(one.reps) < FEW else 2
        return WorkoutSet(
            start=self._begin + one.first / RATE,
            end=self._begin + one.end / RATE,
            method=one.method if count is not None or one.method == "hold" else "none",
            count=count,
            low=None if count is None else max(1, count - doubt),
            high=None if count is None else count + doubt,
            unit=None if count is None else "each side" if one.sides > SIDES else "reps",
            reps=_repetitions(one, self._begin) if count is not None else (),
            confidence=sure,
            exercise=exercise,
            set_index=number,
        )


def _repetitions(one: FoundSet, begin: float) -> tuple[Repetition, ...]:
    usual = float(np.median(one.reaches)) + 1e-12
    return tuple(
        Repetition(
            start=begin + rep.start / RATE,
            turn=begin + rep.turn / RATE,
            end=begin + rep.end / RATE,
            range_rel=reach / usual,
            partial=reach / usual < PARTIAL,
            seen=rep.move is not None,
        )
        for rep, reach in zip(one.reps, one.reaches, strict=True)
    )
