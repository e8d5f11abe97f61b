"""Puts a workout together: its sets, what happens between them, and the windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.flow import LONGEST_GAP
from analysis.significance import evidence
from analysis.windows import rate_windows, shown_curves, steps_of
from schemas import Pause, Signals, Workout, WorkoutParams, WorkoutSet

LEAST_PAUSE = 0.5
"""Seconds; less between two sets is none."""

STILL_MOTION, ABOUT_MOTION = 0.015, 0.06
"""Widths a second below which somebody at rest is nearly still, and from which they move about: walking across a
picture filmed from some way off reaches 0.1."""

CUT_SECONDS = 1.0
"""From the end of a set to a cut at most that parts it from what is beside it."""

TOO_FEW_PICTURES = (
    "The video has fewer than two pictures a second, too few to see repetitions: send one with ten or more"
)

TOO_SHORT = "No repeated movement was found: the video is too short for one"


def put_together(signals: Signals, sets: Sequence[WorkoutSet], params: WorkoutParams) -> Workout:
    """`sets` in time order. A video without any is one pause, if it lasts as long as one."""
    found = evidence(signals)
    kept = within(sets, signals.duration_seconds)
    pauses = _pauses(signals, kept)
    return Workout(
        sets=kept,
        pauses=pauses,
        windows=rate_windows(signals, found, params.segment_duration),
        curves=shown_curves(signals, found),
        warnings=_warnings(signals, kept, pauses),
        readable=_readable(signals),
    )


def within(sets: Sequence[WorkoutSet], duration: float) -> list[WorkoutSet]:
    """None of them after the video's end: flow is read in whole steps, and may have half a one more."""
    return [_cut_at(one, duration) for one in sets if one.start < duration]


def _cut_at(one: WorkoutSet, end: float) -> WorkoutSet:
    reps = tuple(
        replace(rep, start=min(rep.start, end), turn=min(rep.turn, end), end=min(rep.end, end)) for rep in one.reps
    )
    return replace(one, end=min(one.end, end), reps=reps)


def _readable(signals: Signals) -> bool:
    return signals.apart <= LONGEST_GAP


def _pauses(signals: Signals, sets: Sequence[WorkoutSet]) -> list[Pause]:
    edges = [0.0, *(edge for one in sets for edge in (one.start, one.end)), signals.duration_seconds]
    spans = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= LEAST_PAUSE]
    return [Pause(start, end, _activity(signals, start, end)) for start, end in spans]


def _activity(signals: Signals, start: float, end: float) -> str:
    if not _readable(signals):
        return "Not known: too few pictures a second"
    usual = float(np.median(signals.motion[steps_of(signals, start, end)]))
    words = "nearly still" if usual < STILL_MOTION else "moving a little" if usual < ABOUT_MOTION else "moving about"
    return f"{'Another shot' if _another_shot(signals, start, end) else 'At rest'}: {words}"


def _another_shot(signals: Signals, start: float, end: float) -> bool:
    """Whether cuts part it from each set beside it, and none lies within. All of a video has no set beside it."""
    sides = [edge for edge in (start, end) if 0 < edge < signals.duration_seconds]
    if any(start + CUT_SECONDS <= cut <= end - CUT_SECONDS for cut in signals.cuts):
        return False
    near = [_near(signals.cuts, edge) for edge in sides]
    return bool(sides) and None not in near and len(set(near)) == len(sides)


def _near(cuts: Sequence[float], edge: float) -> float | None:
    """The cut that is nearest to the end of a set, if it is near."""
    away, cut = min([(abs(cut - edge), cut) for cut in cuts], default=(CUT_SECONDS, None))
    return cut if away < CUT_SECONDS else None


def _warnings(signals: Signals, sets: Sequence[WorkoutSet], pauses: Sequence[Pause]) -> list[str]:
    if not _readable(signals):
        return [TOO_FEW_PICTURES]
    if not sets:
        return ["No repeated movement was found, so the whole video counts as rest" if pauses else TOO_SHORT]
    uncounted = sum(one.method == "none" for one in sets)
    if uncounted:
        which = "1 set was" if uncounted == 1 else f"{uncounted} sets were"
        return [f"{which} found whose repetitions could not be counted with confidence"]
    return []
