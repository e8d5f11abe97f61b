"""How well picks and cuts agree with what is known of a video, and what picks made without understanding would get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.drawn.truth import Event, TrueCut, Truth
from schemas import Samples, Sound

Span = tuple[float, float]
Curve = NDArray[np.float64]

MOST_PICKS = 8
"""Picks that count: what is asked of the service where its highlights are graded."""

BUDGET = 0.5
"""Share of the video that the picks together may last: choosing everything must not pay."""

TOLERANCE = 0.25
"""Seconds that a cut may be off."""

PICK_SECONDS = 4.0
"""Length of a baseline's picks: between the shortest that are made and the longest, 1.5 and 8 seconds."""

STEP = 0.25
"""Seconds of a step of the baselines' curves."""

DRAWS = 200
"""Random choices whose mean is the baseline: it then moves by less than a hundredth from seed to seed."""


@dataclass(frozen=True)
class PickGrade:
    """Events hit of all there are, and whether the first pick hits one of the best: means, where several are made."""

    hit: float
    events: int
    top: float


@dataclass(frozen=True)
class CutGrade:
    """Cuts found in all, those of them that are true, and the true ones by how they are made, all and found."""

    found: int = 0
    right: int = 0
    true: Counter[str] = field(default_factory=Counter)
    matched: Counter[str] = field(default_factory=Counter)


def hits(pick: Span, event: Event) -> bool:
    """Half of the shorter of both lies within the other."""
    shared = min(pick[1], event.end) - max(pick[0], event.start)
    shorter = min(pick[1] - pick[0], event.end - event.start)
    return shorter > 0 and shared >= 0.5 * shorter


def within_budget(picks: Iterable[Span], seconds: float) -> list[Span]:
    """The best-ranked picks that together last so long at most; one that would be too much is passed over."""
    kept: list[Span] = []
    for pick in picks:
        if sum(end - start for start, end in [*kept, pick]) <= seconds:
            kept.append(pick)
    return kept


def grade_picks(truth: Truth, ranked: Sequence[Span]) -> PickGrade:
    """Of picks in order, the best first."""
    picks = within_budget(ranked[:MOST_PICKS], BUDGET * truth.seconds)
    hit = sum(any(hits(pick, event) for pick in picks) for event in truth.events)
    top = bool(ranked) and any(hits(ranked[0], event) for event in truth.best)
    return PickGrade(hit, len(truth.events), float(top))


def mean_grade(truth: Truth, rankings: Sequence[Sequence[Span]]) -> PickGrade:
    grades = [grade_picks(truth, ranked) for ranked in rankings]
    hit, top = (float(np.mean(values)) for values in zip(*((g.hit, g.top) for g in grades), strict=True))
    return PickGrade(hit, len(truth.events), top)


def grade_cuts(true: Sequence[TrueCut], found: Sequence[float]) -> CutGrade:
    """Each found cut, in time order, takes the nearest true one within reach that none took before."""
    left, matched = list(true), Counter[str]()
    for time in sorted(found):
        near = [cut for cut in left if abs(cut.time - time) <= TOLERANCE + 1e-9]
        if near:
            nearest = min(near, key=lambda cut: abs(cut.time - time))
            left.remove(nearest)
            matched[nearest.how] += 1
    return CutGrade(len(found), matched.total(), Counter(cut.how for cut in true), matched)


def total_cuts(grades: Iterable[CutGrade]) -> CutGrade:
    total = CutGrade()
    for grade in grades:
        true, matched = total.true + grade.true, total.matched + grade.matched
        total = CutGrade(total.found + grade.found, total.right + grade.right, true, matched)
    return total


class Plain:
    """The two curves that baselines go by, measured as plainly as can be, while samples and sound stream in."""

    def __init__(self) -> None:
        self._before: NDArray[np.int16] | None = None
        self._times: list[float] = []
        self._changes: list[float] = []
        self._power: dict[int, list[float]] = {}

    def add(self, samples: Samples | None, sounds: Sequence[Sound]) -> None:
        if samples is not None:
            for time, grey in zip(samples.times, samples.grey.astype(np.int16), strict=True):
                if self._before is not None:
                    self._changes.append(float(np.abs(grey - self._before).mean()))
                    self._times.append(float(time))
                self._before = grey
        for sound in sounds:
            hop = round(0.05 * 16_000)
            for begin in range(0, len(sound.pcm), hop):
                place = int((sound.start + begin / 16_000) / STEP)
                self._power.setdefault(place, []).append(float((sound.pcm[begin : begin + hop] ** 2).mean()))

    def motion(self, seconds: float) -> Curve:
        """Mean change of a pixel from one sample to the next."""
        values: dict[int, list[float]] = {}
        for time, change in zip(self._times, self._changes, strict=True):
            values.setdefault(int(time / STEP), []).append(change)
        return _curve(values, seconds)

    def loudness(self, seconds: float) -> Curve | None:
        """Power; None where nothing is heard from end to end."""
        curve = _curve(self._power, seconds)
        return curve if curve.max() > 1e-9 else None


def peaks(curve: Curve, seconds: float) -> list[Span]:
    """Picks about the highest points, one after the other, none over another."""
    length, left = _length(seconds), curve.copy()
    picks: list[Span] = []
    times = (np.arange(len(curve)) + 0.5) * STEP
    while len(picks) < MOST_PICKS and np.isfinite(left).any():
        middle = float(times[int(np.argmax(left))])
        start = min(max(0.0, middle - length / 2), seconds - length)
        if all(start >= end or start + length <= begin for begin, end in picks):
            picks.append((start, start + length))
        left[np.abs(times - middle) < length / 2] = -np.inf
    return picks


def evenly(seconds: float) -> list[list[Span]]:
    """As many as may be, evenly spread; each once as the first, as nothing ranks them."""
    length, count = _length(seconds), _count(seconds)
    gap = (seconds - count * length) / count
    picks = [(gap / 2 + number * (length + gap), gap / 2 + number * (length + gap) + length) for number in range(count)]
    return [picks[first:] + picks[:first] for first in range(count)]


def at_random(seconds: float, seed: int) -> list[list[Span]]:
    """Many choices of as many picks as may be, anywhere but over each other, in any order."""
    random, length, count = np.random.default_rng(seed), _length(seconds), _count(seconds)
    rankings = []
    for _ in range(DRAWS):
        starts = np.sort(random.uniform(0, seconds - count * length, count)) + length * np.arange(count)
        rankings.append([(float(start), float(start) + length) for start in random.permutation(starts)])
    return rankings


def baselines(truth: Truth, plain: Plain, seed: int) -> dict[str, PickGrade]:
    """What each would get under the same rules. Where nothing is heard, the loudest is as good as evenly spread."""
    loudness = plain.loudness(truth.seconds)
    return {
        "random": mean_grade(truth, at_random(truth.seconds, seed)),
        "uniform": mean_grade(truth, evenly(truth.seconds)),
        "loudest": mean_grade(truth, evenly(truth.seconds) if loudness is None else [peaks(loudness, truth.seconds)]),
        "most motion": mean_grade(truth, [peaks(plain.motion(truth.seconds), truth.seconds)]),
    }


def _length(seconds: float) -> float:
    return min(PICK_SECONDS, BUDGET * seconds)


def _count(seconds: float) -> int:
    return max(1, min(MOST_PICKS, int(BUDGET * seconds / _length(seconds) + 1e-9)))


def _curve(values: dict[int, list[float]], seconds: float) -> Curve:
    steps = max(1, int(np.ceil(seconds / STEP)))
    curve = np.zeros(steps)
    for place, measured in values.items():
        curve[min(max(place, 0), steps - 1)] = float(np.mean(measured))
    return curve
