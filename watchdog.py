"""Notices work that does not advance any more.

It counts the time in which it was awake itself. So a service that was stopped for an hour and goes on, or a machine
that slept, finds nothing stalled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

import logs
from progress import Progress

LOOKS = 10
"""How often it looks in the time that work may stand still: it notices a tenth later, at most."""


@dataclass(eq=False)
class Watched:
    """Work of one session, in the thread that entered `Watchdog.over`."""

    session_id: str
    worker: str
    progress: Progress
    thread: threading.Thread = field(default_factory=threading.current_thread)
    request: str | None = field(default_factory=logs.request_id.get)
    """By whose id the work is logged."""
    advances: int = -1
    silent_seconds: float = 0.0


class Watchdog:
    def __init__(self, limit_seconds: float, stalled: Callable[[Watched], None]) -> None:
        """`stalled` is told once of each work that did not advance for so many seconds, in the watchdog's thread."""
        self._limit = limit_seconds
        self._stalled = stalled
        self._lock = threading.Lock()
        self._watched: set[Watched] = set()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, session_id: str, worker: str, progress: Progress) -> Iterator[None]:
        """While entered, that progress has to advance."""
        one = Watched(session_id, worker, progress)
        with self._lock:
            self._watched.add(one)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look_around, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(one)

    def close(self) -> None:
        self._closing.set()

    def _look_around(self) -> None:
        pause = self._limit / LOOKS
        before = monotonic()
        while not self._closing.wait(pause):
            # What is beyond two pauses it slept through itself.
            seconds, before = min(monotonic() - before, 2 * pause), monotonic()
            for one in self._stuck(seconds):
                self._stalled(one)

    def _stuck(self, seconds: float) -> list[Watched]:
        with self._lock:
            for one in self._watched:
                advanced = one.progress.advances != one.advances
                one.advances = one.progress.advances
                one.silent_seconds = 0.0 if advanced else one.silent_seconds + seconds
            stuck = [one for one in self._watched if one.silent_seconds >= self._limit]
            self._watched.difference_update(stuck)
        return stuck
