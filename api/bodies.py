"""A request's body, piece by piece; and waiting for threads and clients without losing sight of either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from errors import BodyTimeout

T = TypeVar("T")

READ_ON_BYTES = 2 << 20
READ_ON_SECONDS = 2.0
"""How long a refused body is read on, so that a browser that is still sending sees the answer and not a reset."""


class Body:
    """A request's body that knows whether it has been read to its end."""

    def __init__(self, request: Request, turn: Callable[[], Awaitable[None]] | None = None) -> None:
        """`turn` is waited for before each piece is asked for: while many wait, what they will read next is still with
        their clients, and not in memory."""
        self._receive = request.receive
        self._turn = turn
        self.arrived: Callable[[int], None] = lambda size: None
        """Told how many bytes each piece has."""
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Who takes a piece lets go of it before asking for the next."""
        while not self.ended:
            if self._turn:
                await self._turn()
            yield await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        self.ended = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        self.arrived(len(piece))
        return piece

    async def read_on(self) -> None:
        """Read what is left of a refused body, up to a limit."""
        left = READ_ON_BYTES
        with suppress(TimeoutError, ClientDisconnect, BodyTimeout):
            async with asyncio.timeout(READ_ON_SECONDS):
                async for piece in self:
                    left -= len(piece)
                    del piece
                    if left < 0:
                        return


async def to_its_end(function: Callable[..., T], *arguments: Any) -> T:
    """Run it in a thread. A cancel waits until it is done, so that nothing is still written behind a clean-up."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def unless_gone(request: Request, work: asyncio.Future[T]) -> T:
    """What the work comes to, unless its client closes the connection first: then ClientDisconnect, and the work is the
    caller's to end."""
    leaving = asyncio.ensure_future(until_gone(request))
    both: set[asyncio.Future[Any]] = {work, leaving}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        leaving.cancel()


async def until_gone(request: Request) -> None:
    """Returns when the client has closed its connection. To be called once the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
