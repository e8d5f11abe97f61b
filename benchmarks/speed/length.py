"""Footage of several lengths: whether time grows with it and memory does not."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed import wire
from benchmarks.speed.footage import SMALL, footage_of
from benchmarks.speed.report import Line, Mark, Room
from benchmarks.speed.servers import Family, address_of, product
from benchmarks.speed.session import ended
from tests.service import BASE

LINEAR_BAR = 1.25
"""How much longer a minute of the longest may take than one of the shortest."""

FLAT_BAR_MB = 20.0
"""How much more memory the longest may take than the middle one: what is kept of each sample, 350 to 400 bytes, is some
7 MB in half an hour. The shortest do not fill the working space that all others share."""


@dataclass(frozen=True)
class Run:
    minutes: int
    seconds: float
    server_mb: float
    decoder_mb: float

    @property
    def a_minute(self) -> float:
        return self.seconds / self.minutes


def bench_length(room: Room) -> list[Line]:
    runs = []
    for minutes in (1, 2, 4) if room.quick else (5, 15, 45):
        video = footage_of(room.footage, "small", SMALL, 60.0 * minutes)
        runs.append(analysed(video, room.folder / f"data{minutes}", minutes))
    first, middle, last = runs
    linear = last.a_minute / first.a_minute
    server, decoder = last.server_mb - middle.server_mb, last.decoder_mb - middle.decoder_mb
    lines = [
        Line(
            f"{run.minutes} min of 360p30",
            f"{run.seconds:.1f} s, {run.a_minute:.2f} s a minute, {60 / run.a_minute:.0f} × real time; at most "
            f"{run.server_mb:.0f} MB in the server, {run.decoder_mb:.0f} MB in its decoder",
        )
        for run in runs
    ]
    return [
        *lines,
        Line(
            f"  a minute of {last.minutes} ÷ a minute of {first.minutes}",
            f"{linear:.2f} × as long; beside {middle.minutes} min, server {server:+.0f} MB, decoder {decoder:+.0f} MB",
            f"≤ {LINEAR_BAR} ×, ≤ +{FLAT_BAR_MB:.0f} MB each",
            linear <= LINEAR_BAR and max(server, decoder) <= FLAT_BAR_MB,
            Mark("length", linear, less_is_better=True),
        ),
    ]


def analysed(video: Path, data_dir: Path, minutes: int) -> Run:
    """One video to a server that is new."""
    with product(data_dir) as program:
        address = address_of(program.url)
        form = wire.form_of(video.read_bytes(), analysis_type="highlights")
        with Family(program.process.pid, address) as watch:
            session_id = wire.post(address, f"{BASE}/upload", form).json()["sessionId"]
            began = time.perf_counter()
            ended(address, session_id, 0.05)
            seconds = time.perf_counter() - began
    return Run(minutes, seconds, watch.most_bytes / 1e6, watch.child_bytes / 1e6)
