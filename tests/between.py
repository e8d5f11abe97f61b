"""Something between a client and a service: passes requests on, and goes wrong where a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx

HOP = {"connection", "content-length", "host", "transfer-encoding", "date", "server"}
"""Headers that are each connection's own."""


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    """By their names in lower case."""


@dataclass
class Between:
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    wrong: Callable[[Asked], str | int | bytes | None] = lambda asked: None
    """What becomes of a request: None passes it on; "lost" does, and loses the answer; "cut" sends half of that; a
    number is a status to refuse with at once, bytes are an answer, and any other text is where to look instead."""

    def of(self, method: str, beginning: str = "") -> list[Asked]:
        return [one for one in self.asked if one.method == method and beginning in one.path]


class once:  # noqa: N801  it reads as a word
    """Goes wrong with the first request of a method to a path, and then no more."""

    def __init__(self, what: str | int | bytes, method: str, beginning: str = "") -> None:
        self._what: str | int | bytes | None = what
        self._method, self._beginning = method, beginning

    def __call__(self, asked: Asked) -> str | int | bytes | None:
        if asked.method != self._method or self._beginning not in asked.path:
            return None
        what, self._what = self._what, None
        return what


@contextmanager
def between(service: httpx.Client) -> Iterator[Between]:
    told = Between()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            told.asked.append(asked)
            body = self.rfile.read(int(asked.headers.get("content-length", 0)))
            wrong = told.wrong(asked)
            if isinstance(wrong, int):
                self._answer(wrong, {"Retry-After": "0"}, b"")
            elif isinstance(wrong, bytes):
                self._answer(200, {}, wrong)
            elif wrong and wrong not in ("lost", "cut"):
                self._answer(307, {"Location": wrong}, b"")
            else:
                self._pass_on(asked, body, wrong)

        do_POST = do_PATCH = do_HEAD = do_DELETE = do_GET  # noqa: N815  names that the library looks for

        def _pass_on(self, asked: Asked, body: bytes, wrong: Any) -> None:
            headers = {name: value for name, value in asked.headers.items() if name not in HOP}
            with service.stream(asked.method, asked.path, headers=headers, content=body) as answer:
                content = answer.read() if asked.method != "HEAD" else b""
            if wrong == "lost":
                self.close_connection = True
                return
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            self._answer(answer.status_code, kept, content, len(content) // 2 if wrong == "cut" else None)

        def _answer(self, status: int, headers: dict[str, str], content: bytes, most: int | None = None) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:most])
            self.close_connection = most is not None

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()
