"""What every trial is given and gives back, and the few calls to a service that all of them make."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.speed.servers import address_of
from benchmarks.speed.wire import Address
from tests.service import BASE, Program
from video.draw import Style, draw_video

SMALL = Style(width=160, height=90, rate=10)
"""Pictures that cost little to draw and as much as any to measure."""

SHORT = 20
"""The short form does a twentieth."""

ENDED = ("completed", "failed", "cancelled", "expired")


@dataclass(frozen=True)
class Plan:
    """An empty folder, and how much is to be done in it."""

    folder: Path
    full: bool
    seed: int
    short: int = SHORT

    def count(self, full: int, least: int = 1) -> int:
        """How often: `full` times, or one `short`-th of it in the short form."""
        return full if self.full else max(least, full // self.short)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @contextmanager
    def serving(self, *, largest_file: int | None = None, **settings: str) -> Iterator[Program]:
        """The program an operator runs, on this plan's data folder; killed in the end."""
        program = Program(self.data, largest_file=largest_file, **settings)
        try:
            yield program
        finally:
            program.kill()


@dataclass(frozen=True)
class Outcome:
    """What a trial measured, the bar, and whether it was met."""

    measured: str
    bar: str
    good: bool


@dataclass(frozen=True)
class Kept:
    """What a process holds open."""

    descriptors: int
    threads: int
    children: int

    def __str__(self) -> str:
        return f"{self.descriptors}/{self.threads}/{self.children}"

    def beyond(self, other: Kept) -> bool:
        """Whether it holds more of anything."""
        mine, theirs = (
            (self.descriptors, self.threads, self.children),
            (other.descriptors, other.threads, other.children),
        )
        return any(now > then for now, then in zip(mine, theirs, strict=True))


def held_by(program: Program) -> Kept:
    process = psutil.Process(program.process.pid)
    return Kept(process.num_fds(), process.num_threads(), len(process.children(recursive=True)))


def brief(folder: Path) -> Path:
    """Two seconds of video, with sound."""
    return draw_video(folder / "brief.mp4", 2, style=SMALL).path


def lasting(folder: Path) -> Path:
    """Five minutes in few bytes: seconds of work, so that something can be done to it meanwhile."""
    return draw_video(folder / "lasting.mp4", 300, sound=False, style=SMALL).path


def upload(program: Program, video: Path) -> str:
    with video.open("rb") as file:
        answer = program.http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files={"video": file})
    answer.raise_for_status()
    session_id: str = answer.json()["sessionId"]
    return session_id


def status(program: Program, session_id: str) -> dict[str, Any]:
    body: dict[str, Any] = program.http.get(f"{BASE}/status/{session_id}").json()
    return body


def has_ended(program: Program, session_id: str) -> bool:
    return status(program, session_id).get("status") in ENDED


def clean_up(program: Program, sessions: Iterable[str]) -> None:
    for session_id in sessions:
        program.http.delete(f"{BASE}/cleanup/{session_id}").raise_for_status()


def left_in(folder: Path) -> list[str]:
    """Every file and folder in it, also while some are being deleted; a service's lock is none of them."""
    found = [Path(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [str(path.relative_to(folder)) for path in found if path.name != ".lock"]


def on_disk(folder: Path) -> list[str]:
    """The sessions that have a row."""
    return [path.parent.name for path in folder.glob("*/session.json")]


def place_of(program: Program) -> Address:
    return address_of(program.url)


def percentile(values: Sequence[float], percent: int) -> float:
    """By the nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]
