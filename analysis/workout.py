"""Puts a workout together: its sets, what happens between them, and the windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.significance import evidence
from analysis.windows import rate_windows, shown_curves, steps_of
from schemas import Pause, Signals, Workout, WorkoutParams, WorkoutSet

LEAST_PAUSE = 0.5
"""Seconds; less between two sets is none."""

STILL_MOTION, ABOUT_MOTION = 0.015, 0.06
"""Widths a second below which somebody at rest is nearly still, and from which they move about: walking across a
picture filmed from some way off reaches 0.1."""

CUT_SECONDS = 1.0
"""A pause that begins and ends so near to cuts is a shot of its own."""


def put_together(signals: Signals, sets: Sequence[WorkoutSet], params: WorkoutParams) -> Workout:
    """`sets` in time order. A video without any is one pause."""
    found = evidence(signals)
    kept = [one for one in sets if one.start < signals.duration_seconds]
    return Workout(
        sets=kept,
        pauses=_pauses(signals, kept),
        windows=rate_windows(signals, found, params.segment_duration),
        curves=shown_curves(signals, found),
        warnings=_warnings(kept),
    )


def _pauses(signals: Signals, sets: Sequence[WorkoutSet]) -> list[Pause]:
    edges = [0.0, *(edge for one in sets for edge in (one.start, one.end)), signals.duration_seconds]
    spans = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= LEAST_PAUSE]
    return [Pause(start, end, _activity(signals, start, end)) for start, end in spans]


def _activity(signals: Signals, start: float, end: float) -> str:
    usual = float(np.median(signals.motion[steps_of(signals, start, end)]))
    words = "nearly still" if usual < STILL_MOTION else "moving a little" if usual < ABOUT_MOTION else "moving about"
    if signals.cuts and all(_near_cut(signals, edge) for edge in (start, end)):
        return f"Another shot: {words}"
    return f"At rest: {words}"


def _near_cut(signals: Signals, time: float) -> bool:
    edges = (0.0, *signals.cuts, signals.duration_seconds)
    return any(abs(time - edge) < CUT_SECONDS for edge in edges)


def _warnings(sets: Sequence[WorkoutSet]) -> list[str]:
    if not sets:
        return ["No repeated movement was found, so the whole video counts as rest"]
    uncounted = sum(one.method == "none" for one in sets)
    if uncounted:
        which = "1 set was" if uncounted == 1 else f"{uncounted} sets were"
        return [f"{which} found whose repetitions could not be counted with confidence"]
    return []
