"""Files that lie: mutated videos and hand-made bombs, most of them straight to decoders and some over HTTP."""

from __future__ import annotations

from benchmarks.faults.frame import Outcome, Plan
from benchmarks.lies.trial import MOST_CHILD_MB, MOST_GROWTH_MB, MOST_SECONDS, trial

BAR = (
    f"server never dies; each ≤ {MOST_SECONDS:.0f} s; memory ≤ +{MOST_GROWTH_MB:.0f} MB, "
    f"each decoder's ≤ {MOST_CHILD_MB:.0f} MB; only 400s and worded failures"
)


def lies(plan: Plan) -> Outcome:
    told = trial(plan.count(48_000), plan.count(2_000), plan.seed, bombs=True, slow_bombs=plan.full)
    measured = (
        f"{told.files} files, {len(told.worst)} answered as none may be, the slowest after "
        f"{told.slowest_seconds:.2f} s ({told.slowest_file}), memory +{told.growth_mb:.0f} MB, "
        f"the largest decoder {told.child_mb:.0f} MB, server {'alive' if told.alive else 'dead'}"
    )
    if told.worst:
        measured += f"; first: {told.worst[0]}"
    return Outcome(measured, BAR, told.good)
