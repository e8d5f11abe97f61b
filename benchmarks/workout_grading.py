"""Grades what was counted in drawn workouts, beside two simple ways of counting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.flow import RATE, Flow
from benchmarks.drawn_workouts.footage import Watched
from benchmarks.drawn_workouts.scripts import TrueSet
from benchmarks.speed.report import Line, Mark
from schemas import WorkoutSet

SURE = 0.8
"""Confidence from which at most one count in twenty may be wrong."""

MOST_SURE_WRONG = 0.05

SLACK = 0.03
"""Of shares: nothing is left to chance in them but the last bits of a decoder's arithmetic."""

SLOWEST, FASTEST = 8.0, 0.5
"""Seconds of a repetition that the simple ways look for."""


@dataclass(frozen=True)
class Graded:
    """A true set, and what was counted in it: 0 for nothing. `within`: whether the range told holds the truth, None
    where none was told."""

    true: int
    counted: int
    turns_found: float
    within: bool | None

    @property
    def off(self) -> int:
        return abs(self.true - self.counted)


@dataclass(frozen=True)
class Outcome:
    """One drawn workout, graded. `sure` are the sets counted with confidence: whether each is right. `together` are
    pairs of sets of one exercise, `apart` of two: whether they bear one name, and two."""

    condition: str
    minutes: float
    graded: tuple[Graded, ...]
    sure: tuple[bool, ...]
    together: tuple[bool, ...]
    apart: tuple[bool, ...]
    false_sets: int
    held: tuple[bool, ...]
    work_right: float
    whole_off: int | None
    bordered: tuple[int, ...]


def grade(watched: Watched, found: Sequence[WorkoutSet]) -> Outcome:
    working = [one for one in watched.sets if not one.held]
    belongs = [belongs_to(one, working) for one in found]
    graded, sure = [], []
    for number, true in enumerate(working):
        mine = [one for one, place in zip(found, belongs, strict=True) if place == number and one.count is not None]
        counted = sum(one.count or 0 for one in mine)
        graded.append(Graded(true.reps, kindly(true, counted), _turns_found(true, mine), _within(true, mine)))
    for one, place in zip(found, belongs, strict=True):
        if one.count is not None and one.confidence >= SURE:
            sure.append(place is not None and graded[place].off <= 1)
    held = [one for one in watched.sets if one.held]
    pairs = list(_pairs(working, found, belongs))
    return Outcome(
        condition=watched.condition,
        minutes=watched.seconds / 60,
        graded=tuple(graded),
        sure=tuple(sure),
        together=tuple(named for same, named in pairs if same),
        apart=tuple(not named for same, named in pairs if not same),
        false_sets=sum(place is None and one.count is not None for one, place in zip(found, belongs, strict=True)),
        held=tuple(any(two.method == "hold" and _overlap(one, two) > 0.7 for two in found) for one in held),
        work_right=_work_right(watched, found),
        whole_off=abs(_beats(watched.flow, 0.0, watched.seconds) - sum(one.reps for one in working))
        if working
        else None,
        bordered=tuple(abs(_beats(watched.flow, one.start, one.end) - one.reps) for one in working),
    )


def _pairs(
    working: Sequence[TrueSet], found: Sequence[WorkoutSet], belongs: Sequence[int | None]
) -> Iterator[tuple[bool, bool]]:
    """Of each two sets found: whether they are of one exercise, and whether they bear one name."""
    mine = [
        (working[place].exercise, one.exercise) for one, place in zip(found, belongs, strict=True) if place is not None
    ]
    for number, (true, name) in enumerate(mine):
        yield from ((true == other_true, name == other_name) for other_true, other_name in mine[:number])


def kindly(true: TrueSet, counted: int) -> int:
    """Moves from side to side may be counted by the side or by the pair."""
    return 2 * counted if true.alternating and abs(2 * counted - true.reps) < abs(counted - true.reps) else counted


def _within(true: TrueSet, mine: Sequence[WorkoutSet]) -> bool | None:
    """Whether the true count lies in the ranges told, taken together."""
    if not mine:
        return None
    low, high = (sum(getattr(one, edge) or 0 for one in mine) for edge in ("low", "high"))
    return low <= true.reps <= high or (true.alternating and 2 * low <= true.reps <= 2 * high)


def belongs_to(one: WorkoutSet, working: Sequence[TrueSet]) -> int | None:
    """The true set that holds more than half of a found one."""
    shares = [min(one.end, true.end) - max(one.start, true.start) for true in working]
    best = int(np.argmax(shares)) if shares else 0
    return best if shares and shares[best] > 0.5 * (one.end - one.start) else None


def _overlap(true: TrueSet, one: WorkoutSet) -> float:
    return (min(one.end, true.end) - max(one.start, true.start)) / (true.end - true.start)


def _turns_found(true: TrueSet, mine: Sequence[WorkoutSet]) -> float:
    """Share of the true turns within half a second of one that was found."""
    turns = np.array([rep.turn for one in mine for rep in one.reps])
    return float(np.mean([len(turns) > 0 and bool((np.abs(turns - turn) < 0.5).any()) for turn in true.turns]))


def _work_right(watched: Watched, found: Sequence[WorkoutSet]) -> float:
    """Share of the time in which work is called work, and rest rest."""
    steps = int(watched.seconds * RATE)
    true, told = np.zeros(steps, bool), np.zeros(steps, bool)
    for mask, spans in ((true, [(s.start, s.end) for s in watched.sets]), (told, [(s.start, s.end) for s in found])):
        for start, end in spans:
            mask[int(start * RATE) : int(end * RATE)] = True
    return float((true == told).mean())


def _beats(flow: Flow, start: float, end: float) -> int:
    """The simple way: the strongest frequency of the strongest direction of motion."""
    part = flow.values[int(start * RATE) : int(end * RATE)].reshape(-1, flow.values.shape[1] * 2).astype(np.float64)
    if len(part) < 4:
        return 0
    way = np.linalg.svd(part.T @ part)[0][:, 0]
    power = np.abs(np.fft.rfft(part @ way, 4 * len(part))) ** 2
    frequencies = np.fft.rfftfreq(4 * len(part), 1 / RATE)
    allowed = (frequencies > 1 / SLOWEST) & (frequencies < 1 / FASTEST)
    return round(float(frequencies[allowed][power[allowed].argmax()]) * (end - start))


def told(outcomes: Sequence[Outcome]) -> list[Line]:
    """All conditions together, for `make bench`."""
    off = np.array([each.off for one in outcomes for each in one.graded])
    simple = np.array([each for one in outcomes for each in one.bordered])
    whole = np.array([one.whole_off for one in outcomes if one.whole_off is not None])
    sure = [right for one in outcomes for right in one.sure]
    invented = sum(one.false_sets for one in outcomes) / sum(one.minutes for one in outcomes) * 10
    within, wrong = float(np.mean(off <= 1)), sure.count(False)
    shares = f"{np.mean(simple <= 1):.2f} by the strongest frequency inside the true borders"
    beside = f"{shares}, {np.mean(whole <= 1):.2f} of videos as a whole"
    return [
        Line(
            f"sets of {len(off)} counted within one",
            f"{within:.2f} beside {beside}",
            mark=Mark("counted", within, SLACK),
        ),
        Line(
            "counted exactly",
            f"{np.mean(off == 0):.2f} beside {np.mean(simple == 0):.2f}",
            mark=Mark("counted exactly", float(np.mean(off == 0)), SLACK),
        ),
        Line(
            f"of {len(sure)} counts that are called sure, wrong by more than one or invented",
            f"{wrong}",
            f"≤ {MOST_SURE_WRONG:.0%}",
            wrong <= MOST_SURE_WRONG * len(sure),
        ),
        Line(
            "sets invented in ten minutes",
            f"{invented:.1f}",
            mark=Mark("invented", invented, SLACK, less_is_better=True),
        ),
    ]


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield (
        f"{'condition':12} {'sets':>4} {'exact':>6} {'±1':>5} {'error':>6} {'range':>6} {'turns':>6} {'work':>6}"
        f" {'false':>6}"
        f"   {'FFT ±1':>7} {'FFT in borders ±1':>18} {'error':>6}"
    )
    for condition in [*dict.fromkeys(one.condition for one in outcomes), "all"]:
        yield _row(condition, [one for one in outcomes if condition in (one.condition, "all")])
    sure = [right for one in outcomes for right in one.sure]
    held = [found for one in outcomes for found in one.held]
    yield f"counted at {SURE} or more: {len(sure)}, wrong by more than one or invented: {sure.count(False)}"
    yield f"holds found: {held.count(True)} of {len(held)}"
    together, apart = [p for one in outcomes for p in one.together], [p for one in outcomes for p in one.apart]
    yield (
        f"pairs of sets of one exercise under one name: {together.count(True)} of {len(together)};"
        f" of two exercises under two: {apart.count(True)} of {len(apart)}"
    )


def _row(condition: str, outcomes: Sequence[Outcome]) -> str:
    graded = [each for one in outcomes for each in one.graded]
    false = sum(one.false_sets for one in outcomes) / sum(one.minutes for one in outcomes) * 10
    work = float(np.mean([one.work_right for one in outcomes]))
    start = f"{condition:12} {len(graded):4}"
    if not graded:
        return f"{start} {'':6} {'':5} {'':6} {'':6} {'':6} {work:6.3f} {false:6.1f}"
    off = np.array([each.off for each in graded])
    told = [each.within for each in graded if each.within is not None]
    error = float(np.mean([min(1.0, each.off / each.true) for each in graded]))
    bordered = np.array([each for one in outcomes for each in one.bordered])
    bordered_error = float(np.mean(np.minimum(1, bordered / np.array([each.true for each in graded]))))
    whole = [one.whole_off <= 1 for one in outcomes if one.whole_off is not None]
    return (
        f"{start} {np.mean(off == 0):6.2f} {np.mean(off <= 1):5.2f} {error:6.3f} {np.mean(told) if told else 0:6.2f}"
        f" {np.mean([each.turns_found for each in graded]):6.2f} {work:6.3f} {false:6.1f}"
        f"   {np.mean(whole):7.2f} {np.mean(bordered <= 1):18.2f} {bordered_error:6.3f}"
    )
