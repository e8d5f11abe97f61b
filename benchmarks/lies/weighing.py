"""How much memory the decoder children of a process take: the largest of them, at its largest."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PAUSE_SECONDS = 0.02
"""Between two looks. Linux tells of each process the most it ever had, so that only what comes in the last moment of a
child can be missed; elsewhere what it has at the moment is all there is to see."""

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


@dataclass
class Weight:
    mb: float = 0.0
    """Resident memory of the largest child so far, with what it shares with others."""


@contextmanager
def weighed(server: int) -> Iterator[Weight]:
    """Looks, while entered, at the children that the process's fork server has."""
    weight, over = Weight(), threading.Event()

    def look() -> None:
        while not over.wait(PAUSE_SECONDS):
            for child in _grandchildren(server):
                weight.mb = max(weight.mb, peak_mb(child))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield weight
    finally:
        over.set()
        looking.join()


def _grandchildren(pid: int) -> list[int]:
    """Children of children: decoders come from the fork server, and so do no others."""
    with suppress(psutil.Error):
        mine = {child.pid for child in psutil.Process(pid).children()}
        return [child.pid for child in psutil.Process(pid).children(recursive=True) if child.ppid() in mine]
    return []


def peak_mb(pid: int) -> float:
    """The most resident memory that a process had so far; 0 for one that is gone."""
    with suppress(OSError, psutil.Error):
        status = Path(f"/proc/{pid}/status")
        if status.exists() and (told := _PEAK.search(status.read_text())):
            return int(told[1]) / 1024
        return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
    return 0.0
