"""Parts what was read as one set and is several: a rest as long as a repetition, or another shot, lies between."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.flow import RATE
from analysis.found import FoundSet
from analysis.repetitions import Rep

REST_SECONDS, REST_SHARE = 4.0, 0.6
"""Between two turns more than the usual time between them, and the same in usual times, from which it is a rest."""

UNLIKE = 0.15
"""How much less alike the best of what is done in a shot may be than is usual in another: else it is somebody who talks
there."""


def parted(one: FoundSet, cuts: list[int]) -> list[FoundSet]:
    """The sets in a reading, in steps, without what it shows in shots of something else."""
    runs: list[list[Rep]] = [[]]
    usual = one.beat
    odd = _odd_shots(one, cuts)
    for rep in one.reps:
        if any(a <= rep.turn < b for a, b in odd):
            runs.append([])
            continue
        gap = rep.turn - runs[-1][-1].turn - usual if runs[-1] else 0.0
        if len(one.reps) > 2 and gap > max(REST_SECONDS * RATE, REST_SHARE * usual):
            runs.append([])
        runs[-1].append(rep)
    runs = [run for run in runs if run]
    if len(runs) == 1 and len(runs[0]) == len(one.reps):
        return [one]
    return [_of(one, run) for run in runs]


def _odd_shots(one: FoundSet, cuts: list[int]) -> list[tuple[float, float]]:
    """The shots in which what is done is markedly less alike than elsewhere in the set."""
    alike = {
        shot: [rep.alike for rep in one.reps if shot[0] <= rep.turn < shot[1]]
        for shot in pairwise([-np.inf, *cuts, np.inf])
    }
    usual = max(float(np.median(told)) for told in alike.values() if told)
    return [shot for shot, told in alike.items() if told and max(told) < usual - UNLIKE]


def _of(one: FoundSet, run: list[Rep]) -> FoundSet:
    """With legs next to a rest no longer than usual."""
    out = float(np.median([rep.turn - rep.start for rep in run]))
    back = float(np.median([rep.end - rep.turn for rep in run]))
    first = replace(run[0], start=max(run[0].start, run[0].turn - 1.5 * out))
    run = [first, *run[1:]]
    last = replace(run[-1], end=min(run[-1].end, run[-1].turn + 1.5 * back))
    run = [*run[:-1], last]
    return replace(one, first=run[0].start, end=run[-1].end, reps=tuple(run))
