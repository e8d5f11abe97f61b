"""Notices work that gives no sign of life any more.

A sign is whatever work does with its `Progress`: a report, a finding, or the question whether to stop, which every wait
of ours asks many times a second. So work that waits for its turn at the model is alive, and a thread that hangs is not.
What waits outside Python, for a decoder or a model's server, has deadlines of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TICKS = 20
"""Looks in the time after which silence is a stall: it is noticed late by a twentieth at most."""


@dataclass
class _Watched:
    stalled: Callable[[], None]
    silent_seconds: float = 0.0
    told: bool = False

    def sign(self) -> None:
        self.silent_seconds = 0.0


class Watchdog:
    """Watches any number of threads with one of its own. Safe from any thread."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._watched: list[_Watched] = []
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(self, stalled: Callable[[], None]) -> Iterator[Callable[[], None]]:
        """Gives what to call as a sign of life. `stalled` is called once, in another thread, when there was none for
        the watchdog's seconds."""
        watched = _Watched(stalled)
        with self._lock:
            self._watched.append(watched)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield watched.sign
        finally:
            with self._lock:
                self._watched.remove(watched)

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        tick = self._seconds / TICKS
        before = time.monotonic()
        while not self._closed.wait(tick):
            now = time.monotonic()
            # A program that was itself stopped for a while counts that as one tick, and not as everybody's silence.
            self._look(min(now - before, 2 * tick))
            before = now

    def _look(self, passed_seconds: float) -> None:
        with self._lock:
            for watched in self._watched:
                watched.silent_seconds += passed_seconds
            silent = [one for one in self._watched if not one.told and one.silent_seconds >= self._seconds]
        for one in silent:
            one.told = True
            one.stalled()
