"""Weighs whether a sample lies in the middle of a dissolve: the detail of one shot fades out while the next's fades in.

That a mixture has less contrast than what is mixed goes back to Lienhart (1999), that a dissolve lies between two
samples far apart, to the twin comparison of Zhang et al. (1993). Both shots are found by correlation under any
shift, so that either may pan or shake meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis.likeness import BLACK, Detail, correlations, match, shifted

HALVES_SECONDS = (0.2, 0.3, 0.4, 0.6, 0.8, 1.1, 1.4, 1.8)
"""How far on either side of a middle the two shots are looked for: half of what a dissolve takes, or more."""

MOST_DIP = 0.95
"""A mixture has at most this share of its ends' strength of detail: two unrelated pictures mixed evenly have half."""

LEAST_STRENGTH, LEAST_SPREAD = 0.5, 3.0
"""What the ends show at least, mean squared detail and standard deviation of the layout, both in grey levels: less
is blank, and makes a fade."""

LEAST_SHARE, MOST_ALIKE = 0.3, 0.5
"""Likeness that the middle has with either end at least, and the ends with each other at most."""

CALM_LEVELS = 4.0
"""Grey levels by which a cell may change and still show the same."""


@dataclass(frozen=True)
class Look:
    """What is remembered of a sample for a few seconds. `layout` (cells * 3,) colours of its cells, 0-255."""

    time: float
    unexplained: float
    layout: NDArray[np.float32]
    detail: Detail

    @cached_property
    def blank(self) -> bool:
        """Whether it shows next to nothing. Asked many times of each."""
        spread = float(self.layout.reshape(-1, 3).std(axis=0).mean())
        return self.detail.strength < LEAST_STRENGTH or spread < LEAST_SPREAD


@dataclass(frozen=True)
class Mixture:
    """A dissolve: `evidence` for it in logits, its `middle` and its `length` in seconds."""

    evidence: float
    middle: float
    length: float


@dataclass(frozen=True)
class Signs:
    """What speaks for a dissolve and against it."""

    together: float
    """Mean local correlation of the middle with the end that fits less there. Of a pan, a wipe or a hand passing,
    each place shows the one or the other; of a dissolve each shows both."""
    alike: float
    """Correlation of the ends, each where the middle finds it: a shot that moves on resembles itself."""
    unexplained: float
    """Root of the grey levels that no motion explains, summed over the time, what is usual around left out."""
    aside: float
    """How far the middle's layout lies off the line between the ends', as a share of its length: light leads there."""
    jump: float
    """The largest change, in shares of an even half: a flash changes all at once."""
    calm: float
    """Share of the lit cells that stay what they are: a title changes few."""
    restless: float
    """Logarithm of what usually stays unexplained around."""


WEIGHTS = Signs(together=18.21, alike=-6.36, unexplained=0.46, aside=-5.60, jump=-1.60, calm=-14.32, restless=-0.76)
CONSTANT = 2.19
"""By logistic regression on 91 drawn and encoded films with 253 dissolves and 16 kinds of disturbances."""


def mixture(looks: Sequence[Look], times: Sequence[float], middle: int) -> Mixture | None:
    """The likeliest dissolve around one of the looks, which were at `times`; None where there is none."""
    spans = {(nearest(times, times[middle] - half), nearest(times, times[middle] + half)) for half in HALVES_SECONDS}
    found = (_mixture(looks, first, middle, last) for first, last in spans if first < middle < last)
    return max((one for one in found if one), key=lambda one: one.evidence, default=None)


def nearest(times: Sequence[float], time: float) -> int:
    """Number of the time closest to `time`, among rising ones."""
    at = bisect_left(times, time)
    return at - 1 if at == len(times) or (at and time - times[at - 1] < times[at] - time) else at


def _mixture(looks: Sequence[Look], first: int, middle: int, last: int) -> Mixture | None:
    signs = _signs(looks, first, middle, last)
    if signs is None:
        return None
    evidence = CONSTANT + sum(weight * sign for weight, sign in zip(astuple(WEIGHTS), astuple(signs), strict=True))
    times = np.array([look.time for look in looks[first : last + 1]])
    done = np.clip(_progress(np.stack([look.layout for look in looks[first : last + 1]])), 0.0, 1.0)
    # Of even progress these integrals are the time until its middle and a sixth of its length.
    until, sixth = float(np.trapezoid(1 - done, times)), float(np.trapezoid(done * (1 - done), times))
    return Mixture(evidence, float(times[0]) + until, 6 * sixth)


def _signs(looks: Sequence[Look], first: int, middle: int, last: int) -> Signs | None:
    one, mixed, other = looks[first].detail, looks[middle].detail, looks[last].detail
    if mixed.strength > MOST_DIP * (one.strength + other.strength) / 2 or looks[first].blank or looks[last].blank:
        return None
    if match(one, other).likeness > MOST_ALIKE:
        return None
    to_one, to_other = match(mixed, one), match(mixed, other)
    if min(to_one.likeness, to_other.likeness) < LEAST_SHARE:
        return None
    out, into = shifted(one, to_one), shifted(other, to_other)
    with_one, with_other, shared = correlations(mixed.picture, out, into)
    layouts = np.stack([look.layout for look in looks[first : last + 1]])
    changes = np.array([look.unexplained for look in looks[first + 1 : last + 1]])
    around = [*looks[max(0, 2 * first - middle) : first + 1], *looks[last + 1 : 2 * last - middle + 1]]
    usual = float(np.median([look.unexplained for look in around]))
    # Independent errors add as squares.
    left = np.sqrt(np.maximum(0.0, changes**2 - usual**2))
    return Signs(
        together=float((np.minimum(with_one, with_other) - np.maximum(shared, 0.0)).mean()),
        alike=abs(float((out * into).sum())),
        unexplained=float(np.sqrt(left.sum())),
        aside=_aside(layouts, middle - first),
        jump=min(6.0, float(changes.max() / max(1e-3, float(changes.mean())) / 2)),
        calm=_calm(layouts[0], layouts[-1]),
        restless=float(np.log(usual + 0.5)),
    )


def _progress(layouts: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,) how far each layout is on the way from the first to the last."""
    way = layouts[-1] - layouts[0]
    return np.asarray((layouts - layouts[0]) @ way / (float(way @ way) + 1), np.float32)


def _aside(layouts: NDArray[np.float32], at: int) -> float:
    way = layouts[-1] - layouts[0]
    off = layouts[at] - layouts[0] - _progress(layouts)[at] * way
    return min(1.0, float(np.sqrt(off @ off / (way @ way + 1))))


def _calm(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    lit = np.maximum(before, after).reshape(-1, 3).max(axis=1) > BLACK
    changes = np.abs(after - before).reshape(-1, 3).mean(axis=1)[lit]
    return float((changes < CALM_LEVELS).mean()) if len(changes) else 1.0
