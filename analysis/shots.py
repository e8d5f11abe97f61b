"""Finds where one shot ends and the next begins: hard cuts, dissolves and fades through a blank picture.

What is compared is detail, in any light and wherever the camera moved it: a flash, a pan or a lamp leaves it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.likeness import BLACK
from analysis.lookback import Looks

KEPT, KEPT_STIRRED = 0.26, 0.23
"""Likeness across a cut at most, and where more than one change lies together: unrelated drawn and real shots kept
0.1 to 0.23, a fast zoom or a whip pan mostly 0.25 or more."""

KEPT_REFRAMED = 0.52
"""Likeness across a cut between two framings of the same people, at most; such a cut must stand out far more."""

FOUND, FOUND_REFRAMED = 0.3, 0.38
"""Share of the area found again across a cut at most: under a title it is more."""

RELATIVE = 0.6
"""What no motion explains at a cut, at least, relative to the detail on both sides: cuts have 0.7 to 2, zooms 0.4."""

SPIKE = 1.8
"""How far a cut stands out over the second largest change near it: a cut may follow another, or a flash."""

REFRAMED_LEVELS, REFRAMED_SPIKE, REFRAMED_EVENNESS = 12.0, 10.0, 0.72
"""The same for a change of framing: grey levels, spike, and mean over root mean square of the cells' changes."""

CALM_LEVELS, MOST_CALM = 4.0, 0.28
"""Grey levels by which a lit cell changes at a cut at least, and the share that may change less: of a hand or a title
in a calm picture more do."""

NEAR_SAMPLES = 3
"""Samples on either side of a cut in which nothing much may happen, but for one change more."""

STIRRED_SHARE, UNRELATED, RELATED = 1 / 3, 0.22, 0.5
"""A change of this share of the cut's counts as one more: a cut by a likeness below the second, motion or a hand by
one up to the third."""

LEAST_STRENGTH = 0.6
"""Mean squared detail in grey levels below which a picture is blank."""

BLANK_SPREAD, EMPTY_SPREAD = 3.0, 1.2
"""Standard deviation of a layout's cells in grey levels: a blank one at most, and one that shows nothing at all."""

LASTING_LEVELS, CALM_FACTOR = 12.5, 1.2
"""Levels by which the layouts before and after a change of framing differ at least (the weakest real one seen made
14.5, the strongest motion in a calm shot 11.7), and how many times what either side changes on its own."""

SETTLE_SECONDS = 0.5
"""How much on either side is compared: six samples, of which a flash spoils one or two."""

SAME = 0.4
"""Likeness of what lies on either side of a blank from which it is one shot, interrupted: two shots reached 0.16 to
0.29 in the tuning half of the test bed, one shot 0.75 and more."""

ALIKE_FACTOR = 2.0
"""A blank goes on while the strength of its detail stays below so many times the greatest seen in it."""

LONG_SECONDS = 3.0
"""A blank that lasts longer parts two shots whatever they show."""

SHALLOW_SECONDS, SHALLOW_SPREAD = 1.0, 0.5
"""A fade too fast for a sample to meet its blank takes this long at most, and flattens the layout to this share."""

EVIDENCE = 4.0
"""Logits from which a dissolve is believed: real ones reached 8 to 10, the best of 22 clips without one 3.6."""

NEIGHBOURLY = 3.0
"""Logits by which a neighbour may fall behind the best and still have a say in where the middle is."""

DISSOLVES_APART = 0.8
"""Seconds between the middles of two dissolves at least."""

APART_SECONDS = 0.25
"""Between a fade or a dissolve and another boundary, at least."""

_ROWS = 4096
"""Samples a piece, so that the work in hand stays at a few megabytes."""


@dataclass(frozen=True)
class Track:
    """What is kept of every sample: `times` (n,) in seconds, `unexplained` (n,) grey levels by which it differs
    from the one before with all motion undone, `layouts` (n, cells * 3) small colour pictures, 0-255, and `looks`."""

    times: NDArray[np.float64]
    unexplained: NDArray[np.float64]
    layouts: NDArray[np.uint8]
    looks: Looks


@dataclass(frozen=True)
class Cut:
    """A boundary between shots at `time`; from `start` to `end` the pictures belong to both or to neither. Seconds."""

    time: float
    start: float
    end: float


def find_cuts(track: Track) -> list[Cut]:
    """All boundaries in time order. What fades, changes hard and dissolves in one place is one boundary."""
    cuts, covered = fades(track), interruptions(track)
    for more in (hard_cuts(track), dissolves(track)):
        cuts = sorted(cuts + _clear_of(cuts, _clear_of(covered, more, 0.0)), key=lambda cut: cut.time)
    return cuts


def hard_cuts(track: Track) -> list[Cut]:
    """Each at the new shot's first sample. Not at a flash, after which the old picture is back."""
    looks, changes = track.looks, track.unexplained
    strength = np.minimum(looks.strength, np.roll(looks.strength, 1))
    relative = changes / np.sqrt(looks.strength + np.roll(looks.strength, 1) + 1)
    parted = (looks.kept < KEPT) & (looks.found < FOUND) & (relative > RELATIVE)
    reframed = (looks.kept < KEPT_REFRAMED) & (looks.found < FOUND_REFRAMED) & (changes > REFRAMED_LEVELS)
    likely = (parted | reframed) & (strength >= LEAST_STRENGTH)
    return [
        Cut(float(track.times[at]), float(track.times[at - 1]), float(track.times[at]))
        for at in np.flatnonzero(likely).tolist()
        if at and ((parted[at] and _parts(track, at)) or (reframed[at] and _reframes(track, at)))
    ]


def _parts(track: Track, at: int) -> bool:
    """Whether the change stands alone, or but one more beside it, and few cells stay what they are."""
    cuts, moves = _stirred(track, at)
    if cuts > 1 or moves > 1 or _spike(track, at) <= SPIKE:
        return False
    kept = bool(track.looks.kept[at] < (KEPT_STIRRED if cuts + moves else KEPT))
    return kept and _calm(_cell_changes(track, at), float(track.unexplained[at])) <= MOST_CALM


def _reframes(track: Track, at: int) -> bool:
    """Whether the same people are seen in another framing: something is kept, but all changes at once, for good."""
    changes = _cell_changes(track, at)
    even = len(changes) and changes.mean() > REFRAMED_EVENNESS * np.sqrt((changes**2).mean())
    calm = _calm(changes, CALM_LEVELS) <= MOST_CALM
    alone = not any(_stirred(track, at)) and _spike(track, at) > REFRAMED_SPIKE
    return bool(even and calm and alone and _lasts(track, at))


def _near(track: Track, at: int) -> list[int]:
    around = range(max(1, at - NEAR_SAMPLES), min(len(track.times), at + NEAR_SAMPLES + 1))
    return [number for number in around if number != at]


def _stirred(track: Track, at: int) -> tuple[int, int]:
    """How many changes near are like a cut, and how many like motion or a hand."""
    least = STIRRED_SHARE * track.unexplained[at]
    likeness = [track.looks.likeness[number] for number in _near(track, at) if track.unexplained[number] > least]
    return sum(one < UNRELATED for one in likeness), sum(UNRELATED <= one < RELATED for one in likeness)


def _spike(track: Track, at: int) -> float:
    rivals = sorted((float(track.unexplained[number]) for number in _near(track, at)), reverse=True)
    return float(track.unexplained[at]) / ((rivals[1] if len(rivals) > 1 else 0.0) + 0.1)


def _cell_changes(track: Track, at: int) -> NDArray[np.float64]:
    """Grey levels by which the cells change that are lit before or after: black bars do not count."""
    before, after = (track.layouts[number].astype(np.float64).reshape(-1, 3) for number in (at - 1, at))
    lit = np.maximum(before, after).max(axis=1) > BLACK
    return np.asarray(np.abs(after - before).mean(axis=1)[lit], np.float64)


def _calm(changes: NDArray[np.float64], levels: float) -> float:
    return float((changes < min(CALM_LEVELS, levels)).mean()) if len(changes) else 1.0


def _lasts(track: Track, at: int) -> bool:
    """The pictures on either side of it differ for good. Medians leave a flash on either side out."""
    first, _, end = np.searchsorted(track.times, track.times[at] + np.array([-SETTLE_SECONDS, 0.0, SETTLE_SECONDS]))
    before = track.layouts[min(int(first), at - 1) : at].astype(np.float32)
    after = track.layouts[at : max(int(end), at + 1)].astype(np.float32)
    return _apart(before, after) > max(LASTING_LEVELS, CALM_FACTOR * max(_drift(before), _drift(after)))


def _drift(layouts: NDArray[np.float32]) -> float:
    """Levels by which a stretch of layouts changes from its first half to its second."""
    half = len(layouts) // 2
    return _apart(layouts[:half], layouts[-half:]) if half else 0.0


def _apart(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Mean difference in levels of what two stretches of layouts usually show."""
    return float(np.abs(np.median(before, axis=0) - np.median(after, axis=0)).mean())


def fades(track: Track) -> list[Cut]:
    """Blank stretches between two shots, each one boundary at its middle; none at the very start or end."""
    spread = spreads(track.layouts)
    runs = _runs((track.looks.across >= 0) | (spread < BLANK_SPREAD))
    return [_fade(track.times, spread, *run) for run in runs if _fades(track, spread, *run)]


def interruptions(track: Track) -> list[Cut]:
    """Stretches with next to no detail after which the same shot is back: a hand over the lens, a white-out."""
    times, across = track.times, track.looks.across
    runs = [_grown(track.looks.strength, *run) for run in _runs(across >= 0) if across[slice(*run)].max() > SAME]
    # A sample more on either side: what comes before the lens covers half of one.
    spans = [(float(times[max(0, first - 2)]), float(times[min(len(times) - 1, end + 1)])) for first, end in runs]
    return [Cut((begin + stop) / 2, begin, stop) for begin, stop in spans]


def _grown(strength: NDArray[np.float64], first: int, end: int) -> tuple[int, int]:
    """The stretch with what lies next to it and shows as little: of a long one both sides are seen only from within."""
    most = ALIKE_FACTOR * strength[first:end].max()
    while first > 0 and strength[first - 1] < most:
        first -= 1
    while end < len(strength) and strength[end] < most:
        end += 1
    return first, end


def _runs(low: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each stretch that holds, but for one at the very start or end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], low, [False]]))).tolist()
    return [(first, end) for first, end in zip(edges[::2], edges[1::2], strict=True) if 0 < first < end < len(low)]


def _fades(track: Track, spread: NDArray[np.float64], first: int, end: int) -> bool:
    """Whether two shots meet between these samples. A dark shot between bright ones is no blank."""
    looks, seconds = track.looks, track.times[end] - track.times[first - 1]
    across = looks.across[first:end].max()
    if across < 0:
        return bool(seconds > LONG_SECONDS and np.median(spread[first:end]) < EMPTY_SPREAD)
    if across > SAME:
        return False
    if spread[first:end].min() < BLANK_SPREAD or looks.strength[first:end].min() < LEAST_STRENGTH:
        return True
    sides = min(spread[max(0, first - 5) : first].max(), spread[end : end + 5].max())
    flat = seconds < SHALLOW_SECONDS and spread[first:end].min() < SHALLOW_SPREAD * sides
    return bool(flat and looks.kept[first : end + 1].min() < KEPT)


def _fade(times: NDArray[np.float64], spread: NDArray[np.float64], first: int, end: int) -> Cut:
    """Its middle is that of the samples that are blank, if any are."""
    blank = np.flatnonzero(spread[first:end] < BLANK_SPREAD) + first
    begin, stop = (int(blank[0]), int(blank[-1]) + 1) if len(blank) else (first, end)
    return Cut(float(times[begin - 1] + times[stop]) / 2, float(times[first - 1]), float(times[end]))


def spreads(layouts: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n,) standard deviation over each layout's cells in levels, mean of the colours."""
    pieces = [layouts[at : at + _ROWS].reshape(-1, layouts.shape[1] // 3, 3) for at in range(0, len(layouts), _ROWS)]
    return np.concatenate([piece.std(axis=1, dtype=np.float32).mean(axis=1) for piece in pieces]).astype(np.float64)


def dissolves(track: Track) -> list[Cut]:
    """Stretches in which one shot is mixed into the next, each one boundary at its middle: the best first, and none
    that overlaps a better one."""
    times, looks = track.times, track.looks
    taken = np.zeros(len(times) + 1, np.bool_)
    places = np.searchsorted(times, looks.middle)
    found = []
    likely = np.flatnonzero(looks.evidence > EVIDENCE)
    for at in likely[np.argsort(-looks.evidence[likely], kind="stable")].tolist():
        if taken[places[at]]:
            continue
        cut = _dissolve(track, at)
        first, end = np.searchsorted(times, [cut.start, cut.end])
        if not taken[first : end + 1].any():
            near, far = np.searchsorted(times, [cut.time - DISSOLVES_APART, cut.time + DISSOLVES_APART])
            taken[min(first, near) : max(end, far) + 1] = True
            found.append(cut)
    return found


def _dissolve(track: Track, at: int) -> Cut:
    """At the mean of the middles that the samples near tell, weighed by how likely they are next to the best."""
    times, looks = track.times, track.looks
    half = float(looks.length[at]) / 2
    near = slice(*np.searchsorted(times, times[at] + np.array([-1.0, 1.0]) * max(0.3, half)).tolist())
    behind = looks.evidence[at] - looks.evidence[near]
    heard = (behind < NEIGHBOURLY) & (looks.evidence[near] > EVIDENCE)
    weights = np.where(heard, np.exp(-np.maximum(0.0, behind)), 0.0)
    middle = float(weights @ looks.middle[near] / weights.sum())
    return Cut(middle, middle - half, middle + half)


def _clear_of(cuts: list[Cut], more: list[Cut], seconds: float = APART_SECONDS) -> list[Cut]:
    """Those of `more` that keep their distance to all of `cuts`, which are in time order."""
    starts, ends = np.array([cut.start for cut in cuts]), np.array([cut.end for cut in cuts])
    clear = []
    for cut in more:
        after = int(np.searchsorted(ends, cut.start - seconds))
        if after == len(cuts) or starts[after] > cut.end + seconds:
            clear.append(cut)
    return clear
