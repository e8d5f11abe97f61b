"""SIGTERM while uploads arrive, analyses run and streams are open."""

from __future__ import annotations

import json
import signal
import socket
import time
from contextlib import ExitStack
from typing import Any

from benchmarks.faults.clients import head
from benchmarks.faults.frame import Outcome, Plan, clean_up, lasting, left_in, on_disk, place_of, status, upload
from benchmarks.speed import wire
from tests.service import BASE, Program, until

EXIT_BAR_SECONDS = 5.0
UPLOADS, JOBS, STREAMS = 5, 3, 20


def stops(plan: Plan) -> Outcome:
    """Each time the next start is asked for every session."""
    times = plan.count(20, least=2)
    video = lasting(plan.folder)
    took, statuses, lost, counted, parts = [], [], 0, 0, 0
    with plan.serving() as program:
        for _ in range(times):
            sessions = _under_way(program, video)
            with ExitStack() as opened:
                _clients(program, sessions, opened)
                began = time.monotonic()
                program.send(signal.SIGTERM)
                statuses.append(program.end())
                took.append(time.monotonic() - began)
            rows = [_row(plan, session_id) for session_id in sessions]
            counted += sum(row["attempt"] != 0 for row in rows)
            program.start()
            lost += sum(status(program, one).get("status") not in ("queued", "processing") for one in sessions)
            clean_up(program, on_disk(plan.data))
            parts += len(left_in(plan.data))
    wrong = sum(one != 0 for one in statuses)
    measured = (
        f"{times} stops with {UPLOADS} uploads, {JOBS} jobs and {STREAMS} streams open: gone after {max(took):.2f} s "
        f"at most, {wrong} exit statuses other than 0, {lost} sessions lost, {counted} attempts counted, {parts} files "
        "left"
    )
    good = not (wrong or lost or counted or parts) and max(took) <= EXIT_BAR_SECONDS
    return Outcome(measured, f"exit 0 within {EXIT_BAR_SECONDS:.0f} s; nothing lost; attempt not counted", good)


def _under_way(program: Program, video: Any) -> list[str]:
    """Two sessions that are worked on, and one that waits."""
    sessions = [upload(program, video) for _ in range(JOBS)]
    until(lambda: sum(bool(status(program, one)["segmentsDone"]) for one in sessions) == 2)
    return sessions


def _clients(program: Program, sessions: list[str], opened: ExitStack) -> None:
    """Open connections: streams that were begun, and uploads of which a part is there."""
    for number in range(STREAMS):
        stream = opened.enter_context(socket.create_connection(place_of(program)))
        stream.sendall(head("GET", f"{BASE}/events/{sessions[number % JOBS]}"))
        stream.recv(1)
    form = wire.form_of(b"", bytes(1 << 20), 100, analysis_type="highlights")
    for _ in range(UPLOADS):
        client = opened.enter_context(socket.create_connection(place_of(program)))
        client.sendall(wire.opening(f"{BASE}/upload", form))
        client.sendall(form.head + form.block)
    until(lambda: len(list(program.data_dir.glob("*/source.part"))) == UPLOADS)


def _row(plan: Plan, session_id: str) -> dict[str, Any]:
    """As the stopped service left it; none where it was lost."""
    path = plan.data / session_id / "session.json"
    row: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"attempt": None}
    return row
