"""The files of a result: what is listed can be fetched, whole or in stretches, and nothing else can."""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from api.ranges import Stretch, Unsatisfiable, same, stretch_of
from schemas import Status
from tests.service import BASE, Service, decoders, until
from video.draw import Rgb, Style, encode

HOSTILE = "a/b\\\"; rm -rf \u202egpj.<script>\r\nX: y' ü.mp4"


def urls_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(urls_in(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(urls_in(inner) for inner in value))
    return {value} if isinstance(value, str) and value.startswith(f"{BASE}/files/") else set()


@pytest.fixture(scope="module")
def session_id(shared_service: Service, clip: Path) -> str:
    return shared_service.start(clip, max_highlights=3, segment_duration=5)


@pytest.fixture(scope="module")
def data(shared_service: Service, session_id: str) -> dict[str, Any]:
    return shared_service.results(session_id)


def test_once_it_is_completed_everything_it_lists_can_be_fetched(
    shared_service: Service, data: dict[str, Any], bobbing: Path
) -> None:
    workout = shared_service.results(shared_service.start(bobbing, "workout"))
    assert workout["exercise_steps"][0]["thumbnail_url"]
    for listed in (data, workout):
        urls = urls_in(listed)
        assert urls
        for url in urls:
            answer = shared_service.http.get(url)
            assert (answer.status_code, answer.headers["X-Content-Type-Options"]) == (200, "nosniff")
            assert answer.content


def test_every_kind_of_file_has_its_type(shared_service: Service, data: dict[str, Any], clip: Path) -> None:
    def fetched(url: str) -> tuple[str, bytes]:
        answer = shared_service.http.get(url)
        return answer.headers["Content-Type"], answer.content

    assert fetched(data["source_url"]) == ("video/mp4", clip.read_bytes())
    kind, reel = fetched(data["reel_url"])
    assert (kind, reel[4:8]) == ("video/mp4", b"ftyp")
    for url in (data["contact_sheet_url"], data["highlights"][0]["thumbnail_url"]):
        kind, picture = fetched(url)
        assert (kind, picture[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    kind, chapters = fetched(data["exports"]["vtt_url"])
    assert (kind, chapters[:6]) == ("text/vtt; charset=utf-8", b"WEBVTT")
    kind, table = fetched(data["exports"]["csv_url"])
    assert kind == "text/csv; charset=utf-8"
    assert len(list(csv.DictReader(io.StringIO(table.decode())))) == data["highlights_found"]
    kind, edl = fetched(data["exports"]["edl_url"])
    assert (kind, edl[:6]) == ("text/plain; charset=utf-8", b"TITLE:")
    assert data["preview_url"] is None, "every browser plays the source"


def test_a_moment_and_a_segment_each_have_a_still_that_lies_in_them(data: dict[str, Any]) -> None:
    for span in (*data["highlights"], *data["segments"]):
        shown = int(span["thumbnail_url"].rsplit("-", 1)[1].removesuffix(".jpg")) / 1000
        assert span["start_timestamp"] <= shown <= span["end_timestamp"]


@pytest.mark.embedded
def test_stills_that_nobody_lists_are_gone(shared_service: Service, session_id: str, data: dict[str, Any]) -> None:
    left = {path.name for path in shared_service.house.files.folder(session_id).iterdir()}
    assert left == {url.rsplit("/", 1)[1] for url in urls_in(data)} | {"session.json", "result.json"}


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-99", 206, 0, 99),
        ("bytes=100-", 206, 100, -1),
        ("bytes=-50", 206, -50, -1),
        ("bytes=0-999999999", 206, 0, -1),
        ("bytes=5-5", 206, 5, 5),
        ("bytes=7-18446744073709551615", 206, 7, -1),
        ("bytes=9-3", 200, 0, -1),
        ("bytes=0-1,5-6", 200, 0, -1),
        ("bytes=x-y", 200, 0, -1),
        ("items=0-5", 200, 0, -1),
    ],
)
def test_a_player_may_ask_for_a_stretch(
    shared_service: Service, data: dict[str, Any], clip: Path, asked: str, status: int, first: int, last: int
) -> None:
    whole = clip.read_bytes()
    first, last = first % len(whole), last % len(whole)
    answer = shared_service.http.get(data["source_url"], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, whole[first : last + 1])
    assert answer.headers["Accept-Ranges"] == "bytes"
    told = answer.headers.get("Content-Range")
    assert told == (f"bytes {first}-{last}/{len(whole)}" if status == 206 else None)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0"])
def test_a_stretch_past_the_end_is_refused_in_the_flat_shape(
    shared_service: Service, data: dict[str, Any], clip: Path, asked: str
) -> None:
    answer = shared_service.http.get(data["source_url"], headers={"Range": asked})
    assert (answer.status_code, answer.json()["reason"]) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{clip.stat().st_size}"


def test_who_has_a_file_already_is_told_so(shared_service: Service, data: dict[str, Any]) -> None:
    etag = shared_service.http.get(data["reel_url"]).headers["ETag"]
    answer = shared_service.http.get(data["reel_url"], headers={"If-None-Match": f'"other", {etag}'})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)


def test_a_stretch_of_another_version_is_not_mixed_in(shared_service: Service, data: dict[str, Any]) -> None:
    etag = shared_service.http.head(data["reel_url"]).headers["ETag"]
    for held, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": held}
        assert shared_service.http.get(data["reel_url"], headers=headers).status_code == status


def test_a_head_tells_what_a_get_would(shared_service: Service, data: dict[str, Any]) -> None:
    told, sent = (shared_service.http.request(method, data["reel_url"]) for method in ("HEAD", "GET"))
    assert told.content == b""
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Content-Disposition"):
        assert told.headers[name] == sent.headers[name]


@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=999999999-"])
def test_a_head_knows_no_ranges(shared_service: Service, data: dict[str, Any], asked: str) -> None:
    told = shared_service.http.head(data["reel_url"], headers={"Range": asked})
    whole = len(shared_service.http.get(data["reel_url"]).content)
    assert (told.status_code, told.headers["Content-Length"]) == (200, str(whole))


@pytest.mark.parametrize(
    "name",
    [
        *("session.json", "result.json", "../session.json", "..%2Fsession.json", "%2e%2e/%2e%2e/.lock", ".", "%00"),
        *("still-99999999.jpg", "reel.mp4.part", "x" * 500, "reel.mp4/", "/etc/passwd", "preview.mp4"),
    ],
)
def test_only_what_the_result_lists_is_there(shared_service: Service, session_id: str, name: str) -> None:
    shared_service.ended(session_id)
    answer = shared_service.http.get(httpx.URL(f"{shared_service.http.base_url}{BASE}/files/{session_id}/" + name))
    assert answer.status_code == 404
    assert answer.json()["reason"] in ("file_not_found", "session_not_found", "not_found")


STATES = {
    "queued": (400, "results_not_ready"),
    "processing": (400, "results_not_ready"),
    "failed": (500, "internal"),
    "cancelled": (400, "session_cancelled"),
    "expired": (404, "session_expired"),
    "completed": (404, "file_not_found"),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", ["source.mp4", "session.json"])
def test_a_file_before_and_after(shared_service: Service, state: str, name: str) -> None:
    reason = {"error": "a", "message": "a", "reason": "internal"} if state == "failed" else {}
    session_id = shared_service.seeded(Status(state), **reason)
    answer = shared_service.http.get(f"{BASE}/files/{session_id}/{name}")
    assert (answer.status_code, answer.json()["reason"]) == STATES[state]
    assert answer.json()["sessionId"] == session_id


@pytest.mark.parametrize("odd", ["00000000-0000-4000-8000-000000000000", "no-id", "%2e%2e", "%00"])
def test_a_file_of_nobody(shared_service: Service, odd: str) -> None:
    answer = shared_service.http.get(f"{BASE}/files/{odd}/reel.mp4")
    assert (answer.status_code, answer.json()["code"]) == (404, 404)


def test_after_a_cleanup_nothing_is_left_to_fetch(service: Service, clip: Path) -> None:
    session_id = service.start(clip)
    url = service.results(session_id)["reel_url"]
    assert service.http.get(url).status_code == 200
    service.http.delete(f"{BASE}/cleanup/{session_id}")
    assert service.http.get(url).json()["reason"] == "session_not_found"
    assert service.folders() == []


@pytest.mark.embedded
def test_a_cancel_while_the_reel_is_rendered_leaves_nothing(service: Service, lasting: Path) -> None:
    session_id = service.start(lasting, max_clip_seconds=30)
    folder = service.house.files.folder(session_id)
    until(lambda: service.status(session_id)["stage"] == "rendering")
    began = time.monotonic()
    assert service.http.post(f"{BASE}/cancel/{session_id}").json()["status"] == "cancelled"
    until(lambda: service.house.tasks.idle() and not decoders(os.getpid(), folder), timeout=1.0)
    assert time.monotonic() - began < 1.0
    assert [path.name for path in folder.iterdir()] == ["session.json"]


def test_a_hostile_name_stays_in_its_header(shared_service: Service, clip: Path) -> None:
    form = {"analysis_type": "highlights", "params": '{"reel": false}'}
    video = clip.read_bytes()
    upload = shared_service.http.post(f"{BASE}/upload", data=form, files={"video": (HOSTILE, video)})
    data = shared_service.results(upload.json()["sessionId"])
    answer = shared_service.http.get(data["exports"]["csv_url"])
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert not {"X", "x"} & set(answer.headers)
    assert all(32 <= ord(letter) < 127 for letter in answer.headers["Content-Disposition"])
    plain = answer.headers["Content-Disposition"].split('"')[1]
    assert not set(plain) & set('/\\<>;:\r\n"')


def test_a_download_is_named_after_the_video(shared_service: Service, data: dict[str, Any]) -> None:
    shown = shared_service.http.head(data["reel_url"]).headers["Content-Disposition"]
    saved = shared_service.http.head(data["reel_url"] + "?download=1").headers["Content-Disposition"]
    assert shown == "inline; filename=\"clip-reel.mp4\"; filename*=UTF-8''clip-reel.mp4"
    assert saved == shown.replace("inline", "attachment")
    assert 'filename="clip.mp4"' in shared_service.http.head(data["source_url"]).headers["Content-Disposition"]


def test_without_the_source_the_rest_is_there(serve_with: Callable[..., Service], clip: Path) -> None:
    service = serve_with(keep_source=False)
    session_id = service.start(clip)
    data = service.results(session_id)
    assert data["source_url"] is None
    assert data["reel_url"]
    source = service.house.files.folder(session_id) / "source.mp4"
    for _ in range(2):  # and again as after a start
        assert not source.exists()
        assert all(service.http.get(url).status_code == 200 for url in urls_in(data))
        service.house.sessions.recover(keep_source=False)


def test_the_reel_is_as_long_as_asked_and_shows_what_moves(shared_service: Service, tmp_path: Path) -> None:
    """Something bright goes up and down near the right border, of which a narrow middle would show nothing."""
    picture = np.full((180, 320, 3), 60, np.uint8)

    def at(number: int) -> Rgb:
        top = abs(number * 8 % 280 - 140)
        moved = picture.copy()
        moved[top : top + 40, 260:290] = 235
        return moved

    encode(tmp_path / "aside.mp4", ((number, at(number)) for number in range(200)), Style())
    wanted: dict[str, Any] = {
        "target_duration_seconds": 1.5,
        "aspect": "9:16",
        "min_clip_seconds": 1,
        "max_clip_seconds": 3,
    }
    data = shared_service.results(shared_service.start(tmp_path / "aside.mp4", **wanted))
    assert data["settings"] | wanted == data["settings"]
    with av.open(io.BytesIO(shared_service.http.get(data["reel_url"]).content), "r") as container:
        video = container.streams.video[0]
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(1.5, abs=0.1)
        assert video.width / video.height == pytest.approx(9 / 16, abs=0.02)
        assert all(frame.to_ndarray(format="gray").max() > 200 for frame in container.decode(video))


def test_who_wants_no_reel_gets_none(shared_service: Service, clip: Path) -> None:
    data = shared_service.results(shared_service.start(clip, reel=False))
    assert data["reel_url"] is None
    assert data["contact_sheet_url"]
    assert data["warnings"] == []


def test_ranges_of_an_empty_file() -> None:
    assert stretch_of(None, 0) is None
    for asked in ("bytes=0-", "bytes=-5"):
        with pytest.raises(Unsatisfiable):
            stretch_of(asked, 0)
    assert stretch_of("bytes=-5", 3) == Stretch(0, 3)


def test_a_weak_tag_and_a_star_are_the_same_file() -> None:
    assert same('"a"', 'W/"a"')
    assert same('"a"', "*")
    assert not same('"a"', '"b"')
    assert not same('"a"', None)
