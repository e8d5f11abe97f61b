"""Resumable uploads by the tus protocol: begun, cut off, gone on with, ended; and what is refused."""

from __future__ import annotations

import base64
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import tus
from tests.service import BASE, Program, Service, until

UPLOADS = f"{BASE}/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}

Serve = Callable[..., Service]


def metadata(**fields: str) -> str:
    given = {"filename": "clip.mp4", "analysis_type": "highlights"} | fields
    return ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in given.items())


def begun(http: httpx.Client, size: int, **fields: str) -> str:
    """The new upload's address."""
    answer = http.post(UPLOADS, headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(**fields)})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Upload-Offset"] == "0"
    return answer.headers["Location"]


def sent(http: httpx.Client, upload: str, offset: int, data: bytes) -> httpx.Response:
    return http.patch(upload, headers={**CHUNK, "Upload-Offset": str(offset)}, content=data)


def offset_of(http: httpx.Client, upload: str) -> int:
    answer = http.head(upload, headers=TUS)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return int(answer.headers["Upload-Offset"])


def refused(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["code"] == answer.status_code
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    return answer.status_code, body["reason"]


def cut_off(http: httpx.Client, upload: str, offset: int, announced: int, data: bytes) -> socket.socket:
    """A connection on which a part of a PATCH was sent."""
    client = socket.create_connection((http.base_url.host, http.base_url.port or 0))
    head = f"PATCH {upload} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
    head += f"Content-Type: {CHUNK['Content-Type']}\r\nContent-Length: {announced}\r\n\r\n"
    client.sendall(head.encode() + data)
    return client


def test_options_tell_what_can_be_done(shared_service: Service) -> None:
    answer = shared_service.http.options(UPLOADS)
    assert (answer.status_code, answer.headers["Tus-Version"]) == (204, "1.0.0")
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination"
    assert answer.headers["Tus-Max-Size"] == str(2048 << 20)


def test_the_last_byte_makes_the_session_that_a_form_would_have_made(service: Service, clip: Path) -> None:
    video = clip.read_bytes()
    upload = begun(service.http, len(video), params='{"max_highlights": 2}')
    first = sent(service.http, upload, 0, video[:1000])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000")
    assert parsedate_to_datetime(first.headers["Upload-Expires"]) > datetime.now(UTC)
    early = service.http.get(upload)
    assert refused(early) == (409, "upload_incomplete")
    last = sent(service.http, upload, 1000, video[1000:])
    session_id = last.headers["Upload-Session-Id"]
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(video)))
    told, by_form = service.http.get(upload).json(), service.upload(clip, max_highlights=2).json()
    assert told.keys() == by_form.keys()
    assert (told["sessionId"], told["sha256"], told["video"]) == (session_id, by_form["sha256"], by_form["video"])
    assert service.results(session_id)["settings"]["max_highlights"] == 2
    assert service.folders() == sorted([session_id, by_form["sessionId"]])


def test_a_client_that_lost_the_last_answer_learns_its_session(service: Service, clip: Path) -> None:
    upload = begun(service.http, clip.stat().st_size)
    session_id = sent(service.http, upload, 0, clip.read_bytes()).headers["Upload-Session-Id"]
    again = service.http.head(upload, headers=TUS)
    assert again.headers["Upload-Offset"] == again.headers["Upload-Length"] == str(clip.stat().st_size)
    assert again.headers["Upload-Session-Id"] == session_id
    service.http.delete(f"{BASE}/cleanup/{session_id}")
    assert service.http.head(upload, headers=TUS).status_code == 404


def came(service: Service, upload: str) -> int:
    """Bytes that are written, counted or not."""
    return (service.data_dir / "uploads" / upload.rpartition("/")[2] / "source.part").stat().st_size


@pytest.mark.embedded
def test_what_came_before_the_connection_broke_is_kept(
    service: Service, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus, "BATCH_BYTES", 1000)
    video = clip.read_bytes()
    upload = begun(service.http, len(video))
    with cut_off(service.http, upload, 0, len(video), video[:5000]):
        until(lambda: came(service, upload) == 5000)
    until(lambda: offset_of(service.http, upload) == 5000)
    until(lambda: sent(service.http, upload, 5000, video[5000:]).status_code == 204)
    assert service.http.get(upload).json()["video"]["sizeBytes"] == len(video)


def test_a_killed_service_goes_on_where_an_upload_was(program: Callable[..., Program], clip: Path) -> None:
    video = clip.read_bytes()
    first = program()
    upload = begun(first.http, len(video), filename="holiday.mp4")
    assert sent(first.http, upload, 0, video[:4000]).status_code == 204
    open_one = cut_off(first.http, upload, 4000, len(video) - 4000, video[4000:9000])
    until((first.data_dir / "uploads").exists)
    first.kill()
    open_one.close()
    second = program()
    offset = offset_of(second.http, upload)
    assert offset >= 4000
    assert sent(second.http, upload, offset, video[offset:]).status_code == 204
    told = second.http.get(upload).json()
    assert told["video"]["filename"] == "holiday.mp4"
    assert not (second.data_dir / "uploads").exists()


def test_a_complete_upload_that_nobody_looked_at_becomes_a_session_when_asked_for(
    program: Callable[..., Program], clip: Path
) -> None:
    first = program()
    upload = begun(first.http, clip.stat().st_size)
    first.kill()
    record = first.data_dir / "uploads" / upload.rpartition("/")[2] / "upload.json"
    record.with_name("source.part").write_bytes(clip.read_bytes())
    record.write_text(json.dumps(json.loads(record.read_text()) | {"offset": clip.stat().st_size}))
    second = program()
    answer = second.http.head(upload, headers=TUS)
    assert (answer.status_code, answer.headers["Upload-Session-Id"]) == (200, upload.rpartition("/")[2])


def test_two_at_once_are_kept_apart(service: Service, clip: Path) -> None:
    video = clip.read_bytes()
    upload = begun(service.http, len(video))
    with cut_off(service.http, upload, 0, len(video), video[:5000]):
        until(lambda: service.house.intake.under_way)
        assert refused(sent(service.http, upload, 0, video)) == (423, "upload_locked")
    until(lambda: service.house.intake.under_way == 0)
    offset = offset_of(service.http, upload)
    assert sent(service.http, upload, offset, video[offset:]).status_code == 204


def test_bytes_belong_where_the_upload_is(service: Service) -> None:
    upload = begun(service.http, 1000)
    wrong = sent(service.http, upload, 10, b"x")
    assert (*refused(wrong), wrong.json()["uploadOffset"]) == (409, "offset_mismatch", 0)
    assert refused(sent(service.http, upload, 0, b"x" * 1001)) == (413, "upload_too_large")
    without = service.http.patch(upload, headers=CHUNK, content=b"x")
    assert refused(without) == (400, "invalid_request")
    other = service.http.patch(upload, headers={**TUS, "Upload-Offset": "0", "Content-Type": "video/mp4"}, content=b"x")
    assert refused(other) == (415, "unsupported_media_type")
    assert offset_of(service.http, upload) == 0


def test_a_body_without_a_length_may_not_go_on_beyond_the_end(service: Service) -> None:
    upload = begun(service.http, 1000)
    pieces = (b"x" * 600 for _ in range(2))
    answer = service.http.patch(upload, headers={**CHUNK, "Upload-Offset": "0"}, content=pieces)
    assert refused(answer) == (413, "upload_too_large")


def test_another_version_is_not_spoken(service: Service) -> None:
    for answer in (service.http.post(UPLOADS), service.http.post(UPLOADS, headers={"Tus-Resumable": "0.2.2"})):
        assert (*refused(answer), answer.headers["Tus-Version"]) == (412, "tus_version", "1.0.0")


@pytest.mark.parametrize(
    ("headers", "reason", "loc"),
    [
        ({}, "invalid_request", "Upload-Length"),
        ({"Upload-Length": "-1"}, "invalid_request", "Upload-Length"),
        ({"Upload-Length": "0", "Upload-Metadata": metadata()}, "invalid_request", "video"),
        ({"Upload-Defer-Length": "1"}, "invalid_request", "Upload-Defer-Length"),
        ({"Upload-Length": "9"}, "invalid_request", "analysis_type"),
        ({"Upload-Length": "9", "Upload-Metadata": "analysis_type %%%"}, "invalid_request", "analysis_type"),
        ({"Upload-Length": "9", "Upload-Metadata": "a,a"}, "invalid_request", "Upload-Metadata"),
        ({"Upload-Length": "9", "Upload-Metadata": "x" * 40_000}, "invalid_request", "Upload-Metadata"),
        ({"Upload-Length": "9", "Upload-Metadata": metadata(params="[]")}, "invalid_request", "params"),
    ],
)
def test_a_wrong_head_is_refused_before_anything_is_kept(
    shared_service: Service, headers: dict[str, str], reason: str, loc: str
) -> None:
    uploads = shared_service.data_dir / "uploads"
    before = sorted(uploads.glob("*"))
    answer = shared_service.http.post(UPLOADS, headers={**TUS, **headers})
    assert refused(answer) == (400, reason)
    assert answer.json()["details"][0]["loc"] == [loc]
    assert sorted(uploads.glob("*")) == before


def test_what_is_larger_than_accepted_is_not_begun(serve_with: Serve) -> None:
    service = serve_with(max_upload_mb=1)
    answer = service.http.post(
        UPLOADS, headers={**TUS, "Upload-Length": str((1 << 20) + 1), "Upload-Metadata": metadata()}
    )
    assert (*refused(answer), answer.json()["maxBytes"]) == (413, "upload_too_large", 1 << 20)


def test_what_is_no_video_is_refused_with_its_last_byte_and_gone(service: Service) -> None:
    text = b"Dear diary, today nothing happened. " * 50
    upload = begun(service.http, len(text))
    answer = sent(service.http, upload, 0, text)
    assert refused(answer) == (400, "unsupported_video")
    assert "text" in answer.json()["error"]
    assert service.http.head(upload, headers=TUS).status_code == 404
    assert service.folders() == []


@pytest.mark.embedded
def test_an_upload_can_be_given_up_also_while_it_comes(service: Service, clip: Path) -> None:
    video = clip.read_bytes()
    upload = begun(service.http, len(video))
    with cut_off(service.http, upload, 0, len(video), video[:5000]):
        until(lambda: service.house.intake.under_way)
        assert service.http.delete(upload, headers=TUS).status_code == 204
    assert refused(service.http.delete(upload, headers=TUS)) == (404, "upload_not_found")
    until(lambda: service.house.intake.under_way == 0)
    assert service.folders() == []
    assert service.house.space.claimed == 0


def test_the_first_bytes_may_come_with_the_beginning(service: Service, clip: Path) -> None:
    video = clip.read_bytes()
    headers = {**CHUNK, "Upload-Length": str(len(video)), "Upload-Metadata": metadata()}
    part = service.http.post(UPLOADS, headers=headers, content=video[:700])
    assert (part.status_code, part.headers["Upload-Offset"]) == (201, "700")
    whole = service.http.post(UPLOADS, headers=headers, content=video)
    assert whole.status_code == 201
    assert whole.headers["Location"] == f"{UPLOADS}/{whole.headers['Upload-Session-Id']}"


def test_methods_may_be_written_in_a_header(service: Service, clip: Path) -> None:
    upload = begun(service.http, clip.stat().st_size)
    patch = {**CHUNK, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert service.http.post(upload, headers=patch, content=clip.read_bytes()[:10]).status_code == 204
    assert refused(service.http.post(upload, headers=TUS)) == (405, "method_not_allowed")
    delete = {**TUS, "X-HTTP-Method-Override": "DELETE"}
    assert service.http.post(upload, headers=delete).status_code == 204


def test_a_full_queue_stops_no_parts_and_costs_none(serve_with: Serve, clip: Path, long_clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1, max_queued=1)
    video = clip.read_bytes()
    upload = begun(service.http, len(video))
    running = service.start(long_clip)
    until(lambda: service.status(running)["status"] == "processing")
    waiting = service.start(long_clip)
    assert sent(service.http, upload, 0, video[:9]).status_code == 204
    assert refused(sent(service.http, upload, 9, video[9:])) == (429, "queue_full")
    for session_id in (waiting, running):
        service.http.delete(f"{BASE}/cleanup/{session_id}")
    assert service.http.head(upload, headers=TUS).headers["Upload-Session-Id"] == upload.rpartition("/")[2]


@pytest.mark.embedded
def test_storage_that_went_away_is_told(service: Service) -> None:
    head = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata()}
    (service.data_dir / "uploads").write_text("in the way")
    assert refused(service.http.post(UPLOADS, headers=head)) == (503, "storage_unavailable")
    assert service.house.space.claimed == 0
    (service.data_dir / "uploads").unlink()
    assert service.http.post(UPLOADS, headers=head).status_code == 201


@pytest.mark.embedded
def test_uploads_expire_and_are_swept(serve_with: Serve) -> None:
    service = serve_with(resumable_ttl_hours=0.3 / 3600)
    upload = begun(service.http, 1 << 20)
    assert service.house.space.claimed == 1 << 20
    until(lambda: service.folders() == [])
    assert service.http.head(upload, headers=TUS).status_code == 404
    assert service.house.space.claimed == 0


def test_no_more_than_so_many_are_open(serve_with: Serve) -> None:
    service = serve_with(max_resumable=1)
    upload = begun(service.http, 10)
    head = {**TUS, "Upload-Length": "10", "Upload-Metadata": metadata()}
    assert refused(service.http.post(UPLOADS, headers=head)) == (429, "too_many_uploads")
    service.http.delete(upload, headers=TUS)
    assert service.http.post(UPLOADS, headers=head).status_code == 201


def test_the_head_says_what_the_client_said(service: Service) -> None:
    upload = begun(service.http, 10, filename="é.mp4")
    assert service.http.head(upload, headers=TUS).headers["Upload-Metadata"] == metadata(filename="é.mp4")


def test_a_page_of_a_configured_origin_may_use_it(shared_service: Service) -> None:
    origin = {"Origin": "http://localhost:3000"}
    asked = {**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable"}
    assert "PATCH" in shared_service.http.options(UPLOADS, headers=asked).headers["Access-Control-Allow-Methods"]
    exposed = shared_service.http.options(UPLOADS, headers=origin).headers["Access-Control-Expose-Headers"]
    for name in ("Location", "Upload-Offset", "Upload-Length", "Upload-Expires", "Upload-Session-Id", "Tus-Resumable"):
        assert name in exposed


@pytest.mark.embedded
def test_uploads_of_a_run_before_keep_their_room_on_the_disk(serve_with: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "earlier" / "uploads" / "11111111-1111-4111-8111-111111111111"
    folder.mkdir(parents=True)
    (folder / "source.part").write_bytes(b"x" * 10)
    until_then = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    record: dict[str, Any] = {
        "length": 1000,
        "offset": 4,
        "metadata": metadata(),
        "owner": "",
        "expires_at": until_then,
    }
    (folder / "upload.json").write_text(json.dumps(record))
    broken = folder.with_name("22222222-2222-4222-8222-222222222222")
    broken.mkdir()
    (broken / "upload.json").write_text("{")
    service = serve_with(data_dir=tmp_path / "earlier")
    assert service.house.space.claimed == 996
    assert offset_of(service.http, f"{UPLOADS}/{folder.name}") == 4
    assert not broken.exists()


@pytest.mark.embedded
def test_a_record_of_an_upload_that_was_damaged_costs_that_upload_alone(serve_with: Serve, tmp_path: Path) -> None:
    uploads = tmp_path / "earlier" / "uploads"
    whole = {"length": 9, "offset": 0, "metadata": "", "owner": "", "expires_at": "2999-01-01T00:00:00Z"}
    lies: list[dict[str, Any]] = [
        {"expires_at": "2999-01-01T00:00:00"},
        {"length": 10**30},
        {"length": 0},
        {"offset": -1},
    ]
    texts = [json.dumps(whole | lie).encode() for lie in lies] + [b"\xff", b"[" * 5000, bytes(2 << 20), b"a pipe"]
    for number, text in enumerate(texts):
        folder = uploads / f"{number:08x}-1111-4111-8111-111111111111"
        folder.mkdir(parents=True)
        (folder / "source.part").touch()
        (folder / "upload.json").write_bytes(text)
    (folder / "upload.json").unlink()
    os.mkfifo(folder / "upload.json")
    service = serve_with(data_dir=tmp_path / "earlier")
    assert service.house.space.claimed == 0
    _, _, kept = begun(service.http, 10).rpartition("/")
    assert [path.name for path in uploads.iterdir()] == [kept]
