"""Where a curve turns, and how far it usually goes between two turns."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analysis.rhythm import Field, Line

FIRST_LEG = 0.3
"""Share of the usual range within a period from which going one way counts, before it is known how far a leg goes."""


def summed(values: Field | Line) -> Line:
    """Running total, beginning with nothing."""
    return np.concatenate([np.zeros_like(values[:1], np.float64), np.cumsum(values, axis=0, dtype=np.float64)])


def usual_reach(gone: Line, core: tuple[int, int], period: float) -> float:
    """How far a leg between the steps of `core` usually goes."""
    low, high = core
    size = max(2, int(period))
    inside = gone[low : high + 1]
    if len(inside) <= size:
        ranges = float(inside.max() - inside.min())
    else:
        views = np.lib.stride_tricks.sliding_window_view(inside, size + 1)
        ranges = float(np.median(views.max(axis=1) - views.min(axis=1)))
    reaches = [abs(gone[b] - gone[a]) for a, b in pairwise(zigzag(gone, FIRST_LEG * ranges)) if b > low and a < high]
    return float(np.median(reaches)) + 1e-12 if reaches else ranges + 1e-12


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


def moving(gone: Line, begin: int, end: int) -> tuple[int, int]:
    """The part of a leg in which all but 5 % of the way at either end are gone."""
    share = (gone[begin : end + 1] - gone[begin]) / (gone[end] - gone[begin])
    inside = np.flatnonzero((share > 0.05) & (share < 0.95))
    return (begin + int(inside[0]) - 1, begin + int(inside[-1]) + 1) if len(inside) else (begin, end)
