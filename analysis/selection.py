"""Chooses which stretches of a video are shown: those that stand out most, without overlap, within limits of length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.significance import Curve

SHARE_OF_VIDEO = 0.5
"""Neither one moment nor all together last longer than this share: who shows everything has chosen nothing."""

LENGTHS = 8
"""Lengths tried between the shortest and the longest clip, evenly spread on a logarithmic scale."""

BASE_SHARE = 0.3
"""What a moment must rise above: this share of the way from the video's usual evidence to its highest."""

PAD_SECONDS = 0.25
"""Shown before and after what lasts, so that it does not begin in its middle; a clip of the shortest length has its
margins already."""

SNAP_SECONDS = 1.0
"""A start moves to a cut within this distance, and an end back to one, but not past the strongest step."""

AT_ONCE_SECONDS = 0.35
"""A cut so soon after the start begins the moment in any case: the shot before it would only flash by."""


@dataclass(frozen=True)
class Span:
    start: float
    end: float


@dataclass(frozen=True)
class Bounds:
    """What a choice must keep to. Seconds."""

    duration: float
    shortest: float
    longest: float
    most: int


def bounds_of(duration: float, min_clip: float, max_clip: float, most: int) -> Bounds:
    """As asked for, but no clip longer than half the video, and all of them of one length where that is too short."""
    longest = min(max_clip, SHARE_OF_VIDEO * duration)
    return Bounds(duration, min(min_clip, longest), longest, most)


def choose(total: Curve, step: float, cuts: tuple[float, ...], bounds: Bounds) -> list[Span]:
    """Greedy, at least one: the stretch that stands out most, then the next beside it, while anything stands out
    and half the video is not yet taken."""
    usual = float(np.median(total))
    free = np.ones(len(total), bool)
    room = SHARE_OF_VIDEO * bounds.duration
    chosen: list[Span] = []
    while len(chosen) < bounds.most and room >= bounds.shortest - 1e-9:
        longest = min(bounds.longest, max(room, bounds.shortest))
        highest = float(total[free].max(initial=usual))
        excess = total - (usual + BASE_SHARE * (highest - usual))
        found = _best(excess, free, step, bounds.shortest, longest)
        if found is None or (chosen and found[2] <= 0):
            break
        first, end, _ = found
        peak = (first + int(np.argmax(total[first:end])) + 0.5) * step
        span = _placed(first * step, end * step, peak, longest, cuts, chosen, bounds)
        if span is not None:
            chosen.append(span)
            room -= span.end - span.start
            first, end = int(span.start / step), int(np.ceil(span.end / step))
        free[first:end] = False
    return chosen


def _best(
    excess: Curve, free: NDArray[np.bool_], step: float, shortest: float, longest: float
) -> tuple[int, int, float] | None:
    """First step, end and worth of the free stretch with the largest sum over the root of its length: what finds a
    bump of unknown length in noise best (the scan statistic of Arias-Castro, Donoho and Huo 2005)."""
    sums, taken = np.cumsum(np.append(0.0, excess)), np.cumsum(np.append(0, ~free))
    best: tuple[int, int, float] | None = None
    for steps in sorted({max(1, round(length / step)) for length in np.geomspace(shortest, longest, LENGTHS)}):
        if steps > len(excess):
            break
        worth = np.where(taken[steps:] == taken[:-steps], (sums[steps:] - sums[:-steps]) / np.sqrt(steps), -np.inf)
        at = int(np.argmax(worth))
        if np.isfinite(worth[at]) and (best is None or worth[at] > best[2]):
            best = at, at + steps, float(worth[at])
    return best


def _placed(
    start: float,
    end: float,
    peak: float,
    longest: float,
    cuts: tuple[float, ...],
    chosen: list[Span],
    bounds: Bounds,
) -> Span | None:
    """The stretch padded, moved to cuts and held within its limits and its neighbours; None where no room is left."""
    low = max((span.end for span in chosen if span.end <= peak), default=0.0)
    high = min((span.start for span in chosen if span.start >= peak), default=bounds.duration)
    if end - start > 1.2 * bounds.shortest:
        start, end = start - PAD_SECONDS, end + PAD_SECONDS
    start, end = max(start, low), min(end, high)
    start = _nearest([cut for cut in cuts if low <= cut < max(peak, start + AT_ONCE_SECONDS)], start)
    end = min([cut for cut in cuts if max(peak, end - SNAP_SECONDS) < cut < end], default=end)
    start = min(start, max(low, end - bounds.shortest))
    if high - low < bounds.shortest - 1e-6:
        return None
    length = min(max(end - start, bounds.shortest), longest)
    if peak > start + 0.8 * length:
        start = end - length
    return _whole_milliseconds(max(low, min(start, high - length)), min(length, high - low))


def _nearest(cuts: list[float], start: float) -> float:
    near = min(cuts, key=lambda cut: abs(cut - start), default=start)
    return near if abs(near - start) <= SNAP_SECONDS else start


def _whole_milliseconds(start: float, length: float) -> Span:
    """Rounded down, so that limits still hold; not where a clip is so short that it would suffer."""
    if length < 0.1:
        return Span(start, start + length)
    first, count = int(start * 1000 + 1e-6), int(length * 1000 + 1e-6)
    return Span(first / 1000, (first + count) / 1000)
