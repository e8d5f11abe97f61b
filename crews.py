"""Who works, by the settings: threads of this process or workers elsewhere, over rows of its own or shared ones."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from caretaker import Caretaker, Rounds, unheld, unsent
from carrying import Terms
from config import VERSION, Settings
from errors import CannotStart
from hands import AnyHands, Hands
from leases import LeasedLines
from roster import Roster, Worker
from schemas import AnalysisType
from session_manager import SessionManager
from shared_roster import RosterAway, SharedRoster
from stores import SessionStore, SharedStore, is_shared
from task_manager import Crew, crew_of_threads
from vision.eyes import Eyes


@dataclass(frozen=True)
class Ledger:
    """The rows and their rules."""

    store: SessionStore
    sessions: SessionManager


def crew_of(settings: Settings, ledger: Ledger, terms: Terms) -> Crew:
    """Of a process that serves."""
    if not is_shared(ledger.store):
        return crew_of_threads(ledger.sessions, terms)
    if settings.task_queue == "celery":
        from sending import Sender  # noqa: PLC0415  heavy

        sender = Sender(settings)
        lost = partial(unsent, ledger.store, sender.messages, settings.lease_seconds / 3)
        return crew_elsewhere(settings, ledger, terms, sender, lost)
    roster = SharedRoster(ledger.store, terms.max_workers, settings.lease_seconds)
    lines = _lines(settings, ledger.sessions, ledger.store, roster)
    lost = partial(unheld, ledger.store, roster, settings.lease_seconds)
    return Crew(Hands(terms.max_workers, "analysis"), roster, lines, lost)


def crew_elsewhere(
    settings: Settings, ledger: Ledger, terms: Terms, hands: AnyHands, lost: Callable[[], list[str]] | None = None
) -> Crew:
    """Of a process whose sessions come as messages, or leave it as such. Raises CannotStart without shared rows."""
    if not is_shared(ledger.store):
        raise CannotStart("workers need REDIS_URL: they find sessions there, and nowhere else")
    roster = RosterAway(ledger.store, terms.max_workers, settings.lease_seconds)
    return Crew(hands, roster, _lines(settings, ledger.sessions, ledger.store, roster), lost)


def _lines(settings: Settings, sessions: SessionManager, store: SharedStore, roster: SharedRoster) -> LeasedLines:
    return LeasedLines(sessions, lambda: roster.closed, store, settings.lease_seconds)


class Watch(Protocol):
    """Something that goes on beside the work."""

    def start(self) -> None: ...

    def close(self) -> None: ...


def watches_of(
    settings: Settings, ledger: Ledger, crew: Crew, hand_over: Callable[[str], None], state: State
) -> tuple[Watch, ...]:
    """What goes on in a process that serves; nothing where no other process shares its rows."""
    store = ledger.store
    if crew.lost is None or not is_shared(store):
        return ()
    caretaker = Caretaker(ledger.sessions, store, settings.lease_seconds, lost=crew.lost, hand_over=hand_over)
    if crew.hands.elsewhere:
        return (caretaker.rounds,)
    takes = tuple(AnalysisType)
    return (caretaker.rounds, Announcer(settings, crew.roster, state, takes, settings.max_concurrent_jobs))


@dataclass(frozen=True)
class State:
    """How things stand where somebody works."""

    eyes: Eyes
    free_bytes: Callable[[], int]
    """On the disk that videos are fetched to. May raise OSError."""
    floor_bytes: int

    def troubles(self) -> list[str]:
        """A sentence each, without figures: of many who work, many may have the same."""
        return [words for words in (self._of_the_disk(), self._of_the_eyes()) if words]

    def _of_the_disk(self) -> str:
        try:
            return "The disk is nearly full" if self.free_bytes() < self.floor_bytes else ""
        except OSError:
            return "The folder for videos cannot be read"

    def _of_the_eyes(self) -> str:
        return self.eyes.words if self.eyes.error or self.eyes.warning else ""


class Announcer:
    """Lets all who share the rows know that somebody works here, as long as that is so."""

    def __init__(self, settings: Settings, roster: Roster, state: State, takes: tuple[str, ...], hands: int) -> None:
        self._roster, self._state, self._takes, self._hands = roster, state, takes, hands
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._rounds = Rounds("announcer", settings.lease_seconds / 3, self._announce)

    def start(self) -> None:
        self._rounds.start()

    def close(self) -> None:
        self._rounds.close()
        self._roster.sign_off(self._name)

    def _announce(self) -> None:
        worker = Worker(self._name, self._takes, self._state.eyes.words, VERSION, self._hands)
        self._roster.announce(worker, self._state.troubles())
