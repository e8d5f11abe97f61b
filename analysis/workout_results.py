"""A workout as the records that leave the house."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.form import pace, remarks
from analysis.times import clock, span_of, whole_ms
from schemas import (
    ExerciseStep,
    ObservationResult,
    Pause,
    RepEvent,
    Rest,
    Tempo,
    Window,
    Workout,
    WorkoutSet,
    WorkoutSummary,
)


def exercise_step(one: WorkoutSet, thumbnail: str | None = None) -> ExerciseStep:
    """One set. A model may name its exercise; motion alone gives it a letter."""
    return ExerciseStep(
        exercise_name=exercise_of(one),
        exercise_source="model" if one.name else "motion",
        **span_of(one.start, one.end),
        description=_description(one),
        movement_phase=one.phase or ("hold" if one.method == "hold" else "exercise"),
        set_index=one.set_index,
        reps=one.count,
        reps_range=None if one.low is None or one.high is None else (one.low, one.high),
        count_unit=one.unit,
        tempo=_tempo(one),
        rep_events=[
            RepEvent(
                n=number,
                start=whole_ms(rep.start),
                turn=whole_ms(rep.turn),
                end=whole_ms(rep.end),
                range_rel=round(rep.range_rel, 2),
                partial=rep.partial,
            )
            for number, rep in enumerate(one.reps, 1)
        ],
        observations=[ObservationResult(code=remark.code, text=remark.text) for remark in remarks(one)],
        confidence=_shown(one.confidence),
        method=one.method,
        thumbnail_url=thumbnail,
    )


def _shown(confidence: float) -> float:
    """To two digits, and never upwards: it would seem to reach a limit that it did not when the count was withheld."""
    return math.floor(confidence * 100 + 1e-6) / 100


def rest(pause: Pause) -> Rest:
    span = span_of(pause.start, pause.end)
    del span["timestamp_formatted"]
    return Rest(**span, activity=pause.activity)


def exercise_of(one: WorkoutSet) -> str:
    return one.name or exercise_name(one.exercise)


def exercise_name(number: int) -> str:
    """Exercise A to Z, then AA, AB, …"""
    letters = ""
    left = number + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"Exercise {letters}"


def set_in(window: Window, sets: Sequence[WorkoutSet]) -> WorkoutSet | None:
    """The set that fills most of a window, if one fills a third of it."""
    shares = [(min(one.end, window.end) - max(one.start, window.start), one) for one in sets]
    most, filling = max(shares, key=lambda share: share[0], default=(0.0, None))
    return filling if most > (window.end - window.start) / 3 else None


def summary(found: Workout, duration: float) -> WorkoutSummary:
    """`total_reps` adds up what was counted; None where nothing was."""
    counted = [one.count for one in found.sets if one.count is not None]
    work = sum(one.end - one.start for one in found.sets)
    resting = sum(pause.end - pause.start for pause in found.pauses)
    return WorkoutSummary(
        total_exercises_identified=_exercises(found.sets),
        total_sets=len(found.sets),
        total_reps=sum(counted) if counted else None,
        work_seconds=round(work, 2),
        rest_seconds=round(resting, 2),
        video_duration_formatted=clock(duration),
        text=_text(found, counted, work, duration),
    )


def _text(found: Workout, counted: list[int], work: float, duration: float) -> str:
    sets, whole = found.sets, int(duration)
    if not sets:
        why = "nothing repeats, and no posture is held" if found.readable else "too few pictures a second to tell"
        return f"No sets in {clock(whole)}: {why}"
    # In whole seconds, of which what is too short for a pause is part of the one or the other.
    worked = min(round(work), whole) if found.pauses else whole
    parts = [f"{_many(len(sets), 'set')} of {_many(_exercises(sets), 'exercise')}"]
    if counted:
        parts.append(f"{_many(sum(counted), 'repetition')} counted")
    held = [one for one in sets if one.method == "hold"]
    if held:
        holding = min(round(sum(one.end - one.start for one in held)), worked)
        parts.append(f"{_many(len(held), 'hold')} ({clock(holding)})")
    uncounted = sum(one.method == "none" for one in sets)
    if uncounted:
        parts.append(f"{_many(uncounted, 'set')} not counted")
    return f"{', '.join(parts)}; {clock(worked)} of work and {clock(whole - worked)} of rest in {clock(whole)}"


def _exercises(sets: Sequence[WorkoutSet]) -> int:
    return len({exercise_of(one) for one in sets})


def _many(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _description(one: WorkoutSet) -> str:
    """What was measured, and then what a model says."""
    measured = _measured(one)
    return f"{measured}. {one.told}" if one.told else measured


def _measured(one: WorkoutSet) -> str:
    seconds = one.end - one.start
    if one.method == "hold":
        return f"A posture held for {seconds:.0f} seconds"
    if one.count is None:
        return f"A movement repeated for {seconds:.0f} seconds, not counted with confidence"
    measured = pace(one)
    each = f", {measured.seconds:.1f} seconds each" if measured and one.count > 1 else ""
    sides = ", from side to side" if one.unit == "each side" else ""
    return f"{_many(one.count, 'repetition')} in {seconds:.0f} seconds{each}{sides}"


def _tempo(one: WorkoutSet) -> Tempo | None:
    measured = pace(one)
    if measured is None:
        return None
    return Tempo(
        seconds_per_rep=round(measured.seconds, 2),
        reps_per_minute=round(60 / measured.seconds, 1),
        variation=round(measured.variation, 3),
        trend=round(measured.trend, 3),
    )
