"""Two sessions with eyes at once, beside one session of twice the length, through the service itself.

Weights are random, in the geometry of SmolVLM2-500M-Video-Instruct. Both ways look at as many moments: each session is
asked for the same share of them as it has of the video. Meanwhile a poll asks for a status again and again.

python -m benchmarks.vision_together [--folder FOLDER] [--seconds 40] [--rounds 1] [--tiny]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.speed import wire
from benchmarks.speed.footage import HD, footage_of
from benchmarks.speed.report import Line, Mark, Room, in_turns
from benchmarks.speed.servers import Watch, address_of
from benchmarks.speed.session import ended
from benchmarks.vision import checkpoint_in, weights_in
from tests.service import BASE, Program, until

TOGETHER_BAR, POLL_BAR = 1.25, 0.05

MOMENTS = 3
"""Wanted of each of the two; of the one twice as many."""

POLL_SECONDS = 0.1


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, help="keep the checkpoint (1 GB) and the videos here for the next time")
    ask.add_argument("--seconds", type=float, default=40)
    ask.add_argument("--rounds", type=int, default=1)
    ask.add_argument("--tiny", action="store_true", help="a tiny model: for trying this program, not for judging")
    wanted = ask.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = wanted.folder or Path(temporary)
        checkpoint_in(folder, wanted.tiny)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began", flush=True)
        print(*served(Path(temporary), folder, folder, wanted.seconds, wanted.rounds), sep="\n")
    return 0


def bench_together(room: Room) -> list[Line]:
    """For `make bench`: sessions of 20 seconds."""
    return served(room.folder, room.footage, weights_in(room), seconds=20, rounds=1)


def served(scratch: Path, footage: Path, weights: Path, seconds: float, rounds: int) -> list[Line]:
    program = Program(scratch / "data", VISION_MODEL=str(weights))
    try:
        return measured(program, footage, seconds, rounds)
    finally:
        program.kill()


def measured(program: Program, folder: Path, seconds: float, rounds: int) -> list[Line]:
    short, long = (footage_of(folder, "hd", HD, length).read_bytes() for length in (seconds, 2 * seconds))
    address = address_of(program.url)
    until(lambda: program.http.get("/health").json()["analyzer_initialized"], timeout=120)

    def analysed(video: bytes, moments: int) -> str:
        params = json.dumps({"max_highlights": moments, "min_significance": 1})
        form = wire.form_of(video, analysis_type="highlights", params=params)
        session_id = str(wire.post(address, f"{BASE}/upload", form).json()["sessionId"])
        ended(address, session_id, POLL_SECONDS)
        return session_id

    def together() -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(analysed, [short, short], [MOMENTS, MOMENTS]))
        return 2 * seconds / (time.perf_counter() - began)

    def alone() -> float:
        began = time.perf_counter()
        analysed(long, 2 * MOMENTS)
        return 2 * seconds / (time.perf_counter() - began)

    polled = f"{BASE}/status/{analysed(short, 1)}"
    with Watch(program.process.pid, address, polled, every=POLL_SECONDS / 2) as watch:
        pair = in_turns(rounds, together, alone)
    slow = float(np.percentile(watch.answers, 99))
    return [
        Line(
            f"two sessions of {seconds:.0f} s at once ÷ one of twice the length",
            pair.told("× real time", ".2f", turned=True),
            f"≤ {TOGETHER_BAR} ×",
            1 / pair.ratio <= TOGETHER_BAR,
            Mark("together", 1 / pair.ratio, less_is_better=True),
        ),
        Line(
            f"a poll meanwhile, p99 of {len(watch.answers)}",
            f"{slow * 1e3:.0f} ms, the longest {max(watch.answers) * 1e3:.0f} ms",
            f"≤ {POLL_BAR * 1e3:.0f} ms",
            slow <= POLL_BAR,
        ),
        Line("peak memory of the server", f"{watch.most_bytes / 1e6:.0f} MB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
