"""The queue that many processes share, as one of them sees it: places, room, and how long a turn is away.

What it tells of times ahead is read once a second for everybody who asks here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, fields
from time import monotonic

from errors import Draining, QueueFull, StoreAway
from progress import Pace, video_seconds, video_seconds_left
from roster import Roster, Worker
from schemas import AnalysisType, Session, Status
from stores import SharedStore

PACE = "pace"
"""The name of the note of what a second of video costs."""

HAND = "hand:"
"""Beginning of the names of notes that somebody's hands have a session that waits."""

WORKER = "worker:"
"""Beginning of the names of notes that somebody works."""

TROUBLES = "troubles:"
"""Beginning of the names of notes of what is wrong where somebody works, a line each."""

FRESH_SECONDS = 1.0
"""How old what is told of times ahead may be."""

MOST_AHEAD = 1000
"""Further back in the queue nobody is told how long a turn is away."""


@dataclass(frozen=True)
class _Outlook:
    """On the queue at one moment."""

    until: float
    ahead: dict[str, float]
    """Seconds of video before the end of each that waits, were there one hand."""
    own: dict[str, float]
    workers: list[Worker]
    pace: Pace


class SharedRoster(Roster):
    """Of a process whose own hands work on what was submitted to it."""

    def __init__(
        self, store: SharedStore, workers: int, lease_seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        super().__init__(workers, clock)
        self._store, self._board, self._lease_seconds = store, store.board, lease_seconds
        self._looking = threading.Lock()
        self._outlook: _Outlook | None = None
        store.watch_queue(self._hear_of_queue)

    def check_room(self, bound: int | None) -> None:
        if self.closed:
            raise Draining("The service is about to stop; try again in a few seconds")
        if bound is not None and self._store.length() >= bound:
            raise QueueFull("Too many videos are waiting already; try again later")

    def join(
        self, session_id: str, video_seconds: float, bound: int | None, submit: Callable[[], Future[None]]
    ) -> Future[None]:
        """The bound was kept when the row was added: it is in the queue already."""
        self.hold(session_id)
        return super().join(session_id, video_seconds, None, submit)

    def hold(self, session_id: str) -> None:
        """Let the others know that hands here have the session, for as long as a lease lasts."""
        with suppress(StoreAway):  # at worst two have it, and one begins
            self._board.note(HAND + session_id, "", self._lease_seconds)

    def place(self, session_id: str) -> int | None:
        return self._store.place(session_id)

    def is_worked_on(self, session_id: str) -> bool:
        row = self._store.get(session_id)
        return row is not None and row["status"] is Status.PROCESSING

    def seconds_since_begun(self, row: Session) -> float:
        started = row["started_at"]
        return max(0.0, (self._store.now() - started).total_seconds()) if started else 0.0

    def learn(self, seconds: float, video_seconds: float) -> None:
        with suppress(StoreAway):
            pace = self._pace_noted()
            pace.learn(seconds, video_seconds)
            if pace.seconds is not None:
                self._board.note(PACE, repr(pace.seconds))

    def seconds_until_done(self, session_id: str, at_work: Callable[[list[str]], float]) -> float | None:
        outlook = self._look()
        if session_id not in outlook.ahead:
            return None
        return outlook.pace.seconds_for(outlook.ahead[session_id] / self._hands(outlook) + outlook.own[session_id])

    def workers(self) -> list[Worker]:
        """All who work now, by their names."""
        return [read_worker(text) for _, text in sorted(self._board.noted(WORKER).items())]

    def is_taken(self, kind: AnalysisType) -> bool:
        return any(kind in worker.takes for worker in self._look().workers)

    def troubles(self) -> list[str]:
        told = self._board.noted(TROUBLES)
        return sorted({words for text in told.values() for words in text.splitlines()})

    def announce(self, worker: Worker, troubles: Collection[str] = ()) -> None:
        """What is wrong goes into a note of its own: a process of an earlier version knows the other's form."""
        self._board.note(WORKER + worker.name, json.dumps(vars(worker)), self._lease_seconds)
        self._board.note(TROUBLES + worker.name, "\n".join(troubles), self._lease_seconds if troubles else 0)

    def sign_off(self, name: str) -> None:
        with suppress(StoreAway):  # then it is forgotten when its time is over
            self._board.strike(WORKER + name)
            self._board.strike(TROUBLES + name)

    def _hear_of_queue(self) -> None:
        self.on_moved()

    def _look(self) -> _Outlook:
        with self._looking:
            if self._outlook is None or self._clock() > self._outlook.until:
                self._outlook = self._looked()
            return self._outlook

    def _looked(self) -> _Outlook:
        waiting = self._store.waiting()[:MOST_AHEAD]
        rows = {row["session_id"]: row for row in self._store.rows([*waiting, *self._store.at_work()])}
        seconds = sum(video_seconds_left(row) for row in rows.values() if row["status"] is Status.PROCESSING)
        ahead, own = {}, {}
        for session_id in waiting:
            if session_id in rows:
                ahead[session_id], own[session_id] = seconds, video_seconds(rows[session_id])
                seconds += own[session_id]
        return _Outlook(self._clock() + FRESH_SECONDS, ahead, own, self.workers(), self._pace_noted())

    def _hands(self, outlook: _Outlook) -> int:
        return sum(worker.hands for worker in outlook.workers) or self._workers

    def _pace_noted(self) -> Pace:
        noted = self._board.noted(PACE).get(PACE)
        return Pace(float(noted) if noted else None)


class RosterAway(SharedRoster):
    """Of a process that has no hands: others take what waits."""

    def join(
        self, session_id: str, video_seconds: float, bound: int | None, submit: Callable[[], Future[None]]
    ) -> Future[None]:
        self.check_room(None)
        return submit()


def read_worker(text: str) -> Worker:
    """A later version may say more."""
    told = json.loads(text) | {"takes": tuple(json.loads(text)["takes"])}
    return Worker(**{field.name: told[field.name] for field in fields(Worker)})
