"""SIGTERM to a worker in the middle of an analysis: it gives the session back, and the other one carries it on."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster.frame import Field, events, field, lasting
from benchmarks.faults.frame import Outcome, Plan
from tests.service import until


@dataclass(frozen=True)
class Stopped:
    """How long until another had begun, and until the worker was gone; its exit status; how the session ended."""

    taken_over: float
    gone: float
    exit_status: int
    end: str
    attempts: int


def stops(plan: Plan) -> Outcome:
    video = lasting(plan.folder)
    with field(plan) as cluster:
        stopped = [_stopped(cluster, video) for _ in range(plan.count(20, least=2))]
        left = cluster.left()
    completed = sum(one.end == "completed" for one in stopped)
    counted = sum(one.attempts != 1 for one in stopped)
    wrong = sum(one.exit_status != 0 for one in stopped)
    slowest = max(one.taken_over for one in stopped)
    measured = (
        f"{len(stopped)} stops: {completed} completed by the other, which had begun after {slowest:.1f} s at most; "
        f"{counted} attempts counted; the worker gone after {max(one.gone for one in stopped):.1f} s at most, {wrong} "
        f"exit statuses other than 0; {len(left)} objects left"
    )
    good = completed == len(stopped) and not (counted or wrong or left)
    return Outcome(measured, "given back, completed by the other, attempt not counted", good)


def _stopped(cluster: Field, video: Path) -> Stopped:
    session_id = cluster.doors[0].start(video)
    worker = cluster.wait_for_worker_on(session_id)
    other = next(one for one in cluster.workers if one is not worker)
    until(lambda: cluster.status(session_id).get("segmentsDone"), pause=0.02)
    began = time.monotonic()
    worker.send(signal.SIGTERM)
    until(lambda: events(other, "started", session_id), timeout=90, pause=0.02)
    taken_over = time.monotonic() - began
    status = worker.process.wait(30)
    gone = time.monotonic() - began
    worker.start()
    end = cluster.wait_until_ended([session_id], timeout=120)[0]
    by_other = bool(events(other, "completed", session_id))
    cluster.clean_up([session_id])
    return Stopped(taken_over, gone, status, end["status"] if by_other else "not by the other", end["attempt"])
