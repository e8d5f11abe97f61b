"""Sees to sessions that nobody sees to: whose worker is gone, and whose turn was announced to nobody who lives.

One in every process that serves, and beside every worker; they take turns.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

import logs
from errors import StoreAway
from logs import event
from schemas import AnalysisType
from session_manager import SessionManager
from shared_roster import HAND, SharedRoster
from stores import SharedStore

logger = logging.getLogger(__name__)

LOST = "lost"
"""Whose turn it is to look for messages that were lost."""

TAKE = "take:"
"""Whose turn it is to take up a session in nobody's hands."""

LAPSED = "lapsed:"
"""Whose turn it is to give back a session whose lease lapsed."""

LEAVE_SECONDS = 2.0

MOST_AT_ONCE = 1000
"""Sessions that one round sees to: the first in the queue."""


class Rounds:
    """A thread that goes on rounds, one every so many seconds."""

    def __init__(self, name: str, seconds: float, duty: Callable[[], None]) -> None:
        self._name, self._seconds, self._duty = name, seconds, duty
        self.under_way = threading.Lock()
        """Held while one is gone. A process that is forked meanwhile would have half of it."""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._go, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Returns when the last round is over, or after LEAVE_SECONDS."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(LEAVE_SECONDS)

    def _go(self) -> None:
        while not self._closing.is_set():
            try:
                with self.under_way:
                    self._duty()
            except StoreAway:
                logger.debug("%s: the rows are away", self._name)
            except Exception:
                logger.exception("%s: a round failed; the next will try again", self._name)
            self._closing.wait(self._seconds)


class Caretaker:
    def __init__(
        self,
        sessions: SessionManager,
        store: SharedStore,
        lease_seconds: float,
        *,
        lost: Callable[[], list[str]],
        hand_over: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`lost` gives queued sessions that nobody may know of; `hand_over` has one known."""
        self._sessions, self._store, self._clock = sessions, store, clock
        self._lease_seconds = lease_seconds
        self._lost, self._hand_over = lost, hand_over
        self._reaps_from = 0.0
        self.rounds = Rounds("caretaker", lease_seconds / 3, self.go_round)

    def go_round(self) -> None:
        """Raises StoreAway."""
        try:
            self._reap()
            for session_id in self._lost():
                self._say("taken up", session_id)
                self._hand_over(session_id)
        except StoreAway:
            # While it was away no lease could be renewed: those who live have that long to do so.
            self._reaps_from = self._clock() + self._lease_seconds
            raise

    def _reap(self) -> None:
        """Give back what is worked on by nobody any more. What may have been its doing counts as an attempt."""
        for session_id in self._store.lapsed() if self._clock() >= self._reaps_from else ():
            # One of all who noticed: another's worker may have begun it anew by the time that the next one comes to it.
            mine = self._store.board.turn(LAPSED + session_id, self._lease_seconds / 3)
            if mine and self._sessions.give_back(session_id, counted=True):
                self._say("lapsed", session_id)
                self._hand_over(session_id)

    def _say(self, what: str, session_id: str) -> None:
        """With the id of the request that the session came with, as all that is said of the work on it."""
        row = self._sessions.get_session(session_id)
        with logs.about(session_id, row["metadata"]["request_id"] if row else None):
            event(logger, what)


def unsent(store: SharedStore, messages: Callable[[AnalysisType], int | None], pause: float) -> list[str]:
    """Queued sessions of a kind for whose workers there are fewer `messages` than sessions wait: which of them have
    none is not known, and one too many does no harm. Asked for by one in `pause` seconds; others are told of none."""
    if not store.board.turn(LOST, pause):
        return []
    rows = store.rows(store.waiting()[:MOST_AT_ONCE])
    found = []
    for kind in AnalysisType:
        ids = [row["session_id"] for row in rows if row["analysis_type"] is kind]
        count = messages(kind) if ids else None
        found += ids if count is not None and count < len(ids) else []
    return found


def unheld(store: SharedStore, roster: SharedRoster, lease_seconds: float) -> list[str]:
    """Queued sessions that no living process has in its hands, and whose turn it is to be taken up here: but for those
    younger than a lease, which may be on their way into the hands of who took them in. Keeps those that wait here
    held."""
    for session_id in roster.waiting():
        roster.hold(session_id)
    if roster.closed:
        return []
    held = store.board.noted(HAND)
    lost = store.rows([one for one in store.waiting()[:MOST_AT_ONCE] if HAND + one not in held])
    now, lease = store.now(), timedelta(seconds=lease_seconds)
    # Also what is to begin far in the future: somebody put a clock back.
    old = [row["session_id"] for row in lost if abs(now - row["created_at"]) >= lease]
    return [one for one in old if store.board.turn(TAKE + one, lease_seconds)]
