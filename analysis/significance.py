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
    weber: float
    """How much of the usual level a clear rise must be besides: what is much beside nothing is little beside much
    (Weber's law). Nothing for decibels, which are ratios already."""
    grain: float
    """Spread that is taken as noise at least, so that a perfectly still video does not magnify a trifle."""
    usual: float = 0.5
    """Share of the video in which there is less than what counts as usual."""


# Clear rises: a person walking past moves at 0.1-0.3 widths a second; 10 dB is heard as twice as loud (Stevens 1955);
# a novelty of 0.4 is another place at the same light.
# 3 % of the picture is a person in the middle distance, and an empty scene is usual even where visitors fill most of
# the time.
MOTION = Signal(weight=0.35, alone=1.0, clear=0.15, weber=0.5, grain=0.01)
PRESENCE = Signal(weight=0.20, alone=1.0, clear=0.03, weber=0.5, grain=0.004, usual=0.25)
LOUDNESS = Signal(weight=0.20, alone=0.9, clear=10.0, weber=0.0, grain=1.5)
ONSETS = Signal(weight=0.12, alone=0.6, clear=0.5, weber=0.5, grain=0.1)
NOVELTY = Signal(weight=0.25, alone=1.0, clear=0.4, weber=0.0, grain=0.03)

SCALES_SECONDS = (0.12, 0.4, 1.0)
"""Spreads of the bells that a curve is seen through: the short finds a throw, the long one somebody who stays."""

Z_NOTHING, Z_HALF = 0.5, 2.5
"""Robust deviations from the usual level at which a signal begins to count, and counts for half."""

STEEPNESS = 1.5
"""Of the curve from nothing to full evidence: trifles are held down, and what is far beyond doubt still differs."""

STRONGEST_SHARE = 0.65
"""How much the strongest signal alone decides: an event often shows in one alone; the mixture decides the rest."""

LASTING_SHARE = 0.18
"""What motion is worth in itself, where all of a video is lively and nothing stands out."""

CALIBRATION_MIDDLE, CALIBRATION_SLOPE = 0.43, 7.0
"""Evidence that is as much as not worth showing, and how fast that changes: chosen so that what was planted in drawn
videos mostly reaches 6, and what was not does not."""

BLUR_NOTHING_DB, BLUR_FULL_DB, LEAST_VISIBLE = 4.0, 12.0, 0.4
"""Detail that a picture may lack against the video's usual without harm, that which it lacks when blurred beyond
recognition or covered, and what then remains of its significance."""

AROUND_BLUR_SECONDS = 0.5
"""How far around a blurred stretch what happens counts for less as well."""

HANDLING_SECONDS, HANDLING_MOTION = 2.0, 0.05
"""How long a camera is in hand at the ends of what it films, and the widths a second, beyond twice its usual motion, at
which half of what is seen then is put down to that."""

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
    if signals.presence is not None:
        measured.append(("presence", PRESENCE, signals.presence))
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
    seen = visibility(signals) * untouched(signals)
    lasting = LASTING_SHARE * seen * lively / (lively + LIVELY_MOTION)
    return Evidence(each, lasting + (1 - lasting) * calibrated(np.clip(outstanding * seen, 0.0, 1.0)))


def calibrated(total: Curve) -> Curve:
    """0-1 to 0-1, a logistic curve: doubtful evidence is held down, and what is clear is called clear."""
    low, high = (_logistic(np.array(end)) for end in (0.0, 1.0))
    return np.asarray((_logistic(total) - low) / (high - low), np.float64)


def _logistic(total: Curve) -> Curve:
    return np.asarray(1 / (1 + np.exp(-CALIBRATION_SLOPE * (total - CALIBRATION_MIDDLE))), np.float64)


def visibility(signals: Signals) -> Curve:
    """Worst to 1: how well the picture shows what happens. Around a blurred or covered stretch it is bad as well, for
    what happens there is that somebody reaches for the camera."""
    below = np.median(signals.sharpness) - signals.sharpness - BLUR_NOTHING_DB
    reach = max(1, round(AROUND_BLUR_SECONDS / signals.step_seconds))
    wide = np.pad(below, reach, mode="edge")
    worst = np.max([wide[at : at + len(below)] for at in range(2 * reach + 1)], axis=0)
    hidden = np.clip(worst / (BLUR_FULL_DB - BLUR_NOTHING_DB), 0.0, 1.0)
    return np.asarray(1 - (1 - LEAST_VISIBLE) * hidden, np.float64)


def untouched(signals: Signals) -> Curve:
    """Lower where a camera that moves more than usual says that it is being taken up or put down, at either end."""
    excess = np.maximum(0.0, signals.camera - 2 * np.median(signals.camera)) / HANDLING_MOTION
    times = (np.arange(len(excess)) + 0.5) * signals.step_seconds
    at_an_end = np.minimum(times, signals.duration_seconds - times) < HANDLING_SECONDS
    return np.asarray(np.where(at_an_end, 1 / (1 + excess), 1.0), np.float64)


def standing_out(curve: Curve, signal: Signal, step_seconds: float) -> Curve:
    """0-1: both far from the usual in the video's own terms and clearly so in the signal's unit (geometric mean),
    at the scale at which it shows best."""
    best = np.zeros(len(curve))
    for seconds in SCALES_SECONDS:
        seen = smooth(curve, seconds / step_seconds)
        usual = float(np.quantile(seen, signal.usual))
        spread = max(signal.grain, 1.4826 * float(np.median(np.abs(seen - np.median(seen)))))
        relative = _saturating(((seen - usual) / spread - Z_NOTHING) / (Z_HALF - Z_NOTHING))
        absolute = _saturating((seen - usual) / (signal.clear + signal.weber * usual))
        best = np.maximum(best, np.sqrt(relative * absolute))
    return best


def _saturating(ratio: Curve) -> Curve:
    """Half at 1, and never quite 1, so that of two that are both beyond doubt the stronger stays ahead (Hill 1910)."""
    raised = np.maximum(0.0, ratio) ** STEEPNESS
    return np.asarray(raised / (1 + raised), np.float64)


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
        presence=None if signals.presence is None else round(float(signals.presence[part].mean()), 3),
    )
