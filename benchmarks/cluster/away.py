"""Redis killed and started again, and paused, while clients ask and sessions are worked on."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as default
from pathlib import Path

import httpx

from benchmarks.cluster.frame import AGAIN_SECONDS, Door, Field, acknowledged, brief, field, lasting, paused, told
from benchmarks.faults.frame import ENDED, Outcome, Plan, percentile
from tests.service import until

ANSWER_BAR_SECONDS = 2.0
HEALED_BAR_SECONDS = 15.0
PAUSE_SECONDS = 10.0
GONE_SECONDS = (0.5, 5.0)
"""How long a killed Redis stays away."""


@dataclass
class Asked:
    """What pollers saw."""

    seconds: list[float] = default(default_factory=list)
    answers: Counter[str] = default(default_factory=Counter)


def redis_away(plan: Plan) -> Outcome:
    """At each fault one long and one short session are under way."""
    kills, pauses = plan.count(10), plan.count(5)
    short, long, chance = brief(plan.folder), lasting(plan.folder), random.Random(plan.seed)
    with field(plan, LEASE_SECONDS="5") as cluster:
        sessions = [cluster.doors[0].start(short)]
        asked, over = Asked(), threading.Event()
        pollers = [threading.Thread(target=_poll, args=(door, sessions[0], asked, over)) for door in cluster.doors]
        for poller in pollers:
            poller.start()
        faults = [lambda: _gone(cluster, chance)] * kills + [
            lambda: paused(cluster.cluster.redis, PAUSE_SECONDS)
        ] * pauses
        healed = [_through(cluster, fault, (short, long), sessions) for fault in faults]
        ends = Counter(end["status"] for end in cluster.wait_until_ended(sessions, timeout=300))
        over.set()
        for poller in pollers:
            poller.join()
    wrong = set(asked.answers) - {"200", "503"}
    polls = f"{len(asked.seconds)} polls answered {told(asked.answers)}, p99 {percentile(asked.seconds, 99):.2f} s"
    measured = (
        f"killed {kills} ×, paused {pauses} ×: {ends['completed']} of {len(sessions)} sessions completed; {polls}, "
        f"longest {max(asked.seconds):.2f} s; a new session completed after {max(healed):.1f} s at most"
    )
    good = ends["completed"] == len(sessions) and not wrong
    good = good and max(asked.seconds) < ANSWER_BAR_SECONDS and max(healed) < HEALED_BAR_SECONDS
    bar = f"all ended; answers in < {ANSWER_BAR_SECONDS:.0f} s throughout; healed < {HEALED_BAR_SECONDS:.0f} s"
    return Outcome(measured, bar, good)


def _gone(cluster: Field, chance: random.Random) -> None:
    redis = cluster.cluster.redis
    redis.send(signal.SIGKILL)
    redis.process.wait()
    time.sleep(chance.uniform(*GONE_SECONDS))
    redis.start()


def _through(cluster: Field, fault: Callable[[], None], videos: tuple[Path, Path], sessions: list[str]) -> float:
    """Do it while sessions run; gives how many seconds after it a new one was taken, worked on and completed."""
    short, long = videos
    running = cluster.doors[0].start(long)
    cluster.wait_for_worker_on(running)
    sessions += [running, cluster.doors[1].start(short)]
    fault()
    began = time.monotonic()
    following = acknowledged(lambda: cluster.doors[0], short) or ""
    sessions.append(following)
    until(lambda: cluster.status(following).get("status") in ENDED, timeout=120, pause=0.05)
    seconds = time.monotonic() - began
    # The long one ends before the next fault, so that no attempt is counted for two of them.
    cluster.wait_until_ended([running], timeout=120)
    return seconds


def _poll(door: Door, session_id: str, asked: Asked, over: threading.Event) -> None:
    """One request after the other, throughout."""
    while not over.wait(AGAIN_SECONDS / 2):
        began = time.monotonic()
        try:
            answer = str(door.ask("GET", f"status/{session_id}").status_code)
        except httpx.HTTPError as error:
            answer = type(error).__name__
        asked.seconds.append(time.monotonic() - began)
        asked.answers[answer] += 1
