"""Finds where one shot ends and the next begins: hard cuts, dissolves and fades through a blank picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.dissolves import mixtures

CUT_LEVELS = 6.0
"""Grey levels by which a cut changes a pixel on average, all motion undone, at least: talk, walking and
encoder noise stayed below 5 in the footage tried."""

SPIKE = 2.5
"""A cut stands out by this factor over the changes near it; a hand moved before the lens reached 1.5."""

NEAR_SECONDS = 0.7
"""How far around a change its neighbours are looked at."""

LASTING_LEVELS = 12.5
"""Levels by which the layouts before and after a cut differ at least: the weakest real one
seen, between two framings of one talk, made 14.5, the strongest motion in a calm shot 11.7."""

CALM_LEVELS = 30.0
"""They differ by CALM_LEVELS / change times what either side changes on its own while it is looked at: the weaker the
change, the calmer its surroundings must be."""

LEAST_CALM, MOST_CALM = 1.2, 4.0

SETTLE_SECONDS = 0.5
"""How much on either side of a cut is compared: six samples, of which a flash spoils one or two."""

APART_SECONDS = 0.2
"""Two cuts lie at least this far apart."""

BLANK_CONTRAST = 0.025
"""Standard deviation (1 is black to white) below which a layout is blank: black between two faded shots."""

BLANK_SECONDS = 0.35
"""A blank that lasts longer parts two shots even where they look alike; a shorter one may be a white flash."""

_ROWS = 4096
"""Samples a piece, so that the work in hand stays at a few megabytes."""


@dataclass(frozen=True)
class Track:
    """What is kept of every sample: `times` (n,) in seconds, `unexplained` (n,) grey levels by which it differs
    from the one before with all motion undone, `layouts` (n, cells * 3) small colour pictures, 0-255."""

    times: NDArray[np.float64]
    unexplained: NDArray[np.float64]
    layouts: NDArray[np.uint8]


@dataclass(frozen=True)
class Cut:
    """A boundary between shots at `time`; from `start` to `end` the pictures belong to both or to neither. Seconds."""

    time: float
    start: float
    end: float


def hard_cuts(track: Track) -> list[Cut]:
    """At the new shot's first sample. Not at a flash, after which the old picture is back."""
    found: list[Cut] = []
    for at in (np.flatnonzero(track.unexplained[1:] > CUT_LEVELS) + 1).tolist():
        near = bool(found) and track.times[at] - found[-1].time < APART_SECONDS
        if not near and _stands_out(track, at) and _lasts(track, at):
            found.append(Cut(float(track.times[at]), float(track.times[at - 1]), float(track.times[at])))
    return found


def _stands_out(track: Track, at: int) -> bool:
    """Larger than what lies around it, but for one: a cut may follow another, or a flash."""
    changes, times = track.unexplained, track.times
    near = np.delete(changes[max(1, at - 3) : at + 4], at - max(1, at - 3))
    low, high = np.searchsorted(times, times[at] + np.array([-NEAR_SECONDS, NEAR_SECONDS]))
    usual = float(np.median(changes[max(1, low) : max(high, at + 1)]))
    rival = float(np.sort(near)[-2]) if len(near) > 1 else 0.0
    return bool(changes[at] > SPIKE * max(rival, usual if len(near) > 1 else 0.0))


def _lasts(track: Track, at: int) -> bool:
    """The pictures on either side of it differ for good. Medians leave a flash on either side out."""
    first, _, end = np.searchsorted(track.times, track.times[at] + np.array([-SETTLE_SECONDS, 0.0, SETTLE_SECONDS]))
    before = track.layouts[min(int(first), at - 1) : at].astype(np.float32)
    after = track.layouts[at : max(int(end), at + 1)].astype(np.float32)
    calm = min(MOST_CALM, max(LEAST_CALM, CALM_LEVELS / float(track.unexplained[at])))
    return _apart(before, after) > max(LASTING_LEVELS, calm * max(_drift(before), _drift(after)))


def _drift(layouts: NDArray[np.float32]) -> float:
    """Levels by which a stretch of layouts changes from its first half to its second."""
    half = len(layouts) // 2
    return _apart(layouts[:half], layouts[-half:]) if half else 0.0


def _apart(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Mean difference in levels of what two stretches of layouts usually show."""
    return float(np.abs(np.median(before, axis=0) - np.median(after, axis=0)).mean())


def blank_gaps(track: Track) -> list[Cut]:
    """Blank stretches between two shots, each one boundary at its middle; none at the very start or end."""
    blank = np.concatenate([[False], contrasts(track.layouts) < BLANK_CONTRAST, [False]])
    edges = np.flatnonzero(blank[1:] != blank[:-1]).tolist()
    found = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if first > 0 and end < len(track.times):
            start, stop = float(track.times[first - 1]), float(track.times[end])
            around = track.layouts[max(0, first - 2) : first], track.layouts[end : end + 2]
            if stop - start > BLANK_SECONDS or _apart(*(side.astype(np.float32) for side in around)) > LASTING_LEVELS:
                found.append(Cut((start + stop) / 2, start, stop))
    return found


def dissolves(track: Track) -> list[Cut]:
    """Stretches in which one shot is mixed into the next, each one boundary at its middle."""
    times = track.times
    spans = [
        (float(times[one.first]), float(times[one.last])) for one in mixtures(times, track.unexplained, track.layouts)
    ]
    return [Cut((start + end) / 2, start, end) for start, end in spans]


def contrasts(layouts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n,) standard deviation over each layout's cells, 1 is black to white."""
    pieces = [layouts[at : at + _ROWS].reshape(-1, layouts.shape[1] // 3, 3) for at in range(0, len(layouts), _ROWS)]
    return np.concatenate([piece.std(axis=1, dtype=np.float32).mean(axis=1) / 255 for piece in pieces]).astype(
        np.float64
    )


def find_cuts(track: Track) -> list[Cut]:
    """All boundaries in time order. What changes hard and what dissolves in one place is one boundary, the hard one."""
    cuts = hard_cuts(track)
    for softer in (blank_gaps(track), dissolves(track)):
        cuts += [cut for cut in softer if not any(_touch(cut, other) for other in cuts)]
    return sorted(cuts, key=lambda cut: cut.time)


def _touch(one: Cut, other: Cut) -> bool:
    return one.start - SETTLE_SECONDS < other.end and other.start < one.end + SETTLE_SECONDS
