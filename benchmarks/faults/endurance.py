"""Thousands of sessions, some cancelled and some no videos: what does the service hold in the end?

They come in rounds. Between rounds nothing is under way, so that what is counted then was kept.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass

import numpy as np
import psutil

from benchmarks.faults.clients import Crowd, ask, send
from benchmarks.faults.frame import Kept, Outcome, Plan, brief, held_by, left_in, place_of
from benchmarks.speed import wire
from benchmarks.speed.wire import Address
from tests.service import BASE, Program, until

SLOPE_BAR_MB = 1.0
"""MB a thousand sessions."""
GROWTH_BAR_MB = 5.0
"""Of the short form: over so few sessions a slope would be noise."""
ROUNDS = 30
WARM_UP_ROUNDS = 10
AT_A_TIME = 4


@dataclass(frozen=True)
class Rest:
    """A service with nothing to do, after so many sessions."""

    sessions: int
    megabytes: float
    held: Kept


def endurance(plan: Plan) -> Outcome:
    a_round, video, ends = plan.count(3000) // ROUNDS, brief(plan.folder).read_bytes(), Counter[str]()
    rests = []
    with plan.serving() as program, Crowd() as crowd:
        for number in range(ROUNDS):
            ends += crowd.run(live_all, place_of(program), video, a_round, f"{plan.seed}/{number}")
            rests.append(_at_rest(program, a_round * (number + 1)))
        left = left_in(plan.data)
    settled = rests[WARM_UP_ROUNDS:]
    grown, bar, good = memory_of(settled, plan.full)
    first, last = settled[0].held, settled[-1].held
    told = ", ".join(f"{number} {end}" for end, number in sorted(ends.items()))
    measured = (
        f"{told}; {grown}, {settled[-1].megabytes:.0f} MB in the end; descriptors/threads/children {first} after "
        f"warm-up, {last} in the end; {len(left)} files left"
    )
    good &= "wrong" not in ends and not last.beyond(first) and not left
    return Outcome(measured, f"{bar}; descriptors, threads, children flat; nothing left", good)


def memory_of(rests: list[Rest], full: bool) -> tuple[str, str, bool]:
    """In words, the bar, and whether it was met."""
    megabytes = [rest.megabytes for rest in rests]
    if full:
        slope = float(np.polyfit([rest.sessions / 1000 for rest in rests], megabytes, 1)[0])
        words, bar = f"memory slope {slope:+.2f} MB per 1,000", f"memory slope ≤ {SLOPE_BAR_MB:.0f} MB per 1,000"
        return words, f"{bar} after warm-up", slope <= SLOPE_BAR_MB
    half = len(rests) // 2
    growth = float(np.median(megabytes[half:]) - np.median(megabytes[:half]))
    return f"memory {growth:+.1f} MB after warm-up", f"memory ≤ +{GROWTH_BAR_MB:.0f} MB", growth <= GROWTH_BAR_MB


def _at_rest(program: Program, sessions: int) -> Rest:
    """Once the last client's connection is closed on this side too."""
    process = psutil.Process(program.process.pid)
    until(lambda: not [one for one in process.net_connections("tcp") if one.status != psutil.CONN_LISTEN], timeout=5)
    return Rest(sessions, process.memory_info().rss / 1e6, held_by(program))


async def live_all(address: Address, video: bytes, count: int, seed: str) -> Counter[str]:
    """How the sessions ended, a few of them at a time: every tenth is cancelled, and every tenth no video."""
    chance = random.Random(seed)
    kinds = ["cancelled", "refused", *["completed"] * 8] * -(-count // 10)
    chance.shuffle(kinds)
    at_a_time = asyncio.Semaphore(AT_A_TIME)

    async def live(kind: str, wait: float) -> str:
        async with at_a_time:
            return await _lived(address, video, kind, wait)

    return Counter(await asyncio.gather(*(live(kind, chance.uniform(0, 0.3)) for kind in kinds[:count])))


async def _lived(address: Address, video: bytes, kind: str, wait: float) -> str:
    """From its upload to its cleanup; "wrong" where an answer was not as it had to be."""
    sent = video if kind != "refused" else video[:100] + bytes(len(video) - 100)
    answer = await send(address, f"{BASE}/upload", wire.form_of(sent, analysis_type="highlights"))
    if kind == "refused":
        return kind if (answer.status, answer.json()["reason"]) == (400, "unsupported_video") else "wrong"
    if answer.status != 200:
        return "wrong"
    session_id = answer.json()["sessionId"]
    if kind == "cancelled":
        await asyncio.sleep(wait)
        # It may have been quicker.
        kind = "cancelled" if (await ask(address, "POST", f"{BASE}/cancel/{session_id}")).status == 200 else "completed"
    end = await _end(address, session_id)
    results = await ask(address, "GET", f"{BASE}/results/{session_id}")
    cleaned = await ask(address, "DELETE", f"{BASE}/cleanup/{session_id}")
    right = results.status == (200 if kind == "completed" else 400) and cleaned.status == 200 and end == kind
    return kind if right else "wrong"


async def _end(address: Address, session_id: str) -> str:
    """Its last status, waited for."""
    tag = ""
    while True:
        answer = await ask(address, "GET", f"{BASE}/status/{session_id}?wait=25", If_None_Match=tag)
        if answer.status not in (200, 304):
            return "wrong"
        tag = answer.headers.get("etag", tag)
        if answer.status == 200 and (end := str(answer.json()["status"])) not in ("queued", "processing"):
            return end
