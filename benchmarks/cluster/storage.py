"""The store refuses, is slow, or cuts connections in the middle of a part: a TCP proxy stands before it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from benchmarks.cluster.frame import Door, Field, opened, start, told
from benchmarks.faults.frame import SMALL, Outcome, Plan
from tests.faulty_proxy import SLOW_BYTES_A_SECOND, FaultyProxy
from video.draw import draw_video

UPLOAD_BYTES = 24 << 20
"""Of one upload: several parts."""

AWAY_SECONDS = 20.0
CUT_AFTER_BYTES = 10 << 20
QUIET_SECONDS = 10.0
"""After which nobody seems to send any more."""

WORDED = ("503", "507")
"""How an upload may be refused while the store is away."""

BAR = "retried or failed in words; no incomplete uploads left"


@dataclass(frozen=True)
class Tried:
    """What uploads were answered with, how those sessions ended that were taken, and what was left once all of them
    were cleaned up."""

    answers: Counter[str]
    ends: Counter[str]
    unfinished: int
    left: int

    @property
    def good(self) -> bool:
        answered = all(one == "200" or one.split()[0] in WORDED for one in self.answers)
        ended = all(one == "completed" or ("failed" in one and "internal" not in one) for one in self.ends)
        return answered and ended and not self.unfinished and not self.left

    def __str__(self) -> str:
        return (
            f"uploads answered {told(self.answers)}; sessions {told(self.ends)}; {self.unfinished} incomplete uploads "
            f"and {self.left} objects left"
        )


def store_refuses(plan: Plan) -> Outcome:
    """It goes away while some uploads are on their way and others' sessions are worked on."""
    with _field(plan) as (cluster, proxy):
        tried = _try(cluster, plan.count(20, least=4), lambda: _away(proxy))
    measured = f"away for {AWAY_SECONDS:.0f} s, {proxy.hits} connections refused: {tried}"
    return Outcome(measured, BAR, tried.good and proxy.hits > 0)


def store_slow(plan: Plan) -> Outcome:
    with _field(plan) as (cluster, proxy):
        began = time.monotonic()
        tried = _try(cluster, plan.count(20, least=2), lambda: proxy.go_wrong("slow"))
        seconds = time.monotonic() - began
    measured = f"{SLOW_BYTES_A_SECOND / 1e6:.0f} MB/s a connection, all over after {seconds:.0f} s: {tried}"
    return Outcome(measured, BAR, tried.good and set(tried.ends) == {"completed"})


def store_cuts(plan: Plan) -> Outcome:
    """One connection after the other is cut, in any part of any upload."""
    count = plan.count(20, least=4)
    with _field(plan) as (cluster, proxy):
        tried = _try(cluster, count, lambda: _cut(proxy, 2 * count))
    measured = f"{proxy.hits} connections cut after {CUT_AFTER_BYTES >> 20} MiB more: {tried}"
    return Outcome(measured, BAR, tried.good and proxy.hits > 0)


@contextmanager
def _field(plan: Plan) -> Iterator[tuple[Field, FaultyProxy]]:
    """A cluster that reaches its store through the proxy."""
    with opened(plan) as cluster:
        assert cluster.store
        with FaultyProxy(int(cluster.store.environment["PORT"])) as proxy:
            start(cluster, 2, 2, AWS_ENDPOINT=f"http://127.0.0.1:{proxy.port}", STORAGE_LINKS="false")
            ours = Field(cluster)
            try:
                yield ours, proxy
            finally:
                ours.close()
                cluster.close()  # before the proxy: what ends may still have files to bring away


def _try(cluster: Field, count: int, fault: Callable[[], None]) -> Tried:
    """`count` uploads, half of them before the fault, and half while it is done, two at a time; all that is taken has
    to come to an end, and is cleaned up."""
    drawn = draw_video(cluster.cluster.redis.log.with_name("large.mp4"), 6, style=SMALL).path
    video = drawn.read_bytes() + bytes(UPLOAD_BYTES)
    answers: Counter[str] = Counter()
    sessions = [cluster.doors[n % 2].start(video) for n in range(count // 2)]
    doing = threading.Thread(target=fault)
    doing.start()
    with ThreadPoolExecutor(2) as pool:
        for answer, session_id in pool.map(lambda n: _sent(cluster.doors[n % 2], video), range(count - len(sessions))):
            answers[answer] += 1
            sessions += [session_id] if session_id else []
    doing.join()
    ends = cluster.wait_until_ended(sessions, timeout=300)
    cluster.clean_up(sessions)
    left = cluster.left()
    ways = Counter(" ".join(filter(None, (end["status"], end["reason"]))) for end in ends)
    return Tried(answers, ways, len(cluster.unfinished()), len(left))


def _sent(door: Door, video: bytes) -> tuple[str, str | None]:
    """What an upload was answered with, and the session that was made of it."""
    try:
        answer = door.upload(video)
        body = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return type(error).__name__, None
    if answer.status_code != 200:
        return f"{answer.status_code} {body.get('reason')}", None
    return "200", body["sessionId"]


def _away(proxy: FaultyProxy) -> None:
    proxy.go_wrong("refuse")
    time.sleep(AWAY_SECONDS)
    proxy.heal()


def _cut(proxy: FaultyProxy, times: int) -> None:
    """Whoever sends when that much was sent since the last was cut, as long as anybody sends."""
    for _ in range(times):
        proxy.go_wrong("cut", CUT_AFTER_BYTES)
        struck = proxy.struck.wait(QUIET_SECONDS)
        proxy.heal()
        if not struck:
            return
