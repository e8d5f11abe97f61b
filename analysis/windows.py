"""Cuts a video into the even windows that are rated, and curves into what a person is shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.fusion import fused
from analysis.significance import Curve, Evidence, level_curves, levels, score
from analysis.words import describe
from schemas import Curves, Glance, Signals, Window

SHORTEST_TAIL = 0.5
"""Seconds below which the last window joins the one before it."""

MOST_POINTS = 2000
"""Points of a curve at most: as many as a wide screen has columns."""

BEST_SHARE = 0.4
"""A stretch is rated by the mean over this best share of its steps, so that an event need not fill it."""


def spans(duration: float, length: float) -> list[tuple[float, float]]:
    """Start and end in seconds of consecutive windows that cover the video."""
    starts = [float(at) for at in np.arange(0.0, duration, length)]
    if len(starts) > 1 and duration - starts[-1] < SHORTEST_TAIL:
        starts.pop()
    return list(zip(starts, [*starts[1:], duration], strict=True))


def steps_of(signals: Signals, start: float, end: float) -> slice:
    """The steps that a stretch of seconds covers for the larger part, at least one."""
    first = min(round(start / signals.step_seconds), len(signals.motion) - 1)
    return slice(first, max(first + 1, round(end / signals.step_seconds)))


def strength(total: Curve) -> float:
    """Mean of the best steps, 0-1."""
    most = max(1, round(BEST_SHARE * len(total)))
    return float(np.partition(total, -most)[-most:].mean())


def rate_windows(
    signals: Signals,
    evidence: Evidence,
    length: float,
    swept: Sequence[Glance | None] = (),
    asked_for: bool = False,
) -> list[Window]:
    """By signals, and by what a model says of each where it looked at them. `asked_for` if it was asked for something
    by name."""
    windows: list[Window] = []
    parts = [(start, end, steps_of(signals, start, end)) for start, end in spans(signals.duration_seconds, length)]
    glances = [*swept, *[None] * len(parts)][: len(parts)]
    strengths = fused([strength(evidence.total[part]) for _, _, part in parts], glances, asked_for)
    for number, ((start, end, part), strong) in enumerate(zip(parts, strengths, strict=True), 1):
        windows.append(
            Window(
                number=number,
                start=start,
                end=end,
                score=score(strong),
                levels=levels(signals, part),
                words=describe(signals, evidence, part),
            )
        )
    return windows


def shown_curves(signals: Signals, evidence: Evidence) -> Curves:
    """At most MOST_POINTS points, each the highest of the steps it stands for, so that no peak is lost."""
    together = -(-len(evidence.total) // MOST_POINTS)
    motion, loudness = level_curves(signals)
    return Curves(
        step_seconds=round(signals.step_seconds * together, 6),
        significance=_peaks(1 + 9 * evidence.total, together),
        motion=_peaks(motion, together),
        loudness=None if loudness is None else _peaks(loudness, together),
    )


def _peaks(curve: Curve, together: int) -> list[float]:
    return [round(float(value), 3) for value in np.maximum.reduceat(curve, np.arange(0, len(curve), together))]
