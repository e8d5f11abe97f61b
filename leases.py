"""Keeps the leases of what is worked on here, where other processes would take it over else; and hears who took it.

One thread looks after all of them, several times a second: a session that was cancelled elsewhere stops here, also
while its work is deep in a model.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TypeVar

from errors import AnalysisStopped, StoreAway
from reporting import Line, Lines, is_at_work
from schemas import Finding, Found, Session, Step
from session_manager import SessionManager
from stores import SharedStore

logger = logging.getLogger(__name__)

T = TypeVar("T")

GAP_SECONDS = 0.25
"""Between two reports of one session's progress: they travel to other machines, and nobody sees more than that."""

FIRST, FIRST_GAP_SECONDS = 20, 0.05
"""But for the first ones, so that short work is seen to advance as well."""

LOOK_SECONDS = 0.25
"""Between two rounds of the thread."""

ASK_SECONDS = 0.5
"""A lease is renewed when it was not for so long, or for a third of its time where that is shorter. This is also how
late a cancel is noticed of which no news came."""

AGAIN_SECONDS = 0.25
"""After which a change that must not be lost is tried again."""


class LeasedLine(Line):
    """Whether to stop is known in memory: asking is free. Of progress the newest is told, when its turn has come."""

    def __init__(self, lines: LeasedLines, session_id: str, worker: str) -> None:
        super().__init__(lines.sessions, session_id, worker, lines.draining)
        self._store, self._seconds, self._clock = lines.store, lines.seconds, lines.clock
        self._telling = threading.Lock()
        self._lost = threading.Event()
        self._held: Step | None = None
        self._next_telling = 0.0
        self._told = 0
        self._renewed = self._asked = self._clock()

    def stopped(self) -> bool:
        now = self._clock()
        if now - self._renewed > self._seconds and now - self._asked > AGAIN_SECONDS:
            self._renew_if_there()  # this process slept, or the store is away: the session may be another's by now
        return self._draining() or self._lost.is_set()

    def confirm(self) -> None:
        self.insist(self._renew)
        super().confirm()

    def insist(self, change: Callable[[], T]) -> T:
        """Again and again while the store is away: nobody else can take the session meanwhile. Raises AnalysisStopped
        once it is another's, or this process is told to end."""
        while True:
            try:
                return change()
            except StoreAway:
                if self._lost.wait(AGAIN_SECONDS) or self._draining():
                    raise AnalysisStopped from None

    def tell(self, step: Step) -> bool:
        with self._telling:
            self._held = step
        self._tell_in_turn()
        return not self._lost.is_set()

    def keep(self, finding: Finding) -> bool:
        try:
            return super().keep(finding)
        except StoreAway:
            return not self._lost.is_set()  # the result will have it

    def doubt(self) -> None:
        """Have the next look ask whether the session is still this worker's."""
        self._asked = -self._seconds

    def look(self) -> None:
        self._tell_in_turn()
        if self._clock() - self._asked >= min(ASK_SECONDS, self._seconds / 3):
            self._renew_if_there()

    def _tell_in_turn(self) -> None:
        with self._telling:
            step, now = self._held, self._clock()
            if step is None or now < self._next_telling:
                return
            self._next_telling = now + (FIRST_GAP_SECONDS if self._told < FIRST else GAP_SECONDS)
            self._told += 1
            with suppress(StoreAway):  # then it is told later, or a newer one is
                self._answered(super().tell(step))
                self._held = None

    def _renew_if_there(self) -> None:
        self._asked = self._clock()
        with suppress(StoreAway):  # then nobody else can take it either
            self._renew()

    def _renew(self) -> None:
        began = self._clock()
        self._answered(self._store.renew(self.session_id, self.worker), began)

    def _answered(self, ours: bool, asked: float | None = None) -> None:
        if ours:
            self._renewed = self._asked = self._clock() if asked is None else asked
        else:
            self._lost.set()


class LeasedLines(Lines):
    """To a ledger that other processes share. A lease lasts `seconds`; `clock` is never set."""

    def __init__(
        self,
        sessions: SessionManager,
        draining: Callable[[], bool],
        store: SharedStore,
        seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(sessions, draining)
        self.store, self.seconds, self.clock = store, seconds, clock
        self._thread: threading.Thread | None = None
        self._wake, self._closing = threading.Event(), False
        self._at_work = set[str]()
        store.watch(self._hear, self._at_work)

    @contextmanager
    def open(self, session_id: str, worker: str) -> Iterator[Line]:
        with super().open(session_id, worker) as line:
            self._at_work.add(session_id)
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look_around, name="leases", daemon=True)
                    self._thread.start()
            try:
                yield line
            finally:
                self._at_work.discard(session_id)

    def line(self, session_id: str, worker: str) -> LeasedLine:
        return LeasedLine(self, session_id, worker)

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    def _hear(self, session_id: str, news: Session | Found | None) -> None:
        """In the store's thread. The news may be older than the work, so it is only a reason to ask."""
        if isinstance(news, Found):
            return
        for line in self.opened():
            if line.session_id == session_id and not is_at_work(news, line.worker) and isinstance(line, LeasedLine):
                line.doubt()
                self._wake.set()

    def _look_around(self) -> None:
        while not self._closing:
            self._wake.wait(LOOK_SECONDS)
            self._wake.clear()
            for line in self.opened():
                if isinstance(line, LeasedLine):
                    self._look_at(line)

    def _look_at(self, line: LeasedLine) -> None:
        try:
            line.look()
        except Exception:  # one that breaks must not end the leases of the others
            logger.exception("the lease of session %s cannot be renewed; it will be tried again", line.session_id)
