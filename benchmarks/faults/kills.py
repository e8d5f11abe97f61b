"""kill -9 at random moments while clients upload and analyses run; then everything must come to its end."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx

from benchmarks.faults.frame import Outcome, Plan, clean_up, has_ended, left_in, on_disk, status, upload
from tests.service import Program, until
from video.draw import draw_video

BACK_BAR_SECONDS = 3.0
UPLOADERS = 3


def kills(plan: Plan) -> Outcome:
    times = plan.count(50, least=3)
    clips = [draw_video(plan.folder / f"clip{n}.mp4", 6 + 6 * n).path for n in range(UPLOADERS)]
    with plan.serving(MAX_ATTEMPTS="100", MAX_QUEUED="1000") as program:
        acknowledged, back_after = _storm(program, clips, times, plan.seed)
        until(lambda: all(has_ended(program, session_id) for session_id in on_disk(plan.data)), timeout=900, pause=0.1)
        ends = [status(program, session_id) for session_id in acknowledged]
        lost = [row for row in ends if row.get("status") != "completed"]
        attempts = max((row.get("attempt", 0) for row in ends), default=0)
        # What was on its way when the service died was not acknowledged: its client saw an error.
        unknown = set(on_disk(plan.data)) - set(acknowledged)
        parts = list(plan.data.rglob("*.part"))
        clean_up(program, {row["sessionId"] for row in ends if "status" in row} | unknown)
        left = left_in(plan.data)
    slowest = max(back_after)
    measured = (
        f"{times} kills, {len(acknowledged)} acknowledged, {len(lost)} lost, {len(parts) + len(left)} leftovers, "
        f"{attempts} attempts at most, serving again after {slowest:.2f} s at most; {len(unknown)} more kept whose "
        "answer was cut off"
    )
    good = bool(acknowledged) and not lost and not parts and not left and slowest < BACK_BAR_SECONDS
    return Outcome(measured, f"0 lost, 0 leftovers, serving again < {BACK_BAR_SECONDS:.0f} s", good)


def _storm(program: Program, clips: list[Path], times: int, seed: int) -> tuple[list[str], list[float]]:
    """The sessions whose uploads were answered, and how many seconds each start took."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    over = threading.Event()

    def client(number: int) -> None:
        choice = random.Random(f"{seed}/{number}")
        while not over.is_set():
            with suppress(httpx.HTTPError, RuntimeError):
                acknowledged.append(upload(program, choice.choice(clips)))
            over.wait(choice.uniform(0.2, 0.8))

    uploaders = [threading.Thread(target=client, args=(number,)) for number in range(UPLOADERS)]
    for thread in uploaders:
        thread.start()
    back_after = []
    for _ in range(times):
        over.wait(chance.uniform(0.3, 1.6))
        program.kill()
        began = time.monotonic()
        program.start()
        back_after.append(time.monotonic() - began)
    over.set()
    for thread in uploaders:
        thread.join()
    return acknowledged, back_after
