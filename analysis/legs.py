"""Cuts motion along one way into legs: from turn to turn, out or back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.rhythm import Field, Line
from analysis.sides import Beat, folded
from analysis.turns import summed, usual_reach, zigzag
from analysis.ways import Piece

LEAST_LEG = 0.4
"""Share of the usual distance from which going one way counts: less is a tremble or a half-hearted start."""

CUT_LEG = 0.15
"""Share of the usual distance from which a leg next to a cut is believed: the rest of it may be on the other side."""

LONGEST_USUAL = 1.5
"""Periods that a leg may last for others to be compared to it."""

NEIGHBOURS = 6
"""Legs, nearest to one, that it is compared to: over a long set the view changes."""

NO_REACH = 1e-6
"""Picture widths under which nothing moves at all: a picture that stands still."""

STANDSTILL = 0.12
"""Share of a leg's top speed below which it stands still."""

STROKE_GAP = 0.2
"""Periods of standstill that part two strokes of a leg."""

LONG_STROKE, LEAST_STROKE = 1.5, 0.35
"""How many times the usual leg a stroke at the end of a set may last, and periods that a usual leg lasts at least."""


@dataclass(frozen=True)
class Stroke:
    """One push of a leg, from standstill to standstill. Times in steps; `reach` 1 is usual; `likeness` the
    cosine of its displacement to the usual one; `alike` the same, but less where one is larger than the other."""

    begin: float
    end: float
    reach: float
    likeness: float
    alike: float


@dataclass(frozen=True)
class Leg:
    """Motion one way between two turns: `sign` +1 or -1 along the way, `move` its whole displacement; `cut_before`,
    `cut_after` where the view changes at its begin or end."""

    begin: float
    end: float
    sign: int
    reach: float
    likeness: float
    alike: float
    move: Line
    cut_before: bool
    cut_after: bool
    first: Stroke
    last: Stroke

    def unlike(self) -> Leg:
        """The same, like no other."""
        first, last = (replace(stroke, likeness=0.0, alike=0.0) for stroke in (self.first, self.last))
        return replace(self, likeness=0.0, alike=0.0, first=first, last=last)

    def cut_to(self, stroke: Stroke) -> Leg:
        return replace(
            self,
            begin=stroke.begin,
            end=stroke.end,
            reach=stroke.reach,
            likeness=stroke.likeness,
            alike=stroke.alike,
        )


@dataclass(frozen=True)
class _Path:
    """What is gone by each step of a piece that begins at step `begin`: `gone` along its way, `places` (n, k) in what
    it was sought in and `whole` (n, m) in all the motion there is. `usual` is how far a leg usually goes."""

    begin: int
    gone: Line
    places: Line
    whole: Line
    usual: float

    def stroke(self, part: tuple[int, int], usual_move: Line, usual_whole: Line) -> Stroke:
        first, last = part
        return Stroke(
            begin=float(self.begin + first),
            end=float(self.begin + last),
            reach=abs(float(self.gone[last] - self.gone[first])) / self.usual,
            likeness=cosine(self.places[last] - self.places[first], usual_move),
            alike=agreement(self.whole[last] - self.whole[first], usual_whole),
        )


def legs(seen: Field, whole: Field, piece: Piece, core: tuple[int, int], beat: Beat) -> list[Leg]:
    """Legs of one piece; what is usual is told by those within the steps `core`. They are cut along the piece's way in
    `seen`, and compared there and in all the motion there is, `whole` (n, m): few directions make much look alike."""
    part = slice(piece.begin, piece.end)
    gone = summed(seen[part] @ piece.way)
    if beat.sided:
        gone = folded(gone, beat.period)
    core = max(0, core[0] - piece.begin), max(1, min(piece.end, core[1]) - piece.begin)
    path = _Path(piece.begin, gone, summed(seen[part]), summed(whole[part]), usual_reach(gone, core, beat.period))
    if path.usual < NO_REACH:
        return []
    pairs = list(pairwise(zigzag(gone, LEAST_LEG * path.usual, ends=CUT_LEG * path.usual)))
    inside = np.array([b > core[0] and a < core[1] for a, b in pairs], bool)
    lasting = [b - a for (a, b), counts in zip(pairs, inside, strict=True) if counts]
    longest = int(LONG_STROKE * max(float(np.median(lasting)) if lasting else 0.0, LEAST_STROKE * beat.period)) + 1
    usual = _usual_moves(path, pairs, inside, piece.way, beat)
    result = []
    for (a, b), (usual_move, usual_whole) in zip(pairs, usual, strict=True):
        parts = _strokes(gone, a, b, STROKE_GAP * beat.period)
        first = (parts[0][0], min(parts[0][1], parts[0][0] + longest))
        last = (max(parts[-1][0], parts[-1][1] - longest), parts[-1][1])
        all_of_it = path.stroke((a, b), usual_move, usual_whole)
        result.append(
            Leg(
                begin=float(piece.begin + parts[0][0]),
                end=float(piece.begin + parts[-1][1]),
                sign=1 if gone[b] > gone[a] else -1,
                reach=all_of_it.reach,
                likeness=all_of_it.likeness,
                alike=all_of_it.alike,
                move=path.places[b] - path.places[a],
                cut_before=piece.begin > 0 and a == 0,
                cut_after=piece.end < len(seen) and b == len(gone) - 1,
                first=path.stroke(first, usual_move, usual_whole),
                last=path.stroke(last, usual_move, usual_whole),
            )
        )
    return result


def _usual_moves(
    path: _Path, pairs: list[tuple[int, int]], inside: NDArray[np.bool_], way: Line, beat: Beat
) -> list[tuple[Line, Line]]:
    """What each leg is compared to, in `places` and in `whole`."""
    moves = np.array([path.places[b] - path.places[a] for a, b in pairs]).reshape(-1, path.places.shape[1])
    all_moves = np.array([path.whole[b] - path.whole[a] for a, b in pairs]).reshape(-1, path.whole.shape[1])
    signs = np.array([1 if path.gone[b] > path.gone[a] else -1 for a, b in pairs])
    short = np.array([b - a < LONGEST_USUAL * beat.period for a, b in pairs], bool)
    result = []
    for number, sign in enumerate(signs):
        others = np.flatnonzero(inside & short & (np.arange(len(pairs)) != number))
        result.append(
            (
                _usual_move(moves, sign * signs, number, others, sign * way, beat.sided),
                _usual_move(all_moves, sign * signs, number, others, all_moves[number], beat.sided),
            )
        )
    return result


def _usual_move(
    moves: Line, turned: NDArray[np.int64], number: int, others: NDArray[np.int64], otherwise: Line, sided: bool
) -> Line:
    """What a leg is compared to: the others near it the same way, or every second of them, whichever it is more like.
    Moves from side to side are alike every second time, out and back of one side too. `turned` (n,) is -1 for those
    the other way."""
    beside = (others - number) % 4
    options: list[Line] = []
    for chosen in (others, others[beside == 0], *((others[beside <= 1], others[beside % 3 == 0]) if sided else ())):
        near = chosen[np.argsort(np.abs(chosen - number), kind="stable")[:NEIGHBOURS]]
        if len(near):
            options.append(np.median(turned[near, None] * moves[near], axis=0))
    return max(options, key=lambda option: cosine(moves[number], option), default=otherwise)


def cosine(one: Line, other: Line) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-12))


def agreement(one: Line, other: Line) -> float:
    """1 where two displacements are the same, 0.8 where one is twice the other, 0 where they have nothing in common."""
    return float(2 * one @ other / (one @ one + other @ other + 1e-12))


def _strokes(gone: Line, begin: int, end: int, apart: float) -> list[tuple[int, int]]:
    """The parts of a leg in which it moves, those less than `apart` steps from each other taken together."""
    speed = np.abs(np.diff(gone[begin : end + 1]))
    moving = np.concatenate([[False], speed > STANDSTILL * np.percentile(speed, 95), [False]])
    edges = (np.flatnonzero(moving[1:] != moving[:-1]) + begin).reshape(-1, 2).tolist()
    parts: list[tuple[int, int]] = []
    for first, last in edges:
        if parts and first - parts[-1][1] < apart:
            parts[-1] = (parts[-1][0], last)
        else:
            parts.append((first, last))
    return parts or [(begin, end)]
