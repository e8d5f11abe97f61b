"""A large file goes from the page in parts, and arrives although the service is killed in the middle."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Request, expect

from tests.browser import Visit, chromium
from tests.service import BASE, Program, Service, until

PARTS_ABOVE = 1000
"""Bytes, in the page's address: what is meant for 50 MB is tried with less."""


KEPT_UPLOADS = "((kept) => Array.isArray(kept) && kept)(JSON.parse(localStorage['video-uploads']))"


def padded(video: Path, path: Path, size: int) -> Path:
    """The same video with a box at its end that says nothing (ISO/IEC 14496-12, 8.1.2)."""
    path.write_bytes(video.read_bytes() + (8 + size).to_bytes(4, "big") + b"free" + bytes(size))
    return path


def test_a_killed_service_costs_a_large_upload_nothing_but_time(
    program: Callable[..., Program], long_clip: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    running = program(PORT=str(port))
    large = padded(long_clip, tmp_path / "large.mp4", 12 << 20)
    offsets: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            offsets.append(int(request.headers["upload-offset"]))

    with chromium() as browser:
        one = Visit(browser, running.url)
        one.refusals_expected = True
        page = one.open(f"?resumable-above={PARTS_ABOVE}")
        page.on("request", note)
        slow_down(page)
        page.locator("#file").set_input_files(large)
        page.get_by_role("button", name="Analyse").click()
        until(lambda: page.evaluate("true") and len(offsets) == 2)
        running.send(signal.SIGKILL)
        running.end()
        running.start()
        expect(page.get_by_role("progressbar", name="Analysis")).to_be_visible()
        session_id = page.url.rpartition("/")[2]
        token = page.evaluate("JSON.parse(localStorage['video-sessions'])[0].token")
        one.close()
    # The part that was cut off is sent again, and nothing that had come.
    assert offsets == [0, 8 << 20, 8 << 20]
    told = running.http.get(f"{BASE}/uploads/{session_id}", headers={"X-Session-Token": token}).json()
    assert told["video"]["sizeBytes"] == large.stat().st_size


def test_a_reload_costs_a_large_upload_only_the_part_that_was_under_way(
    service: Service, long_clip: Path, tmp_path: Path
) -> None:
    """The same file is chosen again, for no browser lets a page keep one."""
    large = padded(long_clip, tmp_path / "large.mp4", 12 << 20)
    offsets: list[int] = []
    with chromium() as browser:
        one = Visit(browser, str(service.http.base_url))
        one.refusals_expected = True  # the part that was cut off may still hold the upload
        page = one.open(f"?resumable-above={PARTS_ABOVE}")
        page.on("request", lambda sent: offsets.append(int(sent.headers.get("upload-offset", -1))))
        page.on("dialog", lambda asked: asked.accept())
        slow_down(page)
        send(page, large)
        until(lambda: page.evaluate("true") and (8 << 20) in offsets)
        page.reload()
        (upload,) = page.evaluate(KEPT_UPLOADS)
        send(page, large)
        expect(page.get_by_role("progressbar", name="Analysis")).to_be_visible()
        assert page.url.endswith(upload[1]["id"])
        assert page.evaluate("localStorage.getItem('video-uploads')") is None
        token = page.evaluate("JSON.parse(localStorage['video-sessions'])[0].token")
        one.close()
    first, *others = [offset for offset in offsets if offset >= 0]
    assert (first, min(others)) == (0, 8 << 20)
    answer = service.http.get(f"{BASE}/status/{upload[1]['id']}", headers={"X-Session-Token": token})
    assert answer.status_code == 200
    assert service.http.get(f"{BASE}/status/{upload[1]['id']}").status_code == 404


def test_an_upload_that_is_gone_or_was_never_kept_soundly_begins_anew(service: Service, clip: Path) -> None:
    with chromium() as browser:
        one = Visit(browser, str(service.http.base_url))
        one.refusals_expected = True
        page = one.open(f"?resumable-above={PARTS_ABOVE}")
        page.on("dialog", lambda asked: asked.accept())
        page.evaluate("localStorage.setItem('video-uploads', '{\"a\": 7}')")
        page.route("**/uploads/*", lambda route: route.abort())  # the first part never comes through
        send(page, clip)
        (upload,) = until(lambda: page.evaluate(KEPT_UPLOADS))
        path = f"{BASE}/uploads/{upload[1]['id']}"
        assert service.http.delete(path, headers={"Tus-Resumable": "1.0.0"}).status_code == 204
        page.unroute("**/uploads/*")
        page.reload()
        send(page, clip)
        expect(page).to_have_url(re.compile("[0-9a-f-]{36}$"))
        assert not page.url.endswith(upload[1]["id"])
        one.close()


def send(page: Page, video: Path) -> None:
    page.locator("#file").set_input_files(video)
    page.get_by_role("button", name="Analyse").click()


def slow_down(page: Page) -> None:
    """As over a line on which a part takes a second or two."""
    line = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 8 << 20}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", conditions)
