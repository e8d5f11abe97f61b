"""Finds the moments worth showing and says how strong each is: best first, with the windows and curves behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.fusion import fused, liked
from analysis.selection import SHARE_OF_VIDEO, Span, bounds_of, choose
from analysis.significance import Evidence, evidence, levels, score
from analysis.windows import rate_windows, shown_curves, spans, steps_of, strength
from analysis.words import describe
from schemas import Glance, Highlights, HighlightsParams, Moment, Signals

MOST_BELOW = 3
"""Moments returned when none reaches the threshold."""

RANK_SHARE = 0.1
"""How much of a moment's strength its rank among the others may take away: the best keeps all of its own."""

AGREEING = 0.3
"""Evidence from which a signal is counted as agreeing that something happens."""

CLEAR_MARGIN = 0.5
"""Evidence above the video's usual that leaves no doubt."""


@dataclass(frozen=True)
class Candidates:
    """What stands out, as the signals alone see it: moments in no order, with their evidence."""

    evidence: Evidence
    moments: list[Moment]
    swept: Sequence[Glance | None] = ()
    """What a model says of each segment, in their order, where it looked at all of them."""


def find_highlights(signals: Signals, params: HighlightsParams) -> Highlights:
    """By signals alone."""
    return choose_highlights(signals, find_candidates(signals, params, params.max_highlights), params)


def find_candidates(
    signals: Signals, params: HighlightsParams, most: int, swept: Sequence[Glance | None] = ()
) -> Candidates:
    """At most so many stretches that stand out, at least one; and of the segments that a model likes and in which
    nothing stands out, at most as many again."""
    found = evidence(signals)
    bounds = bounds_of(signals.duration_seconds, params.min_clip_seconds, params.max_clip_seconds, most)
    chosen = choose(found.total, signals.step_seconds, signals.cuts, bounds)
    segments = spans(signals.duration_seconds, params.segment_duration)
    for start, end in [segments[place] for place in liked(swept[: len(segments)])][:most]:
        if not any(span.start < end and span.end > start for span in chosen):
            chosen.append(_strongest_in(signals, found, start, end, params))
    return Candidates(found, [_moment(signals, found, span) for span in chosen], swept)


def choose_highlights(
    signals: Signals, candidates: Candidates, params: HighlightsParams, glances: Sequence[Glance | None] = ()
) -> Highlights:
    """The best of the candidates by signals and by what a model says of each. Never without a moment; where none
    reaches `min_significance` the best few come, with a warning."""
    found = candidates.evidence
    moments = _ranked(candidates.moments, glances, bool(params.query))
    moments = within(moments, SHARE_OF_VIDEO * signals.duration_seconds)[: params.max_highlights]
    reaching = [moment for moment in moments if moment.score >= params.min_significance]
    warnings = []
    if not reaching:
        reaching = moments[:MOST_BELOW]
        warnings.append(
            f"No moment reaches a significance of {params.min_significance:g}; the strongest of this video are listed"
        )
    return Highlights(
        moments=reaching,
        windows=rate_windows(signals, found, params.segment_duration, candidates.swept, bool(params.query)),
        curves=shown_curves(signals, found),
        warnings=warnings,
    )


def within(moments: Sequence[Moment], seconds: float) -> list[Moment]:
    """The first, and of the others in their order those that fit beside it into so many seconds."""
    kept, room = list(moments[:1]), seconds - sum(one.end - one.start for one in moments[:1])
    for moment in moments[1:]:
        if moment.end - moment.start <= room + 1e-6:
            kept.append(moment)
            room -= moment.end - moment.start
    return kept


def with_words(found: Highlights, told: Sequence[str]) -> Highlights:
    """The highlights with what a model says of each moment; the measured words remain beside it."""
    return replace(found, moments=[replace(one, told=words) for one, words in zip(found.moments, told, strict=True)])


def _ranked(moments: list[Moment], glances: Sequence[Glance | None], asked: bool) -> list[Moment]:
    """Best first, each with its score: how strong it is, less a little for not being the best."""
    seen = glances or [None] * len(moments)
    strengths = fused([moment.absolute for moment in moments], seen, asked)
    ordered = sorted(zip(strengths, moments, seen, strict=True), key=lambda one: (-one[0], one[1].start))
    ranks = [1 - place / len(ordered) for place in range(len(ordered))]
    return [
        replace(
            moment,
            score=score(strength * (1 - RANK_SHARE + RANK_SHARE * rank)),
            rank=round(rank, 3),
            eyes=None if glance is None else round(glance.rating, 3),
        )
        for rank, (strength, moment, glance) in zip(ranks, ordered, strict=True)
    ]


def _strongest_in(signals: Signals, found: Evidence, start: float, end: float, params: HighlightsParams) -> Span:
    """The stretch of a segment in which most happens, little as that may be."""
    part = steps_of(signals, start, end)
    bounds = bounds_of(end - start, params.min_clip_seconds, params.max_clip_seconds, 1)
    cuts = tuple(cut - start for cut in signals.cuts if start < cut < end)
    inside = [*choose(found.total[part], signals.step_seconds, cuts, bounds), Span(0.0, bounds.shortest)][0]
    return Span(start + inside.start, start + inside.end)


def _moment(signals: Signals, found: Evidence, span: Span) -> Moment:
    """As measured; its score and its rank are still to come."""
    part = steps_of(signals, span.start, span.end)
    absolute = strength(found.total[part])
    return Moment(
        start=span.start,
        end=span.end,
        score=1.0,
        confidence=_confidence(signals, found, part, absolute),
        levels=levels(signals, part),
        absolute=absolute,
        rank=0.0,
        words=describe(signals, found, part),
    )


def _confidence(signals: Signals, found: Evidence, part: slice, absolute: float) -> float:
    """0-1: how far the moment rises over the rest, and how many signals say so, of a video that was seen whole."""
    margin = min(1.0, max(0.0, (absolute - float(np.median(found.total))) / CLEAR_MARGIN))
    agreeing = sum(float(curve[part].max()) >= AGREEING for curve in found.signals.values())
    agreement = min(1.0, agreeing / 2)
    return round(signals.coverage * (0.1 + 0.6 * margin + 0.3 * agreement), 3)
