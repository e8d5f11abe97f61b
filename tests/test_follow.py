"""A session's events, as they come over the wire: each promise of the contract about following, by its name."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import h11
import httpx
import pytest

from api import follow
from schemas import Status
from tests.events import Event, Stream, find, following, numbers, told
from tests.service import BASE, Service, until

FAILURE = {"error": "No luck", "message": "No luck", "reason": "internal"}
NOBODY = "00000000-0000-4000-8000-000000000000"

End = Callable[[Service, str], Any]


def complete(service: Service, session_id: str) -> None:
    service.house.files.write_result(session_id, b"{}")
    service.house.sessions.update_session(session_id, status=Status.COMPLETED, result="result.json")


def fail(service: Service, session_id: str) -> None:
    service.house.sessions.update_session(session_id, status=Status.FAILED, **FAILURE)


def cancel(service: Service, session_id: str) -> None:
    assert service.http.post(f"{BASE}/cancel/{session_id}").status_code == 200


def delete(service: Service, session_id: str) -> None:
    assert service.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200


def expire(service: Service, session_id: str) -> None:
    """Ends, and is over before anybody was told of the end."""

    def edit(row: Any) -> Any:
        expired = row["updated_at"]
        return row | {"status": Status.CANCELLED, "ended_at": expired - timedelta(days=1), "expires_at": expired}

    assert service.house.store.change(session_id, edit)


def step(service: Service, session_id: str, percent: int) -> None:
    assert service.house.sessions.update_session(session_id, progress=percent)


def follow_seeded(service: Service, session_id: str, seen: str | None = None) -> Any:
    return following(service.http.base_url, session_id, seen)


def test_a_snapshot_comes_first_and_its_id_is_the_revision(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    with follow_seeded(shared_service, session_id) as stream:
        first = stream.next()
    answer = shared_service.http.get(f"{BASE}/status/{session_id}")
    assert (first.name, first.data | {"etaSeconds": 0}) == ("status", answer.json() | {"etaSeconds": 0})
    assert answer.headers["ETag"] == f'W/"{first.id}"'


def test_then_one_event_a_change(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    with follow_seeded(shared_service, session_id) as stream:
        seen = [stream.next()]
        for percent in (70, 80, 90):
            step(shared_service, session_id, percent)
            seen.append(stream.next())
    assert [event.data["progress"] for event in seen] == [65, 70, 80, 90]
    assert [event.revision - seen[0].revision for event in seen] == [0, 1, 2, 3]


def test_partial_events_bring_each_finding_as_it_is_made(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    with follow_seeded(shared_service, session_id) as stream:
        stream.next()
        for number in (1, 2):
            find(shared_service, session_id, number)
            event = stream.next()
            assert (event.name, event.data["kind"], event.number) == ("partial", "set", number)


@pytest.mark.parametrize(
    ("end", "said"),
    [(complete, "completed"), (fail, "failed"), (cancel, "cancelled"), (expire, "expired"), (delete, "deleted")],
)
def test_every_end_ends_the_stream(shared_service: Service, end: End, said: str) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    with follow_seeded(shared_service, session_id) as stream:
        stream.next()
        end(shared_service, session_id)
        *before, last = stream.rest()
    assert (last.name, last.data) == ("end", {"status": said})
    assert [event.data["status"] for event in before] == ([] if said == "deleted" else [said])


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "expired"])
def test_who_comes_after_the_end_is_told_of_it(shared_service: Service, status: str) -> None:
    session_id = shared_service.seeded(Status(status), **(FAILURE if status == "failed" else {}))
    first, last = told(shared_service, session_id)
    assert (first.name, first.data["status"]) == ("status", status)
    assert (last.name, last.data) == ("end", {"status": status})


def test_who_comes_back_after_the_end_is_told_to_stay_away(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.CANCELLED)
    last = told(shared_service, session_id)[-1]
    answer = shared_service.http.get(f"{BASE}/events/{session_id}", headers={"Last-Event-ID": last.id})
    assert (answer.status_code, answer.content) == (204, b"")


def test_who_saw_the_last_status_but_not_the_end_gets_the_end(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.CANCELLED)
    first = told(shared_service, session_id)[0]
    assert [event.name for event in told(shared_service, session_id, seen=first.id)] == ["end"]


def test_whoever_comes_late_gets_what_was_found_before(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    find(shared_service, session_id, 1, 2)
    step(shared_service, session_id, 70)
    for _ in range(2):
        with follow_seeded(shared_service, session_id) as stream:
            events = [stream.next() for _ in range(3)]
        assert [event.name for event in events] == ["status", "partial", "partial"]
        assert numbers(events) == [1, 2]
        assert [event.revision for event in events] == sorted(event.revision for event in events)


def history(service: Service, session_id: str, stream: Stream) -> list[Event]:
    """What one follower is told of a life with findings, from its first event to its last."""
    events = [stream.next()]
    for number in range(1, 6):
        find(service, session_id, number)
        events.append(stream.next())
        step(service, session_id, 70 + number)
        events.append(stream.next())
    return events


def test_last_event_id_resumes_with_no_event_lost_or_told_again(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    with follow_seeded(shared_service, session_id) as stream:
        whole = history(shared_service, session_id, stream)
    newest = max(event.revision for event in whole if event.name == "status")
    for at, cut in enumerate(whole):
        due = [event for event in whole[at + 1 :] if event.name == "partial" or event.revision == newest]
        with follow_seeded(shared_service, session_id, seen=cut.id) as stream:
            assert [stream.next() for _ in due] == due
            find(shared_service, session_id, 100 + at)
            assert stream.next().number in (100, 100 + at)


def test_whoever_is_cut_off_within_the_first_words_misses_nothing(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    find(shared_service, session_id, 1, 2, 3)
    step(shared_service, session_id, 70)
    with follow_seeded(shared_service, session_id) as stream:
        first = [stream.next() for _ in range(4)]
    for at, cut in enumerate(first):
        with follow_seeded(shared_service, session_id, seen=cut.id) as stream:
            due = [stream.next() for _ in range(4 - at)]
        assert numbers(due) == [1, 2, 3][at:]
        assert due[-1].data["progress"] == 70


def test_polyfills_may_resume_by_the_query(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.CANCELLED)
    last = told(shared_service, session_id)[-1]
    answer = shared_service.http.get(f"{BASE}/events/{session_id}", params={"lastEventId": last.id})
    assert answer.status_code == 204


@pytest.mark.parametrize("odd", ["", "x", "-1", "1e3", "9" * 18, "9" * 100, "3 .end", "١٢"])
def test_an_id_that_was_never_given_counts_as_none(shared_service: Service, odd: str) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    find(shared_service, session_id, 1)
    query = {"lastEventId": odd}
    with shared_service.http.stream("GET", f"{BASE}/events/{session_id}", params=query) as answer:
        stream = Stream(answer)
        assert [stream.next().name for _ in range(2)] == ["status", "partial"]


def test_findings_of_an_attempt_that_was_interrupted_are_void(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    find(shared_service, session_id, 1)
    shared_service.house.sessions.give_back(session_id)
    with follow_seeded(shared_service, session_id) as stream:
        assert stream.next().data["status"] == "queued"
        shared_service.house.sessions.begin(session_id, "worker", max_attempts=3)
        find(shared_service, session_id, 2)
        assert stream.until("partial").number == 2


def test_a_place_in_the_queue_that_moves_is_told(serve_with: Callable[..., Service], long_clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1)
    running, first, second = (service.start(long_clip) for _ in range(3))
    with follow_seeded(service, second) as stream:
        stream.until("status", status="queued", queuePosition=2)
        cancel(service, first)
        stream.until("status", status="queued", queuePosition=1)
        cancel(service, running)
        stream.until("status", status="processing", queuePosition=None)


def test_the_work_hands_on_what_its_result_will_hold(shared_service: Service, bobbing: Path) -> None:
    session_id = shared_service.start(bobbing, "workout")
    events = told(shared_service, session_id)
    steps = shared_service.results(session_id)["exercise_steps"]
    found = [event.data["item"] for event in events if event.name == "partial"]
    assert [item["reps"] for item in found] == [step["reps"] for step in steps] == [10]
    statuses = [event.data for event in events if event.name == "status"]
    assert [status["progress"] for status in statuses] == sorted(status["progress"] for status in statuses)
    assert statuses[-1]["progress"] == 100


def test_nothing_found_is_kept_beyond_the_end(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    find(shared_service, session_id, 1)
    complete(shared_service, session_id)
    assert [event.name for event in told(shared_service, session_id)] == ["status", "end"]


def test_a_slow_reader_gets_every_finding_and_of_statuses_the_newest(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    url = shared_service.http.base_url
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((url.host, url.port or 80))
        slow.sendall(f"GET {BASE}/events/{session_id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        until(lambda: shared_service.house.followers)
        for number in range(400):
            find(shared_service, session_id, number, padding=20_000)
            shared_service.house.sessions.update_session(session_id, message=f"Looking at {number}")
        complete(shared_service, session_id)
        with httpx.Client(transport=_Heard(slow), base_url=url) as http, http.stream("GET", "/") as answer:
            events = Stream(answer).rest()
    assert numbers(events) == list(range(400))
    assert len(events) < 600
    assert [event.revision for event in events] == sorted(event.revision for event in events)
    assert events[-1].data == {"status": "completed"}


class _Heard(httpx.BaseTransport):
    """Reads the answer to what was asked over a socket already."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        reader = h11.Connection(h11.CLIENT)
        reader.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
        reader.send(h11.EndOfMessage())

        def content() -> Any:
            while not isinstance(event := reader.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    reader.receive_data(self._connection.recv(65536))
                elif isinstance(event, h11.Data):
                    yield bytes(event.data)

        return httpx.Response(200, content=content())


def test_a_silent_stream_is_kept_open_by_comments(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "HEARTBEAT_SECONDS", 0.05)
    session_id = service.seeded(Status.PROCESSING)
    with service.http.stream("GET", f"{BASE}/events/{session_id}") as answer:
        comments = (line for line in answer.iter_lines() if line.startswith(":"))
        assert [next(comments) for _ in range(2)] == [": still here"] * 2


def test_a_stream_says_when_to_come_back_if_it_breaks(shared_service: Service) -> None:
    with follow_seeded(shared_service, shared_service.seeded(Status.CANCELLED)) as stream:
        stream.rest()
    assert stream.comments == ["retry: 1000"]


def test_whoever_comes_while_the_service_stops_is_told_once_and_sent_away(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    service.house.followers.drain()
    with follow_seeded(service, session_id) as stream:
        assert [event.name for event in stream.rest()] == ["status"]
    assert stream.comments == ["retry: 1000", ": the service stops; come back", "retry: 1000"]


def test_a_client_that_goes_away_is_forgotten(service: Service) -> None:
    session_id = service.seeded(Status.PROCESSING)
    with follow_seeded(service, session_id) as stream:
        stream.next()
        assert len(service.house.followers) == 1
    until(lambda: len(service.house.followers) == 0)


@pytest.mark.parametrize("unknown", [NOBODY, "no-id-at-all", "a/b"])
def test_a_session_that_is_not_there_is_told_in_the_flat_shape(shared_service: Service, unknown: str) -> None:
    answer = shared_service.http.get(f"{BASE}/events/{unknown}")
    body = answer.json()
    assert (answer.status_code, body["error"], body["sessionId"]) == (404, "Session not found", unknown)


def test_pages_of_known_origins_may_follow_and_nothing_on_the_way_keeps_it(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.CANCELLED)
    origin = {"Origin": "http://localhost:5173"}
    head = shared_service.http.get(f"{BASE}/events/{session_id}", headers=origin).headers
    assert head["Content-Type"].startswith("text/event-stream")
    assert (head["Cache-Control"], head["X-Accel-Buffering"]) == ("no-store", "no")
    assert head["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "ETag" in head["Access-Control-Expose-Headers"]


def test_a_head_has_no_body_and_ends(shared_service: Service) -> None:
    session_id = shared_service.seeded(Status.PROCESSING)
    answer = shared_service.http.head(f"{BASE}/events/{session_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_the_documentation_tells_of_it(shared_service: Service) -> None:
    paths = shared_service.http.get("/openapi.json").json()["paths"]
    events, status = (paths[f"{BASE}/{name}/{{session_id}}"]["get"] for name in ("events", "status"))
    assert events["responses"]["200"]["content"].keys() == {"text/event-stream"}
    assert events["responses"]["404"]["content"].keys() == {"application/json"}
    assert {"Last-Event-ID", "lastEventId"} <= {parameter["name"] for parameter in events["parameters"]}
    assert {"wait", "If-None-Match"} <= {parameter["name"] for parameter in status["parameters"]}
    assert "304" in status["responses"]


def test_the_upload_says_where_to_follow(shared_service: Service, clip: Path) -> None:
    body = json.loads(shared_service.upload(clip).content)
    assert body["links"]["events"] == f"{BASE}/events/{body['sessionId']}"
    assert told(shared_service, body["sessionId"])[-1].data == {"status": "completed"}
