"""Cuts motion along one way into legs: from turn to turn, out or back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.rhythm import Field, Line, shifted

WINDOW_PERIODS, HOP_PERIODS = 1.5, 0.5
"""Periods on either side of a place over which its way is sought, and from one place to the next."""

SAME_WAY = 0.5
"""Cosine between the ways of neighbouring places under which the view has changed: another camera, or a cross-fade."""

LEAST_LEG = 0.4
"""Share of the usual distance from which going one way counts: less is a tremble or a half-hearted start."""

FIRST_LEG = 0.3
"""The same share of the usual range within a period, before it is known what is usual."""

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
class Piece:
    """A stretch of steps seen from one side, and the way that motion goes back and forth on there."""

    begin: int
    end: int
    way: Line


def pieces(seen: Field, core: tuple[int, int], period: float, cuts: list[int]) -> list[Piece]:
    """All of `seen` but what lies between cuts that leave too little of the steps `core` to tell a way by."""
    result: list[Piece] = []
    for begin, end in pairwise([0, *cuts, len(seen)]):
        low, high = max(begin, core[0]), min(end, core[1])
        if high - low >= 0.6 * period:
            result += _pieces_of_shot(seen, (begin, end), (low, high), period)
    return result


def _pieces_of_shot(seen: Field, shot: tuple[int, int], core: tuple[int, int], period: float) -> list[Piece]:
    low, high = core
    hop = max(1, int(HOP_PERIODS * period))
    centres = list(range(low, high, hop)) if high - low > 3 * period else [(low + high) // 2]
    ways = [_way_around(seen, centre, period, (max(shot[0], low - 2), min(shot[1], high + 2))) for centre in centres]
    result, begin, group = [], shot[0], [ways[0]]
    for number, (before, after) in enumerate(pairwise(ways)):
        if abs(float(before @ after)) < SAME_WAY and number + 2 < len(ways):
            turn = (centres[number] + centres[number + 1]) // 2
            result.append(Piece(begin, turn, _mean_way(group)))
            begin, group = turn, []
        group.append(after)
    return [*result, Piece(begin, shot[1], _mean_way(group))]


def _mean_way(ways: list[Line]) -> Line:
    """Their mean, whichever of its two ends each points to."""
    middle = ways[len(ways) // 2]
    total = np.sum([way * (np.sign(way @ middle) or 1.0) for way in ways], axis=0)
    return np.asarray(total / (np.linalg.norm(total) + 1e-12))


def _way_around(seen: Field, centre: int, period: float, within: tuple[int, int]) -> Line:
    """The direction along which motion is most alike one period apart and most opposite half a period apart."""
    half = int(WINDOW_PERIODS * period)
    part = seen[max(within[0], centre - half) : min(within[1], centre + half)].astype(np.float64)
    part = part - part.mean(axis=0)
    # A little of what moves at all decides where nothing repeats.
    both = 0.1 * part.T @ part / max(1, len(part))
    for lag, sign in ((period, 1.0), (period / 2, -1.0)):
        if lag + 2 < len(part):
            later = shifted(part.astype(np.float32), lag)
            both += sign * part[: len(later)].T @ later / len(later)
    return np.asarray(np.linalg.eigh(both + both.T)[1][:, -1])


def legs(seen: Field, whole: Field, piece: Piece, core: tuple[int, int], period: float) -> list[Leg]:
    """Legs of one piece; what is usual is told by those within the steps `core`. They are cut along the piece's way in
    `seen`, and compared there and in all the motion there is, `whole` (n, m): few directions make much look alike."""
    part = seen[piece.begin : piece.end]
    gone = _summed(part @ piece.way)
    places, all_places = _summed(part), _summed(whole[piece.begin : piece.end])
    low, high = max(0, core[0] - piece.begin), max(1, min(piece.end, core[1]) - piece.begin)
    usual = _usual_reach(gone, low, high, period)
    if usual < NO_REACH:
        return []
    pairs = list(pairwise(zigzag(gone, LEAST_LEG * usual, ends=CUT_LEG * usual)))
    inside = np.array([b > low and a < high for a, b in pairs], bool)
    lasting = [b - a for (a, b), counts in zip(pairs, inside, strict=True) if counts]
    short = np.array([b - a < LONGEST_USUAL * period for a, b in pairs], bool)
    longest = int(LONG_STROKE * max(float(np.median(lasting)) if lasting else 0.0, LEAST_STROKE * period)) + 1
    moves = np.array([places[b] - places[a] for a, b in pairs]).reshape(-1, seen.shape[1])
    all_moves = np.array([all_places[b] - all_places[a] for a, b in pairs]).reshape(-1, whole.shape[1])
    signs = np.array([1 if gone[b] > gone[a] else -1 for a, b in pairs])
    result = []
    for number, (a, b) in enumerate(pairs):
        others = np.flatnonzero(inside & short & (np.arange(len(pairs)) != number))
        usual_move, usual_all = (
            _usual_move(signs[number] * signs[:, None] * each, number, others, otherwise)
            for each, otherwise in ((moves, signs[number] * piece.way), (all_moves, all_moves[number]))
        )
        parts = _strokes(gone, a, b, STROKE_GAP * period)
        ends = (
            (parts[0][0], min(parts[0][1], parts[0][0] + longest)),
            (max(parts[-1][0], parts[-1][1] - longest), parts[-1][1]),
        )
        first, last = (
            Stroke(
                begin=float(piece.begin + x),
                end=float(piece.begin + y),
                reach=abs(float(gone[y] - gone[x])) / usual,
                likeness=cosine(places[y] - places[x], usual_move),
                alike=agreement(all_places[y] - all_places[x], usual_all),
            )
            for x, y in ends
        )
        result.append(
            Leg(
                begin=float(piece.begin + parts[0][0]),
                end=float(piece.begin + parts[-1][1]),
                sign=int(signs[number]),
                reach=abs(float(gone[b] - gone[a])) / usual,
                likeness=cosine(moves[number], usual_move),
                alike=agreement(all_moves[number], usual_all),
                move=moves[number],
                cut_before=piece.begin > 0 and a == 0,
                cut_after=piece.end < len(seen) and b == len(gone) - 1,
                first=first,
                last=last,
            )
        )
    return result


def _usual_move(moves: Line, number: int, others: NDArray[np.int64], otherwise: Line) -> Line:
    """What a leg is compared to: the others near it the same way, or every second of them, whichever it is more like.
    Moves from side to side are alike every second time."""
    options: list[Line] = []
    for chosen in (others, others[(others - number) % 4 == 0]):
        near = chosen[np.argsort(np.abs(chosen - number), kind="stable")[:NEIGHBOURS]]
        if len(near):
            options.append(np.median(moves[near], axis=0))
    return max(options, key=lambda option: cosine(moves[number], option), default=otherwise)


def cosine(one: Line, other: Line) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + 1e-12))


def agreement(one: Line, other: Line) -> float:
    """1 where two displacements are the same, 0.8 where one is twice the other, 0 where they have nothing in common."""
    return float(2 * one @ other / (one @ one + other @ other + 1e-12))


def _summed(values: Field | Line) -> Line:
    """Running total, beginning with nothing."""
    return np.concatenate([np.zeros_like(values[:1], np.float64), np.cumsum(values, axis=0, dtype=np.float64)])


def _usual_reach(gone: Line, low: int, high: int, period: float) -> float:
    """How far a leg between the steps `low` and `high` usually goes."""
    size = max(2, int(period))
    core = gone[low : high + 1]
    if len(core) <= size:
        ranges = float(core.max() - core.min())
    else:
        views = np.lib.stride_tricks.sliding_window_view(core, size + 1)
        ranges = float(np.median(views.max(axis=1) - views.min(axis=1)))
    reaches = [abs(gone[b] - gone[a]) for a, b in pairwise(zigzag(gone, FIRST_LEG * ranges)) if b > low and a < high]
    return float(np.median(reaches)) + 1e-12 if reaches else ranges + 1e-12


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


def zigzag(curve: Line, least: float, ends: float | None = None) -> list[int]:
    """Where a curve turns, turns smaller than `least` left out. What is left before the first and after the last
    of them counts too if it reaches `ends`, which is `least` unless given."""
    turns = _inner_turns(curve, max(least, 1e-12))
    if not turns:
        return []
    ends = least if ends is None else ends
    lead = np.abs(curve[: turns[0] + 1] - curve[turns[0]])
    tail = np.abs(curve[turns[-1] :] - curve[turns[-1]])
    before = [int(lead.argmax())] if lead.max() >= ends and lead.argmax() != turns[0] else []
    after = [turns[-1] + int(tail.argmax())] if tail.max() >= ends and tail.argmax() != 0 else []
    return [*before, *turns, *after]


def _inner_turns(curve: Line, least: float) -> list[int]:
    """Extremes, each `least` away from those beside it."""
    turns: list[int] = []
    low = high = 0
    rising: bool | None = None
    for place, value in enumerate(curve.tolist()):
        if value > curve[high]:
            high = place
        if value < curve[low]:
            low = place
        if rising is not False and curve[high] - value >= least:
            turns.append(high)
            rising, low = False, place
        elif rising is not True and value - curve[low] >= least:
            turns.append(low)
            rising, high = True, place
    return turns
