"""The Python client against a real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from client import VideoClient
from errors import ServiceError
from tests.service import Service, until


@pytest.fixture
def client(service: Service) -> Iterator[VideoClient]:
    with VideoClient(str(service.http.base_url)) as client:
        yield client


def test_the_walk_in_python(client: VideoClient, service: Service, clip: Path) -> None:
    told: list[dict[str, Any]] = []
    session_id = client.upload(clip, "highlights", {"max_highlights": 2})["sessionId"]
    assert client.follow(session_id, told.append)["status"] == "completed"
    assert told[-1]["progress"] == 100
    assert client.results(session_id)["settings"]["max_highlights"] == 2
    client.cleanup(session_id)
    assert service.folders() == []


@pytest.fixture
def without_events(service: Service) -> Iterator[VideoClient]:
    """A client with something between it and the service that does not know event streams."""

    class Between(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/events/" in self.path:
                self.send_error(502)
                return
            known = self.headers.get("If-None-Match", "")
            answer = service.http.get(self.path, headers={"If-None-Match": known})
            self.send_response(answer.status_code)
            self.send_header("ETag", answer.headers.get("ETag", ""))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Between) as between:
        Thread(target=between.serve_forever).start()
        with VideoClient(f"http://127.0.0.1:{between.server_port}") as client:
            yield client
        between.shutdown()


def test_where_there_are_no_events_polls_tell_the_same(
    without_events: VideoClient, service: Service, clip: Path
) -> None:
    told: list[dict[str, Any]] = []
    session_id = service.start(clip)
    assert without_events.follow(session_id, told.append)["status"] == "completed"
    percents = [status["progress"] for status in told]
    assert (percents, percents[-1]) == (sorted(percents), 100)
    with pytest.raises(ServiceError, match="Session not found"):
        without_events.follow("nobody", told.append)


def test_a_session_that_is_deleted_while_it_is_followed_is_told(client: VideoClient, long_clip: Path) -> None:
    session_id = client.upload(long_clip, "highlights")["sessionId"]
    with pytest.raises(ServiceError, match="Session not found"):
        client.follow(session_id, lambda status: client.cleanup(session_id))


def test_a_service_that_stays_away_is_given_up() -> None:
    with VideoClient("http://127.0.0.1:9") as lonely, pytest.raises(ServiceError, match="no answer from"):
        lonely.follow("x", lambda status: None, patience=0)


def test_a_session_can_be_stopped(client: VideoClient, long_clip: Path) -> None:
    session_id = client.upload(long_clip, "workout")["sessionId"]
    until(lambda: client.status(session_id)["status"] == "processing")
    assert client.cancel(session_id)["status"] == "cancelled"
    assert client.follow(session_id, lambda status: None)["status"] == "cancelled"


def test_a_refusal_carries_the_services_words_and_reason(client: VideoClient, clip: Path) -> None:
    with pytest.raises(ServiceError, match="max_highlights") as refusal:
        client.upload(clip, "highlights", {"max_highlights": 0})
    assert (refusal.value.status_code, refusal.value.reason) == (400, "invalid_request")
    with pytest.raises(ServiceError, match="Session not found"):
        client.status("nobody")


def test_a_key_is_sent_with_every_call(serve_with: Callable[..., Service], clip: Path) -> None:
    key = "alice-0123456789-secret"
    url = str(serve_with(api_keys=f"alice:{key}").http.base_url)
    with VideoClient(url, api_key=key) as client:
        session_id = client.upload(clip, "highlights")["sessionId"]
        assert client.follow(session_id, lambda status: None)["status"] == "completed"
    with VideoClient(url) as stranger, pytest.raises(ServiceError, match="asks for a key") as refusal:
        stranger.status(session_id)
    assert (refusal.value.status_code, refusal.value.reason) == (401, "unauthorized")


def test_a_service_that_is_not_there_is_told() -> None:
    with VideoClient("http://127.0.0.1:9") as client:
        assert not client.alive()
        with pytest.raises(ServiceError, match=r"no answer from http://127\.0\.0\.1:9"):
            client.status("x")
