"""A video that browsers do not play is shown as a small copy, made when somebody first looks."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import httpx
import pytest

from api import previews
from tests.numbered import draw_numbered, shown
from tests.service import BASE, Service, decoders, until
from video.sniff import browsers_play


@pytest.fixture(scope="module")
def strange(footage: Path) -> Path:
    return draw_numbered(footage / "strange.mkv", 8)


def completed(service: Service, video: Path) -> str:
    session_id = service.start(video, reel=False)
    assert service.results(session_id)["preview_url"] == f"{BASE}/files/{session_id}/preview.mp4"
    return session_id


def ask(service: Service, session_id: str) -> httpx.Response:
    return service.http.get(f"{BASE}/files/{session_id}/preview.mp4")


def rendering(service: Service, session_id: str) -> bool:
    return bool(decoders(os.getpid(), service.house.files.folder(session_id)))


def test_it_is_made_on_the_first_view_and_says_how_far_it_is(service: Service, strange: Path, tmp_path: Path) -> None:
    session_id = completed(service, strange)
    assert not (service.house.files.folder(session_id) / "preview.mp4").exists(), "nobody has asked for it"
    first = ask(service, session_id)
    assert (first.status_code, first.headers["Retry-After"]) == (202, "1")
    assert first.json() | {"sessionId": session_id, "status": "rendering"} == first.json()
    assert 0 <= first.json()["progress"] <= 99
    until(lambda: ask(service, session_id).status_code == 200)
    made = ask(service, session_id)
    assert made.headers["Content-Type"] == "video/mp4"
    (tmp_path / "preview.mp4").write_bytes(made.content)
    assert [number for _, number in shown(tmp_path / "preview.mp4")] == list(range(200))


def test_it_gets_on_and_a_cleanup_stops_it_and_leaves_nothing(service: Service, lasting: Path) -> None:
    session_id = completed(service, lasting)
    assert ask(service, session_id).json()["progress"] == 0
    until(lambda: ask(service, session_id).json()["progress"] > 0)
    assert rendering(service, session_id)
    service.http.delete(f"{BASE}/cleanup/{session_id}")
    until(lambda: not rendering(service, session_id), timeout=1.0)
    until(lambda: service.folders() == [], timeout=1.0)


@pytest.mark.embedded
def test_the_service_does_not_wait_for_it_to_end(service: Service, lasting: Path) -> None:
    session_id = completed(service, lasting)
    assert ask(service, session_id).status_code == 202
    until(lambda: rendering(service, session_id))
    closing = threading.Thread(target=service.house.previews.close)
    closing.start()
    closing.join(1.0)
    assert not closing.is_alive()
    left = {path.name for path in service.house.files.folder(session_id).iterdir()}
    assert not any(name.startswith("preview") for name in left)


@pytest.mark.embedded
def test_one_that_cannot_be_made_says_so_and_can_be_tried_again(service: Service, strange: Path) -> None:
    session_id = completed(service, strange)
    source = service.house.files.folder(session_id) / "source.mkv"
    video = source.read_bytes()
    source.write_bytes(b"no video any more " * 99)

    def failed() -> httpx.Response | None:
        answer = ask(service, session_id)
        return answer if answer.status_code != 202 else None

    answer = until(failed)
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("The preview cannot be made: ")
    source.write_bytes(video)
    until(lambda: ask(service, session_id).status_code == 200)


@pytest.mark.embedded
def test_one_that_could_not_be_made_keeps_no_place_from_others(
    service: Service, strange: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "MOST_WAITING", 1)
    broken, sound = completed(service, strange), completed(service, strange)
    (service.house.files.folder(broken) / "source.mkv").write_bytes(b"no video any more " * 99)
    assert ask(service, broken).status_code == 202
    until(lambda: ask(service, sound).status_code == 200)


@pytest.mark.parametrize(
    ("container", "codec", "pixels", "sound", "plays"),
    [
        ("mp4", "h264", "yuv420p", "aac", True),
        ("mp4", "h264", "yuv420p", None, True),
        ("mov", "h264", "yuvj420p", "aac", True),
        ("webm", "vp9", "yuv420p", "opus", True),
        ("mp4", "hevc", "yuv420p", "aac", False),
        ("mp4", "h264", "yuv422p10le", "aac", False),
        ("mp4", "h264", "yuv420p", "ac3", False),
        ("mov", "prores", "yuv422p10le", "pcm_s16le", False),
        ("mkv", "h264", "yuv420p", "aac", False),
        ("avi", "mpeg4", "yuv420p", "mp3", False),
    ],
)
def test_what_browsers_play(container: str, codec: str, pixels: str, sound: str | None, plays: bool) -> None:
    assert browsers_play(container, codec, pixels, sound) is plays
