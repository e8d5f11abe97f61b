"""GET status beside a bare typed route of FastAPI that answers with as much."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.speed import wire
from benchmarks.speed.report import Line, Mark, Room, in_turns
from benchmarks.speed.servers import address_of, client, product, served
from tests.service import BASE, Program, decoders, until
from video.draw import Style, draw_video

STATUS_BAR = 0.9
CONNECTIONS = 8
"""Enough that the server never waits for the client."""


def bench_status(room: Room) -> list[Line]:
    """The session that is asked for is being worked on: its decoder is stopped, so that nothing else runs."""
    folder, (rounds, seconds) = room.folder, (5, 0.3) if room.quick else (40, 0.4)
    video = draw_video(folder / "long.mp4", 300, sound=False, style=Style(width=160, height=90, rate=10)).path
    with client() as pool, product(folder / "data") as program, served("typed") as (bare, _):
        address = address_of(program.url)
        path = f"{BASE}/status/{_standing(program, video)}"
        size, bare_size = (len(wire.asked(place, path)) for place in (address, bare))

        def asked(place: wire.Address) -> float:
            return pool.submit(wire.gets_a_second, place, path, CONNECTIONS, seconds).result()

        pair = in_turns(rounds, lambda: asked(address), lambda: asked(bare))
        still = program.http.get(path).json()["status"]
    if still != "processing":
        raise RuntimeError(f"the session was {still} in the end: what was measured is not what was meant")
    return [
        Line(
            f"GET status ({size} bytes) ÷ a bare typed route ({bare_size} bytes)",
            pair.told("answers/s"),
            f"≥ {STATUS_BAR}",
            pair.ratio >= STATUS_BAR,
            Mark("status", pair.ratio),
        )
    ]


def _standing(program: Program, video: Path) -> str:
    """A session that is being worked on, and stands still. The server gives it up after a minute of silence."""
    form = wire.form_of(video.read_bytes(), analysis_type="highlights")
    answer = wire.post(address_of(program.url), f"{BASE}/upload", form)
    session_id: str = answer.json()["sessionId"]
    path = f"{BASE}/status/{session_id}"
    until(lambda: program.http.get(path).json()["segmentsDone"])
    (decoder,) = until(lambda: decoders(program.process.pid, program.data_dir / session_id))
    decoder.suspend()
    time.sleep(0.2)  # what it had sent is worked off
    return session_id
