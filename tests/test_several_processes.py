"""Several services over one Redis, as several processes run them: whichever is asked, it is one service."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.callers import WAITS
from api.keyring import token_hash
from errors import StoreAway
from schemas import Status
from tests.events import find, following, numbers, told
from tests.redis_server import RedisServer
from tests.service import BASE, Service, until
from tests.test_idempotency import upload
from tests.test_limits import KEYS

Together = Callable[..., list[Service]]


@pytest.fixture
def together(serve_with: Callable[..., Service], redis_server: RedisServer, tmp_path: Path) -> Together:
    """So many services with the same settings, over the same rows and files."""

    def open_them(number: int, **settings: object) -> list[Service]:
        shared = {"redis_url": redis_server.url, "data_dir": tmp_path / "shared"}
        return [serve_with(**(shared | settings)) for _ in range(number)]

    return open_them


@contextmanager
def away(server: RedisServer, how: str) -> Iterator[None]:
    """Redis is killed, or stands still, and comes back."""
    if how == "killed":
        server.kill()
    else:
        server.send(signal.SIGSTOP)
    try:
        yield
    finally:
        if how == "killed":
            server.start()
        else:
            server.send(signal.SIGCONT)


def test_a_session_may_be_uploaded_followed_and_read_at_three_places(together: Together, clip: Path) -> None:
    here, there, elsewhere = together(3)
    session_id = here.start(clip)
    waiting = there.http.get(f"{BASE}/status/{session_id}", params={"wait": 20})
    events = told(there, session_id)
    assert waiting.status_code == 200
    assert [event.name for event in events][-1] == "end"
    assert events[-1].data == {"status": "completed"}
    assert [event.revision for event in events] == sorted(event.revision for event in events)
    answers = [one.http.get(f"{BASE}/results/{session_id}") for one in (here, there, elsewhere)]
    assert [one.status_code for one in answers] == [200] * 3
    assert len({one.content for one in answers}) == len({one.headers["etag"] for one in answers}) == 1


def test_a_cancel_at_another_place_stops_the_work_and_leaves_no_file(together: Together, long_clip: Path) -> None:
    here, there = together(2)
    session_id = here.start(long_clip)
    until(lambda: there.status(session_id)["status"] == "processing")
    assert there.http.post(f"{BASE}/cancel/{session_id}").status_code == 200
    assert here.status(session_id)["status"] == "cancelled"
    until(here.house.tasks.idle, timeout=5)
    until(lambda: not list((here.data_dir / session_id).iterdir()), timeout=5)


def test_a_wait_at_one_place_ends_with_a_change_at_another(together: Together) -> None:
    here, there = together(2)
    session_id = here.seeded(Status.PROCESSING)
    known = there.http.get(f"{BASE}/status/{session_id}").headers["etag"]

    def wait() -> httpx.Response:
        with httpx.Client(base_url=there.http.base_url, timeout=30) as http:
            return http.get(f"{BASE}/status/{session_id}", params={"wait": 20}, headers={"If-None-Match": known})

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(wait)
        until(lambda: len(there.house.followers))
        here.house.sessions.update_session(session_id, worker="worker", progress=70)
        assert answer.result(10).json()["progress"] == 70


def test_findings_are_told_everywhere_also_to_who_comes_late(together: Together) -> None:
    here, there = together(2)
    session_id = here.seeded(Status.PROCESSING)
    find(here, session_id, 1)
    with following(there.http.base_url, session_id) as stream:
        assert stream.until("partial").number == 1
        find(here, session_id, 2, 3)
        here.house.sessions.update_session(session_id, worker="worker", status=Status.CANCELLED)
        assert numbers(stream.rest()) == [2, 3]


def test_a_deletion_at_one_place_is_told_at_another(together: Together) -> None:
    here, there = together(2)
    session_id = here.seeded(Status.QUEUED)
    with following(there.http.base_url, session_id) as stream:
        stream.until("status")
        assert here.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
        assert stream.until("end").data == {"status": "deleted"}
    assert there.http.get(f"{BASE}/status/{session_id}").status_code == 404


def test_an_expired_session_is_cleaned_up_by_one_of_them(together: Together) -> None:
    here, there = together(2, session_ttl_hours=0.0003)
    session_id = here.seeded(Status.COMPLETED)
    until(lambda: not list((here.data_dir / session_id).iterdir()))
    assert there.status(session_id)["status"] == "expired"
    until(lambda: there.http.get(f"{BASE}/status/{session_id}").status_code == 404)
    until(lambda: here.house.store.all() == [])


def test_what_a_legacy_client_waited_for_at_a_door_that_is_gone_is_removed(together: Together) -> None:
    here, there = together(2, lease_seconds=1)
    living, gone = (here.seeded(Status.COMPLETED) for _ in range(2))
    here.house.callers.begin(living)
    here.house.store.board.note(WAITS + gone, "a door that is no more")  # type: ignore[attr-defined]
    until(lambda: there.house.store.get(gone) is None and here.folders() == [living])
    there.house.callers.go_round()  # type: ignore[attr-defined]
    assert there.status(living)["status"] == "completed"
    here.house.callers.end(living)
    assert here.house.store.board.noted(WAITS) == {}  # type: ignore[attr-defined]


# ── What is counted and kept ──────────────────────────────────────────────────────────────────────


def test_the_same_upload_sent_to_two_at_once_is_one_session(together: Together, clip: Path, long_clip: Path) -> None:
    services = together(2)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: upload(services[number % 2].http, clip, "one"), range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    (session_id,) = {answer.json()["sessionId"] for answer in answers}
    assert [row["session_id"] for row in services[0].house.store.all()] == [session_id]
    until(lambda: [name for name in services[0].folders() if "-" in name] == [session_id])
    refused = upload(services[1].http, long_clip, "one")
    assert (refused.status_code, refused.json()["reason"]) == (422, "idempotency_mismatch")
    services[0].http.delete(f"{BASE}/cleanup/{session_id}")
    assert upload(services[1].http, long_clip, "one").status_code == 200


def test_what_waits_anywhere_counts_against_the_bound_of_all(together: Together, clip: Path, long_clip: Path) -> None:
    here, there = together(2, max_queued=2, max_concurrent_jobs=1)
    busy = [one.start(long_clip) for one in (here, there)]
    until(lambda: all(here.status(one)["status"] == "processing" for one in busy))
    waiting = [one.start(clip) for one in (here, there)]
    refused = there.upload(clip)
    assert (refused.status_code, refused.json()["reason"]) == (429, "queue_full")
    assert sorted(row["session_id"] for row in there.house.store.all()) == sorted(busy + waiting)
    here.http.post(f"{BASE}/cancel/{waiting[1]}")
    assert there.upload(clip).status_code == 200


def test_a_client_is_limited_over_all_of_them(together: Together) -> None:
    here, there = together(2, rate_polls_per_minute=2)
    path = f"{BASE}/status/unknown"
    codes = [one.http.get(path).status_code for one in (here, there, here)]
    refused = there.http.get(path)
    assert (codes, refused.status_code) == ([404, 404, 429], 429)
    assert 25 < int(refused.headers["Retry-After"]) <= 30


def test_lists_tokens_and_tickets_hold_at_each(together: Together) -> None:
    here, there = together(2, api_keys=KEYS)
    alice, bob = ({"X-API-Key": one.partition(":")[2]} for one in KEYS.split(","))
    mine = [here.seeded(Status.PROCESSING, owner="alice") for _ in range(3)]
    here.seeded(Status.QUEUED, owner="bob")
    page = there.http.get(f"{BASE}/sessions", headers=alice, params={"limit": 2}).json()
    rest = here.http.get(f"{BASE}/sessions", headers=alice, params={"limit": 2, "cursor": page["nextCursor"]}).json()
    listed = [one["sessionId"] for one in (*page["sessions"], *rest["sessions"])]
    assert (listed, rest["nextCursor"]) == (mine[::-1], None)
    assert there.http.get(f"{BASE}/status/{mine[0]}", headers=bob).status_code == 404
    ticket = here.http.post(f"{BASE}/token/{mine[0]}", headers=alice).json()["sessionToken"]
    here.house.sessions.update_session(mine[0], status=Status.CANCELLED)
    assert there.http.get(f"{BASE}/events/{mine[0]}", params={"token": ticket}).status_code == 200


def test_a_token_given_at_one_place_opens_the_session_at_another(together: Together) -> None:
    here, there = together(2)
    session_id = here.seeded(Status.PROCESSING, token="secret")
    path = f"{BASE}/status/{session_id}"
    assert there.http.get(path).status_code == 404
    assert there.http.get(path, headers={"X-Session-Token": "secret"}).status_code == 200
    here.house.sessions.change_token(session_id, token_hash("another"))
    assert there.http.get(path, headers={"X-Session-Token": "secret"}).status_code == 404


# ── Away and back ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("how", ["killed", "still"])
def test_while_redis_is_away_everything_answers_503_soon_and_the_process_lives(
    together: Together, redis_server: RedisServer, clip: Path, how: str
) -> None:
    (service,) = together(1)
    session_id = service.seeded(Status.COMPLETED)
    routes = [("GET", what) for what in ("status", "results", "events", "files")]
    routes += [("POST", "cancel"), ("DELETE", "cleanup")]
    with away(redis_server, how):
        slowest = 0.0
        for method, what in routes:
            began = time.monotonic()
            path = f"{BASE}/{what}/{session_id}" + ("/source.mp4" if what == "files" else "")
            answer = service.http.request(method, path)
            slowest = max(slowest, time.monotonic() - began)
            assert (answer.status_code, answer.json()["reason"]) == (503, "store_unavailable"), what
            assert answer.headers["Retry-After"] == "2"
        assert slowest < 2
        assert service.upload(clip).status_code == 503
        assert service.http.get("/livez").status_code == 200
        ready = service.http.get("/readyz")
        assert (ready.status_code, ready.json()["reason"]) == (503, "store_unavailable")
        assert "away" in service.http.get("/health").json()["store"]
    until(lambda: service.http.get("/readyz").status_code == 200, timeout=15)
    assert service.status(session_id)["status"] == "completed"
    assert service.http.get("/health").json()["store"] == "shared"
    until(lambda: service.folders() == [session_id])


def test_an_upload_whose_session_is_in_the_ledger_is_answered_also_when_redis_goes_away_then(
    together: Together, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (service,) = together(1)

    def away(*_: object, **__: object) -> None:
        raise StoreAway("gone")

    for name in ("submit", "queue_position"):
        monkeypatch.setattr(service.house.tasks, name, away)
    answer = service.upload(clip)
    assert (answer.status_code, answer.json()["queuePosition"]) == (200, 1)
    assert service.house.store.get(answer.json()["sessionId"])


@pytest.mark.parametrize("how", ["killed", "still"])
def test_a_stream_outlives_redis_being_away_and_says_nothing_wrong(
    together: Together, redis_server: RedisServer, how: str
) -> None:
    here, there = together(2)
    session_id = here.seeded(Status.PROCESSING)
    with following(there.http.base_url, session_id) as stream:
        first = stream.until("status")
        with away(redis_server, how):
            until(lambda: there.house.store.trouble)
        until(lambda: not here.house.store.trouble)
        assert here.house.sessions.update_session(session_id, worker="worker", progress=90)
        assert here.house.sessions.update_session(session_id, worker="worker", status=Status.FAILED, error="words")
        told = [first, *stream.rest()]
    assert told[-1].data == {"status": "failed"}
    progress = [event.data["progress"] for event in told if event.name == "status"]
    assert progress == sorted(progress)
    assert [event.revision for event in told] == sorted(event.revision for event in told)
