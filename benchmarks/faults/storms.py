"""Hundreds of sessions cancelled at once; running sessions cleaned up, again and again."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from benchmarks.faults import clients
from benchmarks.faults.clients import Crowd
from benchmarks.faults.frame import Outcome, Plan, brief, clean_up, lasting, left_in, place_of, status, upload
from benchmarks.speed import wire
from tests.service import BASE, Program, decoders, until

STORM_BAR_SECONDS = 5.0


def storm(plan: Plan) -> Outcome:
    """Two of the sessions run and the others wait. The storm lasts until every decoder is dead and every file gone."""
    count, video = plan.count(200), lasting(plan.folder)
    form = wire.form_of(video.read_bytes(), analysis_type="highlights")
    with plan.serving(MAX_QUEUED="1000") as program, Crowd() as crowd:
        address = place_of(program)
        sent = crowd.run(clients.send_all, address, f"{BASE}/upload", form, count)
        sessions = [answer.json()["sessionId"] for answer in sent]
        until(lambda: decoders(program.process.pid, plan.data))
        began = time.monotonic()
        answers = crowd.run(clients.ask_all, address, "POST", [f"{BASE}/cancel/{one}" for one in sessions])
        answered = time.monotonic() - began
        until(lambda: _only_rows(plan.data, count) and not decoders(program.process.pid, plan.data), timeout=60)
        seconds = time.monotonic() - began
        refused = sum(answer.status != 200 for answer in answers)
        next_one = upload(program, brief(plan.folder))
        until(lambda: status(program, next_one)["status"] == "completed")
        next_seconds = time.monotonic() - began - seconds
        clean_up(program, [*sessions, next_one])
        left = left_in(plan.data)
    measured = (
        f"{count} cancels, {refused} refused, the last answered after {answered:.2f} s, all decoders dead and files "
        f"gone after {seconds:.2f} s; the next session completed in {next_seconds:.1f} s; {len(left)} files left"
    )
    good = not refused and seconds < STORM_BAR_SECONDS and not left
    return Outcome(measured, f"< {STORM_BAR_SECONDS:.0f} s; the next runs; nothing left", good)


def _only_rows(data: Path, count: int) -> bool:
    return sum(path.is_file() for path in data.glob("*/*")) == count


def cleanups(plan: Plan) -> Outcome:
    """Sessions deleted while a decoder reads their video."""
    times, video = plan.count(100), lasting(plan.folder)
    took, survivors, left = [], 0, 0
    with plan.serving(MAX_CONCURRENT_JOBS="1") as program:
        for _ in range(times):
            session_id = upload(program, video)
            running = _decoding(program, session_id)
            began = time.monotonic()
            clean_up(program, [session_id])
            took.append(time.monotonic() - began)
            left += len(left_in(plan.data))
            survivors += len(psutil.wait_procs(running, timeout=1)[1])
        last = upload(program, brief(plan.folder))
        until(lambda: status(program, last)["status"] == "completed")
    measured = (
        f"{times} cleanups of running sessions, answered within {max(took):.2f} s, {left} files left at the answer, "
        f"{survivors} decoders alive a second later; the next session completed"
    )
    return Outcome(measured, "the next runs; nothing left", not left and not survivors)


def _decoding(program: Program, session_id: str) -> list[psutil.Process]:
    until(lambda: status(program, session_id)["segmentsDone"])
    found: list[psutil.Process] = until(lambda: decoders(program.process.pid, program.data_dir / session_id))
    return found
