"""How long a client may take over the body of a request: nothing for a while, too little, or too long in all ends it.

Only the waiting for the client counts as idle or slow, and not what the service itself takes to store what came.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import Settings
from errors import BodyTimeout


def brings_body(scope: Scope) -> bool:
    """Whether something follows the request's head (RFC 9112, 6.3). Clients say of what is sent empty that it is 0
    bytes long."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


@dataclass(frozen=True)
class Patience:
    """`idle_seconds` is also the stretch of waiting over which the rate is measured, and so the grace at its start."""

    idle_seconds: float
    bytes_per_second: float
    total_seconds: float

    @classmethod
    def of(cls, settings: Settings) -> Patience:
        return cls(settings.body_idle_seconds, settings.body_min_bytes_per_second, settings.body_total_seconds)


class Deadlines:
    """Has reading a body raise BodyTimeout, on whatever route, when the client is too slow."""

    def __init__(self, app: ASGIApp, patience: Patience) -> None:
        self._app = app
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and brings_body(scope):
            receive = _Timed(receive, self._patience)
        await self._app(scope, receive, send)


class _Timed:
    """Receives until the body's end by the clock, and from then on as long as it takes."""

    def __init__(self, receive: Receive, patience: Patience) -> None:
        self._receive = receive
        self._patience = patience
        self._now = asyncio.get_running_loop().time
        self._deadline = self._now() + patience.total_seconds
        self._waited = 0.0
        self._came = 0
        self._ended = False
        self._late: BodyTimeout | None = None

    async def __call__(self) -> Message:
        if self._ended:
            return await self._receive()
        if self._late is None:
            try:
                return await self._in_time()
            except BodyTimeout as error:
                self._late = error
        raise self._late

    async def _in_time(self) -> Message:
        idle = 0.0
        while True:
            began = self._now()
            try:
                async with asyncio.timeout(self._allowed(idle)):
                    message = await self._receive()
            except TimeoutError:
                idle += self._wait_of(began)
                self._check(idle)
                continue
            self._wait_of(began)
            self._came += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if not self._ended:
                self._check(0)
            return message

    def _allowed(self, idle: float) -> float:
        window = self._patience.idle_seconds
        return max(0.001, min(window - idle, window - self._waited, self._deadline - self._now()))

    def _wait_of(self, began: float) -> float:
        waited = self._now() - began
        self._waited += waited
        return waited

    def _check(self, idle: float) -> None:
        window, least = self._patience.idle_seconds, self._patience.bytes_per_second
        if idle >= window:
            raise BodyTimeout(f"Nothing of the request's body came for {window:g} seconds")
        if self._now() >= self._deadline:
            raise BodyTimeout(f"The request's body took longer than {self._patience.total_seconds:g} seconds")
        if self._waited < window:
            return
        if self._came < least * self._waited:
            raise BodyTimeout(f"The request's body came slower than {least:g} bytes a second")
        self._waited, self._came = 0.0, 0
