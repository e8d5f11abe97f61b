"""What a connection keeps of a body: no more than one piece, and little of it before anybody asks."""

from __future__ import annotations

import asyncio
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
