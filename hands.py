"""The threads that work: always as many, because one that is stuck is written off and another takes its place.

The standard library's pool cannot do that: a thread that never comes back keeps its place, and the program from ending.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from time import monotonic
from typing import Protocol

from schemas import Session

MOST_WRITTEN_OFF = 16
"""Threads that may be stuck at a time beside those that work. Each keeps its memory, so there has to be an end."""


class AnyHands(Protocol):
    """Who does the work of a dispatcher."""

    @property
    def elsewhere(self) -> bool:
        """Whether other processes work, which know a session by its row alone."""

    @property
    def stuck(self) -> int:
        """Threads that are written off and have not come back."""

    def take(self, row: Session, work: Callable[[], None]) -> Future[None]:
        """Have a queued session worked on; the future is done when nothing more is to come of that here. Those
        elsewhere have no use for `work`."""

    def write_off(self, thread: threading.Thread) -> bool:
        """Count on that thread no more."""

    def shutdown(self) -> None:
        """Take no more. Returns at once."""

    def close(self, wait_seconds: float) -> None:
        """Let go of everything, once those who work have left, or after so many seconds."""


@dataclass(frozen=True)
class _Task:
    future: Future[None]
    work: Callable[[], None]


class Hands:
    elsewhere = False

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._changed = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._threads: set[threading.Thread] = set()
        self._written_off: set[threading.Thread] = set()
        self._idle = 0
        self._closed = False

    @property
    def stuck(self) -> int:
        return len(self._written_off)

    def take(self, row: Session, work: Callable[[], None]) -> Future[None]:
        return self.submit(work)

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Have it done when its turn comes: first come, first served. Raises RuntimeError once shut down."""
        with self._changed:
            if self._closed:
                raise RuntimeError("no work is taken any more")
            task = _Task(Future(), work)
            self._tasks.append(task)
            if self._idle < len(self._tasks):
                self._hire()
            self._changed.notify()
        return task.future

    def write_off(self, thread: threading.Thread) -> bool:
        """Count on that thread no more and put another in its place; should it come back, it ends. False when it is
        none of those that work, or when too many are stuck already: then its place stays taken."""
        with self._changed:
            if thread not in self._threads or len(self._written_off) >= MOST_WRITTEN_OFF:
                return False
            self._threads.remove(thread)
            self._written_off.add(thread)
            self._changed.notify_all()
            if self._tasks:
                self._hire()
        return True

    def shutdown(self, wait_seconds: float = 0) -> None:
        """Cancel what waits and take no more. Returns when every thread has left but those that are written off, or
        after so many seconds: what is stuck does not hold up who leaves."""
        with self._changed:
            self._closed = True
            waiting, self._tasks = self._tasks, deque()
            threads = list(self._threads)
            self._changed.notify_all()
        for task in waiting:
            task.future.cancel()
        deadline = monotonic() + wait_seconds
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))

    def close(self, wait_seconds: float) -> None:
        self.shutdown(wait_seconds)

    def _hire(self) -> None:
        if len(self._threads) < self._count:
            # A daemon, so that the program can end while it is stuck.
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self) -> None:
        me = threading.current_thread()
        while task := self._next(me):
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                task.work()
            except BaseException as error:  # noqa: BLE001 it belongs to who waits for the future
                task.future.set_exception(error)
            else:
                task.future.set_result(None)
            del task  # holds a session's pictures no longer than need be

    def _next(self, me: threading.Thread) -> _Task | None:
        """The task whose turn it is, waited for; None when this thread is to end."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._tasks or self._closed or me in self._written_off)
            self._idle -= 1
            self._written_off.discard(me)
            if me not in self._threads or not self._tasks:
                self._threads.discard(me)
                if self._tasks:  # its own place may be what they waited for
                    self._hire()
                return None
            return self._tasks.popleft()
