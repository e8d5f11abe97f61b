"""Whoever is too slow is told so and let go: with a head, with a body, with taking an answer; and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from statistics import median

import pytest

from api import connections
from tests.service import BASE, Service, until
from tests.test_tus import begun, offset_of

Serve = Callable[..., Service]

IN_TIME = 5.0
"""Seconds after which a slow connection must be gone, where the limits are tenths of a second."""


@pytest.fixture
def strict(serve_with: Serve) -> Service:
    return serve_with(body_idle_seconds=0.3, body_min_bytes_per_second=1000)


@pytest.fixture
def short_heads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "REST_SECONDS", 0.3)
    monkeypatch.setattr(connections, "UNREAD_SECONDS", 0.3)
    yield


def connected(service: Service) -> socket.socket:
    client = socket.create_connection((service.http.base_url.host, service.http.base_url.port or 0))
    client.settimeout(IN_TIME)
    return client


def head_of(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def form(path: str) -> bytes:
    """A form that was begun."""
    kind = "Content-Type: multipart/form-data; boundary=edge"
    start = b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    return head_of("POST", path, "Content-Length: 100000", kind) + start


def heard(client: socket.socket) -> bytes:
    """Everything until the service closes the connection."""
    said = b""
    while piece := client.recv(1 << 16):
        said += piece
    return said


def drip(client: socket.socket, service: Service, seconds: float = IN_TIME) -> bytes:
    """Send a byte each twentieth of a second until the service has closed the connection; gives what it said."""
    client.settimeout(0.05)
    said, until_then = b"", time.monotonic() + seconds
    while time.monotonic() < until_then:
        try:
            client.sendall(b"x")
            piece = client.recv(1 << 16)
            said += piece
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return said
        if not piece:
            return said
    raise AssertionError("the connection is still open")


def test_a_body_that_stops_coming_is_refused_and_nothing_is_left(serve_with: Serve) -> None:
    # Without a least rate: by one, what came late and then stopped is too slow before nothing came for long enough.
    strict = serve_with(body_idle_seconds=0.3, body_min_bytes_per_second=0)
    with closing(connected(strict)) as client:
        client.sendall(form(f"{BASE}/upload"))
        head, _, body = heard(client).partition(b"\r\n\r\n")
    told = json.loads(body)
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert (told["code"], told["reason"]) == (408, "body_timeout")
    assert "0.3 seconds" in told["error"]
    until(lambda: strict.folders() == [] and strict.house.intake.under_way == 0)
    assert strict.house.space.claimed == 0


def test_a_body_that_drips_is_refused(strict: Service) -> None:
    with closing(connected(strict)) as client:
        client.sendall(form(f"{BASE}/upload"))
        said = drip(client, strict)
    assert b"408" in said
    assert b"bytes a second" in said
    until(lambda: strict.folders() == [])


def test_a_body_that_takes_too_long_in_all_is_refused(serve_with: Serve) -> None:
    service = serve_with(body_total_seconds=0.3, body_min_bytes_per_second=0)
    with closing(connected(service)) as client:
        client.sendall(form(f"{BASE}/upload"))
        assert b"longer than 0.3 seconds" in drip(client, service)


def test_a_legacy_client_is_told_in_its_own_shape(strict: Service) -> None:
    with closing(connected(strict)) as client:
        client.sendall(form("/analyze/highlights"))
        said = heard(client)
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2]).keys() == {"detail"}


def test_a_part_of_a_resumable_upload_that_came_too_slowly_is_kept(strict: Service) -> None:
    upload = begun(strict.http, 100_000)
    lines = ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
    with closing(connected(strict)) as client:
        client.sendall(head_of("PATCH", upload, "Content-Length: 100000", *lines) + b"x" * 500)
        assert heard(client).startswith(b"HTTP/1.1 408")
    assert offset_of(strict.http, upload) == 500


def test_a_body_in_good_time_may_take_longer_than_any_pause(strict: Service, clip: Path) -> None:
    video = clip.read_bytes()

    def body() -> Iterator[bytes]:
        named = '--edge\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
        yield named.format("analysis_type", "").encode() + b"highlights\r\n"
        yield named.format("video", '; filename="a.mp4"').encode()
        step = len(video) // 8 + 1
        for start in range(0, len(video), step):
            time.sleep(0.1)
            yield video[start : start + step]
        yield b"\r\n--edge--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    assert strict.http.post(f"{BASE}/upload", content=body(), headers=headers).status_code == 200


@pytest.mark.usefixtures("short_heads")
def test_a_head_that_does_not_come_is_refused(service: Service) -> None:
    with closing(connected(service)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        said = drip(client, service)
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["reason"] == "head_timeout"


@pytest.mark.usefixtures("short_heads")
def test_who_says_nothing_or_only_empty_lines_is_let_go(service: Service) -> None:
    with closing(connected(service)) as silent, closing(connected(service)) as empty:
        assert heard(silent) == b""
        empty.sendall(b"\r\n")
        assert heard(empty) == b""


@pytest.mark.usefixtures("short_heads")
def test_a_connection_is_used_again_after_a_pause(service: Service) -> None:
    with closing(connected(service)) as client:
        for _ in range(2):
            client.sendall(head_of("GET", "/livez"))
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            time.sleep(0.5)


@pytest.mark.usefixtures("short_heads")
def test_a_body_that_nobody_reads_holds_no_connection(service: Service) -> None:
    with closing(connected(service)) as client:
        client.sendall(head_of("POST", f"{BASE}/cancel/unknown", "Content-Length: 100000"))
        assert drip(client, service).startswith(b"HTTP/1.1 404")


@pytest.mark.usefixtures("short_heads")
def test_a_connection_is_used_again_after_a_body_that_nobody_read(service: Service) -> None:
    with closing(connected(service)) as client:
        client.sendall(head_of("POST", f"{BASE}/cancel/unknown", "Content-Length: 200000") + b"x" * 1000)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 404")
        client.sendall(b"x" * 199_000)
        client.sendall(head_of("GET", "/livez"))
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("short_heads")
def test_an_endless_head_is_cut_off(service: Service) -> None:
    with closing(connected(service)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X-More: 1\r\n" * 10_000)
        assert b"431" in client.recv(1 << 16).partition(b"\r\n")[0]


@pytest.mark.usefixtures("short_heads")
def test_who_takes_nothing_of_an_answer_is_let_go(service: Service) -> None:
    service.http.get("/app/sample.mp4")
    sample = service.data_dir / "sample.mp4"
    sample.write_bytes(sample.read_bytes() + b"\0" * (32 << 20))
    with closing(connected(service)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 14)
        client.sendall(head_of("GET", "/app/sample.mp4"))
        time.sleep(1)
        client.settimeout(IN_TIME)
        assert taken(client) < 32 << 20


def taken(client: socket.socket) -> int:
    """Bytes that still come."""
    size = 0
    with suppress(ConnectionResetError):
        while piece := client.recv(1 << 20):
            size += len(piece)
    return size


async def test_many_slow_ones_make_nobody_else_wait(service: Service) -> None:
    host, port = service.http.base_url.host, service.http.base_url.port

    async def usual() -> float:
        times = []
        for _ in range(40):
            began = time.perf_counter()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(head_of("GET", "/livez", "Connection: close"))
            await reader.read()
            writer.close()
            times.append(time.perf_counter() - began)
        return median(times)

    alone = min([await usual() for _ in range(5)])
    slow = [await asyncio.open_connection(host, port) for _ in range(40)]
    for number, (_, writer) in enumerate(slow):
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: " if number % 2 else form(f"{BASE}/upload"))
    beside = min([await usual() for _ in range(5)])
    for _, writer in slow:
        writer.close()
    assert beside <= 2 * alone + 0.005
