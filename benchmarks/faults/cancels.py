"""One session stopped at a time: by a cancel, and by a legacy client that hangs up."""

from __future__ import annotations

import socket
import statistics
import time
from pathlib import Path

import psutil

from benchmarks.faults.frame import Outcome, Plan, clean_up, lasting, left_in, on_disk, place_of, status, upload
from benchmarks.speed import wire
from tests.service import BASE, Program, decoders, until

DEATH_BAR_MS = 250


def cancels(plan: Plan) -> Outcome:
    """Cancel while the decoder runs; measured until it is dead and the session's files are gone."""
    video, took = lasting(plan.folder), []
    with plan.serving(MAX_CONCURRENT_JOBS="1") as program:
        for _ in range(plan.count(100)):
            session_id = upload(program, video)
            until(lambda one=session_id: status(program, one)["segmentsDone"])  # type: ignore[misc]
            running = until(lambda one=session_id: decoders(program.process.pid, plan.data / one))  # type: ignore[misc]
            began = time.perf_counter()
            program.http.post(f"{BASE}/cancel/{session_id}").raise_for_status()
            took.append(_death(running, began))
            until(lambda one=session_id: left_in(plan.data / one) == ["session.json"], timeout=1)  # type: ignore[misc]
            clean_up(program, [session_id])
        left = left_in(plan.data)
    return _judged("cancels", took, left)


def hang_ups(plan: Plan) -> Outcome:
    """A legacy client closes its connection while its video is analysed."""
    video, took = lasting(plan.folder), []
    with plan.serving(MAX_CONCURRENT_JOBS="1") as program:
        for _ in range(plan.count(100)):
            client = _posted_legacy(program, video)
            running = until(lambda: _scanning(program, plan.data))
            began = time.perf_counter()
            client.close()
            took.append(_death(running, began))
            until(lambda: not left_in(plan.data), timeout=2)
    return _judged("hang-ups", took, [])


def _judged(what: str, took: list[float], left: list[str]) -> Outcome:
    median, most = statistics.median(took) * 1000, max(took) * 1000
    measured = (
        f"{len(took)} {what}: decoder dead after {median:.0f} ms (median), {most:.0f} ms at most; {len(left)} left"
    )
    return Outcome(measured, f"≤ {DEATH_BAR_MS} ms, files gone", most <= DEATH_BAR_MS and not left)


def _death(running: list[psutil.Process], began: float) -> float:
    """Seconds until all of them were dead."""
    alive = psutil.wait_procs(running, timeout=5)[1]
    if alive:
        raise RuntimeError(f"{len(alive)} decoders outlived their session by five seconds")
    return time.perf_counter() - began


def _scanning(program: Program, data_dir: Path) -> list[psutil.Process]:
    """The decoders of the one session there is, once its upload is over."""
    sessions = on_disk(data_dir)
    return decoders(program.process.pid, data_dir / sessions[0]) if sessions else []


def _posted_legacy(program: Program, video: Path) -> socket.socket:
    """A connection on which a legacy client has sent its video and waits."""
    form = wire.form_of(video.read_bytes())
    client = socket.create_connection(place_of(program))
    client.sendall(wire.opening("/analyze/highlights", form))
    for piece in form.pieces():
        client.sendall(piece)
    return client
