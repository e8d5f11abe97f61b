"""One session and those who follow it: what they share, and up to where each was told."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from contextlib import suppress
from dataclasses import dataclass

from api.standing import Standing, Standings
from errors import StoreAway
from schemas import MAX_FINDINGS, Found, Session, Status
from session_manager import ENDED


@dataclass(frozen=True)
class Event:
    """`text` as Server-Sent Events are written (HTML standard, 9.2.6)."""

    revision: int
    text: bytes


class Room:
    """What all followers of a session share. A moment behind the ledger, in the order of revisions."""

    def __init__(self, standings: Standings) -> None:
        self.bells: set[asyncio.Event] = set()
        self.deleted = False
        self.findings: list[Event] = []
        self._standings = standings
        self._standing: Standing | None = None
        self._status: Event | None = None
        self._row: Session

    def furnish(self, row: Session, findings: tuple[Found, ...]) -> None:
        self._row = row
        self.findings = [_partial(found) for found in findings]

    def take(self, news: Session | Found | None) -> None:
        """News that is known already is none."""
        if news is None:
            self.deleted = True
        elif isinstance(news, Found):
            if news.revision > self.newest:
                self.findings = [*self.findings, _partial(news)][-MAX_FINDINGS:]
        elif news["revision"] > self.newest:
            if self._row["worker"] not in (None, news["worker"]):
                self.findings = []  # its work begins anew, and finds them again
            self._row = news
            self._standing = self._status = None

    def queue_moved(self) -> bool:
        """Whether that changes anything for this session."""
        if self._row["status"] is not Status.QUEUED:
            return False
        before, self._standing, self._status = self._standing, None, None
        with suppress(StoreAway):  # once it is there again, the queue is said to have moved
            return before is None or self.standing.etag != before.etag
        return False

    @property
    def newest(self) -> int:
        """The revision up to which everything is known here."""
        return max(self._row["revision"], self.findings[-1].revision if self.findings else 0)

    @property
    def over(self) -> bool:
        """Whether there will be no more news."""
        return self.deleted or self._row["status"] in ENDED

    @property
    def standing(self) -> Standing:
        self._standing = self._standing or self._standings.of(self._row)
        return self._standing

    @property
    def status(self) -> Event:
        self._status = self._status or status_event(self.standing, self.standing.revision)
        return self._status

    def ring(self) -> None:
        for bell in self.bells:
            bell.set()


class Follower:
    """One who follows. `since` is the revision it knows of already; None for one who knows nothing."""

    def __init__(self, room: Room, since: int | None) -> None:
        self.bell = asyncio.Event()
        self.gone = False
        self._room = room
        now = room.standing
        self._told = since if since is not None and since <= room.newest else None
        self._shown: str | None = None
        if self._told is not None and self._told >= now.revision and now.status is not Status.QUEUED:
            self._shown = now.etag

    @property
    def over(self) -> bool:
        return self._room.over

    def leave(self) -> None:
        self.gone = True
        self.bell.set()

    def news(self) -> list[bytes]:
        """All events since the last time, as they are shared with other followers."""
        room = self._room
        if self._told is None:
            events = self._snapshot()
        else:
            events = room.findings[bisect_right(room.findings, self._told, key=lambda event: event.revision) :]
            if room.standing.etag != self._shown:
                events = sorted([*events, room.status], key=lambda event: event.revision)
        self._shown = room.standing.etag
        self._told = room.newest
        return [event.text for event in events]

    def last_words(self) -> bytes:
        """What ends a stream for good."""
        status = "deleted" if self._room.deleted else self._room.standing.status
        return event_text("end", b'{"status":"%s"}' % status.encode(), f"{self._told}{END}")

    def _snapshot(self) -> list[Event]:
        """The status, then what was found before. Whoever is cut off in between comes back for the rest: the status
        bears the revision before the first of them."""
        findings, standing = self._room.findings, self._room.standing
        first = status_event(standing, findings[0].revision - 1) if findings else self._room.status
        return [first, *findings]


END = ".end"
"""Follows the revision in the id of the last event: whoever comes back with it needs no more."""


def event_text(name: str, data: bytes, identity: str) -> bytes:
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (identity.encode(), name.encode(), data)


def status_event(standing: Standing, revision: int) -> Event:
    return Event(revision, event_text("status", standing.body, str(revision)))


def _partial(found: Found) -> Event:
    return Event(found.revision, event_text("partial", found.text, str(found.revision)))
