"""Who waits for a turn and who is being worked on: places in the queue, room in it, and how long a turn is away.

It lives in memory: for one process, or for the part that one process has in a queue of many. Safe from any thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from time import monotonic

from errors import Draining, QueueFull
from progress import Pace
from schemas import AnalysisType, Session


class SubmittedAlready(ValueError):
    """Somebody did so before: here, its caretaker may have."""


@dataclass(frozen=True)
class _Waiting:
    future: Future[None]
    video_seconds: float


@dataclass(frozen=True)
class _Running:
    left: threading.Event
    began: float


@dataclass(frozen=True)
class Worker:
    """What somebody who works says of itself."""

    name: str
    takes: tuple[str, ...]
    eyes: str
    version: str
    hands: int
    """How many sessions it works on at a time."""


def _nothing() -> None:
    pass


class Roster:
    def __init__(self, workers: int, clock: Callable[[], float] = monotonic) -> None:
        """`clock` gives seconds, and is never set."""
        self.closed = False
        self.on_moved: Callable[[], None] = _nothing
        """Called whenever places in the queue have changed, in the thread that changed them."""
        self._workers = workers
        self._lock = threading.Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, _Running] = {}
        self._clock = clock
        self._pace = Pace()

    def check_room(self, bound: int | None) -> None:
        """Raise Draining or QueueFull if nobody may join a queue of that length at most."""
        if self.closed:
            raise Draining("The service is about to stop; try again in a few seconds")
        if bound is not None and len(self._waiting) >= bound:
            raise QueueFull("Too many videos are waiting already; try again later")

    def join(
        self, session_id: str, video_seconds: float, bound: int | None, submit: Callable[[], Future[None]]
    ) -> Future[None]:
        """Take the last place; `submit` hands the work over. Raises as `check_room` does, and SubmittedAlready for one
        that is here already."""
        with self._lock:
            self.check_room(bound)
            if session_id in self._waiting or session_id in self._running:
                raise SubmittedAlready(f"session {session_id} has been submitted already")
            future = submit()
            self._waiting[session_id] = _Waiting(future, video_seconds)
        return future

    def leave(self, session_id: str) -> None:
        """Give up the place in the queue, and the turn with it if that has not come."""
        with self._lock:
            waiting = self._waiting.pop(session_id, None)
        if waiting:
            waiting.future.cancel()
            self.on_moved()

    def close(self) -> None:
        """Nobody joins any more."""
        with self._lock:
            self.closed = True

    @contextmanager
    def at_work(self, session_id: str) -> Iterator[None]:
        """While entered, the session counts as running."""
        here = _Running(threading.Event(), self._clock())
        with self._lock:
            self._running[session_id] = here
        try:
            yield
        finally:
            self.leave(session_id)
            self._left(session_id, here)

    def write_off(self, session_id: str) -> None:
        """Count it as left: who works on it is stuck."""
        self._left(session_id, self._running.get(session_id))

    def _left(self, session_id: str, here: _Running | None) -> None:
        with self._lock:
            if here is not None and self._running.get(session_id) is here:
                del self._running[session_id]
        if here is not None:
            here.left.set()

    def wait_until_left(self, session_id: str, timeout: float) -> None:
        """Until nobody works on the session, for so many seconds at most."""
        with self._lock:
            here = self._running.get(session_id)
        if here:
            here.left.wait(timeout)

    def seconds_at_work(self, session_id: str) -> float:
        """How long the session has been worked on, whatever was done to the clock meanwhile; 0 if it is not."""
        with self._lock:
            here = self._running.get(session_id)
        return self._clock() - here.began if here else 0.0

    def seconds_since_begun(self, row: Session) -> float:
        """Of one that is worked on, wherever that is."""
        return self.seconds_at_work(row["session_id"])

    def place(self, session_id: str) -> int | None:
        """1 for the next to start; None for one that does not wait."""
        with self._lock:
            return list(self._waiting).index(session_id) + 1 if session_id in self._waiting else None

    def running(self) -> list[str]:
        with self._lock:
            return list(self._running)

    def waiting(self) -> list[str]:
        """Who waits for the hands of this process."""
        with self._lock:
            return list(self._waiting)

    def is_worked_on(self, session_id: str) -> bool:
        """By anybody, wherever that is."""
        return session_id in self.running()

    def workers(self) -> list[Worker]:
        """All who let others know of them."""
        return []

    def is_taken(self, kind: AnalysisType) -> bool:
        """Whether anybody who works now takes it."""
        return True

    def troubles(self) -> list[str]:
        """What is wrong where others work, a sentence each."""
        return []

    def announce(self, worker: Worker, troubles: Collection[str] = ()) -> None:
        """Let others know, for a while. There are none."""

    def sign_off(self, name: str) -> None:
        """Let others know that this worker is gone."""

    def learn(self, seconds: float, video_seconds: float) -> None:
        """An analysis of so much video took so long."""
        self._pace.learn(seconds, video_seconds)

    def seconds_until_done(self, session_id: str, at_work: Callable[[list[str]], float]) -> float | None:
        """How long one that waits may still take; `at_work` gives the seconds of video that are still to be analysed in
        the sessions that run. None for one that does not wait, and before any pace was learnt."""
        with self._lock:
            waiting, running = dict(self._waiting), list(self._running)
        if session_id not in waiting:
            return None
        # The pool's threads share what comes before it.
        before = takewhile(lambda entry: entry[0] != session_id, waiting.items())
        ahead = sum(entry.video_seconds for _, entry in before) + at_work(running)
        return self._pace.seconds_for(ahead / self._workers + waiting[session_id].video_seconds)
