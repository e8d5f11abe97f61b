"""uvicorn's server, ending politely: first no new work, still answering, then gone with exit status 0."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, create_server, fromfd, has_dualstack_ipv6, socket
from types import FrameType
from typing import Any, cast

import uvicorn

from api.connections import Connection

LINGER_SECONDS = 1.0
"""How long a SIGTERM leaves the door open for polls, and for a balancer to see that this server drains."""

PATIENCE_SECONDS = 2.0
"""How long work that is leaving and uploads that are arriving are waited for."""

LAST_WORDS_SECONDS = 0.5
"""How long those that are given up have to say so to their clients."""

UNREAD_SECONDS = 0.5
"""How long answers that are still being sent have then: a client that stopped reading holds up the end for less
than two seconds in all."""

WAITING_CONNECTIONS = 2048
"""That the system keeps until they are accepted."""

ACCEPTED_A_TURN = 64
"""Connections that are accepted in one turn of the event loop: a turn may take milliseconds, and hundreds of clients
may come at once."""

SWITCH_SECONDS = 0.001
"""How long a thread may hold the interpreter while others wait. Analyses share it with the event loop: at the default
of 5 ms a poll waits visibly."""


def listening(host: str, port: int) -> socket:
    """A socket that listens there; at `::` for IPv4 as well, where the system can do that. Raises OSError."""
    family = AF_INET6 if ":" in host else AF_INET
    both = family is AF_INET6 and not host.strip("0:") and has_dualstack_ipv6()
    return create_server((host, port), family=family, backlog=WAITING_CONNECTIONS, dualstack_ipv6=both)


def served_as(app: Callable[..., Any]) -> uvicorn.Config:
    """How an ASGI app is served here; the benchmarks serve bare ones in the same way, to compare."""
    return uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        # Whom to believe about addresses is TRUSTED_PROXIES' matter.
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=UNREAD_SECONDS,  # type: ignore[arg-type]  # goes to asyncio's, which takes parts too
    )


@contextmanager
def drained_by_signals(drain: Callable[[], None]) -> Iterator[None]:
    """While entered, a signal that ends another server than ours drains too: uvicorn's own waits for open streams to
    end by themselves. For the main thread, on the event loop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    handlers = {sent: signal.getsignal(sent) for sent in (signal.SIGTERM, signal.SIGINT)}
    others = {sent: handler for sent, handler in handlers.items() if not _is_ours(handler)}

    def handle(sent: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(drain)
        if callable(handler := others[signal.Signals(sent)]):
            handler(sent, frame)

    for sent in others:
        signal.signal(sent, handle)
    try:
        yield
    finally:
        for sent, handler in others.items():
            signal.signal(sent, handler)


def _is_ours(handler: object) -> bool:
    return isinstance(getattr(handler, "__self__", None), Server)


class Server(uvicorn.Server):
    """`drain` is called once, on the event loop; `idle` says whether nothing is under way any more; `abandon` gives
    up what still is when patience ends."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        drain: Callable[[], None],
        idle: Callable[[], bool],
        abandon: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._idle = idle
        self._abandon = abandon
        self._stopping: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._door: socket | None = None
        self._taking: set[asyncio.Task[None]] = set()

    async def serve(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._take_at_once()
            sys.stdout.write("".join(f"{line}\n" for line in self._addresses()))
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
        await super().shutdown(sockets)

    def _take_at_once(self) -> None:
        """Accept all who wait in one turn of the event loop, beside uvloop, which accepts one a turn."""
        loop, listener = asyncio.get_running_loop(), self.servers[0].sockets[0]
        self._door = door = fromfd(listener.fileno(), listener.family, listener.type)
        door.setblocking(False)
        loop.add_reader(door, self._accept, door)

    def _accept(self, door: socket) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_A_TURN):
            try:
                connection, _ = door.accept()
            except OSError:  # nobody else waits; or too many files are open, which uvloop sees to
                return
            connection.setblocking(False)
            taking = loop.create_task(self._take(connection))
            self._taking.add(taking)
            taking.add_done_callback(self._taking.discard)

    async def _take(self, connection: socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # it has gone already
            connection.close()

    def _protocol(self) -> asyncio.BaseProtocol:
        make = cast(Callable[..., asyncio.BaseProtocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not handed on to uvicorn: it would raise the signal once more at the end, and with it the exit status.
        if self._stopping or self._loop is None:
            self.should_exit = self.force_exit = True
            return
        linger = LINGER_SECONDS if sig == signal.SIGTERM else 0.0
        self._loop.call_soon_threadsafe(self._begin_to_stop, linger)

    def _begin_to_stop(self, linger: float) -> None:
        self._drain()
        self._stopping = asyncio.ensure_future(self._stop(linger))

    async def _stop(self, linger: float) -> None:
        await asyncio.sleep(linger)
        if not await self._becomes_idle(PATIENCE_SECONDS - linger):
            self._abandon()
            await self._becomes_idle(LAST_WORDS_SECONDS)
        self.should_exit = True

    async def _becomes_idle(self, seconds: float) -> bool:
        for _ in range(int(seconds / 0.05)):
            if self._idle():
                break
            await asyncio.sleep(0.05)
        return self._idle()

    def _addresses(self) -> list[str]:
        listener = self.servers[0].sockets[0]
        host, port = listener.getsockname()[:2]
        if host == "::" and listener.getsockopt(IPPROTO_IPV6, IPV6_V6ONLY):
            host = "::1"
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
        here = f"http://{shown}:{port}"
        return [f"Serving at {here}/", f"The page is {here}/app/", f"The API is  {here}/docs"]
