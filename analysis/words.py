"""Says in one plain sentence what was measured in a stretch of video, and nothing that was not."""

from __future__ import annotations

import numpy as np

from analysis.presence import EMPTY_SHARE
from analysis.significance import Curve, Evidence
from schemas import Signals

NOTICED = 0.25
"""Evidence from which a signal is named."""

SUDDEN_SECONDS = 0.75
"""A rise within this time is sudden."""

STILL_MOTION, STEADY_MOTION, STRONG_MOTION = 0.02, 0.06, 0.25
"""Widths a second up to which a scene is still, from which lasting motion is named, and named strong."""

BEFORE_SECONDS = 2.0
"""How long before a moment a scene must have been empty for somebody to enter it."""

NAMED_PRESENCE = 0.012
"""Share of the picture that somebody covers at least: seven cells of 576, or a dog at the far end of a yard."""

AFTER_CUT_SECONDS = 1.0
"""How long after a cut something still happens just after it."""


def describe(signals: Signals, evidence: Evidence, part: slice) -> str:
    strengths = {name: float(curve[part].max()) for name, curve in evidence.signals.items()}
    moves, new = strengths["motion"] >= NOTICED, strengths["novelty"] >= NOTICED
    sound = _sound(strengths)
    visitor = _visitor(signals, strengths.get("presence", 0.0), part)
    if visitor:
        clauses = [visitor]
        clauses += ["in strong motion"] if float(signals.motion[part].max()) >= STRONG_MOTION else []
        clauses += [f"with {sound}"] if sound else []
    elif moves:
        clauses = [_burst(evidence.signals["motion"], part, signals.step_seconds)]
        clauses += [f"with {sound}"] if sound else []
        clauses += ["in a picture unlike the rest of the video"] if new else []
    elif new:
        clauses = ["The picture changes to something unlike the rest of the video"]
        clauses += [f"with {sound}"] if sound else []
    elif sound:
        clauses = [f"{sound[0].upper()}{sound[1:]}", f"while {_lasting(signals.motion[part], lower=True)}"]
    else:
        return _lasting(signals.motion[part], lower=False)
    return " ".join(clauses) + _after_cut(signals, evidence.total, part)


def _visitor(signals: Signals, strength: float, part: slice) -> str:
    """What presence says before a fixed camera, where usually nothing moves: who was not there just before came in, if
    the scene is as it was once they have left. What stays changed may as well have been taken away."""
    seen, step = signals.presence, signals.step_seconds
    if seen is None or strength < NOTICED or seen[part].max() < NAMED_PRESENCE:
        return ""
    if float(np.median(signals.motion)) > STILL_MOTION:
        return ""
    peak = part.start + int(np.argmax(seen[part]))
    cuts = [int(np.ceil(cut / step)) for cut in signals.cuts]
    first = max((cut for cut in cuts if cut <= peak), default=0)
    last = min((cut for cut in cuts if cut > peak), default=len(seen))
    before = seen[max(first, part.start - round(BEFORE_SECONDS / step)) : part.start]
    if float(seen[peak:last].min()) > EMPTY_SHARE:
        return "Something in the scene changes and stays so"
    came = len(before) > 0 and float(before.max()) <= EMPTY_SHARE
    return "Someone or something enters an empty scene" if came else "Someone or something is in the scene"


def _burst(motion: Curve, part: slice, step_seconds: float) -> str:
    """How motion that stands out comes and how long it stays."""
    seen = motion[part]
    peak = int(np.argmax(seen))
    before = max(0, part.start + peak - max(1, round(SUDDEN_SECONDS / step_seconds)))
    sudden = motion[before] < seen[peak] / 2 and part.start + peak > before
    lasts = float((seen > seen[peak] / 2).sum()) * step_seconds
    if lasts >= 3.0:
        return (
            "A sudden start of strong motion that lasts"
            if sudden and peak * 2 < len(seen)
            else "Strong motion that lasts"
        )
    return "A sudden burst of motion" if sudden else "A rise in motion"


def _sound(strengths: dict[str, float]) -> str:
    loud, sudden = strengths.get("loudness", 0.0) >= NOTICED, strengths.get("onsets", 0.0) >= NOTICED
    if loud:
        return "a sudden loud sound" if sudden else "sound louder than usual"
    return "a sound that begins suddenly" if sudden else ""


def _lasting(motion: Curve, lower: bool) -> str:
    usual = float(np.median(motion))
    if usual >= STRONG_MOTION:
        words = "Steady strong motion"
    elif usual >= STEADY_MOTION:
        words = "Steady motion"
    else:
        return "little moves" if lower else "Little happens here"
    return words[0].lower() + words[1:] + " goes on" if lower else words


def _after_cut(signals: Signals, total: Curve, part: slice) -> str:
    peak = (part.start + int(np.argmax(total[part])) + 0.5) * signals.step_seconds
    return ", just after a cut" if any(0 <= peak - cut <= AFTER_CUT_SECONDS for cut in signals.cuts) else ""
