"""Batches and the thread that writes them: it is waited for whatever happens, and stops at the first failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from api.batches import Batch, Writer
from api.multipart import BATCH_BYTES, FormReader

PATIENCE = 30.0
"""Seconds after which a test that waits gives up."""

TURNS = 10
"""Of the event loop: more than a cancelled task needs until it waits again, or ends."""

HEAD = b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'


class HeldSink:
    """Begins to write, and goes on when it is let."""

    def __init__(self, error: OSError | None = None) -> None:
        """The first write raises the error."""
        self.began, self.let = threading.Event(), threading.Event()
        self.calls = self.written = 0
        self.thread: threading.Thread | None = None
        self._error = error

    def write(self, data: bytes | memoryview) -> None:
        self.calls += 1
        self.thread = threading.current_thread()
        self.began.set()
        assert self.let.wait(PATIENCE)
        if self._error and self.calls == 1:
            raise self._error
        self.written += 1


@pytest.fixture
def held() -> Iterator[HeldSink]:
    sink = HeldSink()
    yield sink
    sink.let.set()


async def form() -> AsyncIterator[bytes]:
    """Without an end: what reads it has several batches waiting when it stops here."""
    yield HEAD
    for _ in range(3):
        yield bytes(BATCH_BYTES)
    await asyncio.Event().wait()


async def cancelled(task: asyncio.Task[None], times: int) -> None:
    for _ in range(times):
        task.cancel()
        for _ in range(TURNS):
            await asyncio.sleep(0)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_nothing_writes_to_the_sink_once_read_returns_however_often_it_is_cancelled(
    held: HeldSink, times: int
) -> None:
    reader = FormReader("multipart/form-data; boundary=edge", "video", 1 << 30, lambda fields: None)
    reading = asyncio.create_task(reader.read(form(), held))
    assert await asyncio.to_thread(held.began.wait, PATIENCE)
    await cancelled(reading, times)
    assert not reading.done()
    held.let.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (held.calls, held.written) == (1, 1)


@pytest.mark.parametrize("times", [0, 2])
async def test_the_thread_ends_once_its_writer_is_left(held: HeldSink, times: int) -> None:
    writer = Writer(held.write, [Batch(1)])
    await writer.write(Batch(1))
    assert await asyncio.to_thread(held.began.wait, PATIENCE)
    leaving = asyncio.create_task(writer.leave())
    await asyncio.sleep(0)
    await cancelled(leaving, times)
    held.let.set()
    await asyncio.wait([leaving])
    assert leaving.cancelled() == (times > 0)
    assert held.thread
    await asyncio.to_thread(held.thread.join, PATIENCE)
    assert not held.thread.is_alive()


async def test_after_a_batch_failed_no_other_is_written() -> None:
    sink = HeldSink(OSError("broken"))
    writer = Writer(sink.write, [Batch(1) for _ in range(3)])
    for _ in range(3):
        await writer.write(Batch(1))
    sink.let.set()
    with pytest.raises(OSError, match="broken"):
        await writer.finish()
    await writer.finish()
    await writer.leave()
    assert (sink.calls, sink.written) == (1, 0)
