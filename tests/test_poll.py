"""Polls: tags that say whether anything changed, and polls that wait until something does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from schemas import Status
from tests.events import find
from tests.service import BASE, PATIENCE, Service, until

SOON = 2.0
"""Seconds within which a waiting client surely hears of a change, however busy this machine: far less than it waits."""


def poll(
    service: Service, session_id: str, what: str = "status", known: str | None = None, **query: Any
) -> httpx.Response:
    headers = {} if known is None else {"If-None-Match": known}
    return service.http.get(f"{BASE}/{what}/{session_id}", headers=headers, params=query)


def tag(service: Service, session_id: str, what: str = "status") -> str:
    etag: str = poll(service, session_id, what).headers["ETag"]
    return etag


@contextmanager
def waiting(service: Service, session_id: str, known: str | None = None) -> Any:
    """A poll that waits, in a thread; gives its answer and the instant of it."""

    def ask() -> tuple[httpx.Response, float]:
        with httpx.Client(base_url=service.http.base_url, timeout=PATIENCE, verify=False) as http:
            headers = {} if known is None else {"If-None-Match": known}
            answer = http.get(f"{BASE}/status/{session_id}", params={"wait": 20}, headers=headers)
            return answer, time.monotonic()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        until(lambda: len(service.house.followers) or asked.done())
        yield asked


def test_nothing_new_is_told_by_304_without_a_body(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    known = tag(shared_service, session_id)
    answer = poll(shared_service, session_id, known=known)
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", known)


def test_a_change_has_another_tag(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    known = tag(shared_service, session_id)
    shared_service.house.sessions.update_session(session_id, progress=70)
    answer = poll(shared_service, session_id, known=known)
    assert (answer.status_code, answer.json()["progress"]) == (200, 70)
    assert answer.headers["ETag"] != known


def test_expiry_has_another_tag_though_nothing_was_written(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.COMPLETED)
    known = tag(shared_service, session_id)
    shared_service._expire(session_id)
    assert poll(shared_service, session_id, known=known).json()["status"] == "expired"


@pytest.mark.parametrize("form", ["{0}", "W/{0}", '"other", W/{0}', '"a,b" , {0},"c"', "*"])
def test_if_none_match_is_compared_weakly_and_may_be_a_list(shared_service: Service, form: str) -> None:
    session_id = shared_service.seeded(Status.COMPLETED)
    for what in ("status", "results"):
        opaque = tag(shared_service, session_id, what).removeprefix("W/")
        assert poll(shared_service, session_id, what, known=form.format(opaque)).status_code == 304


@pytest.mark.parametrize("form", ["", "x", '""', '"*"', "{1}", '"x{1}"', '"{1}', "W/"])
def test_what_is_not_the_tag_matches_nothing(shared_service: Service, form: str) -> None:
    session_id = shared_service.seeded(Status.COMPLETED)
    for what in ("status", "results"):
        opaque = tag(shared_service, session_id, what).removeprefix("W/")
        known = form.format(opaque, opaque.strip('"'))
        assert poll(shared_service, session_id, what, known=known).status_code == 200


def test_a_result_never_changes_and_is_sent_once(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.COMPLETED)
    first = poll(shared_service, session_id, "results")
    again = poll(shared_service, session_id, "results", known=first.headers["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert not first.headers["ETag"].startswith("W/")


@pytest.mark.parametrize(
    ("status", "code"), [("processing", 400), ("failed", 500), ("cancelled", 400), ("expired", 404)]
)
def test_a_refusal_is_never_taken_for_known(shared_service: Service, status: str, code: int) -> None:
    updates = {"error": "x", "reason": "internal"} if status == "failed" else {}
    session_id = shared_service.seeded(Status(status), **updates)
    assert poll(shared_service, session_id, "results", known="*").status_code == code


@pytest.mark.parametrize(
    ("status", "advised"),
    [("queued", True), ("processing", True), ("completed", False), ("failed", False), ("cancelled", False)],
)
def test_who_polls_is_told_when_to_ask_again_while_there_is_a_reason(
    shared_service: Service, status: str, advised: bool
) -> None:
    session_id = shared_service.seeded(Status(status))
    answer = poll(shared_service, session_id)
    again = poll(shared_service, session_id, known=answer.headers["ETag"])
    assert ["Retry-After" in one.headers for one in (answer, again)] == [advised, advised]


@pytest.mark.parametrize("tagged", [False, True])
def test_a_waiting_poll_answers_at_the_next_change(service: Service, tagged: bool) -> None:
    session_id = service.seeded(Status.PROCESSING)
    with waiting(service, session_id, tag(service, session_id) if tagged else None) as asked:
        changed = time.monotonic()
        service.house.sessions.update_session(session_id, progress=70)
        answer, heard = asked.result()
    assert answer.json()["progress"] == 70
    assert heard - changed < SOON


def test_a_finding_alone_is_no_other_status(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    known = tag(service, session_id)
    with waiting(service, session_id, known) as asked:
        find(service, session_id, 1)
        assert tag(service, session_id) == known
        service.house.sessions.update_session(session_id, progress=80)
        assert asked.result()[0].json()["progress"] == 80


def test_a_tag_that_is_old_already_is_answered_at_once(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    known = tag(shared_service, session_id)
    shared_service.house.sessions.update_session(session_id, progress=70)
    answer = poll(shared_service, session_id, known=known, wait=20)
    assert answer.json()["progress"] == 70
    assert answer.elapsed.total_seconds() < SOON


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "expired"])
def test_nothing_is_waited_for_after_the_end(shared_service: Service, status: str) -> None:
    answer = poll(shared_service, shared_service.seeded(Status(status)), wait=20)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.elapsed.total_seconds() < SOON


def test_when_the_time_is_up_it_stands_as_it_stood(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    known = tag(shared_service, session_id)
    same, told = poll(shared_service, session_id, known=known, wait=0.2), poll(shared_service, session_id, wait="0.2")
    assert (same.status_code, told.status_code) == (304, 200)
    assert min(same.elapsed.total_seconds(), told.elapsed.total_seconds()) >= 0.2


def test_a_session_deleted_meanwhile_is_not_found(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    with waiting(service, session_id) as asked:
        service.http.delete(f"{BASE}/cleanup/{session_id}")
        answer, _ = asked.result()
    assert (answer.status_code, answer.json()["reason"]) == (404, "session_not_found")


def test_expiry_is_seen_by_who_waits_for_it(serve_with: Callable[..., Service]) -> None:
    service = serve_with(session_ttl_hours=0.5 / 3600)
    session_id = service.seeded(Status.CANCELLED)
    answer = poll(service, session_id, known=tag(service, session_id), wait=20)
    assert (answer.json()["status"], answer.elapsed.total_seconds() < SOON) == ("expired", True)


def test_a_place_in_the_queue_that_moves_is_news(serve_with: Callable[..., Service], long_clip: Any) -> None:
    service = serve_with(max_concurrent_jobs=1)
    _, first, second = (service.start(long_clip) for _ in range(3))
    until(lambda: service.status(second)["queuePosition"] == 2)
    with waiting(service, second, tag(service, second)) as asked:
        service.http.post(f"{BASE}/cancel/{first}")
        assert asked.result()[0].json()["queuePosition"] == 1


@pytest.mark.parametrize("wrong", ["", "abc", "-1", "nan", "inf", "30.1", "1e9", "5s", "٣x"])
def test_a_wait_that_is_no_number_of_seconds_is_refused_in_words(shared_service: Service, wrong: str) -> None:
    answer = poll(shared_service, shared_service.seeded(Status.PROCESSING), wait=wrong)
    body = answer.json()
    assert (answer.status_code, body["reason"]) == (400, "invalid_request")
    assert body["error"] == "wait: must be a number of seconds from 0 to 30"
    assert body["details"] == [{"loc": ["query", "wait"], "msg": "must be a number of seconds from 0 to 30"}]


def test_no_poll_is_left_waiting_when_its_client_goes_away(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    with httpx.Client(base_url=service.http.base_url, timeout=0.3, verify=False) as http, suppress(httpx.ReadTimeout):
        http.get(f"{BASE}/status/{session_id}?wait=20")
    until(lambda: len(service.house.followers) == 0)


def test_a_drain_ends_waits(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    known = tag(service, session_id)
    with waiting(service, session_id, known) as same, waiting(service, session_id) as told:
        until(lambda: len(service.house.followers) == 2)
        drain_on_its_loop(service)
        assert (same.result()[0].status_code, told.result()[0].status_code) == (304, 200)


def drain_on_its_loop(service: Service) -> None:
    loop = service.house.followers._loop
    assert loop
    loop.call_soon_threadsafe(service.house.drain)


def test_a_head_does_not_wait_and_has_the_tag(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    answer = shared_service.http.head(f"{BASE}/status/{session_id}", params={"wait": 20})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == tag(shared_service, session_id)
    assert answer.elapsed.total_seconds() < SOON


def test_many_wait_on_one_session_and_all_are_told(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    asked: list[Future[httpx.Response]] = []
    ready = threading.Barrier(21)

    def ask() -> httpx.Response:
        with httpx.Client(base_url=service.http.base_url, timeout=PATIENCE, verify=False) as http:
            ready.wait(PATIENCE)
            return http.get(f"{BASE}/status/{session_id}?wait=20")

    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ask) for _ in range(20)]
        ready.wait(PATIENCE)
        until(lambda: len(service.house.followers) == 20)
        service.house.sessions.update_session(session_id, progress=99)
        assert {one.result().json()["progress"] for one in asked} == {99}
    until(lambda: len(service.house.followers) == 0)
