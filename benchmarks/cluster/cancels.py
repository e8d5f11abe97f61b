"""A running session is cancelled through another front door than it came by."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import psutil

from benchmarks.cluster.frame import Field, decoders_of, events, field, lasting
from benchmarks.faults.frame import Outcome, Plan, percentile
from cluster import Part
from tests.service import until

STOPPED_BAR_SECONDS = 1.0


def cancels(plan: Plan) -> Outcome:
    """Measured from the call until its decoder is dead and its worker has logged that it stopped."""
    video, answered, stopped, left = lasting(plan.folder), [], [], 0
    with field(plan) as cluster:
        for _ in range(plan.count(100)):
            seconds = _cancelled(cluster, video)
            answered.append(seconds[0])
            stopped.append(seconds[1])
        left = len(cluster.left(timeout=STOPPED_BAR_SECONDS))
    p99 = percentile(stopped, 99)
    measured = (
        f"{len(stopped)} cancels, answered after {max(answered):.2f} s at most; stopped after "
        f"{statistics.median(stopped):.2f} s (median), {p99:.2f} s (p99); {left} objects left"
    )
    return Outcome(
        measured, f"p99 ≤ {STOPPED_BAR_SECONDS:.0f} s, nothing left", p99 <= STOPPED_BAR_SECONDS and not left
    )


def _cancelled(cluster: Field, video: Path) -> tuple[float, float]:
    """Seconds until the cancel was answered, and until the work had stopped."""
    here, there = cluster.doors
    session_id = here.start(video)
    worker = cluster.wait_for_worker_on(session_id)
    until(lambda: there.status(session_id).get("segmentsDone"), pause=0.02)
    running = decoders_of(worker, session_id)
    began = time.monotonic()
    there.ask("POST", f"cancel/{session_id}").raise_for_status()
    answered = time.monotonic() - began
    _wait_until_dead(running)
    until(lambda: _has_stopped(worker, session_id), pause=0.01)
    seconds = time.monotonic() - began
    return answered, seconds


def _wait_until_dead(running: list[psutil.Process]) -> None:
    if alive := psutil.wait_procs(running, timeout=30)[1]:
        raise RuntimeError(f"{len(alive)} decoders outlived their session by half a minute")


def _has_stopped(worker: Part, session_id: str) -> bool:
    return bool(events(worker, "stopped", session_id))
