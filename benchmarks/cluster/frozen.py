"""A worker is frozen for longer than its lease, another takes its session over, and then it is thawed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from benchmarks.cluster.frame import Field, events, field, lasting
from benchmarks.faults.frame import Outcome, Plan
from cluster import Part
from tests.service import until

LEASE_SECONDS = 2


def frozen(plan: Plan) -> Outcome:
    """It is thawed while the other is at work, or once that has completed; in turns."""
    video, chance = lasting(plan.folder), random.Random(plan.seed)
    times = plan.count(20, least=2)
    with field(plan, LEASE_SECONDS=str(LEASE_SECONDS)) as cluster:
        wrong = [words for n in range(times) if (words := _thawed(cluster, video, chance, early=n % 2 == 0))]
        left = cluster.left()
    measured = (
        f"{times} thawed: {times - len(wrong)} refused, with the other's result kept and its files whole"
        f"{'; ' if wrong else ''}{'; '.join(wrong)}; {len(left)} objects left"
    )
    return Outcome(measured, "its result refused", not wrong and not left)


def _thawed(cluster: Field, video: Path, chance: random.Random, *, early: bool) -> str:
    """What went wrong, if anything did."""
    session_id = cluster.doors[0].start(video)
    slow = cluster.wait_for_worker_on(session_id)
    other = next(worker for worker in cluster.workers if worker is not slow)
    until(lambda: cluster.status(session_id).get("segmentsDone"))
    time.sleep(chance.uniform(0, 1))
    slow.signal_all(signal.SIGSTOP)
    until(lambda: events(other, "started", session_id), timeout=60, pause=0.05)
    if not early:
        _completed(cluster, session_id)
    slow.signal_all(signal.SIGCONT)
    until(lambda: events(slow, "stopped", session_id), timeout=60, pause=0.05)
    return _judged(cluster, session_id, slow, other)


def _judged(cluster: Field, session_id: str, slow: Part, other: Part) -> str:
    row = _completed(cluster, session_id)
    results = cluster.doors[1].ask("GET", f"results/{session_id}")
    data = results.json().get("data", {}) if results.status_code == 200 else {}
    shown = [url for url in (data.get("source_url"), data.get("reel_url"), data.get("contact_sheet_url")) if url]
    answers = {url: cluster.doors[1].http.get(url, follow_redirects=True).status_code for url in shown}
    wrong = [f"{url} was answered with {status}" for url, status in answers.items() if status != 200]
    if row["status"] != "completed" or not data or not shown:
        wrong.append(f"{session_id} is {row['status']}, its results are answered with {results.status_code}")
    if events(slow, "completed", session_id) or not events(other, "completed", session_id):
        wrong.append(f"{session_id} was completed by the wrong one")
    cluster.clean_up([session_id])
    return ", ".join(wrong)


def _completed(cluster: Field, session_id: str) -> dict[str, object]:
    return cluster.wait_until_ended([session_id], timeout=120)[0]
