"""Legacy clients post, wait and read the answer, as they always did."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.service import Service, until, without_files

TIMES = ("processing_time_seconds",)


def analyze(service: Service, kind: str, video: Path | bytes, **fields: str) -> httpx.Response:
    content = video if isinstance(video, bytes) else video.read_bytes()
    return service.http.post(f"/analyze/{kind}", data=fields, files={"video": ("clip.mp4", content)})


def test_highlights_come_in_the_old_envelope(service: Service, clip: Path) -> None:
    body = analyze(service, "highlights", clip, min_significance="5", max_highlights="2").json()
    assert (body["success"], body["analysis_type"]) == (True, "highlights")
    assert body["data"]["settings"]["max_highlights"] == 2
    assert len(body["data"]["highlights"]) <= 2


def test_a_workout_comes_in_the_old_envelope(service: Service, clip: Path) -> None:
    body = analyze(service, "workout", clip, segment_duration="5", user_prompt="squats?").json()
    assert (body["success"], body["analysis_type"]) == (True, "workout_timestamps")
    assert body["data"]["user_prompt"] == "squats?"
    assert body["data"]["segment_analyses"][0]["end_timestamp"] == 5


def test_the_result_is_the_same_as_a_sessions(service: Service, clip: Path) -> None:
    legacy = analyze(service, "highlights", clip).json()["data"]
    session = service.results(service.start(clip))
    for name in TIMES:
        del legacy[name], session[name]
    assert session["reel_url"]
    assert legacy == without_files(session), "its files would be gone before anybody could fetch them"


def test_nothing_is_left_behind(service: Service, clip: Path) -> None:
    assert analyze(service, "highlights", clip).status_code == 200
    assert service.folders() == []
    assert service.house.sessions.list_sessions() == []


@pytest.mark.parametrize(
    ("fields", "content", "code"),
    [
        ({"max_highlights": "many"}, None, 400),
        ({}, b"no video", 400),
        ({}, b"", 400),
    ],
)
def test_errors_keep_the_old_shape(
    service: Service, clip: Path, fields: dict[str, str], content: bytes | None, code: int
) -> None:
    answer = analyze(service, "highlights", clip if content is None else content, **fields)
    assert answer.status_code == code
    assert answer.json().keys() == {"detail"}
    assert isinstance(answer.json()["detail"], str)
    assert service.folders() == []


def test_a_full_queue_is_told_in_the_old_shape(serve_with: Callable[..., Service], long_clip: Path, clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1, max_queued=1)
    running = service.start(long_clip)
    until(lambda: service.status(running)["status"] == "processing")
    service.start(long_clip)
    answer = analyze(service, "highlights", clip)
    assert (answer.status_code, answer.json().keys()) == (429, {"detail"})


@pytest.mark.embedded
def test_a_client_that_goes_away_stops_the_work_and_leaves_nothing(service: Service, long_clip: Path) -> None:
    video = long_clip.read_bytes()
    part = (
        b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
        + video
        + b"\r\n--edge--\r\n"
    )
    head = (
        f"POST /analyze/highlights HTTP/1.1\r\nHost: x\r\nContent-Length: {len(part)}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
    )
    with socket.create_connection((service.http.base_url.host, service.http.base_url.port or 0)) as client:
        client.sendall(head.encode() + part)
        until(lambda: not service.house.tasks.idle())
    until(lambda: service.folders() == [] and service.house.tasks.idle(), timeout=2)
    assert service.house.sessions.list_sessions() == []


def test_the_documentation_shows_the_legacy_forms(service: Service) -> None:
    paths = service.http.get("/openapi.json").json()["paths"]
    form = paths["/analyze/workout"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"].keys() == {"video", "segment_duration", "system_prompt", "user_prompt"}
    # What a form is filled with by those who only press the button.
    assert form["properties"]["segment_duration"]["default"] == 15
