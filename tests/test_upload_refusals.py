"""What is refused, how it is said, and that nothing of it is kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.service import BASE, Service, decoders, until
from video import forking

Serve = Callable[..., Service]


def post(service: Service, fields: dict[str, str], files: dict[str, Any] | None = None) -> httpx.Response:
    return service.http.post(f"{BASE}/upload", data=fields, files=files or {"other": ("x", b"")})


def test_a_missing_video_is_named(service: Service) -> None:
    answer = post(service, {"analysis_type": "highlights"})
    body = answer.json()
    assert (answer.status_code, body["reason"]) == (400, "invalid_request")
    assert body["details"] == [{"loc": ["video"], "msg": "is missing: send the video as a file in this field"}]
    assert service.folders() == []


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({}, ["analysis_type"]),
        ({"analysis_type": "dance"}, ["analysis_type"]),
        ({"analysis_type": "workout", "params": "[]"}, ["params"]),
        ({"analysis_type": "workout", "params": '{"max_highlights": 3}'}, ["params", "max_highlights"]),
        ({"analysis_type": "highlights", "params": '{"max_highlights": 999}'}, ["params", "max_highlights"]),
    ],
)
def test_a_wrong_field_is_named(service: Service, clip: Path, fields: dict[str, str], loc: list[str]) -> None:
    answer = post(service, fields, {"video": ("clip.mp4", clip.read_bytes())})
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (400, 400, "invalid_request")
    assert body["details"][0]["loc"] == loc
    assert loc[-1] in body["error"]
    assert service.folders() == []


def test_fields_may_come_after_the_video(service: Service, clip: Path) -> None:
    body, edge = b"", "edge"
    for head, content in (
        ('name="video"; filename="clip.mp4"', clip.read_bytes()),
        ('name="analysis_type"', b"workout"),
        ('name="params"', b'{"segment_duration": 2}'),
    ):
        body += f"--{edge}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
    answer = service.http.post(
        f"{BASE}/upload",
        content=body + f"--{edge}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={edge}"},
    )
    assert answer.status_code == 200
    assert service.results(answer.json()["sessionId"])["settings"]["segment_duration"] == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"Dear diary, today nothing happened. " * 50, "text"),
        (b"<!doctype html><html><body>hello</body></html>", "HTML|web page"),
        (b"#EXTM3U\n#EXTINF:10,\nclip.mp4\n", "playlist"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "image|picture"),
        (bytes(range(256)) * 64, "video|read|recogni"),
    ],
)
def test_what_is_no_video_is_refused_by_what_it_is(service: Service, content: bytes, words: str) -> None:
    answer = service.upload(content)
    body = answer.json()
    assert answer.status_code == 400
    assert body["reason"] == ("unsupported_video" if content else "invalid_request")
    assert re.search(words, body["error"], re.IGNORECASE), body["error"]
    assert service.folders() == []


def test_a_video_past_its_longest_duration_is_refused(serve_with: Serve, clip: Path) -> None:
    service = serve_with(max_duration_minutes=0.05)
    body = service.upload(clip).json()
    assert (body["code"], body["reason"]) == (400, "video_too_large")
    assert service.folders() == []


def test_a_body_too_large_by_its_own_account_is_refused_unread(serve_with: Serve) -> None:
    service = serve_with(max_upload_mb=1)
    answer = service.upload(b"x" * (3 << 20))
    assert (answer.status_code, answer.json()["reason"], answer.json()["maxBytes"]) == (
        413,
        "upload_too_large",
        1 << 20,
    )
    assert service.folders() == []


def test_a_body_too_large_without_a_length_is_counted_while_it_arrives(serve_with: Serve) -> None:
    service = serve_with(max_upload_mb=1)

    def body() -> Iterator[bytes]:
        yield b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
        for _ in range(48):
            yield b"x" * (1 << 16)

    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    answer = service.http.post(f"{BASE}/upload", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (413, "upload_too_large")
    until(lambda: service.folders() == [])


def test_a_full_queue_answers_when_to_come_again(serve_with: Serve, long_clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1, max_queued=1)
    running = service.start(long_clip)
    until(lambda: service.status(running)["status"] == "processing")
    waiting = service.start(long_clip)
    answer = service.upload(long_clip)
    assert (answer.status_code, answer.json()["reason"]) == (429, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0
    assert service.folders() == sorted([running, waiting])
    for session_id in (running, waiting):
        service.http.delete(f"{BASE}/cleanup/{session_id}")


def test_an_upload_is_refused_at_the_disks_floor(serve_with: Serve, clip: Path) -> None:
    service = serve_with(min_free_disk_mb=1 << 40)
    answer = service.upload(clip)
    assert (answer.status_code, answer.json()["reason"]) == (507, "insufficient_storage")
    assert service.folders() == []


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(service: Service) -> None:
    head = (
        f"POST {BASE}/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
        '--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    )
    with socket.create_connection((service.http.base_url.host, service.http.base_url.port or 0)) as client:
        client.sendall(head.encode() + b"x" * (3 << 20))
        until(service.folders)
    until(lambda: service.folders() == [])
    assert service.house.sessions.list_sessions() == []
    until(lambda: service.house.intake.under_way == 0)


def frozen_probe(service: Service, clip: Path) -> tuple[socket.socket, psutil.Process]:
    """A connection on which a video was sent, and the child that was to probe it, stopped in the middle."""
    named = b'--edge\r\nContent-Disposition: form-data; name="analysis_type"\r\n\r\nhighlights\r\n'
    named += b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    body = named + clip.read_bytes() + b"\r\n--edge--\r\n"
    head = (
        f"POST {BASE}/upload HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
    )
    for _ in range(50):
        client = socket.create_connection((service.http.base_url.host, service.http.base_url.port or 0))
        client.sendall(head.encode() + body)
        until(lambda: service.house.intake.under_way)
        while service.house.intake.under_way:
            for probe in decoders(os.getpid(), service.data_dir, "source.part"):
                probe.suspend()
                if service.house.intake.under_way:
                    return client, probe
        client.close()
    raise AssertionError("every probe was too quick to be stopped")


def test_a_client_that_goes_away_while_its_video_is_probed_leaves_nothing(service: Service, clip: Path) -> None:
    client, probe = frozen_probe(service, clip)
    before = {row["session_id"] for row in service.house.sessions.list_sessions()}
    client.close()
    assert psutil.wait_procs([probe], timeout=5)[1] == []
    until(lambda: set(service.folders()) == before, timeout=5)


def test_a_slow_probe_keeps_nobody_else_waiting(service: Service, clip: Path) -> None:
    stuck = [frozen_probe(service, clip) for _ in range(2)]
    session_id = service.start(clip)
    assert service.results(session_id)["highlights"]
    assert service.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
    for client, _ in stuck:
        client.close()
    assert psutil.wait_procs([probe for _, probe in stuck], timeout=5)[1] == []


def test_where_no_decoder_can_be_started_the_same_upload_may_be_sent_again(
    service: Service, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(forking, "FORK_SERVERS", 0)
        answer = service.upload(clip)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (503, 503, "decoder_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "try again later" in body["error"]
    assert service.folders() == []
    assert service.upload(clip).status_code == 200


def test_an_odd_key_is_answered_whatever_it_holds(service: Service, clip: Path) -> None:
    fields = {"analysis_type": "highlights", "params": '{"\\ud800": 1}'}
    answer = post(service, fields, {"video": ("clip.mp4", clip.read_bytes())})
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_request")


def test_storage_that_went_away_is_told_and_nothing_is_lost(service: Service, clip: Path) -> None:
    away = service.data_dir.with_name("away")
    service.data_dir.rename(away)
    answer = service.upload(clip)
    assert (answer.status_code, answer.json()["reason"]) == (503, "storage_unavailable")
    assert service.http.get("/readyz").json()["reason"] == "storage_unavailable"
    away.rename(service.data_dir)
    assert service.upload(clip).status_code == 200


def test_a_body_that_is_no_form_is_refused(service: Service) -> None:
    answer = service.http.post(f"{BASE}/upload", json={"video": "clip.mp4"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_request")


@pytest.mark.embedded
def test_a_file_name_never_touches_the_file_system(service: Service, clip: Path) -> None:
    files = {"video": ("../../évil\x1f name.mp4", clip.read_bytes())}
    answer = service.http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files=files)
    session_id = answer.json()["sessionId"]
    assert service.folders() == [session_id]
    data = service.results(session_id)
    ours = re.compile(
        r"(session|result)\.json|(source|reel)\.mp4|(still-\d+|contact-sheet)\.jpg|(chapters|highlights)\.\w{3}"
    )
    assert all(ours.fullmatch(path.name) for path in (service.data_dir / session_id).iterdir())
    assert "/" not in answer.json()["video"]["filename"]
    assert data["video"]["filename"] == data["video_path"] == answer.json()["video"]["filename"]


def test_an_upload_says_what_it_took(service: Service, clip: Path) -> None:
    answer = service.upload(clip)
    body = answer.json()
    assert (body["status"], body["message"]) == ("queued", "Video uploaded successfully")
    assert body["sha256"] == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert body["video"]["sizeBytes"] == clip.stat().st_size
    assert body["video"].keys() == {
        "filename",
        "durationSeconds",
        "fps",
        "width",
        "height",
        "codec",
        "hasAudio",
        "sizeBytes",
    }
    assert answer.headers["Location"] == body["links"]["status"] == f"{BASE}/status/{body['sessionId']}"
    assert body["links"].keys() == {"status", "results", "cancel", "cleanup", "events"}


def test_params_may_hold_any_script(service: Service, clip: Path) -> None:
    answer = service.http.post(
        f"{BASE}/upload",
        data={"analysis_type": "highlights", "params": json.dumps({"query": "日本"}, ensure_ascii=False)},
        files={"video": ("v.mp4", clip.read_bytes())},
    )
    assert service.results(answer.json()["sessionId"])["settings"]["query"] == "日本"
