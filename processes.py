"""What this process and all below it take of the machine: processor time and memory."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Taken:
    """By this process, and by its children and theirs, also by those that have ended."""

    own_seconds: float
    children_seconds: float
    own_bytes: int | None
    """Resident; None where the system does not tell."""
    children_bytes: int | None


@dataclass(frozen=True)
class _Process:
    """A line of /proc/<pid>/stat, in seconds and bytes."""

    pid: int
    parent: int
    seconds: float
    """Its own, in user and system mode."""
    past_seconds: float
    """Of those of its children that have ended and that it waited for, with what their own children took."""
    resident: int
    started: float
    """Since the machine did."""


class Family:
    """This process as it stands each time that it is asked. Times never fall: a child that ends while all are counted
    may be missed once."""

    def __init__(self) -> None:
        self._most = 0.0

    def taken(self) -> Taken:
        processes = _all()
        own = processes.get(os.getpid())
        if own is None:
            return self._as_python_tells()
        below = _below(own.pid, processes)
        children = own.past_seconds + sum(one.seconds + one.past_seconds for one in below)
        self._most = max(self._most, children)
        return Taken(own.seconds, self._most, own.resident, sum(one.resident for one in below))

    def _as_python_tells(self) -> Taken:
        """Elsewhere than on Linux: of children only those that have ended, and nothing of memory."""
        own, children = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return Taken(own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime, None, None)


def began_at() -> float:
    """When this process began, in seconds since 1970; now, where the system does not tell."""
    own = _read(os.getpid()) if sys.platform == "linux" else None
    if own is None:
        return time.time()
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + own.started


def _all() -> dict[int, _Process]:
    with suppress(OSError):
        found = (_read(int(name)) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208  names are all
        return {one.pid: one for one in found if one}
    return {}


def _read(pid: int) -> _Process | None:
    """None for one that has ended meanwhile."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    facts = text.rpartition(")")[2].split()  # its name, before that, may hold anything
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    user, system, past_user, past_system = (int(one) / ticks for one in facts[11:15])
    started, resident = int(facts[19]) / ticks, int(facts[21]) * page
    return _Process(pid, int(facts[1]), user + system, past_user + past_system, resident, started)


def _below(pid: int, processes: dict[int, _Process]) -> list[_Process]:
    children = defaultdict[int, list[_Process]](list)
    for one in processes.values():
        children[one.parent].append(one)
    found, left = list[_Process](), [pid]
    while left:
        born = children[left.pop()]
        found += born
        left += [one.pid for one in born]
    return found
