"""Hundreds of uploads and hundreds of pollers at once, while analyses run."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from benchmarks.faults import clients
from benchmarks.faults.clients import Answer, Crowd
from benchmarks.faults.frame import (
    Outcome,
    Plan,
    brief,
    clean_up,
    lasting,
    left_in,
    on_disk,
    percentile,
    place_of,
    status,
    upload,
)
from benchmarks.speed import wire
from benchmarks.speed.servers import Watch
from tests.service import BASE, Program, until

MEGABYTES = 5
POLLERS = 200
POLL_EVERY = 1.0
POLL_BAR_MS = 100
MEMORY_BAR_MB = 150
BAR = f"0 errors but honest 429s; poll p99 ≤ {POLL_BAR_MS} ms; memory ≤ +{MEMORY_BAR_MB} MB"
MB = 1 << 20


def crowd(plan: Plan) -> Outcome:
    """Two analyses run, the pollers ask for them, and all uploads begin at once. Most of what is refused is refused
    for the queue's length, as a default service has it."""
    uploads, over = plan.count(200), plan.folder / "over"
    video, long = brief(plan.folder).read_bytes(), lasting(plan.folder)
    # A box of filler behind the video, which readers pass over.
    form = wire.form_of(
        video + (8 + MEGABYTES * MB).to_bytes(4, "big") + b"free", os.urandom(MB), MEGABYTES, analysis_type="highlights"
    )
    with plan.serving() as program, Crowd() as uploading, Crowd() as polling:
        address = place_of(program)
        uploading.run(clients.send_all, address, f"{BASE}/upload", form, 1)
        running = _two_running(program, long)
        paths = [f"{BASE}/status/{session_id}" for session_id in running]
        with Watch(program.process.pid, address) as memory:
            polls = polling.begin(clients.poll, address, paths, POLLERS, POLL_EVERY, over)
            sent = uploading.run(clients.send_all, address, f"{BASE}/upload", form, uploads)
            over.touch()
            polled = polls.result()
        clean_up(program, on_disk(plan.data))
        left = left_in(plan.data)
    return _judged(sent, polled, memory.grown_mb, left)


def _two_running(program: Program, video: Path) -> list[str]:
    """Two sessions that are worked on; what warmed the service up has ended by then."""
    sessions = [upload(program, video) for _ in range(2)]
    until(lambda: all(status(program, session_id)["segmentsDone"] for session_id in sessions))
    return sessions


def _judged(sent: list[Answer], polled: list[Answer], grown_mb: float, left: list[str]) -> Outcome:
    taken = sum(answer.status == 200 for answer in sent)
    refused = sum(answer.honest_refusal for answer in sent)
    wrong = Counter(answer.body[:80] for answer in sent if answer.status != 200 and not answer.honest_refusal)
    unanswered = sum(answer.status != 200 for answer in polled)
    p99, longest = (percentile([answer.seconds for answer in polled], percent) * 1000 for percent in (99, 100))
    slowest = max(answer.seconds for answer in sent)
    measured = (
        f"{len(sent)} uploads: {taken} taken, {refused} told to come again, {wrong.total()} errors, all "
        f"answered within {slowest:.1f} s; {len(polled)} polls: {unanswered} errors, p99 {p99:.0f} ms, "
        f"longest {longest:.0f} ms; memory +{grown_mb:.0f} MB; {len(left)} files left"
    )
    if wrong:
        measured += f"; first error: {next(iter(wrong))!r}"
    good = not wrong and not unanswered and p99 <= POLL_BAR_MS and grown_mb <= MEMORY_BAR_MB and not left
    return Outcome(measured, BAR, good)
