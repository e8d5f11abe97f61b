"""From the likelihood of words to ratings and names. Numbers in, numbers out; no model.

What a model answers before blank pictures is what it would say anyway, so that is subtracted, in the space of
logarithms, as contextual calibration does (arXiv 2102.09690).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision import Named, Rating

Logs = NDArray[np.float64]
"""Natural logarithms of probabilities."""

SURE_OF_NOTHING = -1e4
"""In place of the logarithm of zero, and of what is no number: differences of two stay finite."""


def summed(spellings: Sequence[Sequence[float]]) -> Logs:
    """The logarithm of each level's probability, from those of its spellings."""
    return np.array([np.logaddexp.reduce(_finite(one)) for one in spellings], np.float64)


def means(tokens: Sequence[Sequence[float]]) -> Logs:
    """Each label's log-likelihood a token: so a long label is not at a disadvantage."""
    return np.array([np.mean(_finite(one)) for one in tokens], np.float64)


def rating(logs: Logs, blank: Logs, levels_are_tokens: bool = True) -> Rating:
    """A rating from the levels' logarithms, and from those before blank pictures.

    `mass` is what the levels have of all that could be said: for levels that are a token each the sum of their
    probabilities, otherwise the best of their likelihoods a token.
    """
    shares = softmax(logs - blank)
    steps = np.linspace(0, 1, len(logs)) if len(logs) > 1 else np.array([0.5])
    mass = np.exp(logs).sum() if levels_are_tokens else np.exp(logs).max()
    return Rating(float(shares @ steps), float(min(1.0, mass)), tuple(float(share) for share in shares))


def named(labels: Sequence[str], logs: Logs, blank: Logs) -> Named:
    """The label that the pictures make likelier than blank ones do, more than any other's."""
    gains = logs - blank
    order = np.argsort(-gains, kind="stable")
    margin = float(gains[order[0]] - gains[order[1]]) if len(order) > 1 else 0.0
    return Named(labels[order[0]], float(softmax(gains)[order[0]]), margin)


def _finite(logs: Sequence[float]) -> Logs:
    """A model that computes beyond its number format says NaN; taken for a number it would be trusted."""
    return np.fmax(np.asarray(logs, np.float64), SURE_OF_NOTHING)


def softmax(logs: Logs) -> NDArray[np.float64]:
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum(), np.float64)
