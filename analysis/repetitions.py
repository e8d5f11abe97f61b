"""Counts repetitions in a stretch of rhythmic motion: a repetition goes out along one way and comes back along it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analysis.flow import RATE
from analysis.legs import CUT_LEG, LEAST_LEG, Leg, legs
from analysis.rhythm import Field, Line, smoothed
from analysis.sides import Beat, beat_of
from analysis.ways import pieces

SMOOTH_SHARE, LEAST_SMOOTH = 1 / 12, 0.7
"""Motion is smoothed over this share of a period, in steps at least so much, before legs are read off it."""

AROUND_PERIODS = 4.0
"""How far beyond a stretch its first and last repetitions are looked for."""

LEAST_LIKENESS = 0.5
"""Cosine to the usual way out or back under which a leg is no part of a repetition."""

LONGEST_LEG, LONGEST_PAUSE, PAUSE_SECONDS = 1.5, 1.4, 5.0
"""Periods that a leg may last, and that may pass between two, nor more than these seconds: more holds another movement,
or ends the set."""

MAIN_STROKE = 0.6
"""Share of a leg that its one stroke must go for the rest of it to be left out at the end of a set."""

MOST_HIDDEN, HIDDEN_SECONDS = 3, 6.0
"""Repetitions in a row that may be counted by the beat alone, and for how long: hidden by a cut or by somebody who
walks past, which takes four seconds. A rest is longer."""

STILL_SHARE = 0.5
"""Share of a set's usual speed below which nothing is hidden between two runs."""

MOST_LENGTH, LEAST_REACH, MOST_REACH = 2.2, 0.5, 1.7
"""Times the usual repetition's, outside of which the first or the last of a set is none."""

NEAR_DOUBT, FAR_DOUBT, LONG_PAUSE = 0.15, 0.05, 0.6
"""How much less like the others, in cosine, the first or last may be; the second after a pause of LONG_PAUSE lengths:
bending for a bottle is not unlike a lunge."""

OUTSIDE_DOUBT, OUTSIDE_SPREAD = 0.12, 3.0
"""How much less like the usual way than 1 a leg outside of a stretch may be: this, and so many times what those inside
are in the middle."""

END_DOUBT, END_MARGIN, LEAST_LEGS = 0.35, 0.05, 5
"""How much less alike the first or last leg of a run may be than the others are in the middle, and than the least of
them; fewer legs tell nothing."""

TWICE = 0.45
"""Beats between two turns under which they are one repetition, seen on both sides of a cut."""


@dataclass(frozen=True)
class Rep:
    """One repetition, times in steps; `reach`, `likeness` and `alike` against the usual one, as in a Leg; `move`
    the displacement of its way out, None where it was hidden and counted by the beat."""

    start: float
    turn: float
    end: float
    reach: float
    likeness: float
    move: Line | None
    alike: float = 0.0

    def backwards(self, steps: int) -> Rep:
        """The same, seen backwards in time, in so many steps."""
        return replace(self, start=steps - self.end, turn=steps - self.turn, end=steps - self.start)


@dataclass(frozen=True)
class Counted:
    """The repetitions of a stretch; `sided` where each is done to the other side than the one before."""

    reps: list[Rep]
    sided: bool


def count(
    field: Field, whole: Field, stretch: tuple[int, int], period: float, within: tuple[int, int], cuts: list[int]
) -> Counted:
    """The repetitions in and around `stretch`, in which motion repeats each `period` steps; all in steps. None lies
    outside of `within`. `cuts` are where another camera takes over. They are sought in `field` and compared in
    `whole`."""
    pad = int(AROUND_PERIODS * period)
    begin, stop = max(within[0], stretch[0] - pad), min(within[1], stretch[1] + pad)
    part = np.ascontiguousarray(field[begin:stop])
    core = (stretch[0] - begin, stretch[1] - begin)
    inner = [cut - begin for cut in cuts if begin < cut < stop]
    seen = smoothed(part, max(LEAST_SMOOTH, SMOOTH_SHARE * period))
    found = pieces(seen, core, period, inner)
    finer = smoothed(part, max(LEAST_SMOOTH, SMOOTH_SHARE * period / 2))
    beat = beat_of(finer, found, core, period)
    if beat.sided:
        seen = finer
    joined: list[Leg] = []
    for piece in found:
        joined = _joined(joined, legs(seen, whole[begin:stop], piece, core, beat), beat)
    speed = np.sqrt((seen.astype(np.float64) ** 2).sum(axis=1))
    runs = [paired(_ending(run)) for run in _runs(_likely(joined, core), beat.period)]
    reps = [
        replace(rep, start=rep.start + begin, turn=rep.turn + begin, end=rep.end + begin)
        for rep in one_after_another(_trimmed(_linked(runs, core, inner, speed), beat.period))
    ]
    return Counted(reps, beat.sided)


def _joined(before: list[Leg], after: list[Leg], beat: Beat) -> list[Leg]:
    """Legs before and after a change of view. Which way is out is not known there, but from side to side: the sign is
    taken that keeps the repetitions evenly apart."""
    if not before or not after:
        return before or after
    if beat.sided:
        return _merged(before + after)
    options = [_merged(before + [replace(leg, sign=sign * leg.sign) for leg in after]) for sign in (1, -1)]
    place = (before[-1].end + after[0].begin) / 2
    return min(options, key=lambda option: _off_beat(option, place, beat.period))


def _off_beat(joined: list[Leg], place: float, period: float) -> float:
    """How far the turns near `place` lie from being a period apart."""
    near = [leg for leg in joined if abs(leg.end - place) < 2.5 * period]
    ends = [[leg.end for leg in near if leg.sign == sign] for sign in (1, -1)]
    return sum(abs(float(np.log(max(b - a, 1) / period))) for turns in ends for a, b in pairwise(turns))


def _merged(joined: list[Leg]) -> list[Leg]:
    """Two legs the same way on either side of a cut are one."""
    result: list[Leg] = []
    for leg in joined:
        before = result[-1] if result else None
        if before and before.sign == leg.sign and (before.cut_after or leg.cut_before):
            whole = replace(
                leg,
                begin=before.begin,
                reach=min(1.0, before.reach + leg.reach),
                likeness=max(before.likeness, leg.likeness),
                alike=max(before.alike, leg.alike),
                cut_before=before.cut_before,
            )
            result[-1] = whole
        else:
            result.append(leg)
    return result


def _likely(joined: list[Leg], core: tuple[int, int]) -> list[Leg]:
    """Legs outside of the stretch `core` that are markedly less like the usual way than those inside are marked as
    unlike: somebody who gets up from the floor goes up and down as well."""
    within = [leg.end > core[0] and leg.begin < core[1] for leg in joined]
    usual = float(np.median([leg.likeness for leg, inside in zip(joined, within, strict=True) if inside] or [0.0]))
    least = 1 - OUTSIDE_DOUBT - OUTSIDE_SPREAD * (1 - usual)
    return [
        leg if inside or max(leg.likeness, leg.first.likeness, leg.last.likeness) > least else leg.unlike()
        for leg, inside in zip(joined, within, strict=True)
    ]


def _ending(run: list[Leg]) -> list[Leg]:
    """A run without what is markedly less like the usual way, or far larger, at either end: who bends for the bar or
    lies down begins where the first repetition does, and that is no half of one."""
    while len(run) > LEAST_LEGS:
        inner = np.array([leg.alike for leg in run[2:-2]])
        least = min(float(np.median(inner)) - END_DOUBT, float(inner.min()) - END_MARGIN)
        odd = [leg.alike < least and not (leg.cut_before or leg.cut_after) for leg in (run[0], run[-1])]
        if not any(odd):
            break
        run = run[odd[0] : len(run) - odd[1]]
    return run


def _runs(joined: list[Leg], period: float) -> list[list[Leg]]:
    """Runs of good legs without a long gap. At their ends the stroke next to them is enough: who gets up after the
    last repetition goes on where that ended."""
    runs: list[list[Leg]] = [[]]
    for leg in joined:
        run = runs[-1]
        longest = min(LONGEST_PAUSE * period, PAUSE_SECONDS * RATE)
        far = bool(run) and (leg.begin - run[-1].end > longest or leg.sign == run[-1].sign)
        if run and (far or not _good(leg, period)):
            if not far and _good(short := leg.cut_to(leg.first), period):
                run.append(short)
            runs.append(run := [])
        if _good(leg, period):
            run.append(leg)
        elif not run and _good(short := leg.cut_to(leg.last), period):
            run.append(short)
    return [
        [_ended(run[0], run[0].cut_to(run[0].last)), *run[1:-1], _ended(run[-1], run[-1].cut_to(run[-1].first))]
        for run in runs
        if len(run) > 1
    ]


def _good(leg: Leg, period: float) -> bool:
    least = CUT_LEG if leg.cut_before or leg.cut_after else LEAST_LEG
    return leg.likeness > LEAST_LIKENESS and leg.reach >= least and leg.end - leg.begin < LONGEST_LEG * period


def _ended(leg: Leg, stroke: Leg) -> Leg:
    """What drifts before or after a set is no part of it, if the stroke alone goes most of the way."""
    return stroke if stroke.reach > MAIN_STROKE * leg.reach else leg


def paired(run: list[Leg]) -> list[Rep]:
    """Out and back again. Of an odd number of legs the one is left out that leaves the pauses between repetitions
    rather than within them: who trains waits there."""
    if len(run) % 2:
        gaps = [after.begin - before.end for before, after in pairwise(run)]
        run = run[:-1] if sum(gaps[1::2]) >= sum(gaps[::2]) else run[1:]
    return [
        Rep(
            start=out.begin,
            turn=(out.end + back.begin) / 2,
            end=back.end,
            reach=min(out.reach, back.reach),
            likeness=min(out.likeness, back.likeness),
            move=out.move,
            alike=min(out.alike, back.alike),
        )
        for out, back in zip(run[::2], run[1::2], strict=True)
    ]


def _linked(runs: list[list[Rep]], core: tuple[int, int], cuts: list[int], speed: Line) -> list[Rep]:
    """The longest run, and those that go on from it in its beat within the stretch `core`. What was hidden between
    them is counted by the beat, if there was motion: where all is still somebody rests."""
    runs = [run for run in runs if run]
    if not runs:
        return []
    main = max(range(len(runs)), key=lambda number: len(runs[number]))
    turns = np.diff([rep.turn for rep in (runs[main] if len(runs[main]) > 1 else [r for run in runs for r in run])])
    beat = float(np.median(turns)) if len(turns) else float(core[1] - core[0])
    usual = float(np.median(speed[int(runs[main][0].start) : int(runs[main][-1].end) + 1]))

    def goes_on(before: Rep, after: Rep) -> bool:
        shots = sum(before.turn < cut < after.turn for cut in cuts)
        between = speed[int(before.end) : max(int(after.start), int(before.end) + 1)]
        still = after.start - before.end > beat and float(np.median(between)) < STILL_SHARE * usual
        hidden = min(MOST_HIDDEN * beat, HIDDEN_SECONDS * RATE)
        return after.turn - before.turn <= 1.4 * beat + hidden and shots < 2 and not still

    reps = list(runs[main])
    for run in runs[main + 1 :]:
        if run[0].start > core[1] or not goes_on(reps[-1], run[0]):
            break
        reps += _hidden(reps[-1], run[0], beat) + run
    for run in reversed(runs[:main]):
        if run[-1].end < core[0] or not goes_on(run[-1], reps[0]):
            break
        reps = run + _hidden(run[-1], reps[0], beat) + reps
    return [
        rep for rep, after in pairwise([*reps, None]) if rep and (not after or after.turn - rep.turn > TWICE * beat)
    ]


def _hidden(before: Rep, after: Rep, beat: float) -> list[Rep]:
    """Repetitions that must lie between two, evenly."""
    missing = max(0, round((after.turn - before.turn) / beat) - 1)
    if not missing or after.start - before.end < 0.5 * beat:
        return []
    edges = np.linspace(before.end, after.start, missing + 1).tolist()
    return [Rep(a, (a + b) / 2, b, 1.0, 0.0, None) for a, b in pairwise(edges)]


def one_after_another(reps: list[Rep]) -> list[Rep]:
    """The same, where one begins before the last is over parted midway: the end of a run and the begin of the next are
    cut out of the same leg."""
    result: list[Rep] = []
    for rep in reps:
        start = rep.start
        if result and start < result[-1].end:
            start = min(max((start + result[-1].end) / 2, result[-1].turn), rep.turn)
            result[-1] = replace(result[-1], end=start)
        result.append(replace(rep, start=start))
    return result


def _trimmed(reps: list[Rep], period: float) -> list[Rep]:
    """Without what is unlike the rest at either end: getting up from the floor goes out and back a little too."""
    while len(reps) > 2:
        length = max(float(np.median([rep.end - rep.start for rep in reps])), 0.7 * period)
        reach = float(np.median([rep.reach for rep in reps]))
        alike = np.array([rep.likeness for rep in reps])
        least = float(np.median(alike)) - 4 * float(np.median(np.abs(alike - np.median(alike))))
        apart = reps[1].start - reps[0].end, reps[-1].start - reps[-2].end
        odd = [
            rep.end - rep.start > MOST_LENGTH * length
            or not LEAST_REACH < rep.reach / reach < MOST_REACH
            or rep.likeness < least - (NEAR_DOUBT if pause < LONG_PAUSE * length else FAR_DOUBT)
            for rep, pause in zip((reps[0], reps[-1]), apart, strict=True)
        ]
        if not any(odd):
            break
        reps = reps[1:] if odd[0] else reps[:-1]
    return reps
