"""Finds what belongs to a set and was passed over, beyond a pause or within it: it goes the same way in every cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.repetitions import Rep
from analysis.rhythm import Line
from analysis.turns import moving, summed, zigzag

PAUSE_SECONDS = 4.0
"""Between two repetitions of a set at most: longer is a rest."""

LEAST_TURN = 0.4
"""Share of a repetition's usual way from which going on or back counts."""

LEAST_ALIKE, DOUBT = 0.8, 0.08
"""Cosine, in all cells, to the way out and back of one that is known from which a movement is one more repetition: at
least so much, and not so much less than the least alike of those known."""

LEAST_REACH, MOST_REACH = 0.5, 1.7
"""Times the usual distance that it may go."""

SHORTEST, LONGEST = 0.5, 2.0
"""Times the usual way out or back that one beyond a pause may take."""

LEAST_KNOWN, TWO_IN_ONE, LEAST_GAP = 3, 1.6, 0.7
"""Repetitions from which others are sought among them; times the usual length from which one may be two, and that a gap
must last to hold one."""

TURN_SECONDS = 2.5
"""Of the pause at its turn at most."""


@dataclass(frozen=True)
class _Usual:
    """What the repetitions of a set are like: the displacements (n, k) of all cells on the way `out` and `back` of each
    that was seen, the steps that either takes in the middle, and the `least` that one more must agree with them."""

    out: Line
    back: Line
    steps: tuple[float, float]
    least: float = LEAST_ALIKE

    def reversed(self) -> _Usual:
        """The same, seen backwards in time."""
        return replace(self, out=-self.back, back=-self.out, steps=(self.steps[1], self.steps[0]))

    def ways(self) -> Iterator[Line]:
        """The ways out, of every second one, for left and right may take turns."""
        yield from (self.out[side::2].mean(axis=0) for side in range(min(2, len(self.out))))

    def alike(self, out: Line, back: Line) -> float:
        """The cosine of a movement, out and back alike, with the known one that it is most like."""
        return float(np.minimum(_unit(self.out) @ _unit(out), _unit(self.back) @ _unit(back)).max())

    def among(self) -> Line:
        """(n,) the same of each with the others."""
        out, back = _unit(self.out), _unit(self.back)
        alike = np.minimum(out @ out.T, back @ back.T)
        np.fill_diagonal(alike, -1)
        return np.asarray(alike.max(axis=1))


def _unit(moves: Line) -> Line:
    """The same of length one: of one, or of each row."""
    return np.asarray(moves / (np.linalg.norm(moves, axis=-1, keepdims=True) + 1e-12))


def across_pauses(one: FoundSet, calm: NDArray[np.float32], cuts: Sequence[int]) -> FoundSet:
    """The set with what belongs to it before and after it, in steps of `calm` (n, cells, 2). Nothing is sought beyond a
    cut."""
    usual = _usual(one, calm)
    if usual is None:
        return one
    reps, steps = list(one.reps), len(calm)
    low = max([0, *(cut for cut in cuts if cut <= one.first)])
    high = min([steps, *(cut for cut in cuts if cut >= one.end)])
    while (after := _next(reps[-1].end, high, calm, usual)) is not None:
        reps.append(after)
    flipped, backwards = -calm[::-1], usual.reversed()
    while (before := _next(steps - reps[0].start, steps - low, flipped, backwards)) is not None:
        reps.insert(0, before.backwards(steps))
    return replace(one, first=reps[0].start, end=reps[-1].end, reps=tuple(reps))


def second_look(one: FoundSet, motion: NDArray[np.float32]) -> FoundSet:
    """The set with what was passed over within it: between two repetitions, and where one lasts as long as two, what
    goes out and back as the others do in `motion` (n, k) is a repetition of its own."""
    if len(one.reps) < LEAST_KNOWN:
        return one
    lasting = float(np.median([rep.end - rep.start for rep in one.reps]))
    long = [rep.end - rep.start > TWO_IN_ONE * lasting for rep in one.reps]
    usual = _usual(replace(one, reps=tuple(rep for rep, two in zip(one.reps, long, strict=True) if not two)), motion)
    if usual is None:
        return one
    reps: list[Rep] = []
    for rep, two in zip(one.reps, long, strict=True):
        if reps and rep.start - reps[-1].end > LEAST_GAP * lasting:
            reps += _all_between(reps[-1].end, rep.start, motion, usual)
        inside = _all_between(rep.start, rep.end, motion, usual) if two else []
        reps += inside if len(inside) > 1 else [rep]
    return replace(one, first=reps[0].start, end=reps[-1].end, reps=tuple(reps))


def _all_between(begin: float, end: float, motion: NDArray[np.float32], usual: _Usual) -> list[Rep]:
    found: list[Rep] = []
    while (rep := _next(begin, int(end), motion, usual)) is not None:
        found.append(rep)
        begin = rep.end
    return found


def _usual(one: FoundSet, calm: NDArray[np.float32]) -> _Usual | None:
    """None where the repetitions are too unlike each other to know another by."""
    seen = [rep for rep in one.reps if rep.move is not None]
    if not seen:
        return None
    lasting = np.array([(rep.turn - rep.start, rep.end - rep.turn) for rep in seen])
    steps = (float(np.median(lasting[:, 0])), float(np.median(lasting[:, 1])))
    outs = np.array([_went(calm, rep.start, rep.turn) for rep in seen])
    backs = np.array([_went(calm, rep.turn, rep.end) for rep in seen])
    usual = _Usual(outs, backs, steps)
    if len(seen) == 1:
        return usual
    alike = usual.among()
    if float(np.median(alike)) < LEAST_ALIKE:
        return None
    return replace(usual, least=max(LEAST_ALIKE, float(alike.min()) - DOUBT))


def _went(calm: NDArray[np.float32], start: float, end: float) -> Line:
    """The displacement of every cell between two times."""
    first, last = round(start), max(round(end), round(start) + 1)
    return np.asarray(calm[first:last].sum(axis=0, dtype=np.float64).ravel())


def _next(begin: float, end: int, calm: NDArray[np.float32], usual: _Usual) -> Rep | None:
    """The repetition that begins at most a pause after step `begin` and is over by `end`."""
    first = int(np.ceil(begin))
    longest = (PAUSE_SECONDS + TURN_SECONDS) * RATE + LONGEST * sum(usual.steps)
    part = calm[first : max(first, min(end, int(first + longest)))].reshape(-1, int(np.prod(calm.shape[1:])))
    if len(part) < SHORTEST * sum(usual.steps) + 2:
        return None
    places = summed(part)
    found = [rep for way in usual.ways() if (rep := _along(places, way, usual)) is not None]
    if not found:
        return None
    rep = min(found, key=lambda each: (each.start, -each.alike))
    return replace(rep, start=first + rep.start, turn=first + rep.turn, end=first + rep.end)


def _along(places: Line, way: Line, usual: _Usual) -> Rep | None:
    """The first movement out along one way and back that is like the usual. `places` (n, k): all that is gone by each
    step."""
    reach = float(np.linalg.norm(way)) + 1e-12
    gone = places @ (way / reach)
    legs = [moving(gone, a, b) for a, b in pairwise(zigzag(gone, LEAST_TURN * reach))]
    for out, back in pairwise(legs):
        if out[0] > PAUSE_SECONDS * RATE:
            break
        went, came = places[out[1]] - places[out[0]], places[back[1]] - places[back[0]]
        alike = usual.alike(went, came)
        # A leg is told without its slow ends, and to the step.
        lasts = [(b - a) / (0.9 * steps + 1) for (a, b), steps in zip((out, back), usual.steps, strict=True)]
        far, turn = float(np.linalg.norm(went)) / reach, (out[1] + back[0]) / 2
        even = min(lasts) > SHORTEST and max(lasts) < LONGEST and LEAST_REACH < far < MOST_REACH
        if alike > usual.least and even:
            return Rep(float(out[0]), turn, float(back[1]), far, alike, went, alike)
    return None
