"""Parts what was read as one set and is several: a rest, or another shot, lies within."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.pauses import PAUSE_SECONDS
from analysis.repetitions import Rep

REST_SHARE = 0.6
"""A rest lies where two turns are further apart than is usual by this share of it, and by PAUSE_SECONDS at least."""

FEW = 2
"""Repetitions of which nobody can tell how far apart they usually are."""

UNLIKE = 0.15
"""How much less alike the best of what is done in a shot may be than is usual in another: else it is somebody who talks
there."""

LONGEST_LEG = 1.5
"""Times the usual way out or back that one next to a rest may take: the rest hides in it."""


def parted(one: FoundSet, cuts: Sequence[int]) -> list[FoundSet]:
    """The sets in a reading, in time order, without what it shows in shots of something else. `cuts` in steps."""
    runs: list[list[Rep]] = [[]]
    odd = _odd_shots(one, cuts)
    longest = one.beat + max(PAUSE_SECONDS * RATE, REST_SHARE * one.beat)
    for rep in one.reps:
        if any(begin <= rep.turn < end for begin, end in odd):
            runs.append([])
            continue
        if runs[-1] and len(one.reps) > FEW and rep.turn - runs[-1][-1].turn > longest:
            runs.append([])
        runs[-1].append(rep)
    runs = [run for run in runs if run]
    return [one] if len(runs) == 1 and not odd else [_of(one, run) for run in runs]


def _odd_shots(one: FoundSet, cuts: Sequence[int]) -> list[tuple[float, float]]:
    """The shots in which all that was seen is markedly less alike than in another."""
    shots = {
        shot: [rep.alike for rep in one.reps if rep.move is not None and shot[0] <= rep.turn < shot[1]]
        for shot in pairwise([-np.inf, *cuts, np.inf])
    }
    usual = max([float(np.median(alike)) for alike in shots.values() if alike], default=0.0)
    return [shot for shot, alike in shots.items() if alike and max(alike) < usual - UNLIKE]


def _of(one: FoundSet, run: list[Rep]) -> FoundSet:
    """So many of its repetitions, without the rest before them and after."""
    out, back = (
        float(np.median(lasting)) for lasting in zip(*((r.turn - r.start, r.end - r.turn) for r in run), strict=True)
    )
    run[0] = replace(run[0], start=max(run[0].start, run[0].turn - LONGEST_LEG * out))
    run[-1] = replace(run[-1], end=min(run[-1].end, run[-1].turn + LONGEST_LEG * back))
    return replace(one, first=run[0].start, end=run[-1].end, reps=tuple(run))
