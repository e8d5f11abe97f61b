"""Clients on bare sockets, to be run in processes of their own: they cost little beside what they measure."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

Address = tuple[str, int]

PATIENCE = 120.0
EDGE = "edge0d5f1cbb7be94bd8a5a8"
"""A boundary as long as those of browsers and libraries."""


@dataclass(frozen=True)
class Form:
    """A multipart body that is not held in memory: `head`, then one block so many times, then `tail`."""

    head: bytes
    block: bytes
    blocks: int
    tail: bytes

    @property
    def size(self) -> int:
        return len(self.head) + len(self.block) * self.blocks + len(self.tail)

    def pieces(self) -> Iterator[bytes]:
        yield self.head
        for _ in range(self.blocks):
            yield self.block
        yield self.tail


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    seconds: float
    """From the first byte that was sent to the last that came back."""

    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body


def form_of(video: bytes, block: bytes = b"", blocks: int = 0, **fields: str) -> Form:
    """An upload's form, the video's bytes followed by some blocks of filler."""
    named = [f'--{EDGE}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{text}\r\n' for n, text in fields.items()]
    opened = f'--{EDGE}\r\nContent-Disposition: form-data; name="video"; filename="video.mp4"\r\n\r\n'
    return Form("".join([*named, opened]).encode() + video, block, blocks, f"\r\n--{EDGE}--\r\n".encode())


def opening(path: str, form: Form) -> bytes:
    """The head of a request that brings the form."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {form.size}\r\n"
        f"Content-Type: multipart/form-data; boundary={EDGE}\r\n\r\n"
    ).encode()


def post(address: Address, path: str, form: Form) -> Answer:
    """Send a form on a connection of its own."""
    with socket.create_connection(address, PATIENCE) as connection:
        began = time.perf_counter()
        connection.sendall(opening(path, form))
        for piece in form.pieces():
            connection.sendall(piece)
        status, body = read_answer(connection)
        return Answer(status, body, time.perf_counter() - began)


def post_many(address: Address, path: str, form: Form, count: int) -> list[Answer]:
    """So many at once."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: post(address, path, form), range(count)))


def gets_a_second(address: Address, path: str, connections: int, seconds: float) -> float:
    """Answers a second over kept connections: on each, the next request goes out when the last is answered."""
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()
    opened = [socket.create_connection(address, PATIENCE) for _ in range(connections)]
    try:
        answers, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds:
            for connection in opened:
                connection.sendall(request)
            for connection in opened:
                status, _ = read_answer(connection)
                if status != 200:
                    raise RuntimeError(f"GET {path} was answered with {status}")
            answers += connections
        return answers / (time.perf_counter() - began)
    finally:
        for connection in opened:
            connection.close()


def get(connection: socket.socket, path: str) -> bytes:
    """The body that a kept connection answers with."""
    return _asked(connection, "GET", path)


def asked(address: Address, path: str, method: str = "GET") -> bytes:
    """The body that a connection of its own answers with."""
    with socket.create_connection(address, PATIENCE) as connection:
        return _asked(connection, method, path)


def _asked(connection: socket.socket, method: str, path: str) -> bytes:
    connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
    status, body = read_answer(connection)
    if status != 200:
        raise RuntimeError(f"{method} {path} was answered with {status}")
    return body


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """The status and the body of an answer that tells its length."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += _some(connection)
    lines = data[:end].lower().split(b"\r\n")
    length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
    while len(data) < end + 4 + length:
        data += _some(connection)
    return int(lines[0][9:12]), data[end + 4 :]


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    if not data:
        raise ConnectionError("the server closed the connection before it had answered")
    return data
