"""Finds repetitions where too few are done to have a rhythm: once out, and back along the same way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from analysis.flow import RATE
from analysis.legs import cosine
from analysis.repetitions import Rep
from analysis.rhythm import Field, Line, smoothed
from analysis.turns import moving, zigzag

WINDOW_SECONDS, HOP_SECONDS = 14.0, 7.0
"""How much is looked at together at most: one movement has one way."""

SMOOTH_SECONDS = 0.15

LEAST_SECONDS, MOST_SECONDS, TURN_SECONDS = 0.25, 4.0, 2.0
"""Of a leg, and of the pause at the turn at most."""

LEAST_TURN = 0.35
"""Share of the largest way gone from which going back counts."""

BACK = -0.85
"""Cosine of the displacement out and back: -1 is the very same way."""

UNEQUAL = 1.6
"""Times that one leg may be longer than the other: a repetition returns to its pose."""

ONE_WAY = 0.4
"""Share of the motion in a repetition that lies along its way."""

ALIKE = 0.8
"""Cosine between repetitions of one set."""

FILLS = 0.9
"""Share of a shot's motion that its repetitions must hold: a tutorial shows them alone, a talk has gestures between."""

STRAIGHT, MOSTLY, VERY_STRAIGHT = 0.85, 0.6, 0.85
"""Or such a share of the shot's motion lies along their way; or they hold most of it and are straight themselves."""

APART, PAUSE_SECONDS = 1.6, 3.0
"""Lengths of a repetition that the next may be away, or these seconds: who pauses between repetitions."""


@dataclass(frozen=True)
class Excursions:
    reps: tuple[Rep, ...]
    fills: float
    """Share of the motion looked at that they hold."""
    along: float
    """Share of their own motion that lies along their way."""


def excursions(field: Field, begin: int, end: int, whole: bool) -> list[Excursions]:
    """Sets in the steps [begin, end). `whole`: they are a shot or the video, from end to end; fewer than three
    repetitions are believed only there."""
    if end - begin < 1.2 * RATE:
        return []
    size, hop = int(WINDOW_SECONDS * RATE), int(HOP_SECONDS * RATE)
    starts = range(begin, max(begin + 1, end - hop), hop) if end - begin > size else [begin]
    found: list[Excursions] = []
    for start in starts:
        one = _look(field, start, min(end, start + size), whole and end - begin <= size)
        if one is not None and (not found or one.reps[0].start >= found[-1].reps[-1].end):
            found.append(one)
        elif one is not None and len(one.reps) > len(found[-1].reps):
            found[-1] = one
    return found


def _look(field: Field, begin: int, end: int, whole: bool) -> Excursions | None:
    seen = smoothed(np.ascontiguousarray(field[begin:end]), SMOOTH_SECONDS * RATE).astype(np.float64)
    energy = (seen**2).sum(axis=1)
    _, ways = np.linalg.eigh(seen.T @ seen)
    gone = np.concatenate([[0.0], np.cumsum(seen @ ways[:, -1])])
    places = np.concatenate([np.zeros((1, seen.shape[1])), np.cumsum(seen, axis=0)])
    turns = zigzag(gone, LEAST_TURN * float(gone.max() - gone.min()))
    legs = [moving(gone, a, b) for a, b in pairwise(turns)]
    reps: list[Rep] = []
    number = 0
    while number + 1 < len(legs):
        rep = _repetition(legs[number], legs[number + 1], places, seen @ ways[:, -1], energy)
        if rep is None:
            number += 1
        else:
            reps.append(rep)
            number += 2
    reps = _together(reps)
    if not reps or (len(reps) < 3 and not whole):
        return None
    first, last = round(reps[0].start), round(reps[-1].end)
    fills = float(energy[first:last].sum() / (energy.sum() + 1e-12))
    along = float(np.mean([rep.reach for rep in reps]))
    straight = float((gone[1:] - gone[:-1]) @ (gone[1:] - gone[:-1]) / (energy.sum() + 1e-12))
    shown_alone = fills > FILLS or straight > STRAIGHT or (fills > MOSTLY and along > VERY_STRAIGHT)
    if len(reps) < 3 and not shown_alone:
        return None
    moves = [rep.move for rep in reps if rep.move is not None]
    usual = np.median(moves, axis=0)
    found = [
        Rep(begin + r.start, begin + r.turn, begin + r.end, _size(move) / _size(usual), cosine(move, usual), move)
        for r, move in zip(reps, moves, strict=True)
    ]
    return Excursions(tuple(found), fills, along)


def _repetition(out: tuple[int, int], back: tuple[int, int], places: Line, along: Line, energy: Line) -> Rep | None:
    """The repetition that two legs are, if they are one; its `reach` is how much of it lies along its way."""
    lengths = [(b - a) / RATE for a, b in (out, back)]
    if min(lengths) < LEAST_SECONDS or max(lengths) > MOST_SECONDS or (back[0] - out[1]) / RATE > TURN_SECONDS:
        return None
    there, again = places[out[1]] - places[out[0]], places[back[1]] - places[back[0]]
    if cosine(there, again) > BACK or not 1 / UNEQUAL < _size(there) / _size(again) < UNEQUAL:
        return None
    part = slice(out[0], back[1])
    share = float((along[part] ** 2).sum() / (energy[part].sum() + 1e-12))
    if share < ONE_WAY:
        return None
    return Rep(float(out[0]), (out[1] + back[0]) / 2, float(back[1]), share, -cosine(there, again), (there - again) / 2)


def _together(reps: list[Rep]) -> list[Rep]:
    """The longest run of repetitions that are alike and follow each other."""
    best: list[Rep] = []
    run: list[Rep] = []
    for rep in reps:
        if run:
            longest = max(APART * max(rep.end - rep.start, run[-1].end - run[-1].start), PAUSE_SECONDS * RATE)
            near = rep.start - run[-1].end < longest
            like = rep.move is not None and run[0].move is not None and abs(cosine(rep.move, run[0].move)) > ALIKE
            run = run if near and like else []
        run = [*run, rep]
        best = max(best, run, key=len)
    return best


def _size(move: Line) -> float:
    return float(np.linalg.norm(move)) + 1e-12
