"""Two workers beside one, on work that does not share cores: a model elsewhere that takes its time."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.cluster.frame import Field, opened, start
from benchmarks.faults.frame import Outcome, Plan, brief
from tests.chat_server import ChatServer

THROUGHPUT_BAR = 1.8
ANSWER_SECONDS = 1.5
SESSIONS = 8


def throughput(plan: Plan) -> Outcome:
    """The same sessions, by two workers and by one; one is told to leave and started again in between."""
    video, server = brief(plan.folder), ChatServer()
    server.seconds = ANSWER_SECONDS
    together, alone = [], []
    with server.serving(), opened(plan, VISION_MODEL=server.url, MAX_CONCURRENT_JOBS="1") as cluster:
        start(cluster, 1, 2)
        ours = Field(cluster)
        for _ in range(plan.count(5, least=1)):
            _a_second(ours, video)  # whoever begins loads what it needs, after each start
            together.append(_a_second(ours, video))
            cluster.workers[1].stop()
            alone.append(_a_second(ours, video))
            cluster.workers[1].start()
        ours.close()
    two, one = statistics.median(together), statistics.median(alone)
    measured = (
        f"{SESSIONS} sessions, {ANSWER_SECONDS} s an answer: {two:.2f} sessions a second by two, {one:.2f} by one: "
        f"{two / one:.2f} ×"
    )
    return Outcome(measured, f"≥ {THROUGHPUT_BAR} ×", two / one >= THROUGHPUT_BAR)


def _a_second(cluster: Field, video: Path) -> float:
    """Sessions a second, from the first upload on."""
    began = time.monotonic()
    sessions = [cluster.doors[0].start(video) for _ in range(SESSIONS)]
    ends = cluster.wait_until_ended(sessions, timeout=300)
    seconds = time.monotonic() - began
    if any(end["status"] != "completed" for end in ends):
        raise RuntimeError(f"a session ended otherwise: {ends}")
    cluster.clean_up(sessions)
    return SESSIONS / seconds
