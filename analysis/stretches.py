"""Parts work from rest: the stretches in which motion repeats, each with its period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from analysis.rhythm import Rhythm, periods

THIN = 2
"""Every second step of the map tells well enough where sets begin and end."""

WORTH, PART_WORTH = 0.29, 0.24
"""Score from which motion counts as repeating: walking about and talk rarely pass 0.3 for long. Less is asked of what
moves to the sides and of brightness alone, which show less of a walk and less of an exercise."""

TEMPO_COST, BEGIN_COST = 0.05, 0.3
"""What a change to the neighbouring period, and the begin and the end of a stretch, cost: scores times seconds."""

LEAST_REACH, REACH_SHARE = 0.003, 0.2
"""Reach below which a score counts in part only: picture widths, and share of the video's usual work."""

LEAST_FADING = 0.55
"""Strength against the surroundings below which a score counts in part only: the set is over."""

USUAL_SECONDS = 4.0
"""Longer periods cost a little, 0.03 of score for each doubling; so do those below 0.8 s, 0.04 for each halving."""


@dataclass(frozen=True)
class Stretch:
    """Steps [first, end) in which motion repeats each `period` steps with a middling `score`."""

    first: int
    end: int
    period: float
    score: float


def stretches(found: Rhythm, worth: float = WORTH) -> list[Stretch]:
    """In time order, without overlap; `worth` is the score from which motion counts as repeating."""
    score = found.score[:, ::THIN]
    path = best_path(_worth(found) * THIN / RATE, worth * THIN / RATE, TEMPO_COST, BEGIN_COST)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], path >= 0, [False]]).astype(int)))
    result = []
    for first, end in edges.reshape(-1, 2).tolist():
        along = path[first:end]
        period = float(np.median(periods()[along])) * RATE
        middling = float(np.median(score[along, np.arange(first, end)]))
        result.append(Stretch(first * THIN, min(end * THIN, found.score.shape[1]), period, middling))
    return result


def _worth(found: Rhythm) -> NDArray[np.float64]:
    """The score of each period at each thinned step, less where motion is too small or fading out."""
    score, reach, fading = (part[:, ::THIN] for part in (found.score, found.reach, found.fading))
    best, here = score.argmax(axis=0), np.arange(score.shape[1])
    strong = score[best, here] > 0.5
    usual = float(np.percentile(reach[best, here][strong], 75)) if strong.sum() > 10 else 0.0
    held = np.clip(reach / max(LEAST_REACH, REACH_SHARE * usual), 0, 1) * np.clip(fading / LEAST_FADING, 0, 1) ** 2
    odd = 0.03 * np.clip(np.log2(periods() / USUAL_SECONDS), 0, None) + 0.04 * np.clip(
        np.log2(0.8 / periods()), 0, None
    )
    return np.asarray(np.where(score > 0, score * held, score) - odd[:, None], np.float64)


def best_path(worth: NDArray[np.float64], rest: float, tempo_cost: float, begin_cost: float) -> NDArray[np.int64]:
    """(n,) the row of `worth` that is followed at each column, -1 for rest; the total is the largest there is.

    Viterbi's algorithm; from a row the next ones up and down can be reached, and rest."""
    rows, columns = worth.shape
    total = np.append(worth[:, 0] - begin_cost, rest)
    came = np.zeros((columns, rows + 1), np.int16)
    own = np.arange(rows)
    from_row = np.stack([own, own - 1, own + 1, np.full(rows, rows)])
    options = np.full((4, rows), -np.inf)
    for column in range(1, columns):
        work = total[:rows]
        options[0], options[3] = work, total[rows] - begin_cost
        options[1, 1:], options[2, :-1] = work[:-1] - tempo_cost, work[1:] - tempo_cost
        pick = options.argmax(axis=0)
        came[column, :rows] = from_row[pick, own]
        leave = int(work.argmax())
        stays = total[rows] >= work[leave] - begin_cost
        came[column, rows] = rows if stays else leave
        resting = max(total[rows], work[leave] - begin_cost) + rest
        total = np.append(options[pick, own] + worth[:, column], resting)
    path = np.zeros(columns, np.int64)
    path[-1] = int(total.argmax())
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came[column, path[column]]
    return np.where(path == rows, -1, path)
