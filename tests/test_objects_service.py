"""The service over an object store: a session goes its way, and its files come from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from tests.faulty_proxy import FaultyProxy
from tests.numbered import draw_numbered
from tests.object_store import ObjectStore
from tests.redis_server import RedisServer
from tests.service import BASE, Service, serve, until
from tests.test_files_api import urls_in
from tests.test_objects import IMPATIENT


@pytest.fixture
def place(s3_keys: ObjectStore) -> str:
    return s3_keys.place()


@pytest.fixture
def stored(tmp_path: Path, place: str) -> Iterator[Service]:
    yield from serve(Settings(data_dir=tmp_path / "data", vision_model="none", storage_url=place))


def names_in(data: dict[str, Any]) -> set[str]:
    return {url.rsplit("/", 1)[1] for url in urls_in(data)}


def test_a_session_leaves_in_the_store_what_its_result_lists_and_its_row_on_disk(
    stored: Service, s3: ObjectStore, place: str, clip: Path
) -> None:
    session_id = stored.start(clip, max_highlights=2)
    data = stored.results(session_id)
    kept = s3.names(place)
    assert {name.split("/")[1] for name in kept if "result-" not in name} == names_in(data)
    assert len(kept) == len(names_in(data)) + 1
    folder = stored.house.files.folder(session_id)
    until(lambda: [path.name for path in folder.iterdir()] == ["session.json"])  # copies go once it is told
    assert stored.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
    assert (s3.names(place), folder.exists()) == ([], False)


def test_files_come_by_links_that_keep_names_and_stretches(stored: Service, clip: Path) -> None:
    session_id = stored.start(clip, max_highlights=2)
    data = stored.results(session_id)
    sent_on = stored.http.get(data["source_url"])
    assert (sent_on.status_code, sent_on.headers["cache-control"]) == (307, "private, max-age=60")
    assert sent_on.headers["location"].startswith(stored.house.files.link_origin or "none")
    assert sent_on.headers["referrer-policy"] == "no-referrer"
    for url in urls_in(data):
        answer = stored.http.get(url, follow_redirects=True)
        assert (answer.status_code, bool(answer.content)) == (200, True)
    saved = stored.http.get(data["source_url"] + "?download=1", headers={"Range": "bytes=4-7"}, follow_redirects=True)
    assert (saved.status_code, saved.content) == (206, b"ftyp")
    assert saved.headers["content-disposition"].startswith('attachment; filename="clip.mp4"')
    head = stored.http.head(data["reel_url"], follow_redirects=True)
    assert (head.status_code, head.headers["content-type"]) == (200, "video/mp4")
    assert stored.http.get(f"{BASE}/files/{session_id}/session.json").status_code == 404


def test_a_script_that_reads_a_file_stays_with_the_service(stored: Service, clip: Path) -> None:
    url = stored.results(stored.start(clip, max_highlights=2))["source_url"]
    answer = stored.http.get(url, headers={"Sec-Fetch-Mode": "cors", "Range": "bytes=-5"})
    assert (answer.status_code, answer.content) == (206, clip.read_bytes()[-5:])
    again = stored.http.get(url, headers={"Sec-Fetch-Mode": "cors", "If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


def test_the_page_may_show_what_links_lead_to_and_load_nothing_else_from_there(stored: Service) -> None:
    origin = stored.house.files.link_origin
    policy = stored.http.get("/app/").headers["content-security-policy"].split("; ")
    assert [rule.split()[0] for rule in policy if rule.endswith(f" {origin}")] == ["img-src", "media-src"]


def test_without_links_the_service_serves_all_of_a_file(
    s3_keys: ObjectStore, serve_with: Callable[..., Service], clip: Path
) -> None:
    service = serve_with(storage_url=s3_keys.place(), storage_links=False)
    data = service.results(service.start(clip, max_highlights=2))
    answer = service.http.get(data["source_url"])
    assert (answer.status_code, answer.content) == (200, clip.read_bytes())
    assert service.http.head(data["source_url"]).headers["content-length"] == str(len(answer.content))


def test_a_folder_may_be_the_store(tmp_path: Path, serve_with: Callable[..., Service], clip: Path) -> None:
    service = serve_with(storage_url=f"file://{tmp_path / 'store'}")
    data = service.results(service.start(clip, max_highlights=2))
    assert service.http.get(data["source_url"]).content == clip.read_bytes()


def test_a_preview_is_made_from_the_store_and_kept_there(
    stored: Service, s3: ObjectStore, place: str, footage: Path
) -> None:
    session_id = stored.start(draw_numbered(footage / "odd.mkv", 2), max_highlights=1, reel=False)
    url = stored.results(session_id)["preview_url"]
    assert stored.http.get(url).status_code == 202
    until(lambda: stored.http.get(url).status_code == 307)
    assert f"{session_id}/preview.mp4" in s3.names(place)
    folder = stored.house.files.folder(session_id)
    until(lambda: [path.name for path in folder.iterdir()] == ["session.json"])  # copies go once it is told


def test_a_restart_goes_on_with_what_waits_and_keeps_what_ended(
    tmp_path: Path, place: str, s3_keys: ObjectStore, serve_with: Callable[..., Service], clip: Path
) -> None:
    settings = {"data_dir": tmp_path / "data", "storage_url": place}
    first = Settings.model_validate(settings | {"vision_model": "none"})
    serving = serve(first)
    service = next(serving)
    done = service.start(clip, max_highlights=1)
    service.results(done)
    service.house.tasks.drain()
    next(serving, None)
    again = serve_with(**settings)
    assert again.status(done)["status"] == "completed"
    assert again.http.get(f"{BASE}/results/{done}").status_code == 200


@pytest.fixture
def behind_a_proxy(
    tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Service, FaultyProxy]]:
    monkeypatch.setattr("stores.bucket.ANSWERING", IMPATIENT)
    monkeypatch.setattr("stores.bucket.WORKING", IMPATIENT)
    with FaultyProxy(s3_keys.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        settings = Settings(data_dir=tmp_path / "data", vision_model="none", storage_url=s3_keys.place())
        for service in serve(settings):
            yield service, proxy


def test_while_the_store_is_away_an_upload_is_refused_in_words_and_leaves_nothing(
    behind_a_proxy: tuple[Service, FaultyProxy], clip: Path
) -> None:
    service, proxy = behind_a_proxy
    proxy.go_wrong("refuse")
    answer = service.upload(clip)
    assert (answer.status_code, answer.json()["reason"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"]
    assert service.folders() == []
    assert service.http.get("/livez").status_code == 200
    (trouble,) = service.http.get("/health").json()["troubles"]
    assert trouble.startswith("The store for files cannot be reached, when it was last needed")
    proxy.heal()
    assert service.ended(service.start(clip))["status"] == "completed"
    assert service.http.get("/health").json()["troubles"] == []


def test_work_whose_files_cannot_be_kept_fails_in_words(
    behind_a_proxy: tuple[Service, FaultyProxy], long_clip: Path
) -> None:
    service, proxy = behind_a_proxy
    session_id = service.start(long_clip)
    proxy.go_wrong("refuse")
    row = service.ended(session_id)
    assert (row["status"], row["reason"]) == ("failed", "storage_unavailable")
    assert row["error"] == "The store for files cannot be reached; try again later"
    assert service.http.post(f"{BASE}/cancel/{session_id}").status_code == 400


def test_results_are_refused_with_a_hint_while_the_store_is_away(
    behind_a_proxy: tuple[Service, FaultyProxy], clip: Path
) -> None:
    service, proxy = behind_a_proxy
    session_id = service.start(clip)
    service.results(session_id)
    proxy.go_wrong("refuse")
    answer = service.http.get(f"{BASE}/results/{session_id}")
    assert (answer.status_code, answer.json()["reason"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"


def test_a_copy_that_waits_for_its_turn_goes_when_its_session_is_ended_elsewhere(
    tmp_path: Path,
    place: str,
    redis_server: RedisServer,
    serve_with: Callable[..., Service],
    clip: Path,
    long_clip: Path,
    s3: ObjectStore,
) -> None:
    shared = {"redis_url": redis_server.url, "storage_url": place, "max_concurrent_jobs": 1}
    first, second = (serve_with(data_dir=tmp_path / name, **shared) for name in ("first", "second"))
    second.house.tasks.drain()  # so that the first one alone works
    running, waiting = first.start(long_clip), first.start(clip)
    assert (tmp_path / "first" / waiting / "source.mp4").exists()
    for session_id in (waiting, running):
        assert second.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
    until(lambda: first.folders() == [])
    until(lambda: s3.names(place) == [])
