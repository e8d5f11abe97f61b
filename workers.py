"""The threads that analyse: a fixed number of them, and one more for each that is given up because it hangs.

A thread cannot be ended from outside. One that is given up gets no more work, holds no slot, and is waited for by
nobody; the standard library's pool can neither replace such a thread nor let the program end without it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

logger = logging.getLogger(__name__)

MOST_GIVEN_UP = 64
"""Hung threads that are replaced. More would only bury what is wrong; the slots that are left go on."""


@dataclass(frozen=True)
class _Job:
    future: Future[None]
    work: Callable[[], None]

    def run(self) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 whoever waits for it hears of it, and the thread goes on
            self.future.set_exception(error)
        else:
            self.future.set_result(None)


class Workers:
    """Safe from any thread."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._changed = threading.Condition()
        self._jobs: deque[_Job] = deque()
        self._threads: set[threading.Thread] = set()
        self._given_up: set[threading.Thread] = set()
        self._closed = False

    def submit(self, function: Callable[..., None], *arguments: object) -> Future[None]:
        """Raises RuntimeError once closed."""
        job = _Job(Future(), partial(function, *arguments))
        with self._changed:
            if self._closed:
                raise RuntimeError("no work is taken any more")
            self._jobs.append(job)
            if len(self._threads) < self._count:
                self._add_thread()
            self._changed.notify()
        return job.future

    def give_up(self, thread: threading.Thread) -> bool:
        """Have another thread take the place of one that hangs; False where too many were given up already."""
        with self._changed:
            if thread not in self._threads or len(self._given_up) >= MOST_GIVEN_UP:
                return False
            self._threads.remove(thread)
            self._given_up.add(thread)
            if not self._closed:
                self._add_thread()
        return True

    def close(self) -> None:
        """Take no more work, and cancel what waits. Returns at once."""
        with self._changed:
            self._closed = True
            for job in self._jobs:
                job.future.cancel()
            self._jobs.clear()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """After `close`: wait for the threads that were not given up; False if some are still there then."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._threads, seconds)

    def _add_thread(self) -> None:
        # A daemon, because a program that ends does not wait for what may never return.
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:
            # The system has no thread to give at the moment; the next submission tries again.
            self._threads.discard(thread)
            logger.exception("no thread can be started")

    def _run(self) -> None:
        me = threading.current_thread()
        try:
            while job := self._next(me):
                job.run()
                del job  # its arguments need not live until the next one comes
        finally:
            with self._changed:
                self._threads.discard(me)
                self._given_up.discard(me)
                self._changed.notify_all()

    def _next(self, me: threading.Thread) -> _Job | None:
        """None where the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._closed or me in self._given_up)
            return self._jobs.popleft() if self._jobs and me not in self._given_up else None
