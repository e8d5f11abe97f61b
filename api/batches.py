"""Batches written in their order, by threads that all uploads share, while the next arrive."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from api.desk import Batch, Desk

BATCHES_AHEAD = 3
"""How many batches an upload may be ahead of its writing: with all its room, 3 MB."""


class Writer:
    """Writes batches in their order, one at a time, while the next arrive. Where the machine is busy, being some
    batches ahead is what keeps either side from waiting for the other's turn."""

    def __init__(self, write: Callable[[memoryview], None], desk: Desk) -> None:
        """`write` is called in one of the desk's threads."""
        self._write_to_sink = write
        self._desk = desk
        self._taken: list[Batch] = []
        self._spare: list[Batch] = []
        self._waiting: deque[tuple[asyncio.Future[None], Batch]] = deque()
        self._over = False
        self._lock = threading.Lock()
        self._jobs: deque[tuple[Future[None], Batch]] = deque()
        self._writing = False

    def first(self) -> Batch:
        """The batch to begin with. It is the desk's again, as all that `write` gives, when the writer is left."""
        self._taken.append(self._desk.first_batch())
        return self._taken[-1]

    async def write(self, batch: Batch) -> Batch:
        """Begin to write it; gives an empty one to fill next. Raises what writing an earlier one raised."""
        self._begin(batch)
        if not self._spare and len(self._taken) <= BATCHES_AHEAD and (more := self._desk.another_batch()):
            self._taken.append(more)
            return more
        if not self._spare:
            await self._first()
        return self._spare.pop()

    async def finish(self) -> None:
        """Wait until all is written."""
        while self._waiting:
            await self._first()

    async def leave(self) -> None:
        """Stop writing, and give all batches back. What is being written at the moment is waited for, however often
        this is cancelled."""
        self._over = True
        cancelled = False
        while unfinished := [writing for writing, _ in self._waiting if not writing.done()]:
            try:
                await asyncio.wait(unfinished)  # which, when cancelled, leaves them as they are
            except asyncio.CancelledError:
                cancelled = True
        for writing, _ in self._waiting:
            writing.exception()  # one that nobody looks at would be logged
        for batch in self._taken:
            self._desk.give_back(batch)
        self._taken.clear()
        if cancelled:
            raise asyncio.CancelledError

    async def _first(self) -> None:
        # Not a plain await: a cancel of that would hide that the thread still writes.
        writing, batch = self._waiting[0]
        await asyncio.wait([writing])
        self._waiting.popleft()
        batch.size = 0
        self._spare.append(batch)
        writing.result()

    def _begin(self, batch: Batch) -> None:
        written = Future[None]()
        self._waiting.append((asyncio.wrap_future(written), batch))
        with self._lock:
            self._jobs.append((written, batch))
            idle, self._writing = not self._writing, True
        if idle:
            self._desk.submit(self._write_next)

    def _write_next(self) -> None:
        """In a thread: writes one batch, and stands in line again for the next."""
        written, batch = self._jobs.popleft()
        try:
            if not self._over:
                self._write_to_sink(batch.data())
        except BaseException as error:  # noqa: BLE001  it is for who waits for this batch
            self._over = True
            written.set_exception(error)
        else:
            written.set_result(None)
        with self._lock:
            self._writing = bool(self._jobs)
            more = self._writing
        if more:
            self._desk.submit(self._write_next)
