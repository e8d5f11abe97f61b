"""Where several processes share their rows, sums over them are right: what one did is its own, what all have is told
once."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import figures
from config import Settings
from figures import TOGETHER
from schemas import Status
from tests.figures_of import told
from tests.redis_server import RedisServer
from tests.service import BASE, Service, serve, until


@pytest.fixture
def pair(redis_server: RedisServer, tmp_path: Path) -> Iterator[list[Service]]:
    shared = {"redis_url": redis_server.url, "data_dir": tmp_path / "data", "vision_model": "none"}
    serving = [serve(Settings.model_validate(shared)) for _ in range(2)]
    yield [next(one) for one in serving]
    for one in serving:
        next(one, None)


def test_what_all_have_is_told_by_one_and_sums_are_right(pair: list[Service], brief: Path) -> None:
    first, second = pair
    first.ended(first.start(brief))
    second.ended(second.start(brief))
    second.seeded(Status.FAILED)
    until(lambda: told(first.http).has(figures.STORAGE_USED))
    of = [told(one.http) for one in pair]
    assert all(of[0].has(figure) and not of[1].has(figure) for figure in TOGETHER)
    assert sum(one.of(figures.SESSIONS, status="completed") for one in of) == 2
    assert sum(one.of(figures.SESSIONS) for one in of) == 3
    assert sum(one.of(figures.JOBS_FINISHED) for one in of) == 3
    assert sum(one.of(figures.UPLOADS) for one in of) == 2
    assert [one.of(figures.QUEUE_CAPACITY) for one in of] == [100, 0]
    first.house.watch_no_more()  # as it does when it ends
    assert told(second.http).of(figures.QUEUE_CAPACITY) == 100


def test_a_cancel_is_counted_once_wherever_it_was_asked_for(pair: list[Service], long_clip: Path) -> None:
    first, second = pair
    session_id = first.start(long_clip)
    until(lambda: first.status(session_id)["progress"] > 0)
    worker = next(one for one in pair if one.house.tasks.busy())
    other = first if worker is second else second
    other.http.post(f"{BASE}/cancel/{session_id}")
    until(lambda: told(worker.http).of(figures.CANCEL_LATENCY) == 1)
    assert [told(one.http).of(figures.JOBS_FINISHED) for one in (other, worker)] == [1, 0]
    assert [told(one.http).of(figures.JOB_DURATION) for one in (other, worker)] == [0, 1]


def test_while_the_rows_are_away_everything_else_is_told_at_once(
    pair: list[Service], redis_server: RedisServer
) -> None:
    first, _ = pair
    assert told(first.http).of(figures.STORE_UP) == 1
    redis_server.send(signal.SIGSTOP)
    try:
        until(lambda: told(first.http).of(figures.STORE_UP) == 0)
        began = time.monotonic()
        now = told(first.http)
        assert time.monotonic() - began < 1.0
        assert not any(now.has(figure) for figure in TOGETHER)
        assert now.has(figures.STORAGE_FREE)
        health = first.http.get("/health").json()
        assert (health["ready"], health["queue"]) == (False, None)
        assert health["troubles"][0].startswith("The store of sessions cannot be reached")
        assert str(redis_server.port) not in str(health)
    finally:
        redis_server.send(signal.SIGCONT)
    until(lambda: told(first.http).of(figures.STORE_UP) == 1)
