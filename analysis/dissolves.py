"""Finds dissolves: stretches in which one picture becomes another by mixing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENGTHS_SECONDS = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Lengths looked for; between them the nearest answers. Film and video use half a second to two seconds."""

DISTANCE = 0.05
"""Root mean square difference (1 is black to white) of the two layouts at least; less is a change of light."""

LEVELS = 9.0
"""Mean difference of the two layouts in grey levels at least."""

UNEXPLAINED_SHARE = 0.5
"""Share of that difference that no motion explains, summed over the dissolve: of a pan it is near none, of drawn
dissolves of still and moving shots 0.7 to 1."""

MIX_ERROR = 0.25
"""How far a picture within may lie from a mixture of the ends, as a share of their distance: a mixture of still shots
keeps below 0.1, of moving or gamma-corrected ones below 0.2; a walk leads elsewhere."""

UNEVEN = 0.2
"""How far the mixture may run ahead of even progress or behind it."""

STILL_SHARE = 0.15
"""Share of their distance by which the ends themselves may move within STILL_SECONDS: beyond, it began before."""

STILL_SECONDS = 0.25

LIKENESS = 0.8
"""Correlation of the two layouts above which only the light has changed."""

EVEN_CHANGE = 0.67
"""Mean over root mean square of the cells' changes, at least: 0.74 to 0.85 where the whole picture is another, 0.53
where a title appears over it, 0.8 for a bell curve."""

_ROWS = 4096
"""Samples a piece, so that the work in hand stays at a few megabytes."""


@dataclass(frozen=True)
class Mixture:
    """Numbers of the samples before and after a dissolve, and its error."""

    first: int
    last: int
    error: float


def mixtures(times: NDArray[np.float64], unexplained: NDArray[np.float64], layouts: NDArray[np.uint8]) -> list[Mixture]:
    """The dissolves among samples, in time order, none overlapping another: (n,) seconds, (n,) grey levels of change
    that no motion explains, (n, d) layouts."""
    if len(times) < 8:
        return []
    apart = float(np.median(np.diff(times)))
    still = max(1, round(STILL_SECONDS / apart))
    found = []
    for half in sorted({max(2, round(length / apart / 2)) for length in LENGTHS_SECONDS}):
        for middle in _candidates(layouts, half, still):
            first, last = middle - half, middle + half
            error = _error(times, layouts, first, last)
            if error is not None and _unmoved(unexplained, layouts, first, last):
                found.append(Mixture(first, last, error))
    return _best_apart(found)


def _candidates(layouts: NDArray[np.uint8], half: int, still: int) -> list[int]:
    """Middles that a first look, at five pictures each, does not rule out."""
    reach = half + still
    found: list[int] = []
    for at in range(reach, len(layouts) - reach, _ROWS):
        piece = layouts[at - reach : min(len(layouts), at + _ROWS + reach)].astype(np.float32) / 255
        count = len(piece) - 2 * reach
        outer, first, middle = piece[:count], piece[still : still + count], piece[reach : reach + count]
        last, far = piece[reach + half : reach + half + count], piece[2 * reach :]
        distance = _size(last - first)
        likely = (distance > DISTANCE) & (_size(middle - (first + last) / 2) < (MIX_ERROR + UNEVEN / 2) * distance)
        likely &= (_size(first - outer) < STILL_SHARE * distance) & (_size(far - last) < STILL_SHARE * distance)
        found += (np.flatnonzero(likely) + at).tolist()
    return found


def _error(times: NDArray[np.float64], layouts: NDArray[np.uint8], first: int, last: int) -> float | None:
    """Largest distance from the line between both ends; None where it is no dissolve."""
    mixed = layouts[first : last + 1].astype(np.float64) / 255
    before, after = mixed[0], mixed[-1]
    way = after - before
    distance = float(_size(way))
    share = (mixed - before) @ way / float(way @ way)
    even = (times[first : last + 1] - times[first]) / (times[last] - times[first])
    error = float(_size(mixed - before - share[:, None] * way).max()) / distance
    if error > MIX_ERROR or np.abs(share - even).max() > UNEVEN or np.abs(way).mean() < EVEN_CHANGE * distance:
        return None
    if min(before.std(), after.std()) < DISTANCE / 2 or np.corrcoef(before, after)[0, 1] > LIKENESS:
        return None
    return error + float(np.abs(share - even).max())


def _unmoved(unexplained: NDArray[np.float64], layouts: NDArray[np.uint8], first: int, last: int) -> bool:
    """Whether the change came about without motion, measured against what noise leaves unexplained around it."""
    change = float(np.abs(layouts[first].astype(np.float64) - layouts[last]).mean())
    around = np.concatenate([unexplained[max(1, 2 * first - last) : first], unexplained[last + 1 : 2 * last - first]])
    usual = float(np.median(around)) if len(around) else 0.0
    # Independent errors add as squares.
    left = float(np.sqrt(np.maximum(0.0, unexplained[first + 1 : last + 1] ** 2 - usual**2)).sum())
    return change > LEVELS and left > UNEXPLAINED_SHARE * change


def _size(difference: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root mean square over the last axis."""
    return np.asarray(np.sqrt(np.mean(np.square(difference), axis=-1)), np.float64)


def _best_apart(found: list[Mixture]) -> list[Mixture]:
    kept: list[Mixture] = []
    for mixture in sorted(found, key=lambda one: one.error):
        if all(mixture.last < other.first or mixture.first > other.last for other in kept):
            kept.append(mixture)
    return sorted(kept, key=lambda one: one.first)
