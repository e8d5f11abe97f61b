"""What a connection keeps of a body: no more than one piece, and little of it before anybody asks; and what it says
to what is no request."""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from uvicorn.server import ServerState

from api.connections import BODY_READ_BYTES, HEAD_READ_BYTES, Connection

SENT = bytes(range(256)) * (1 << 13)
"""Two megabytes that differ by place."""

TURNS = 20
"""Of the event loop: enough for a megabyte to arrive, if it were let."""


Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """On either kind of event loop: they read in ways of their own."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


@asynccontextmanager
async def connected(app: Any) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        server.close()
        await server.wait_closed()


async def send(writer: StreamWriter, body: bytes) -> None:
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def asked(app: Any, body: bytes, times: int = 1) -> None:
    """The same request so many times on one connection, each answered."""
    async with connected(app) as (reader, writer):
        for _ in range(times):
            sending = asyncio.ensure_future(send(writer, body))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            await sending


class Taker:
    """An app that takes a body piece by piece, and looks between two of them at how much more has come."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.waiting: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self.waiting.append(len(receive.__self__.body))
            message = await receive()
            more = message.get("more_body", False)
            self.pieces.append(message["body"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_nothing_more_comes_until_it_is_asked_for(run: Run) -> None:
    app = Taker()
    run(asked(app, SENT))
    assert b"".join(app.pieces) == SENT
    assert app.waiting[0] <= HEAD_READ_BYTES
    assert set(app.waiting[1:]) == {0}
    assert max(map(len, app.pieces)) <= BODY_READ_BYTES


def test_a_request_behind_a_body_that_nobody_took_is_answered(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    run(asked(app, SENT, times=2))


def test_who_waits_for_a_client_to_go_hears_it(run: Run) -> None:
    heard = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        heard.set()

    async def leave() -> None:
        async with connected(app) as (_, writer):
            await send(writer, SENT[:100_000])
            writer.close()
            await heard.wait()

    run(leave())


@pytest.mark.parametrize(
    "said",
    [
        b"what is this?\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_cannot_be_read_is_refused_in_the_shape_of_all_refusals(run: Run, said: bytes) -> None:
    async def refused() -> None:
        async with connected(Taker()) as (reader, writer):
            writer.write(said)
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            told = json.loads(body)
            assert head.startswith("HTTP/1.1 400")
            assert f"x-request-id: {told.pop('requestId')}" in head.split("\r\n")
            assert told.pop("error")
            assert told == {"code": 400, "reason": "invalid_request"}

    run(refused())


def test_an_answer_that_has_begun_is_cut_off_by_what_cannot_be_read(run: Run) -> None:
    begun = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass

    async def cut() -> None:
        async with connected(app) as (reader, writer):
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            await begun.wait()
            writer.write(b"zz\r\n")
            assert (await reader.read()).endswith(b"\r\n\r\nhalf")

    run(cut())
