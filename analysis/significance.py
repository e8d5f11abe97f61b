"""Turns raw curves into significance: how far each stands out of its video, held down where little truly happens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import SignalLevels, Signals

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Signal:
    """How one signal is judged, in its own unit."""

    weight: float
    """Share of the mixture, before the signals that are absent hand theirs over."""
    alone: float
    """What it may claim with no other signal beside it."""
    clear: float
    """Rise over the video's usual level that anybody notices: full evidence needs it, whatever the statistics say."""
    grain: float
    """Spread that is taken as noise at least, so that a perfectly still video does not magnify a trifle."""


# Clear rises: a person walking past moves at 0.1-0.3 widths a second; 10 dB is heard as twice as loud (Stevens 1955);
# a novelty of 0.4 is another place at the same light.
MOTION = Signal(weight=0.40, alone=1.0, clear=0.15, grain=0.01)
LOUDNESS = Signal(weight=0.20, alone=0.9, clear=10.0, grain=1.5)
ONSETS = Signal(weight=0.12, alone=0.6, clear=0.5, grain=0.1)
NOVELTY = Signal(weight=0.28, alone=1.0, clear=0.4, grain=0.03)

SCALES_SECONDS = (0.2, 0.8)
"""Spreads of the bells that a curve is seen through: the short finds an impact, the long one somebody's presence."""

Z_NOTHING, Z_FULL = 0.5, 4.0
"""Robust deviations from the usual level at which a signal begins to count, and counts in full."""

STRONGEST_SHARE = 0.65
"""How much the strongest signal alone decides: an event often shows in one alone; the mixture decides the rest."""

LASTING_SHARE = 0.2
"""What motion is worth in itself, where all of a video is lively and nothing stands out."""

LIVELY_MOTION = 0.25
"""Widths a second at which motion counts as half of the liveliest: brisk exercise, dance, ball games."""

LOUD_RANGE_DB = 60.0
"""What lies further below full scale is shown as silent."""


@dataclass(frozen=True)
class Evidence:
    """0-1 for every step: `signals` by name, for those that were measured, and the `total`."""

    signals: dict[str, Curve]
    total: Curve


def evidence(signals: Signals) -> Evidence:
    measured = [("motion", MOTION, signals.motion), ("novelty", NOVELTY, signals.novelty)]
    if signals.loudness is not None:
        measured.append(("loudness", LOUDNESS, signals.loudness))
    if signals.onsets is not None:
        measured.append(("onsets", ONSETS, signals.onsets))
    each = {name: standing_out(curve, signal, signals.step_seconds) for name, signal, curve in measured}
    weights = np.array([signal.weight for _, signal, _ in measured])
    stacked = np.stack(list(each.values()))
    mixture = weights @ stacked / weights.sum()
    strongest = (stacked * np.array([signal.alone for _, signal, _ in measured])[:, None]).max(axis=0)
    outstanding = STRONGEST_SHARE * strongest + (1 - STRONGEST_SHARE) * mixture
    lively = smooth(signals.motion, SCALES_SECONDS[-1] / signals.step_seconds)
    lively = lively / (lively + LIVELY_MOTION)
    return Evidence(each, np.clip(outstanding * (1 - LASTING_SHARE * lively) + LASTING_SHARE * lively, 0.0, 1.0))


def standing_out(curve: Curve, signal: Signal, step_seconds: float) -> Curve:
    """0-1: both far from the usual in the video's own terms and clearly so in the signal's unit (geometric mean),
    at the scale at which it shows best."""
    best = np.zeros(len(curve))
    for seconds in SCALES_SECONDS:
        seen = smooth(curve, seconds / step_seconds)
        usual = float(np.median(seen))
        spread = max(signal.grain, 1.4826 * float(np.median(np.abs(seen - usual))))
        relative = np.clip(((seen - usual) / spread - Z_NOTHING) / (Z_FULL - Z_NOTHING), 0.0, 1.0)
        absolute = np.clip((seen - usual) / signal.clear, 0.0, 1.0)
        best = np.maximum(best, np.sqrt(relative * absolute))
    return best


def smooth(curve: Curve, spread: float) -> Curve:
    """Gaussian mean, `spread` in steps; at the ends over what there is, so that no edge is raised or lowered."""
    reach = min(int(np.ceil(3 * spread)), len(curve) - 1)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(spread, 1e-3)) ** 2)
    inside = slice(reach, reach + len(curve))
    weight = np.convolve(np.ones(len(curve)), bell)
    return np.asarray((np.convolve(curve, bell) / weight)[inside], np.float64)


def score(evidence: float) -> float:
    """Evidence 0-1 as significance 1-10, one decimal."""
    return round(1 + 9 * min(1.0, max(0.0, evidence)), 1)


def level_curves(signals: Signals) -> tuple[Curve, Curve | None]:
    """Motion and loudness as 0-1: half at LIVELY_MOTION, and even in dB."""
    motion = signals.motion / (signals.motion + LIVELY_MOTION)
    loudness = None if signals.loudness is None else np.clip(1 + signals.loudness / LOUD_RANGE_DB, 0.0, 1.0)
    return motion, loudness


def levels(signals: Signals, part: slice) -> SignalLevels:
    """Mean levels over a part of the steps."""
    motion, loudness = level_curves(signals)
    return SignalLevels(
        motion=round(float(motion[part].mean()), 3),
        loudness=None if loudness is None else round(float(loudness[part].mean()), 3),
        novelty=round(float(signals.novelty[part].mean()), 3),
    )
