"""What all uploads share: threads that write, room for what waits to be written, and turns on the event loop.

However many there are at once, memory and threads stay few, and whoever asks for anything else is answered between two
of their pieces.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.types import ASGIApp, Receive, Scope, Send

from api.deadlines import brings_body

CHUNK_BYTES = 1 << 18
"""As much as a server usually hands on at a time, and so as a batch may grow beyond its size."""

BATCH_BYTES = 1 << 19
SMALL_BATCH_BYTES = 1 << 16
BATCHES = 32
"""Large batches for all uploads together: with all their room, 24 MB. An upload that gets none has a small one."""

WRITERS = 4
"""Threads that write. Each that runs waits for the interpreter beside the event loop, which then waits for all."""

PIECES_A_TURN = 4
"""Pieces of bodies that are read, and requests with a body that begin, in one turn of the event loop: at a third of a
millisecond each at most, where no other thread wants the interpreter."""

MANY = 4
"""Where more than so many wait, one has its turn at a time: whoever asks for anything else waits for several turns."""


class Batch:
    """Room that is filled again and again: for memory that is new to a process, the system takes longer than the
    copying does."""

    def __init__(self, full_bytes: int) -> None:
        """It is full from so many on. Beyond that and one chunk it may still grow, but then its room is new."""
        self._room = bytearray(full_bytes + CHUNK_BYTES)
        self._full_bytes = full_bytes
        self.size = 0

    @property
    def full(self) -> bool:
        return self.size >= self._full_bytes

    @property
    def large(self) -> bool:
        return self._full_bytes == BATCH_BYTES

    def add(self, data: memoryview) -> None:
        end = self.size + len(data)
        if end > len(self._room):
            self._room = self._room[: self.size] + bytearray(len(data))
        self._room[self.size : end] = data
        self.size = end

    def data(self) -> memoryview:
        return memoryview(self._room)[: self.size]


class Desk:
    """Used on one event loop; `submit` and its work may come from any thread."""

    def __init__(self, batches: int = BATCHES) -> None:
        self._threads = ThreadPoolExecutor(WRITERS, thread_name_prefix="upload")
        self._unmade = batches
        self._batches: list[Batch] = []
        self._turns: deque[asyncio.Future[None]] = deque()
        self._left = PIECES_A_TURN
        self._next_is_due = False

    def submit(self, work: Callable[[], None]) -> None:
        """Have a thread do it, after what was submitted before."""
        self._threads.submit(work)

    def close(self) -> None:
        """The threads end once what was submitted is done."""
        self._threads.shutdown(wait=False)

    def first_batch(self) -> Batch:
        """A large one where there is one left."""
        return self.another_batch() or Batch(SMALL_BATCH_BYTES)

    def another_batch(self) -> Batch | None:
        if self._batches:
            return self._batches.pop()
        if self._unmade == 0:
            return None
        self._unmade -= 1
        return Batch(BATCH_BYTES)

    def give_back(self, batch: Batch) -> None:
        if batch.large:
            batch.size = 0
            self._batches.append(batch)

    async def turn(self) -> None:
        """Wait until one more piece may be read: at once, unless this turn of the loop has read its share."""
        loop = asyncio.get_running_loop()
        if not self._next_is_due:
            self._next_is_due = True
            loop.call_soon(self._begin_turn)
        if self._left > 0:
            self._left -= 1
            return
        mine = loop.create_future()
        self._turns.append(mine)
        await mine

    def _begin_turn(self) -> None:
        self._left = PIECES_A_TURN if len(self._turns) <= MANY else 1
        while self._turns and self._left > 0:
            waiting = self._turns.popleft()
            if not waiting.done():  # it may have been cancelled
                waiting.set_result(None)
                self._left -= 1
        self._next_is_due = bool(self._turns)
        if self._next_is_due:
            asyncio.get_running_loop().call_soon(self._begin_turn)


class Turns:
    """Has requests that bring a body begin in turns, before anything is done for them: of hundreds that come at once,
    few begin between two answers to others. To be the outermost of an app."""

    def __init__(self, app: ASGIApp, turn: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and brings_body(scope):
            await self._turn()
        await self._app(scope, receive, send)
