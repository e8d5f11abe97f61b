"""One session in a cluster beside the same in the service alone, in turns."""

from __future__ import annotations

from benchmarks.cluster.frame import field
from benchmarks.faults.frame import Outcome, Plan
from benchmarks.speed.footage import HD, footage_of
from benchmarks.speed.report import in_turns
from benchmarks.speed.servers import address_of, product
from benchmarks.speed.session import seconds_of_session

OVERHEAD_BAR = 1.1


def overhead(plan: Plan) -> Outcome:
    """From the first byte sent until a poll says that it is completed."""
    rounds, seconds = (7, 60.0) if plan.full else (3, 30.0)
    video = footage_of(plan.folder, "hd", HD, seconds).read_bytes()
    with field(plan, doors=1, workers=1) as cluster, product(plan.folder / "alone") as alone:
        here, there = address_of(cluster.doors[0].part.url), address_of(alone.url)
        pair = in_turns(
            rounds,
            lambda: seconds / seconds_of_session(here, video),
            lambda: seconds / seconds_of_session(there, video),
        )
    measured = f"{seconds:.0f} s of 720p30: {pair.told('× real time', '.1f', turned=True)}"
    return Outcome(measured, f"≤ {OVERHEAD_BAR} ×", 1 / pair.ratio <= OVERHEAD_BAR)
