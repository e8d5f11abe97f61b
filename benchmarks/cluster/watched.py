"""A real Prometheus asks every process of a cluster while sessions are uploaded, cancelled and killed under.

What its sums say has to be what was done, although each process counts for itself and some are killed.
"""

from __future__ import annotations

import time

from benchmarks.cluster.frame import Field, brief, decoders_of, field, hands_of, lasting
from benchmarks.faults.frame import Outcome, Plan
from gauges import LEAST_SECONDS
from tests.prometheus import Prometheus
from tests.service import until

TELLS_AGAIN_BAR_SECONDS = LEAST_SECONDS + 5.0
"""For another front door to tell what all have together, once the one that did is killed."""

SCRAPES_SECONDS = 3.0
"""For every process to have been asked after the last event."""


def watched(plan: Plan) -> Outcome:
    good, long = brief(plan.folder), lasting(plan.folder)
    with field(plan, LEASE_SECONDS="2") as cluster:
        prometheus = Prometheus(_targets(cluster), plan.folder)
        try:
            until(lambda: len(prometheus.answer("video_build_info")) == len(_targets(cluster)))
            sessions = [cluster.doors[n % 2].start(good, reel=False) for n in range(plan.count(40))]
            killed, cancelled = cluster.doors[0].start(long, reel=False), cluster.doors[1].start(long, reel=False)
            _kill_hand(cluster, killed)
            _cancel(cluster, cancelled)
            cluster.wait_until_ended([*sessions, killed, cancelled], timeout=180)
            time.sleep(SCRAPES_SECONDS)
            wrong = list(_wrong(prometheus, len(sessions)))
            seconds = _until_another_tells(cluster, prometheus)
        finally:
            prometheus.close()
    measured = (
        f"{len(sessions) + 2} sessions over {len(_targets(cluster))} processes, one cancelled, one begun anew after "
        f"a worker's child was killed: {len(wrong)} sums wrong{''.join(f'; {one}' for one in wrong)}; queue depth told "
        f"again {seconds:.0f} s after who told it was killed"
    )
    bar = f"0 sums wrong; told again ≤ {TELLS_AGAIN_BAR_SECONDS:.0f} s"
    return Outcome(measured, bar, not wrong and seconds <= TELLS_AGAIN_BAR_SECONDS)


def _targets(cluster: Field) -> list[str]:
    doors = [door.part.url.removeprefix("http://") for door in cluster.doors]
    return [*doors, *(f"127.0.0.1:{worker.environment['METRICS_PORT']}" for worker in cluster.workers)]


def _kill_hand(cluster: Field, session_id: str) -> None:
    worker = cluster.wait_for_worker_on(session_id)
    readers = {one.pid for reader in decoders_of(worker, session_id) for one in reader.parents()}
    next(hand for hand in hands_of(worker) if hand.pid in readers).kill()


def _cancel(cluster: Field, session_id: str) -> None:
    cluster.wait_for_worker_on(session_id)
    cluster.doors[0].ask("POST", f"cancel/{session_id}").raise_for_status()


def _wrong(prometheus: Prometheus, good: int) -> list[str]:
    """Sums that are not what was done."""
    wanted = {
        'video_jobs_finished_total{outcome="completed"}': good + 1,
        'video_jobs_finished_total{outcome="cancelled"}': 1,
        "video_jobs_finished_total": good + 2,
        "video_jobs_started_total": good + 3,
        'video_jobs_returned_total{cause="lost"}': 1,
        "video_cancel_latency_seconds_count": 1,
        "video_job_duration_seconds_count": good + 2,
        "video_uploads_total": good + 2,
        "video_sessions": good + 2,
        "video_queue_depth": 0,
        "video_queue_capacity": 100,
        "video_worker_slots": 4,
        "video_workers_busy": 0,
        "video_store_up": 4,
    }
    told = {name: prometheus.answer(f"sum({name})") for name in wanted}
    values = {name: float(answer[0]["value"][1]) if answer else None for name, answer in told.items()}
    return [f"{name} is {values[name]} and not {value}" for name, value in wanted.items() if values[name] != value]


def _until_another_tells(cluster: Field, prometheus: Prometheus) -> float:
    """Seconds, once the one that tells is killed."""
    (teller,) = (one["metric"]["instance"] for one in prometheus.answer("video_queue_capacity"))
    next(door.part for door in cluster.doors if door.part.url.endswith(teller)).kill()
    began = time.monotonic()

    def others() -> bool:
        return any(one["metric"]["instance"] != teller for one in prometheus.answer("video_queue_capacity"))

    until(others, timeout=3 * TELLS_AGAIN_BAR_SECONDS, pause=0.2)
    return time.monotonic() - began
