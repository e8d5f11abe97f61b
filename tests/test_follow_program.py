"""Following a service that stops, dies and comes back, as the program an operator runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from client import AnalysisType, VideoClient
from tests.events import Event, following, parsed
from tests.service import BASE, ROOT, Program, until

Start = Callable[..., Program]


def upload(program: Program, video: Path, analysis_type: AnalysisType = "highlights") -> str:
    with VideoClient(program.url) as client:
        session_id: str = client.upload(video, analysis_type)["sessionId"]
    return session_id


async def follow_by(program: Program, session_id: str, ready: Callable[[], None]) -> tuple[list[Event], list[str]]:
    comments: list[str] = []
    async with (
        httpx.AsyncClient(base_url=program.url, timeout=30, verify=False) as http,
        http.stream("GET", f"{BASE}/events/{session_id}") as answer,
    ):
        lines: list[str] = []
        async for line in answer.aiter_lines():
            if not lines:
                ready()
            lines.append(line)
    return list(parsed(lines, comments)), comments


async def test_a_sigterm_is_not_held_up_by_100_open_streams(program: Start, long_clip: Path) -> None:
    service = await asyncio.to_thread(program)
    session_id = await asyncio.to_thread(upload, service, long_clip)
    open_ones = threading.Semaphore(0)
    streams = [asyncio.create_task(follow_by(service, session_id, open_ones.release)) for _ in range(100)]
    for _ in streams:
        assert await asyncio.to_thread(open_ones.acquire, timeout=30)
    began = time.monotonic()
    service.send(signal.SIGTERM)
    told = await asyncio.gather(*streams)
    assert await asyncio.to_thread(service.process.wait, 10) == 0
    assert time.monotonic() - began < 2.0
    for events, comments in told:
        assert {event.name for event in events} <= {"status", "partial"}  # it has not ended
        assert comments[-2:] == [": the service stops; come back", "retry: 1000"]


def test_a_sigterm_is_not_held_up_by_who_stopped_reading(program: Start, clip: Path, tmp_path: Path) -> None:
    """A file that is larger than what connections take by themselves, of which nobody reads a byte."""
    large = tmp_path / "large.mp4"
    padding = 32 << 20
    large.write_bytes(clip.read_bytes() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8))
    service = program()
    session_id = upload(service, large)
    with VideoClient(service.url) as client:
        assert client.wait(session_id)["status"] == "completed"
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port)) as stalled:
        stalled.sendall(f"GET {BASE}/files/{session_id}/source.mp4 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert stalled.recv(8) == b"HTTP/1.1"
        began = time.monotonic()
        service.send(signal.SIGTERM)
        assert service.process.wait(10) == 0
        assert time.monotonic() - began < 2.0


def test_a_follower_outlasts_a_service_that_is_killed(program: Start, bobbing: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = program(PORT=str(port))
    session_id = upload(service, bobbing, "workout")
    told: list[Any] = []
    with (
        VideoClient(service.url) as client,
        ThreadPoolExecutor(1) as pool,
        following(service.url, session_id) as stream,
    ):
        followed = pool.submit(client.wait, session_id, told.append)
        seen = stream.until("status", status="processing", stage="scanning")
        service.kill()
        service.start()
        with following(service.url, session_id, seen=seen.id) as again:
            events = again.rest()
        assert followed.result(30)["status"] == "completed"
    # What was told before the kill was not on disk, and yet none of its revisions is given to something else.
    assert events[0].revision > seen.revision + 100
    assert (events[0].name, events[-1].data) == ("status", {"status": "completed"})
    assert [event.data["item"]["reps"] for event in events if event.name == "partial"][-1] == 10
    assert told, "who comes back after a pause may come when all was found, and is told the end"


def test_another_uvicorn_is_not_held_up_either(tmp_path: Path, long_clip: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "app:create_app", "--port", str(port)]
    environment = os.environ | {"DATA_DIR": str(tmp_path / "data"), "VISION_MODEL": "none"}
    with (
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
        VideoClient(f"http://127.0.0.1:{port}") as client,
    ):
        try:
            until(client.alive, pause=0.05)
            session_id = client.upload(long_clip, "highlights")["sessionId"]
            with following(f"http://127.0.0.1:{port}", session_id) as stream:
                stream.next()
                process.send_signal(signal.SIGTERM)
                assert "end" not in {event.name for event in stream.rest()}
            process.wait(5)
        finally:
            process.kill()
