"""A large file goes from the page in parts, and arrives although the service is killed in the middle."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Request, expect

from tests.browser import Visit, chromium
from tests.service import BASE, Program, until

PARTS_ABOVE = 1000
"""Bytes, in the page's address: what is meant for 50 MB is tried with less."""


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


def slow_down(page: Page) -> None:
    """As over a line on which a part takes a second or two."""
    line = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 8 << 20}
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", conditions)
