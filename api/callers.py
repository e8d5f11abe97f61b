"""Legacy clients wait on the line at one front door: what they wait for goes when they do, or when that door is gone.

Where others share its rows, each door lets them know that it is there, and what is waited for at it. What was waited
for at one that was killed they remove: nobody else was ever told of it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Protocol

from caretaker import Rounds
from errors import StoreAway
from logs import event
from stores import Board

logger = logging.getLogger(__name__)

DOOR = "door:"
"""Beginning of the names of notes that a front door is there."""

WAITS = "waits:"
"""Beginning of the names of notes of sessions and the door at which each is waited for."""


class Callers(Protocol):
    """Whatever is called may raise StoreAway."""

    def begin(self, session_id: str) -> None:
        """A client waits for the session."""

    def end(self, session_id: str) -> None:
        """It does so no more, and nobody else will: remove the session."""


class OwnCallers:
    """Of the only door there is: what it leaves, its next start removes."""

    def __init__(self, remove: Callable[[str], object]) -> None:
        self._remove = remove

    def begin(self, session_id: str) -> None:
        pass

    def end(self, session_id: str) -> None:
        self._remove(session_id)


class SharedCallers:
    """Of one of several doors."""

    def __init__(
        self,
        board: Board,
        lease_seconds: float,
        remove: Callable[[str], object],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._board, self._lease_seconds, self._remove, self._clock = board, lease_seconds, remove, clock
        self._door = uuid.uuid4().hex
        self._here = set[str]()
        self._removes_from = 0.0
        self.rounds = Rounds("callers", lease_seconds / 3, self.go_round)

    def begin(self, session_id: str) -> None:
        self._here.add(session_id)
        with suppress(StoreAway):  # the next round tells
            self._board.note(WAITS + session_id, self._door)

    def end(self, session_id: str) -> None:
        self._here.discard(session_id)  # what cannot be removed now, the next round removes
        self._remove(session_id)
        self._board.strike(WAITS + session_id)

    def go_round(self) -> None:
        """Raises StoreAway."""
        try:
            self._board.note(DOOR + self._door, "", self._lease_seconds)
            if self._clock() >= self._removes_from:
                self._remove_what_nobody_waits_for()
        except StoreAway:
            # While it was away no door could say that it is there: they have that long to do so.
            self._removes_from = self._clock() + self._lease_seconds
            raise

    def _remove_what_nobody_waits_for(self) -> None:
        waits = self._board.noted(WAITS)
        doors = self._board.noted(DOOR) if waits else {}
        for name, door in waits.items():
            session_id = name.removeprefix(WAITS)
            if session_id not in self._here if door == self._door else DOOR + door not in doors:
                event(logger, "waited for by nobody", session=session_id)
                self._remove(session_id)
                self._board.strike(name)
