"""Tells work from rest by motion alone; it neither counts repetitions nor names exercises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.significance import Curve, evidence, smooth
from analysis.windows import rate_windows, shown_curves
from schemas import Signals, Stretch, Workout, WorkoutParams

SMOOTH_SECONDS = 0.75
"""Spread of the bell that motion is seen through: the still turn between two repetitions is no rest."""

STILL_MOTION = 0.015
"""Widths a second taken for stillness at most, whatever else the video shows."""

WORK_MOTION = 0.035
"""Widths a second without which nothing is work: slow push-ups, filmed whole, reach 0.065 on average."""

START_SHARE, STAY_SHARE = 0.35, 0.18
"""Work begins above the first share of the video's brisk motion (its 90th percentile) and lasts above the second."""

LEAST_WORK, LEAST_REST = 3.0, 2.0
"""Seconds; anything shorter belongs to what lies around it. A single repetition takes two to three."""


def find_stretches(signals: Signals, params: WorkoutParams) -> Workout:
    """Work and rest in turn, covering the video. A video without motion is one rest."""
    found = evidence(signals)
    motion = smooth(signals.motion, SMOOTH_SECONDS / signals.step_seconds)
    brisk = float(np.percentile(motion, 90))
    start, stay = max(WORK_MOTION, START_SHARE * brisk), max(STILL_MOTION, STAY_SHARE * brisk)
    working = _long_enough(hysteresis(motion, start, stay), signals.step_seconds)
    stretches = [
        _stretch(signals, motion, first, end, bool(working[first]), (start + stay) / 2) for first, end in _runs(working)
    ]
    return Workout(
        stretches=stretches,
        windows=rate_windows(signals, found, params.segment_duration),
        curves=shown_curves(signals, found),
        warnings=[] if working.any() else ["No lasting motion was found, so the whole video counts as rest"],
    )


def hysteresis(curve: Curve, start: float, stay: float) -> NDArray[np.bool_]:
    """True over every stretch above `stay` that somewhere reaches `start`."""
    held = curve >= stay
    result = np.zeros(len(curve), bool)
    for first, end in _runs(held):
        result[first:end] = held[first] and bool((curve[first:end] >= start).any())
    return result


def _long_enough(working: NDArray[np.bool_], step_seconds: float) -> NDArray[np.bool_]:
    """Short rests are closed first, for a set with pauses is one set; then work too short for one is dropped."""
    for wanted, least in ((False, LEAST_REST), (True, LEAST_WORK)):
        result = working.copy()
        for first, end in _runs(working):
            if working[first] == wanted and (end - first) * step_seconds < min(least, len(working) * step_seconds):
                result[first:end] = not wanted
        working = result
    return working


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of every run of equal flags."""
    turns = (np.flatnonzero(flags[1:] != flags[:-1]) + 1).tolist()
    return list(zip([0, *turns], [*turns, len(flags)], strict=True))


def _stretch(signals: Signals, motion: Curve, first: int, end: int, working: bool, between: float) -> Stretch:
    part = slice(first, end)
    last = end == len(motion)
    return Stretch(
        start=first * signals.step_seconds,
        end=signals.duration_seconds if last else end * signals.step_seconds,
        working=working,
        confidence=_confidence(motion[part], between, working) * signals.coverage,
        words=_words(float(np.median(motion[part])), float(motion[part].std()), working),
    )


def _confidence(motion: Curve, between: float, working: bool) -> float:
    """How far the stretch's motion keeps from the line between work and rest: 0.5 on it, 0.9 at four times its value
    or at none. Motion alone cannot tell work from walking about, so never more."""
    usual = float(np.median(motion))
    away = min(1.0, (usual / between - 1) / 3) if working else 1 - usual / between
    return round(0.5 + 0.4 * max(0.0, away), 3)


def _words(usual: float, spread: float, working: bool) -> str:
    if working:
        return "Moving steadily" if spread < 0.5 * usual else "Moving, with pauses"
    return "At rest: nearly still" if usual < STILL_MOTION else "At rest: moving a little"
