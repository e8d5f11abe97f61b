"""Many cheap clients at once, in a process of their own: what is measured is the server.

Each function of a crowd is a coroutine that is run by its name's sake in another process (`Crowd.run`); what it takes
and gives is plain values.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import uvloop

from benchmarks.speed.wire import PATIENCE, Address, Form, opening

T = TypeVar("T")

BROKEN = 0
"""The status of what was not answered."""


@dataclass(frozen=True)
class Answer:
    """`seconds` from the first byte that was sent to the last that came back."""

    status: int
    body: bytes = b""
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    @property
    def honest_refusal(self) -> bool:
        """Whether it says that there is no room now, and when to come again."""
        return self.status == 429 and self.headers.get("retry-after", "").isdigit()


class Crowd:
    """A process in which coroutines run."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        self._pool.submit(int).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()

    def begin(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> Future[T]:
        return self._pool.submit(_run, work, arguments)

    def run(self, work: Callable[..., Coroutine[Any, Any, T]], *arguments: Any) -> T:
        return self.begin(work, *arguments).result()


def _run(work: Callable[..., Coroutine[Any, Any, T]], arguments: tuple[Any, ...]) -> T:
    return uvloop.run(work(*arguments))


def head(method: str, path: str, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()]
    return f"{method} {path} HTTP/1.1\r\nHost: faults\r\n{''.join(lines)}\r\n".encode()


async def read_answer(reader: asyncio.StreamReader, began: float) -> Answer:
    """An answer that tells its length, or one that ends with its connection."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if value}
    length = headers.get("content-length")
    body = await (reader.read() if length is None else reader.readexactly(int(length)))
    return Answer(int(first.split()[1]), body, time.perf_counter() - began, headers)


async def ask(address: Address, method: str, path: str, **headers: str) -> Answer:
    """One request without a body, on a connection of its own."""
    return await _told(address, head(method, path, Connection="close", **headers), None)


async def send(address: Address, path: str, form: Form) -> Answer:
    """Send a form on a connection of its own. As browsers do, it stops where it is answered early."""
    return await _told(address, opening(path, form), form)


async def _told(address: Address, begun: bytes, form: Form | None) -> Answer:
    """What is not answered has the status `BROKEN` and the error as its body."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(begun)
            sending = asyncio.ensure_future(_send_pieces(writer, form))
            try:
                return await read_answer(reader, began)
            finally:
                sending.cancel()
                writer.close()
    except (OSError, EOFError, TimeoutError) as error:
        return Answer(BROKEN, repr(error).encode(), time.perf_counter() - began)


async def _send_pieces(writer: asyncio.StreamWriter, form: Form | None) -> None:
    with suppress(OSError):
        for piece in form.pieces() if form else ():
            writer.write(piece)
            await writer.drain()


async def send_all(address: Address, path: str, form: Form, count: int) -> list[Answer]:
    """The same form so many times at once."""
    return await asyncio.gather(*(send(address, path, form) for _ in range(count)))


async def ask_all(address: Address, method: str, paths: Sequence[str]) -> list[Answer]:
    """All at once, a connection each."""
    return await asyncio.gather(*(ask(address, method, path) for path in paths))


async def poll(address: Address, paths: Sequence[str], count: int, every: float, over: Path) -> list[Answer]:
    """So many pollers on kept connections, one request each `every` seconds, until the file `over` is there."""
    pollers = [_poll(address, paths[n % len(paths)], every * n / count, every, over) for n in range(count)]
    return [answer for answers in await asyncio.gather(*pollers) for answer in answers]


async def _poll(address: Address, path: str, wait: float, every: float, over: Path) -> list[Answer]:
    answers: list[Answer] = []
    await asyncio.sleep(wait)
    reader, writer = await asyncio.open_connection(*address)
    request = head("GET", path)
    while not over.exists():  # noqa: ASYNC240  a look at the disk's cache: microseconds
        began = time.perf_counter()
        try:
            writer.write(request)
            answer = await read_answer(reader, began)
        except (OSError, EOFError) as error:
            answers.append(Answer(BROKEN, repr(error).encode()))
            break
        answers.append(Answer(answer.status, b"", answer.seconds))
        await asyncio.sleep(max(0.0, every - answer.seconds))
    writer.close()
    return answers
