"""The page's files: exactly those, small, checked for changes each time, under a strict policy; and the sample."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest

from api.pages import WEB, headers_of, read_assets
from tests.service import Program, Service

FIRST_VIEW_BYTES = 60_000


def test_the_page_is_at_app_and_its_name_without_a_slash_leads_there(shared_service: Service) -> None:
    assert shared_service.http.get("/app").headers["location"] == "/app/"
    page = shared_service.http.get("/app/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>" in page.text


@pytest.mark.parametrize("name", ["", "main.js", "style.css"])
def test_every_file_comes_under_the_same_strict_rules(shared_service: Service, name: str) -> None:
    head = shared_service.http.get(f"/app/{name}").headers
    assert "default-src 'none'" in head["content-security-policy"]
    assert "unsafe" not in head["content-security-policy"]
    assert head["x-content-type-options"] == "nosniff"
    assert head["referrer-policy"] == "no-referrer"
    assert head["cache-control"] == "no-cache"


def test_a_file_that_a_browser_has_is_not_sent_again(shared_service: Service) -> None:
    first = shared_service.http.get("/app/main.js")
    again = shared_service.http.get("/app/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert shared_service.http.get("/app/main.js", headers={"If-None-Match": 'W/"another"'}).status_code == 200


def test_a_changed_file_has_another_tag(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text("one")
    before = read_assets(tmp_path)["main.js"]
    (tmp_path / "main.js").write_text("two")
    after = read_assets(tmp_path)["main.js"]
    assert before.etag != after.etag
    assert gzip.decompress(after.zipped) == after.plain == b"two"


def test_whoever_cannot_unpack_gets_it_plain(shared_service: Service) -> None:
    packed = shared_service.http.get("/app/style.css", headers={"Accept-Encoding": "gzip"})
    plain = shared_service.http.get("/app/style.css", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == (WEB / "style.css").read_text()


def test_a_frontend_of_another_origin_may_import_the_client(shared_service: Service) -> None:
    theirs = shared_service.http.get("/app/video-api.js", headers={"Origin": "http://localhost:3000"})
    assert theirs.headers["access-control-allow-origin"] == "http://localhost:3000"
    strangers = shared_service.http.get("/app/video-api.js", headers={"Origin": "http://elsewhere.example"})
    assert "access-control-allow-origin" not in strangers.headers


@pytest.mark.parametrize("name", ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "/etc/passwd", "nothing.js"])
def test_nothing_else_can_be_had(shared_service: Service, name: str) -> None:
    url = httpx.URL(shared_service.http.base_url).copy_with(raw_path=f"/app/{name}".encode())
    answer = shared_service.http.get(url)
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


def test_the_first_view_is_small(shared_service: Service) -> None:
    page = shared_service.http.get("/app/").text
    names = ["", *re.findall(r'(?:href|src)="([a-z-]+\.(?:js|css|svg))"', page)]
    assert len(names) > 5
    answers = [shared_service.http.get(f"/app/{name}", headers={"Accept-Encoding": "gzip"}) for name in names]
    sent = sum(int(answer.headers["content-length"]) for answer in answers)
    assert sent < FIRST_VIEW_BYTES


def test_the_markup_holds_no_script_no_style_and_no_other_host() -> None:
    page = (WEB / "index.html").read_text()
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)", page)
    for file in WEB.iterdir():
        outside = set(re.findall(r"https?://[\w.:-]+", file.read_text()))
        assert outside <= {"http://www.w3.org", "http://127.0.0.1:8000"}, file.name


def test_nothing_of_a_client_or_a_result_can_become_markup() -> None:
    for file in WEB.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", file.read_text()
        )


def test_the_sample_is_drawn_once_there_is_room_and_then_kept(service: Service) -> None:
    in_the_way = service.data_dir / "sample.part.mp4"
    in_the_way.mkdir()
    refused = service.http.get("/app/sample.mp4")
    assert (refused.status_code, refused.json()["reason"]) == (507, "insufficient_storage")
    in_the_way.rmdir()
    whole = service.http.get("/app/sample.mp4")
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-security-policy"] == headers_of(None)["Content-Security-Policy"]
    drawn = (service.data_dir / "sample.mp4").stat().st_mtime_ns
    part = service.http.get("/app/sample.mp4", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert (service.data_dir / "sample.mp4").stat().st_mtime_ns == drawn
    assert service.folders() == ["sample.mp4"]


def test_the_service_says_where_its_page_is(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    assert program.process.stdout
    assert program.process.stdout.readline().split()[-1] == f"{program.url}app/"
    assert program.http.get("/").json()["endpoints"]["page"] == "/app/"
    program.kill()
