"""What a session costs Redis: operations, bytes and messages; and what a cluster costs that has nothing to do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from benchmarks.cluster.frame import Field, field, lasting
from benchmarks.faults.frame import Outcome, Plan
from tests.service import BASE, until

IDLE_SECONDS = 15.0

LISTENERS, MESSAGES, MESSAGE_BYTES = 50, 2000, 300


@dataclass(frozen=True)
class Spent:
    """In so many seconds: operations, bytes that Redis read and wrote, messages that were published, and seconds of its
    processor."""

    seconds: float
    operations: float
    read: float
    written: float
    messages: float
    processor: float

    def without(self, idle: Spent) -> Spent:
        """As much less as an idle cluster spends meanwhile."""
        share = self.seconds / idle.seconds
        return Spent(
            self.seconds,
            self.operations - idle.operations * share,
            self.read - idle.read * share,
            self.written - idle.written * share,
            self.messages - idle.messages * share,
            self.processor - idle.processor * share,
        )

    def each(self, count: float) -> str:
        return (
            f"{self.operations / count:.0f} operations, {self.read / count / 1e3:.1f} kB to Redis, "
            f"{self.written / count / 1e3:.1f} kB from it, {self.messages / count:.0f} messages, "
            f"{self.processor / count * 1e3:.1f} ms of its processor"
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
        delivery = _microseconds_of_delivery(client, cluster.cluster.redis_url)
    session = worked.without(idle)
    measured = (
        f"a session of 300 s of video, followed: {session.each(count)}, in {worked.seconds / count:.1f} s; its row, as "
        f"long as it is kept: {row / 1e3:.1f} kB of memory; an idle cluster of two front doors and two workers, a "
        f"second: {idle.each(idle.seconds)}; each listener of a message: {delivery:.1f} µs more"
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
    began, processor = time.monotonic(), _processor_seconds(client)
    work()
    seconds, stats = time.monotonic() - began, client.info("stats")
    published = client.info("commandstats").get("cmdstat_publish", {}).get("calls", 0)
    sizes = stats["total_net_input_bytes"], stats["total_net_output_bytes"]
    return Spent(seconds, stats["total_commands_processed"], *sizes, published, _processor_seconds(client) - processor)


def _processor_seconds(client: Any) -> float:
    told = client.info("cpu")
    return float(told["used_cpu_sys"] + told["used_cpu_user"])


def _microseconds_of_delivery(client: Any, url: str) -> float:
    """Of Redis's processor, for a message as large as a report, by the difference that so many listeners make."""
    message, channel = bytes(MESSAGE_BYTES), "benchmark"

    def spent() -> float:
        before = _processor_seconds(client)
        for _ in range(MESSAGES):
            client.publish(channel, message)
        return _processor_seconds(client) - before

    alone = spent()
    with ExitStack() as opened:
        places = urlsplit(url)
        listeners = [opened.enter_context(_Listener(places.hostname, places.port, channel)) for _ in range(LISTENERS)]
        heard = spent() - alone
        until(lambda: all(one.heard >= MESSAGES * MESSAGE_BYTES for one in listeners))
    return heard / MESSAGES / LISTENERS * 1e6


class _Listener:
    """A subscriber that costs little: it counts bytes."""

    def __init__(self, host: str | None, port: int | None, channel: str) -> None:
        self.heard = 0
        self._socket = socket.create_connection((host, port))
        self._socket.sendall(f"SUBSCRIBE {channel}\r\n".encode())
        self._socket.recv(1 << 10)
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> _Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while data := self._socket.recv(1 << 16):
            self.heard += len(data)
