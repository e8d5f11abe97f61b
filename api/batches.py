"""Bytes gathered into batches, and the batches written in their order by a thread, while the next arrive."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Batch:
    """Room that is filled again and again: for memory that is new to a process, the system takes longer than the
    copying does."""

    def __init__(self, most_bytes: int) -> None:
        """A batch may grow beyond `most_bytes`, but then its room is new."""
        self._room = bytearray(most_bytes)
        self.size = 0

    def add(self, data: memoryview) -> None:
        end = self.size + len(data)
        if end > len(self._room):
            self._room = self._room[: self.size] + bytearray(len(data))
        self._room[self.size : end] = data
        self.size = end

    def data(self) -> memoryview:
        return memoryview(self._room)[: self.size]


class Writer:
    """Writes batches in their order, in a thread of its own, while the next arrive. Where the machine is busy, being
    some batches ahead is what keeps either side from waiting for the other's turn."""

    def __init__(self, write: Callable[[memoryview], None], spare: list[Batch]) -> None:
        """`write` is called in the thread; with so many spare batches, as many may wait for it."""
        self._write_to_sink = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="upload")
        self._spare = spare
        self._waiting: deque[tuple[asyncio.Future[None], Batch]] = deque()
        self._over = False

    async def write(self, batch: Batch) -> Batch:
        """Begin to write it; gives an empty one to fill next. Raises what writing an earlier one raised."""
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.run_in_executor(self._thread, self._write, batch.data()), batch))
        if not self._spare:
            await self._first()
        return self._spare.pop()

    async def finish(self) -> None:
        """Wait until all is written."""
        while self._waiting:
            await self._first()

    async def leave(self) -> None:
        """Stop writing. What is being written at the moment is waited for, however often this is cancelled."""
        self._over = True
        cancelled = False
        try:
            while unfinished := [writing for writing, _ in self._waiting if not writing.done()]:
                try:
                    await asyncio.wait(unfinished)  # which, when cancelled, leaves them as they are
                except asyncio.CancelledError:
                    cancelled = True
        finally:
            self._thread.shutdown(wait=False)  # it has nothing left to do
        for writing, _ in self._waiting:
            writing.exception()  # one that nobody looks at would be logged
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

    def _write(self, data: memoryview) -> None:
        if not self._over:
            try:
                self._write_to_sink(data)
            except BaseException:
                self._over = True
                raise
