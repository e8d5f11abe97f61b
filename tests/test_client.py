"""The Python client against a real service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
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


def test_a_service_that_is_not_there_is_told() -> None:
    with VideoClient("http://127.0.0.1:9") as client:
        assert not client.alive()
        with pytest.raises(ServiceError, match=r"no answer from http://127\.0\.0\.1:9"):
            client.status("x")
