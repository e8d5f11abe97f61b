"""Resumable uploads where several processes share their rows: begun at one, gone on with at another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api import shared_resumable, tus
from schemas import VideoInfo
from tests.object_store import ObjectStore
from tests.redis_server import RedisServer
from tests.service import PATIENCE, Program, Service, until
from tests.test_tus import TUS, UPLOADS, begun, cut_off, metadata, offset_of, refused, sent

Pair = tuple[Service, Service]


@pytest.fixture(params=["folder", "objects"])
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    redis_server: RedisServer,
    s3_keys: ObjectStore,
    serve_with: Callable[..., Service],
    monkeypatch: pytest.MonkeyPatch,
) -> Pair:
    """Two services that share their rows, and their folder or a store for files."""
    monkeypatch.setattr(tus, "BATCH_BYTES", 1000)
    place = s3_keys.place() if request.param == "objects" else ""

    def one(name: str) -> Service:
        folder = tmp_path / (name if place else "data")
        return serve_with(redis_url=redis_server.url, storage_url=place, data_dir=folder, max_resumable=2)

    return one("first"), one("second")


def kept(service: Service) -> list[str]:
    """Uploads that have begun and not ended."""
    return service.house.resumables._parts.ids()  # type: ignore[attr-defined, no-any-return]


def wait_until_held(server: RedisServer, upload: str) -> str:
    """Until a request is at the upload; gives the name of its lock."""
    name = f"video:held:upload:{upload.rpartition('/')[2]}"
    until(lambda: server.client.exists(name))
    return name


def test_each_request_may_go_to_another(pair: Pair, clip: Path) -> None:
    first, second = pair
    video = clip.read_bytes()
    upload = begun(first.http, len(video), filename="holiday.mp4")
    assert sent(second.http, upload, 0, video[:4000]).status_code == 204
    assert offset_of(first.http, upload) == 4000
    assert refused(second.http.get(upload)) == (409, "upload_incomplete")
    assert sent(first.http, upload, 4000, video[4000:9000]).headers["Upload-Offset"] == "9000"
    last = sent(second.http, upload, 9000, video[9000:])
    assert (last.status_code, last.headers["Upload-Session-Id"]) == (204, upload.rpartition("/")[2])
    told = first.http.get(upload).json()
    assert (told["video"]["filename"], told["video"]["sizeBytes"]) == ("holiday.mp4", len(video))
    assert offset_of(first.http, upload) == len(video)
    assert second.ended(told["sessionId"])["status"] == "completed"
    assert kept(first) == []
    assert not any(path.suffix == ".part" for path in first.data_dir.rglob("*"))


def test_two_requests_at_two_processes_are_kept_apart(pair: Pair, redis_server: RedisServer, clip: Path) -> None:
    first, second = pair
    video = clip.read_bytes()
    upload = begun(first.http, len(video))
    with cut_off(first.http, upload, 0, len(video), video[:5000]):
        wait_until_held(redis_server, upload)
        assert refused(sent(second.http, upload, 0, video)) == (423, "upload_locked")
    until(lambda: offset_of(second.http, upload) == 5000)
    until(lambda: sent(second.http, upload, 5000, video[5000:]).status_code == 204)


def test_an_upload_can_be_given_up_at_another_process_while_it_comes(
    pair: Pair, redis_server: RedisServer, clip: Path
) -> None:
    first, second = pair
    video = clip.read_bytes()
    upload = begun(first.http, len(video))
    with cut_off(first.http, upload, 0, len(video), video[:5000]):
        wait_until_held(redis_server, upload)
        assert second.http.delete(upload, headers=TUS).status_code == 204
    until(lambda: first.http.head(upload, headers=TUS).status_code == 404)
    until(lambda: kept(first) == [])


def test_no_more_than_so_many_are_open_over_all_processes(pair: Pair) -> None:
    first, second = pair
    uploads = [begun(one.http, 1000) for one in pair]
    for one in pair:
        answer = one.http.post(UPLOADS, headers={**TUS, "Upload-Length": "9", "Upload-Metadata": metadata()})
        assert refused(answer) == (429, "too_many_uploads")
    second.http.delete(uploads[0], headers=TUS)
    begun(first.http, 1000)


def test_what_is_no_video_is_gone_with_its_last_byte(pair: Pair) -> None:
    first, second = pair
    upload = begun(first.http, 20)
    assert refused(sent(second.http, upload, 0, b"no video, only words"))[0] == 400
    assert (kept(second), first.http.head(upload, headers=TUS).status_code) == ([], 404)


def test_an_upload_stays_held_only_for_a_while_by_who_was_killed(
    pair: Pair, redis_server: RedisServer, clip: Path
) -> None:
    first, second = pair
    video = clip.read_bytes()
    upload = begun(first.http, len(video))
    redis_server.client.set(f"video:held:upload:{upload.rpartition('/')[2]}", "a dead one", px=500)
    assert refused(sent(second.http, upload, 0, video)) == (423, "upload_locked")
    until(lambda: sent(second.http, upload, 0, video).status_code == 204)


def test_who_lost_its_hold_counts_no_more(
    pair: Pair, redis_server: RedisServer, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_resumable, "HELD_SECONDS", 1.0)
    first, second = pair
    video = clip.read_bytes()
    upload = begun(first.http, len(video))
    with cut_off(first.http, upload, 0, len(video), video[:5000]) as client:
        name = wait_until_held(redis_server, upload)
        redis_server.client.set(name, "somebody else", px=800)
        client.settimeout(0.05)
        answer = b""
        while not answer:  # it notices with the next bytes, once it has tried to prolong its hold
            client.sendall(b"x")
            with suppress(TimeoutError):
                answer = client.recv(100)
    assert b" 423 " in answer
    assert offset_of(second.http, upload) == 0
    until(lambda: sent(second.http, upload, 0, video).status_code == 204)


def test_expired_uploads_are_swept_by_whoever_comes_first(
    tmp_path: Path, redis_server: RedisServer, serve_with: Callable[..., Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_resumable, "SWEEP_SECONDS", 0.05)
    settings = {"redis_url": redis_server.url, "data_dir": tmp_path / "data", "resumable_ttl_hours": 0.5 / 3600}
    service = serve_with(**settings)
    upload = begun(service.http, 1000)
    until(lambda: service.http.head(upload, headers=TUS).status_code == 404)
    until(lambda: kept(service) == [])


@pytest.mark.parametrize("stored", [False, True], ids=["folder", "objects"])
def test_an_upload_goes_on_at_another_process_after_a_kill(
    tmp_path: Path,
    program: Callable[..., Program],
    redis_server: RedisServer,
    s3_keys: ObjectStore,
    clip: Path,
    stored: bool,
) -> None:
    environment = s3_keys.environment | {"REDIS_URL": redis_server.url}
    if stored:
        environment |= {"STORAGE_URL": s3_keys.place()}
    first = program(DATA_DIR=str(tmp_path / "data"), **environment)
    second = program(DATA_DIR=str(tmp_path / ("elsewhere" if stored else "data")), **environment)
    video = clip.read_bytes()
    upload = begun(first.http, len(video))
    assert sent(first.http, upload, 0, video[:4000]).status_code == 204
    first.kill()
    assert offset_of(second.http, upload) == 4000
    assert sent(second.http, upload, 4000, video[4000:]).status_code == 204
    told = second.http.get(upload).json()
    assert told["video"]["sizeBytes"] == len(video)


def test_who_stood_still_at_the_last_step_harms_nothing_of_the_session_that_another_made(
    pair: Pair, redis_server: RedisServer, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_resumable, "HELD_SECONDS", 2.0)
    first, second = pair
    still, goes_on = threading.Event(), threading.Event()
    probe = first.house.intake._probe

    def stand_still(*given: Any) -> VideoInfo:
        info = probe(*given)
        still.set()
        goes_on.wait(PATIENCE)
        return info

    monkeypatch.setattr(first.house.intake, "_probe", stand_still)
    video = clip.read_bytes()
    upload = begun(second.http, len(video), params='{"reel": false}')
    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(sent, first.http, upload, 0, video)
        assert still.wait(PATIENCE)
        redis_server.client.set(wait_until_held(redis_server, upload), "somebody else", px=2100)
        until(lambda: second.http.head(upload, headers=TUS).headers.get("Upload-Session-Id"))
        session_id = upload.rpartition("/")[2]
        assert second.ended(session_id)["status"] == "completed"
        goes_on.set()
        assert refused(last.result()) == (423, "upload_locked")
    source = second.results(session_id)["source_url"]
    assert second.http.get(source, follow_redirects=True).content == video
