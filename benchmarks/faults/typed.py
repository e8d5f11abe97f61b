"""The command line stopped at random instants of an analysis, in its own process and at a service."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.faults.frame import Outcome, Plan, left_in
from tests.service import ROOT, until
from video.draw import draw_video

STOP_BAR_SECONDS = 1.0

EARLIEST_SECONDS = 0.1
"""Before that Python itself begins, and says what it was interrupted in."""


@dataclass
class Seen:
    """Of all that were stopped."""

    seconds: list[float] = field(default_factory=list)
    done: int = 0
    """That had ended before."""
    left: list[str] = field(default_factory=list)
    """Files and processes that stayed, and words that were said about the end."""


def typed(plan: Plan) -> Outcome:
    """How long each takes is tried first, so that instants are spread over all of it."""
    times, chance, seen = plan.count(60, least=4), random.Random(plan.seed), Seen()
    video = draw_video(plan.folder / "drawn.mp4", 16.0).path
    with plan.serving() as program:
        for server in ([], ["--server", program.url]):
            began = time.monotonic()
            _start(plan, video, server).communicate()
            whole = time.monotonic() - began
            for _ in range(times // 2):
                _stop_one(plan, video, server, chance.uniform(EARLIEST_SECONDS, whole), seen)
        with suppress(AssertionError):  # told below
            until(lambda: not _kept(plan), timeout=2.0)
        seen.left += _kept(plan)
    measured = (
        f"{times} stops, {seen.done} of which came after the end: gone after {max(seen.seconds):.2f} s at most; "
        f"left: {', '.join(seen.left) or 'nothing'}"
    )
    good = not seen.left and max(seen.seconds) <= STOP_BAR_SECONDS
    return Outcome(measured, f"≤ {STOP_BAR_SECONDS:.0f} s; no file, process, upload or session left", good)


def _start(plan: Plan, video: Path, server: list[str]) -> subprocess.Popen[str]:
    scratch = plan.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "cli.py", "analyze", str(video), *server, "--quiet"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VISION_MODEL": "none", "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _stop_one(plan: Plan, video: Path, server: list[str], delay: float, seen: Seen) -> None:
    process = _start(plan, video, server)
    time.sleep(delay)
    began = time.monotonic()
    with suppress(ProcessLookupError):  # it has ended
        os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    seen.seconds.append(time.monotonic() - began)
    seen.done += process.returncode == 0
    with suppress(AssertionError):  # told with what is left
        until(lambda: not list(_members(process.pid)), timeout=2.0)
    seen.left += [f"process {pid}" for pid in _members(process.pid)] + left_in(plan.folder / "scratch")
    seen.left += [said] if said else []


def _members(group: int) -> Iterator[int]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid


def _kept(plan: Plan) -> list[str]:
    """At the service, but for the folder in which uploads would be."""
    return [one for one in left_in(plan.data) if one != "uploads"]
