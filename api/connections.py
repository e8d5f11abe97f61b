"""A connection as uvicorn serves it, that does not wait for ever: neither for a request's head, nor for the rest of a
body that nobody reads any more, nor for a client that takes no more of its answer.

How long the body of a request that is being answered may take is `deadlines.py`'s matter.
"""

from __future__ import annotations

import json
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 20.0
"""From a connection's beginning, or a request's first byte, until its head is there."""

MAX_HEAD_BYTES = 1 << 16

REST_SECONDS = 10.0
"""How long a body that was answered unread may go on coming."""

UNREAD_SECONDS = 120.0
"""How long a client may leave an answer where it is without taking any of it."""


class Connection(HttpToolsProtocol):
    """Timers are made only where something is left to wait for: a request usually arrives as a whole."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = self._in_message = False
        self._head_bytes = 0
        self._incoming: TimerHandle | None = None
        self._outgoing: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_incoming()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        in_body = self._in_message and not self._in_head
        super().data_received(data)
        if self._in_head:
            self._head_bytes += 0 if in_body else len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "head_too_large", f"The request's head is larger than {MAX_HEAD_BYTES} bytes")
            self._await_head()
            return
        self._head_bytes = 0
        answered = self.cycle is None or self.cycle.response_complete
        if not answered:
            self._stop_incoming()
        elif not self._in_message and self.timeout_keep_alive_task is None:
            # An empty line, or the last of a body that was not read: the next request's head is waited for.
            self._await_head()

    def on_message_begin(self) -> None:
        self._in_head = self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_message = False
        self._stop_incoming()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_message and not self._in_head and self.cycle.response_complete and not self.transport.is_closing():
            self._stop_incoming()
            self._incoming = self.loop.call_later(REST_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._outgoing is None:
            self._outgoing = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._outgoing is not None:
            self._outgoing.cancel()
            self._outgoing = None
        super().resume_writing()

    def _await_head(self) -> None:
        if self._incoming is None:
            self._incoming = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _stop_incoming(self) -> None:
        if self._incoming is not None:
            self._incoming.cancel()
            self._incoming = None

    def _head_is_late(self) -> None:
        if self._in_head:
            self._refuse(408, "head_timeout", f"The request's head was not there after {HEAD_SECONDS:g} seconds")
        else:
            self.transport.close()

    def _refuse(self, code: int, reason: str, words: str) -> None:
        """In the flat shape, although no app has seen the request. Answers that are under way are cut off."""
        if not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete):
            body = json.dumps({"error": words, "reason": reason, "code": code}).encode()
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            self.transport.write(STATUS_LINE[code] + head + body)
        self.transport.close()
