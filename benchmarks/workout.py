"""Counts drawn workouts and says how often it is right, beside two simple ways of counting.

python -m benchmarks.workout [--half evaluation] [--number 4] [--keep FOLDER] [--only CONDITION] [--each]
python -m benchmarks.workout --fit      weighs the evidence for a count anew, on the tuning half
python -m benchmarks.workout --curve    how time and memory grow with the length of a video
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import blas  # noqa: F401  # before numpy, as the service has it

# isort: split
import numpy as np
from numpy.typing import NDArray

from analysis.finder import SetFinder
from analysis.flow import RATE, Flow, FlowTrack
from analysis.sets import readings
from analysis.trust import LEAST_CONFIDENCE, WEIGHTS, evidence
from benchmarks.drawn_workouts.footage import Watched, watch
from benchmarks.drawn_workouts.plans import CONDITIONS
from benchmarks.drawn_workouts.scripts import TrueSet
from schemas import WorkoutSet

HELD = 0.5
"""How small the weights of the evidence are held: real footage is less even than what is drawn here, and a fit that is
sharp on the one would withhold good counts of the other."""

INVENTED = 2.0
"""How many times a count where nothing is done weighs in the fit: it is worse than one that is two off."""

SURE = 0.8
"""Confidence from which at most one count in twenty may be wrong."""

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


def count(watched: Watched) -> list[WorkoutSet]:
    """By the service's own road: looked at again and again while the flow comes in."""
    track = FlowTrack()
    finder = SetFinder(track)
    shape = (-1, watched.flow.columns, 2)
    for step, (values, grey) in enumerate(zip(watched.flow.values, watched.flow.grey, strict=True)):
        track.add(step / RATE, (step + 1) / RATE, values.reshape(shape), grey.reshape(shape[:2]))
        while finder.due:
            finder.look(tuple(cut for cut in watched.cuts if cut >= finder.begin))
    finder.look(tuple(cut for cut in watched.cuts if cut >= finder.begin), last=True)
    return finder.sets


def grade(watched: Watched, found: Sequence[WorkoutSet]) -> Outcome:
    working = [one for one in watched.sets if not one.held]
    belongs = [_belongs_to(one, working) for one in found]
    graded, sure = [], []
    for number, true in enumerate(working):
        mine = [one for one, place in zip(found, belongs, strict=True) if place == number and one.count is not None]
        counted = sum(one.count or 0 for one in mine)
        graded.append(Graded(true.reps, _kindly(true, counted), _turns_found(true, mine), _within(true, mine)))
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


def _kindly(true: TrueSet, counted: int) -> int:
    """Moves from side to side may be counted by the side or by the pair."""
    return 2 * counted if true.alternating and abs(2 * counted - true.reps) < abs(counted - true.reps) else counted


def _within(true: TrueSet, mine: Sequence[WorkoutSet]) -> bool | None:
    """Whether the true count lies in the ranges told, taken together."""
    if not mine:
        return None
    low, high = (sum(getattr(one, edge) or 0 for one in mine) for edge in ("low", "high"))
    return low <= true.reps <= high or (true.alternating and 2 * low <= true.reps <= 2 * high)


def _belongs_to(one: WorkoutSet, working: Sequence[TrueSet]) -> int | None:
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


def fit(watched: Sequence[Watched]) -> dict[str, float]:
    """Weights of the evidence for a count: logistic regression, by gradient, held small."""
    seen, right, weighs = [], [], []
    for one in watched:
        working = [true for true in one.sets if not true.held]
        for found in readings(one.flow, one.cuts):
            span = WorkoutSet(found.first / RATE, found.end / RATE, "periodic", 1, 1, 1, None, (), 1.0, 0, 1)
            place = _belongs_to(span, working)
            true = working[place] if place is not None else None
            seen.append(evidence(found))
            off = abs(_kindly(true, len(found.reps)) - true.reps) if true else None
            right.append(true is not None and off is not None and off <= (1 if true.reps > 4 else 0))
            weighs.append(1.0 if true else INVENTED)
    weights = _regressed(np.array(seen), np.array(right, float), np.array(weighs))
    return dict(zip(WEIGHTS, weights.round(2).tolist(), strict=True))


def _regressed(
    seen: NDArray[np.float64], right: NDArray[np.float64], weighs: NDArray[np.float64]
) -> NDArray[np.float64]:
    middle, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-9
    middle[0], spread[0] = 0.0, 1.0
    scaled = (seen - middle) / spread
    weights = np.zeros(seen.shape[1])
    for _ in range(3000):
        likely = 1 / (1 + np.exp(-scaled @ weights))
        held = HELD * weights * (np.arange(len(weights)) > 0)
        weights += 0.05 * (5 * scaled.T @ (weighs * (right - likely)) / weighs.sum() - held)
    raw = weights / spread
    raw[0] = weights[0] - float((weights[1:] * middle[1:] / spread[1:]).sum())
    return np.asarray(raw)


def curve(watched: Watched) -> Iterator[str]:
    """One drawn workout over and over, for as long as asked."""
    for minutes in (5, 15, 45):
        times = int(np.ceil(minutes * 60 / watched.seconds))
        long = _cut(watched, times, minutes * 600)
        began = time.process_time()
        found = count(long)
        took = time.process_time() - began
        tracemalloc.start()
        count(_cut(long, 1, 1200))
        most = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        pace = minutes * 60 / took
        yield f"{minutes:3} min: {took:6.1f} s of processor time, {pace:6.0f} × real time, {len(found)} sets"
        if minutes == 5:
            yield f"         at most {most:.0f} MB at work in two minutes of it"


def _cut(watched: Watched, times: int, steps: int) -> Watched:
    """So many steps of a workout done so many times over."""
    values, grey = (np.concatenate([part] * times)[:steps] for part in (watched.flow.values, watched.flow.grey))
    flow = Flow(0.0, values, watched.flow.columns, grey)
    return Watched(watched.name, watched.condition, steps / RATE, (), flow, ())


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--half", choices=("tuning", "evaluation"), default="evaluation")
    ask.add_argument("--number", type=int, default=4, help="of workouts a condition")
    ask.add_argument("--keep", type=Path, help="folder in which what was measured is kept for the next run")
    ask.add_argument("--only", choices=CONDITIONS)
    ask.add_argument("--each", action="store_true", help="print every set that is wrong")
    ask.add_argument("--fit", action="store_true")
    ask.add_argument("--curve", action="store_true")
    asked = ask.parse_args()
    half = "tuning" if asked.fit or asked.curve else asked.half
    conditions = (asked.only,) if asked.only else ("clean",) if asked.curve else CONDITIONS
    numbers = range(1 if asked.curve else asked.number)
    watched = [watch(half, condition, number, asked.keep) for condition in conditions for number in numbers]
    if asked.curve:
        print(*curve(watched[0]), sep="\n")
        return
    if asked.fit:
        print(fit(watched))
        return
    outcomes = []
    for one in watched:
        outcomes.append(grade(one, count(one)))
        if asked.each:
            wrong = [(a.exercise, b.true, b.counted) for a, b in _named(one, outcomes[-1]) if b.off]
            print(one.name, wrong, f"{outcomes[-1].false_sets} invented")
    print(*table(outcomes), sep="\n")
    print(f"Counts below a confidence of {LEAST_CONFIDENCE} are withheld, and stand as 0 above.")


def _named(watched: Watched, outcome: Outcome) -> list[tuple[TrueSet, Graded]]:
    return list(zip([one for one in watched.sets if not one.held], outcome.graded, strict=True))


if __name__ == "__main__":
    main()
