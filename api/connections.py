"""A connection as uvicorn serves it, that does not wait for ever: neither for a request's head, nor for the rest of a
body that nobody reads any more, nor for a client that takes no more of its answer; and that keeps little in memory.

How long the body of a request that is being answered may take is `deadlines.py`'s matter.
"""

from __future__ import annotations

import json
import logging
import threading
from asyncio import BufferedProtocol, TimerHandle, Transport
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

import logs

logger = logging.getLogger(__name__)

HEAD_SECONDS = 20.0
"""From a connection's beginning, or a request's first byte, until its head is there."""

MAX_HEAD_BYTES = 1 << 16

REST_SECONDS = 10.0
"""How long a body that was answered unread may go on coming."""

UNREAD_SECONDS = 120.0
"""How long a client may leave an answer where it is without taking any of it."""


HEAD_READ_BYTES = 1 << 14
BODY_READ_BYTES = 1 << 18
"""What is read at a time. Few pieces make a large body cheap; but with a head comes as much of the body as fits, from
all clients that begin at once, before any of them has had its turn."""


class _Room(threading.local):
    """Where what arrives is put: one place for each thread, and so for each event loop, which reads from one client at
    a time."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(BODY_READ_BYTES))


_room = _Room()


class _Reader(BufferedProtocol):
    """What the event loop knows a connection as: says where to put what arrives, and how much of it to take."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_buffer(self, sizehint: int) -> memoryview:
        return _room.view if self._connection.in_body else _room.view[:HEAD_READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        self._connection.data_received(_room.view[:nbytes])

    def eof_received(self) -> None:
        self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()


class Flow(FlowControl):
    """Lets no more come while a piece of a body waits to be taken. uvicorn asks for the next before it hands on that
    one: of each upload there would always be two in memory, however long it waits for its turn."""

    def __init__(self, transport: Transport, waiting: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting():
            super().resume_reading()


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
        self.flow = Flow(transport, self._piece_waits)
        transport.set_protocol(_Reader(self))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_incoming()
        self.resume_writing()
        super().connection_lost(exc)

    @property
    def in_body(self) -> bool:
        return self._in_message and not self._in_head

    def data_received(self, data: bytes | memoryview) -> None:
        in_body = self.in_body
        super().data_received(data)  # type: ignore[arg-type]  # what the parser hands on are copies
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

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._piece_waits():
            self.flow.pause_reading()

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

    def _piece_waits(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete and bool(self.cycle.body)

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

    def send_400_response(self, msg: str) -> None:
        """uvicorn's word for what its parser cannot read, be it a head or the frame of a body."""
        self._refuse(400, "invalid_request", "What was sent is not a request of HTTP/1.1 that can be read")

    def _refuse(self, code: int, reason: str, words: str) -> None:
        """In the flat shape, although no app has seen the request, or none has answered it. Answers that are under way
        are cut off."""
        if not self.transport.is_closing() and not self._answering:
            request_id = logs.new_request_id()
            logs.event(logger, "refused", request=request_id, reason=reason)
            told = {"error": words, "reason": reason, "code": code, "requestId": request_id}
            body = json.dumps(told).encode()
            head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            head += f"x-request-id: {request_id}\r\nreferrer-policy: no-referrer\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[code] + head.encode() + body)
        self.transport.close()

    @property
    def _answering(self) -> bool:
        """Whether an answer has begun and not ended, or another request's comes first."""
        if self.cycle is None or self.cycle.response_complete:
            return False
        return self.cycle.response_started or bool(self.pipeline)
