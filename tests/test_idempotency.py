"""An upload sent again under the same `Idempotency-Key` is the same session again."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service import BASE, Program, Service


def upload(http: httpx.Client, video: Path, key: str, params: str = "{}") -> httpx.Response:
    form = {"analysis_type": "highlights", "params": params}
    files = {"video": ("clip.mp4", video.read_bytes())}
    return http.post(f"{BASE}/upload", data=form, files=files, headers={"Idempotency-Key": key})


def without_place(answer: httpx.Response) -> dict[str, Any]:
    """What does not change while the session goes on."""
    return {name: value for name, value in answer.json().items() if name not in ("status", "queuePosition")}


def test_an_upload_sent_again_is_told_where_its_session_stands_by_now(service: Service, clip: Path) -> None:
    session_id = upload(service.http, clip, "one").json()["sessionId"]
    assert service.ended(session_id)["status"] == "completed"
    for again in (upload(service.http, clip, "one"), service.http.get(f"{BASE}/uploads/{session_id}")):
        assert (again.status_code, again.json()["status"], again.json()["queuePosition"]) == (200, "completed", None)


def test_the_same_upload_is_the_same_session(service: Service, clip: Path) -> None:
    first, again = upload(service.http, clip, "one"), upload(service.http, clip, "one")
    assert (first.status_code, again.status_code) == (200, 200)
    assert without_place(first) == without_place(again)
    assert service.folders() == [first.json()["sessionId"]]
    assert upload(service.http, clip, "two").json()["sessionId"] != first.json()["sessionId"]


def test_another_upload_under_the_key_is_refused(service: Service, clip: Path, long_clip: Path) -> None:
    session_id = upload(service.http, clip, "one").json()["sessionId"]
    for other in (upload(service.http, long_clip, "one"), upload(service.http, clip, "one", '{"max_highlights": 1}')):
        assert (other.status_code, other.json()["reason"]) == (422, "idempotency_mismatch")
    assert service.folders() == [session_id]


def test_defaults_may_be_written_out(service: Service, clip: Path) -> None:
    first = upload(service.http, clip, "one")
    assert without_place(upload(service.http, clip, "one", '{"max_highlights": 10}')) == without_place(first)


def test_two_at_once_make_one_session(service: Service, clip: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: upload(service.http, clip, "one"), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["sessionId"] for answer in answers}) == 1
    assert len(service.folders()) == 1


def test_a_key_outlives_a_restart(program: Callable[..., Program], clip: Path) -> None:
    first = program()
    session_id = upload(first.http, clip, "one").json()["sessionId"]
    first.kill()
    second = program()
    assert upload(second.http, clip, "one").json()["sessionId"] == session_id


def test_a_deleted_session_frees_its_key(service: Service, clip: Path, long_clip: Path) -> None:
    session_id = upload(service.http, clip, "one").json()["sessionId"]
    service.http.delete(f"{BASE}/cleanup/{session_id}")
    assert upload(service.http, long_clip, "one").status_code == 200


def test_a_refused_upload_uses_up_no_key(service: Service, clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    assert upload(service.http, text, "one").status_code == 400
    assert upload(service.http, clip, "one").status_code == 200


@pytest.mark.parametrize("key", ["", "two words", "x" * 256])
def test_a_malformed_key_is_named(shared_service: Service, clip: Path, key: str) -> None:
    answer = upload(shared_service.http, clip, key)
    assert (answer.status_code, answer.json()["details"][0]["loc"]) == (400, ["Idempotency-Key"])
