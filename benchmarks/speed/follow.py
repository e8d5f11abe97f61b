"""Many followers of one session: what they cost the server in memory, and how soon all of them hear of a change."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psutil

from benchmarks.speed import wire
from benchmarks.speed.report import Line, Room
from benchmarks.speed.servers import Watch, address_of, client, product
from benchmarks.speed.wire import PATIENCE, Address
from tests.service import BASE, Program, decoders, until
from video.draw import Style, draw_video

FOLLOWERS = 500
MEMORY_BAR_MB = 50
HEARD_BAR_SECONDS = 0.1
AT_WORK = 2
"""As many as the service works on at once; those behind them wait."""


def bench_follow(room: Room) -> list[Line]:
    """The session that is followed waits at the end of the queue, and the change is its place: those before it are
    cancelled one by one. The decoders of those before them are stopped, so that nothing else runs."""
    folder, changes = room.folder, 5 if room.quick else 30
    video = draw_video(folder / "long.mp4", 300, sound=False, style=Style(width=160, height=90, rate=10)).path
    with client() as pool, product(folder / "data") as program:
        address = address_of(program.url)
        form = wire.form_of(video.read_bytes(), analysis_type="highlights")
        posted = [wire.post(address, f"{BASE}/upload", form).json() for _ in range(AT_WORK + changes + 1)]
        sessions = [session["sessionId"] for session in posted]
        for decoder in _decoders(program):
            decoder.suspend()
        cancels = [f"{BASE}/cancel/{session_id}" for session_id in sessions[AT_WORK:-1]]
        events, last = f"{BASE}/events/{sessions[-1]}", changes + 1
        # Uploads left memory that is free to be used again: the second so many cannot live on that.
        with _followed(address, events), Watch(program.process.pid, address) as watch:
            pool.submit(seconds_to_hear, address, events, last, [], FOLLOWERS).result()
        heard = pool.submit(seconds_to_hear, address, events, last, cancels, FOLLOWERS).result()
    middle = statistics.median(heard)
    return [
        Line(
            f"{FOLLOWERS} followers more of one session",
            f"{watch.grown_mb:.1f} MB",
            f"< {MEMORY_BAR_MB} MB",
            watch.grown_mb < MEMORY_BAR_MB,
        ),
        Line(
            "until the last of them hears of a change",
            f"{1000 * middle:.0f} ms ({1000 * min(heard):.0f} to {1000 * max(heard):.0f} in {changes} changes)",
            f"< {1000 * HEARD_BAR_SECONDS:.0f} ms",
            middle < HEARD_BAR_SECONDS,
        ),
    ]


@contextmanager
def _followed(address: Address, events: str) -> Iterator[None]:
    """While entered, as many follow already."""
    with ExitStack() as opened:
        for _ in range(FOLLOWERS):
            connection = opened.enter_context(socket.create_connection(address, PATIENCE))
            connection.sendall(f"GET {events} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            while b"queuePosition" not in connection.recv(1 << 16):
                pass
        yield


def _decoders(program: Program) -> list[psutil.Process]:
    """Of the sessions that are worked on."""
    until(lambda: len(decoders(program.process.pid, program.data_dir)) == AT_WORK)
    return decoders(program.process.pid, program.data_dir)


def seconds_to_hear(address: Address, events: str, place: int, cancels: Sequence[str], followers: int) -> list[float]:
    """For each cancel, from when it is sent until every follower was told of the new place in the queue."""
    return asyncio.run(_seconds_to_hear(address, events, place, cancels, followers))


async def _seconds_to_hear(
    address: Address, events: str, place: int, cancels: Sequence[str], followers: int
) -> list[float]:
    opened = await asyncio.gather(*(_opened(address, "GET", events) for _ in range(followers)))
    readers = [reader for reader, _ in opened]
    heard = []
    await _told(readers, place)
    for path in cancels:
        await asyncio.sleep(0.1)
        place -= 1
        began = time.perf_counter()
        _, cancelling = await _opened(address, "POST", path)
        await _told(readers, place)
        heard.append(time.perf_counter() - began)
        cancelling.close()
    for _, writer in opened:
        writer.close()
    return heard


async def _opened(address: Address, method: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n".encode())
    return reader, writer


async def _told(readers: list[asyncio.StreamReader], place: int) -> None:
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(reader.readuntil(b'"queuePosition":%d,' % place) for reader in readers))
