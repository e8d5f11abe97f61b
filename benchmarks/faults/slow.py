"""Clients that send a byte a second: many slow bodies and many slow headers beside healthy ones."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from benchmarks.faults import clients
from benchmarks.faults.clients import Crowd, head
from benchmarks.faults.frame import Outcome, Plan, brief, left_in, percentile, place_of, upload
from benchmarks.speed import wire
from benchmarks.speed.wire import Address
from tests.service import BASE, until

CLOSED_BAR_SECONDS = 30.0
GIVEN_UP_SECONDS = 60.0
"""After so long a slow client stops trying: it was never closed."""
HEALTHY_BAR = 2.0
HEALTHY = 20
HEALTHY_EVERY = 0.1
BESIDE_SECONDS = 10.0


def slow(plan: Plan) -> Outcome:
    """How long healthy polls take meanwhile, and before and after, and when the last of the slow ones was closed."""
    count = plan.count(200)
    with plan.serving() as program, Crowd() as slow_ones, Crowd() as healthy:
        address = place_of(program)
        path = f"{BASE}/status/{upload(program, brief(plan.folder))}"
        until(lambda: program.http.get(path).json()["status"] == "completed")
        _healthy(plan, healthy, address, path)  # which warms the service up
        alone = _healthy(plan, healthy, address, path)
        waiting = slow_ones.begin(trickle_all, address, count)
        time.sleep(1.0)  # until all of them are connected
        meanwhile = _healthy(plan, healthy, address, path)
        closed_after = waiting.result()
        # Before and after, so that what else the machine does counts for both sides.
        alone += _healthy(plan, healthy, address, path)
        program.http.delete(path.replace("status", "cleanup")).raise_for_status()
        left = until(lambda: not left_in(plan.data), timeout=5)
    ratio = percentile(meanwhile, 95) / percentile(alone, 95)
    kept = sum(seconds > CLOSED_BAR_SECONDS for seconds in closed_after)
    measured = (
        f"{count} slow bodies and {count} slow headers: healthy p95 {percentile(meanwhile, 95) * 1000:.1f} ms beside "
        f"{percentile(alone, 95) * 1000:.1f} ms ({ratio:.2f} ×); the last closed after {max(closed_after):.1f} s, "
        f"{kept} later than {CLOSED_BAR_SECONDS:.0f} s"
    )
    bar = f"healthy p95 ≤ {HEALTHY_BAR:.0f} ×; slow ones closed in {CLOSED_BAR_SECONDS:.0f} s"
    return Outcome(measured, bar, ratio <= HEALTHY_BAR and not kept and left)


def _healthy(plan: Plan, crowd: Crowd, address: Address, path: str) -> list[float]:
    """Seconds that polls take, over some seconds."""
    over = plan.folder / "over"
    over.unlink(missing_ok=True)
    polls = crowd.begin(clients.poll, address, [path], HEALTHY, HEALTHY_EVERY, over)
    time.sleep(BESIDE_SECONDS)
    over.touch()
    answers = polls.result()
    if wrong := [answer for answer in answers if answer.status != 200]:
        raise RuntimeError(f"{len(wrong)} healthy polls were not answered, the first with {wrong[0]}")
    return [answer.seconds for answer in answers]


async def trickle_all(address: Address, count: int) -> list[float]:
    """Seconds until the server had closed each: `count` that begin a body and as many that begin a header."""
    form = wire.form_of(b"", bytes(1 << 20), 5, analysis_type="highlights")
    body = wire.opening(f"{BASE}/upload", form) + form.head
    header = head("GET", f"{BASE}/status/nobody").removesuffix(b"\r\n") + b"X-Slow: "
    return await asyncio.gather(*(_trickle(address, opening) for opening in [body] * count + [header] * count))


async def _trickle(address: Address, opening: bytes) -> float:
    reader, writer = await asyncio.open_connection(*address)
    began = time.perf_counter()
    writer.write(opening)
    closed = asyncio.ensure_future(_closed(reader))
    while not closed.done() and time.perf_counter() - began < GIVEN_UP_SECONDS:
        with suppress(OSError):
            writer.write(b"x")
        await asyncio.wait([closed], timeout=1.0)
    closed.cancel()
    writer.close()
    return time.perf_counter() - began


async def _closed(reader: asyncio.StreamReader) -> None:
    """Whatever it says before, until the server closes the connection."""
    with suppress(OSError):
        while await reader.read(1 << 12):
            pass
