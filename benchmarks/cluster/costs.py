"""What a session costs Redis: operations, bytes and messages; and what a cluster costs that has nothing to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from benchmarks.cluster.frame import Field, field, lasting
from benchmarks.faults.frame import Outcome, Plan
from tests.service import BASE

IDLE_SECONDS = 20.0


@dataclass(frozen=True)
class Spent:
    """In so many seconds: operations, bytes that Redis read and wrote, and messages that were published."""

    seconds: float
    operations: float
    read: float
    written: float
    messages: float

    def without(self, idle: Spent) -> Spent:
        """As much less as an idle cluster spends meanwhile."""
        share = self.seconds / idle.seconds
        return Spent(
            self.seconds,
            self.operations - idle.operations * share,
            self.read - idle.read * share,
            self.written - idle.written * share,
            self.messages - idle.messages * share,
        )

    def each(self, count: float) -> str:
        return (
            f"{self.operations / count:.0f} operations, {self.read / count / 1e3:.1f} kB to Redis, "
            f"{self.written / count / 1e3:.1f} kB from it, {self.messages / count:.0f} messages"
        )


def costs(plan: Plan) -> Outcome:
    """Sessions of five minutes of video, one after the other, each followed to its end by one client; less what the
    same cluster spends idle. There is no bar: guides/scaling.md reckons with it."""
    video, count = lasting(plan.folder), plan.count(20, least=3)
    with field(plan) as cluster, redis.Redis.from_url(cluster.cluster.redis_url) as client:
        _carry_out(cluster, video)
        idle = _spent(client, lambda: time.sleep(IDLE_SECONDS))
        worked = _spent(client, lambda: _carry_out(cluster, video, count))
        kept = cluster.doors[0].start(video)
        cluster.wait_until_ended([kept], timeout=120)
        row = client.memory_usage(f"video:row:{kept}", samples=0) or 0
    session = worked.without(idle)
    measured = (
        f"a session of 300 s of video, followed: {session.each(count)}, in {worked.seconds / count:.1f} s; its row, as "
        f"long as it is kept: {row / 1e3:.1f} kB of memory; an idle cluster of two front doors and two workers, a "
        f"second: {idle.each(idle.seconds)}"
    )
    return Outcome(measured, "told", True)


def _carry_out(cluster: Field, video: Path, count: int = 1) -> None:
    """So many sessions by one door, each followed at the other and cleaned up."""
    for _ in range(count):
        session_id = cluster.doors[0].start(video)
        told = cluster.doors[1].http.get(f"{BASE}/events/{session_id}").text
        if '{"status":"completed"}' not in told:
            raise RuntimeError(f"the session ended otherwise: {told[-300:]}")
        cluster.clean_up([session_id])


def _spent(client: Any, work: Callable[[], object]) -> Spent:
    client.config_resetstat()
    began = time.monotonic()
    work()
    seconds, stats = time.monotonic() - began, client.info("stats")
    published = client.info("commandstats").get("cmdstat_publish", {}).get("calls", 0)
    sizes = stats["total_net_input_bytes"], stats["total_net_output_bytes"]
    return Spent(seconds, stats["total_commands_processed"], *sizes, published)
