"""Counts drawn workouts and says how often it is right, beside two simple ways of counting.

python -m benchmarks.workout [--half evaluation] [--number N] [--keep FOLDER] [--only CONDITION] [--each]
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
from benchmarks.drawn_workouts.footage import Watched, code_hash, watch
from benchmarks.drawn_workouts.plans import CONDITIONS
from benchmarks.drawn_workouts.scripts import TrueSet
from benchmarks.speed.report import Line, Room
from benchmarks.workout_grading import SURE, Graded, Outcome, belongs_to, grade, kindly, table, told
from schemas import WorkoutSet

HELD = 0.5
"""How small the weights of the evidence are held: real footage is less even than what is drawn here, and a fit that is
sharp on the one would withhold good counts of the other."""

LENIENT = 0.3
"""Added to what is fitted: fewer good counts are withheld, and of readings of exercises left out of the fit 5 % of the
sure ones are wrong instead of 3 %."""

USUAL_NUMBER, MORE, MORE_NUMBER = 4, ("clean", "hand-held", "slow", "irregular", "pauses", "dance", "talk"), 6
"""Workouts of a condition, and of those of which most is asked."""

INVENTED = 2.0
"""How many times a count where nothing is done weighs in the fit: it is worse than one that is two off."""


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


def bench_workout(room: Room) -> list[Line]:
    """For `make bench`: the tuning half, which may be run as often as is wanted."""
    conditions, number = (CONDITIONS[:1], 1) if room.quick else (CONDITIONS, 2)
    folder = room.footage / f"workouts-{code_hash()}"
    watched = [watch("tuning", condition, each, folder) for condition in conditions for each in range(number)]
    return told([grade(one, count(one)) for one in watched])


@dataclass(frozen=True)
class _Evidence:
    """For each reading of the tuning half: what was measured of it, whether it is right, what it weighs, and the
    exercise it is of, nothing for none."""

    seen: NDArray[np.float64]
    right: NDArray[np.float64]
    weighs: NDArray[np.float64]
    exercise: NDArray[np.str_]


def _evidence(watched: Sequence[Watched]) -> _Evidence:
    seen, right, weighs, exercise = [], [], [], []
    for one in watched:
        working = [true for true in one.sets if not true.held]
        for found in readings(one.flow, one.cuts):
            span = WorkoutSet(found.first / RATE, found.end / RATE, "periodic", 1, 1, 1, None, (), 1.0, 0, 1)
            place = belongs_to(span, working)
            true = working[place] if place is not None else None
            seen.append(evidence(found))
            off = abs(kindly(true, len(found.reps)) - true.reps) if true else None
            right.append(true is not None and off is not None and off <= (1 if true.reps > 4 else 0))
            weighs.append(1.0 if true else INVENTED)
            exercise.append(true.exercise if true else "")
    return _Evidence(np.array(seen), np.array(right, float), np.array(weighs), np.array(exercise))


def fit(watched: Sequence[Watched]) -> Iterator[str]:
    """Weights of the evidence for a count: logistic regression, by gradient, held small; and how it does on exercises
    that it was not fitted on."""
    known = _evidence(watched)
    weights = _regressed(known.seen, known.right, known.weighs)
    yield str(dict(zip(WEIGHTS, weights.round(2).tolist(), strict=True)))
    likely = np.zeros(len(known.right))
    for left_out in sorted(set(known.exercise.tolist())):
        out = known.exercise == left_out
        fitted = _regressed(known.seen[~out], known.right[~out], known.weighs[~out])
        likely[out] = 1 / (1 + np.exp(-known.seen[out] @ fitted))
    right, sure, told = known.right > 0, likely >= SURE, likely >= LEAST_CONFIDENCE
    yield (
        f"each exercise left out in turn: {sure.sum()} of {len(sure)} readings sure, {(sure & ~right).sum()} of them"
        f" wrong; {(right & ~told).sum()} of {right.sum()} right ones withheld"
    )


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
    raw[0] = weights[0] - float((weights[1:] * middle[1:] / spread[1:]).sum()) + LENIENT
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
    ask.add_argument("--number", type=int, help=f"of workouts a condition ({USUAL_NUMBER}, or {MORE_NUMBER})")
    ask.add_argument("--keep", type=Path, help="folder in which what was measured is kept for the next run")
    ask.add_argument("--only", choices=CONDITIONS)
    ask.add_argument("--each", action="store_true", help="print every set that is wrong")
    ask.add_argument("--fit", action="store_true")
    ask.add_argument("--curve", action="store_true")
    asked = ask.parse_args()
    half = "tuning" if asked.fit or asked.curve else asked.half
    conditions = (asked.only,) if asked.only else ("clean",) if asked.curve else CONDITIONS
    watched = [
        watch(half, condition, number, asked.keep)
        for condition in conditions
        for number in range(1 if asked.curve else asked.number or _usual_number(condition))
    ]
    if asked.curve:
        print(*curve(watched[0]), sep="\n")
        return
    if asked.fit:
        print(*fit(watched), sep="\n")
        return
    outcomes = []
    for one in watched:
        outcomes.append(grade(one, count(one)))
        if asked.each:
            wrong = [(a.exercise, b.true, b.counted) for a, b in _named(one, outcomes[-1]) if b.off]
            print(one.name, wrong, f"{outcomes[-1].false_sets} invented")
    print(*table(outcomes), sep="\n")
    print(f"Counts below a confidence of {LEAST_CONFIDENCE} are withheld, and stand as 0 above.")


def _usual_number(condition: str) -> int:
    return MORE_NUMBER if condition in MORE else USUAL_NUMBER


def _named(watched: Watched, outcome: Outcome) -> list[tuple[TrueSet, Graded]]:
    return list(zip([one for one in watched.sets if not one.held], outcome.graded, strict=True))


if __name__ == "__main__":
    main()
