"""Batches and the thread that writes them: it is waited for whatever happens, and stops at the first failure."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from statistics import median
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from api.batches import Writer
from api.bodies import Body
from api.desk import BATCH_BYTES, MANY, PIECES_A_TURN, SMALL_BATCH_BYTES, WRITERS, Desk, Turns
from api.multipart import FormReader

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


@pytest.fixture
def desk() -> Iterator[Desk]:
    with closing(Desk()) as desk:
        yield desk


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
    held: HeldSink, desk: Desk, times: int
) -> None:
    reader = FormReader("multipart/form-data; boundary=edge", "video", 1 << 30, lambda fields: None)
    reading = asyncio.create_task(reader.read(form(), held, desk))
    assert await asyncio.to_thread(held.began.wait, PATIENCE)
    await cancelled(reading, times)
    assert not reading.done()
    held.let.set()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (held.calls, held.written) == (1, 1)


@pytest.mark.parametrize("times", [0, 2])
async def test_leaving_waits_for_what_is_being_written(held: HeldSink, desk: Desk, times: int) -> None:
    writer = Writer(held.write, desk)
    await writer.write(writer.first())
    assert await asyncio.to_thread(held.began.wait, PATIENCE)
    leaving = asyncio.create_task(writer.leave())
    await asyncio.sleep(0)
    await cancelled(leaving, times)
    assert not leaving.done()
    held.let.set()
    await asyncio.wait([leaving])
    assert leaving.cancelled() == (times > 0)
    assert held.written == 1


async def test_after_a_batch_failed_no_other_is_written(desk: Desk) -> None:
    sink = HeldSink(OSError("broken"))
    writer = Writer(sink.write, desk)
    batch = writer.first()
    for _ in range(3):
        batch = await writer.write(batch)
    sink.let.set()
    with pytest.raises(OSError, match="broken"):
        await writer.finish()
    await writer.finish()
    await writer.leave()
    assert (sink.calls, sink.written) == (1, 0)


async def test_uploads_write_in_their_own_order_with_few_threads(desk: Desk) -> None:
    threads = set[str]()

    async def write(number: int) -> list[int]:
        written: list[int] = []

        def note(data: memoryview) -> None:
            threads.add(threading.current_thread().name)
            written.append(data[0])

        writer = Writer(note, desk)
        batch = writer.first()
        for turn in range(10):
            batch.add(memoryview(bytes([turn])))
            batch = await writer.write(batch)
        await writer.finish()
        await writer.leave()
        return written

    assert await asyncio.gather(*(write(number) for number in range(50))) == [list(range(10))] * 50
    assert len(threads) <= WRITERS


def test_who_finds_no_large_batch_has_a_small_one_and_all_come_back() -> None:
    with closing(Desk(batches=1)) as desk:
        large, small = desk.first_batch(), desk.first_batch()
        large.add(memoryview(bytes(SMALL_BATCH_BYTES)))
        small.add(memoryview(bytes(SMALL_BATCH_BYTES)))
        assert (large.full, small.full) == (False, True)
        assert desk.another_batch() is None
        desk.give_back(small)
        desk.give_back(large)
        assert desk.first_batch() is large
        assert large.size == 0


class Piece(bytes):
    """Says when it is let go."""

    alive = 0

    def __init__(self, _: bytes) -> None:
        Piece.alive += 1

    def __del__(self) -> None:
        Piece.alive -= 1


async def test_a_piece_is_let_go_before_the_next_is_asked_for(held: HeldSink, desk: Desk) -> None:
    """Or each of hundreds that wait for their turn would hold one."""

    left = [Piece(bytes(BATCH_BYTES)) for _ in range(3)] + [Piece(HEAD)]

    async def receive() -> dict[str, Any]:
        assert Piece.alive == len(left)
        return {"type": "http.request", "body": left.pop(), "more_body": True} if left else {"type": "http.disconnect"}

    body = Body(Request({"type": "http"}, receive), desk.turn)
    reader = FormReader("multipart/form-data; boundary=edge", "video", 1 << 30, lambda fields: None)
    held.let.set()
    with pytest.raises(ClientDisconnect):
        await reader.read(body, held, desk)


async def test_what_is_only_read_on_is_let_go_too(desk: Desk) -> None:
    left = [Piece(b"rest") for _ in range(3)]

    async def receive() -> dict[str, Any]:
        assert Piece.alive == len(left)
        return {"type": "http.request", "body": left.pop(), "more_body": bool(left)}

    await Body(Request({"type": "http"}, receive), desk.turn).read_on()
    assert not left


async def test_others_are_answered_between_pieces_of_many_bodies(desk: Desk) -> None:
    """Each turn of the loop asks for so many pieces at most, however many bodies have one."""
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": b"piece", "more_body": True}

    bodies = [aiter(Body(Request({"type": "http"}, receive), desk.turn)) for _ in range(5 * MANY)]
    reading = [asyncio.create_task(_pieces(body, 5)) for body in bodies]
    seen = []
    while not all(task.done() for task in reading):
        before = asked
        await asyncio.sleep(0)
        seen.append(asked - before)
    assert asked == 25 * MANY
    assert max(seen) <= 2 * PIECES_A_TURN  # as one turn ends another begins
    assert median(seen) == 1, "while many wait"


async def _pieces(body: AsyncIterator[bytes], count: int) -> None:
    for _ in range(count):
        await anext(body)


async def test_requests_with_a_body_begin_in_turns_and_others_at_once(desk: Desk) -> None:
    begun = Counter[str]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun[scope["method"]] += 1

    async def begin(method: str, *headers: tuple[bytes, bytes]) -> None:
        await Turns(app, desk.turn)({"type": "http", "method": method, "headers": headers}, never, never)

    async def never(*_: Any) -> Any:
        raise AssertionError("nothing is read or sent before its turn")

    beginning = [asyncio.create_task(begin("POST", (b"content-length", b"9"))) for _ in range(50)]
    beginning += [asyncio.create_task(begin("GET")) for _ in range(50)]
    beginning += [asyncio.create_task(begin("DELETE", (b"content-length", b"0"))) for _ in range(50)]
    await asyncio.sleep(0)
    assert begun["GET"] == begun["DELETE"] == 50
    assert begun["POST"] <= 2 * PIECES_A_TURN
    await asyncio.gather(*beginning)
    assert begun["POST"] == 50
