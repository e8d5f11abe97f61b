"""How a model's opinion and what was measured make one significance: pure functions of numbers.

A model's rating is calibrated: 0.5 is what it would say before blank pictures. So its odds are how many times likelier
the pictures made "significant", and such odds multiply with those of another witness: logarithms of odds are added,
and an opinion of 0.5 changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from schemas import Glance

CLEAREST = 0.98
"""Evidence beyond which nothing is taken for certain, and 1 - CLEAREST for impossible: else no opinion would count."""

WEIGHT, WEIGHT_ASKED = 1.0, 2.0
"""How much the logarithm of a model's odds counts: as much as what was measured; twice as much where it was asked for
something by name, of which the signals know nothing."""

USUAL_SHARE = 0.5
"""How much of what it says on average of this video's moments is taken off: a small model finds nearly everything
exciting, or nothing; what it finds more so than the rest tells as much as what it finds so in itself."""

UNDERSTOOD = 0.5
"""Mass on the levels from which a question counts as understood; below, an opinion counts for less."""

LIKED = math.log(2)
"""Odds against the usual from which a segment is worth a closer look even where no signal stands out."""

MOST = 3.0
"""Of the logarithm of odds that an opinion may add or take: odds of 20 to 1."""


def fused(measured: Sequence[float], glances: Sequence[Glance | None], asked: bool = False) -> list[float]:
    """The strength of each moment, 0-1, from what signals say (0-1) and what a model does. `asked` if it was asked for
    something by name. Where it did not look, the signals' word stands."""
    leans = [None if glance is None else _log_odds(glance.rating) for glance in glances]
    usual = USUAL_SHARE * _median([lean for lean in leans if lean is not None])
    weight = WEIGHT_ASKED if asked else WEIGHT
    return [
        alone if glance is None or lean is None else _moved(alone, weight * trust(glance) * (lean - usual))
        for alone, glance, lean in zip(measured, glances, leans, strict=True)
    ]


def liked(glances: Sequence[Glance | None]) -> list[int]:
    """The places of those that a model finds clearly more significant than the rest, the most liked first."""
    leans = {place: _log_odds(glance.rating) for place, glance in enumerate(glances) if glance is not None}
    usual = _median(list(leans.values()))
    return sorted((place for place in leans if leans[place] - usual >= LIKED), key=lambda place: -leans[place])


def trust(glance: Glance) -> float:
    """0-1: how far the model understood that it was to answer with a level."""
    return min(1.0, glance.mass / UNDERSTOOD)


def _moved(alone: float, by: float) -> float:
    """Evidence after odds were added. What is not moved stays as it is, however clear."""
    if by == 0:
        return alone
    moved = 1 / (1 + math.exp(-_log_odds(alone) - max(-MOST, min(MOST, by))))
    return max(moved, alone) if by > 0 else min(moved, alone)


def _log_odds(share: float) -> float:
    held = min(CLEAREST, max(1 - CLEAREST, share))
    return math.log(held / (1 - held))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    if not ordered:
        return 0.0
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
