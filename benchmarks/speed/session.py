"""A session from upload to completed, beside the legacy call that waits on the line."""

from __future__ import annotations

import json
import socket
import time

from benchmarks.speed import wire
from benchmarks.speed.footage import HD, footage_of
from benchmarks.speed.report import Line, Mark, Room, in_turns
from benchmarks.speed.servers import address_of, product
from benchmarks.speed.wire import PATIENCE, Address
from tests.service import BASE

SESSION_BAR = 1.05
POLL_SECONDS = 0.02


def seconds_of_session(address: Address, video: bytes) -> float:
    """From the first byte sent until a poll says that it is completed; then it is cleaned up. Without the reel, which
    the legacy call does not make."""
    form = wire.form_of(video, analysis_type="highlights", params='{"reel": false}')
    began = time.perf_counter()
    session_id = wire.post(address, f"{BASE}/upload", form).json()["sessionId"]
    ended(address, session_id, POLL_SECONDS)
    seconds = time.perf_counter() - began
    wire.asked(address, f"{BASE}/cleanup/{session_id}", "DELETE")
    return seconds


def ended(address: Address, session_id: str, pause: float) -> None:
    """Polls until the session is completed."""
    with socket.create_connection(address, PATIENCE) as connection:
        while (status := json.loads(wire.get(connection, f"{BASE}/status/{session_id}"))["status"]) != "completed":
            if status not in ("queued", "processing"):
                raise RuntimeError(f"the session {status}")
            time.sleep(pause)


def seconds_of_legacy(address: Address, video: bytes) -> float:
    answer = wire.post(address, "/analyze/highlights", wire.form_of(video))
    if answer.status != 200:
        raise RuntimeError(f"the legacy call was answered with {answer.status}")
    return answer.seconds


def bench_session(room: Room) -> list[Line]:
    rounds, seconds = (2, 12.0) if room.quick else (5, 60.0)
    video = footage_of(room.footage, "hd", HD, seconds).read_bytes()
    with product(room.folder / "data") as program:
        address = address_of(program.url)
        pair = in_turns(
            rounds,
            lambda: seconds / seconds_of_session(address, video),
            lambda: seconds / seconds_of_legacy(address, video),
        )
    return [
        Line(
            f"a session without its reel ÷ the legacy call, {seconds:.0f} s of 720p30",
            pair.told("× real time", ".1f", turned=True),
            f"≤ {SESSION_BAR} ×",
            1 / pair.ratio <= SESSION_BAR,
            Mark("session", 1 / pair.ratio, less_is_better=True),
        )
    ]
