"""Finds the moments worth showing and says how strong each is: best first, with the windows and curves behind them."""

from __future__ import annotations

import numpy as np

from analysis.selection import Span, bounds_of, choose
from analysis.significance import Evidence, evidence, levels, score
from analysis.windows import rate_windows, shown_curves, steps_of, strength
from analysis.words import describe
from schemas import Highlights, HighlightsParams, Moment, Signals

MOST_BELOW = 3
"""Moments returned when none reaches the threshold."""

RANK_SHARE = 0.1
"""How much of a moment's strength its rank among the others may take away: the best keeps all of its own."""

AGREEING = 0.3
"""Evidence from which a signal is counted as agreeing that something happens."""

CLEAR_MARGIN = 0.5
"""Evidence above the video's usual that leaves no doubt."""


def find_highlights(signals: Signals, params: HighlightsParams) -> Highlights:
    """Never without a moment; where none reaches `min_significance` the best few come, with a warning."""
    found = evidence(signals)
    bounds = bounds_of(
        signals.duration_seconds, params.min_clip_seconds, params.max_clip_seconds, params.max_highlights
    )
    spans = choose(found.total, signals.step_seconds, signals.cuts, bounds)
    moments = _ranked(signals, found, spans)
    reaching = [moment for moment in moments if moment.score >= params.min_significance]
    warnings = []
    if not reaching:
        reaching = moments[:MOST_BELOW]
        warnings.append(
            f"No moment reaches a significance of {params.min_significance:g}; the strongest of this video are listed"
        )
    return Highlights(
        moments=reaching,
        windows=rate_windows(signals, found, params.segment_duration),
        curves=shown_curves(signals, found),
        warnings=warnings,
    )


def _ranked(signals: Signals, found: Evidence, spans: list[Span]) -> list[Moment]:
    parts = [(span, steps_of(signals, span.start, span.end)) for span in spans]
    ordered = sorted(parts, key=lambda pair: (-strength(found.total[pair[1]]), pair[0].start))
    return [_moment(signals, found, span, part, 1 - place / len(ordered)) for place, (span, part) in enumerate(ordered)]


def _moment(signals: Signals, found: Evidence, span: Span, part: slice, rank: float) -> Moment:
    absolute = strength(found.total[part])
    return Moment(
        start=span.start,
        end=span.end,
        score=score(absolute * (1 - RANK_SHARE + RANK_SHARE * rank)),
        confidence=_confidence(signals, found, part, absolute),
        levels=levels(signals, part),
        absolute=round(absolute, 3),
        rank=round(rank, 3),
        words=describe(signals, found, part),
    )


def _confidence(signals: Signals, found: Evidence, part: slice, absolute: float) -> float:
    """0-1: how far the moment rises over the rest, and how many signals say so, of a video that was seen whole."""
    margin = min(1.0, max(0.0, (absolute - float(np.median(found.total))) / CLEAR_MARGIN))
    agreeing = sum(float(curve[part].max()) >= AGREEING for curve in found.signals.values())
    agreement = min(1.0, agreeing / 2)
    return round(signals.coverage * (0.1 + 0.6 * margin + 0.3 * agreement), 3)
