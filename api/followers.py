"""Tells those who follow sessions of what happens to them: each event encoded once for all of a session's followers.

Nobody polls. The ledger tells of a change, and whoever follows that session is woken on the event loop. A follower has
no queue of its own: it knows up to where it was told, and takes what is newer whenever it gets round to it. Of statuses
that is the newest, of findings every one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from api.room import Follower, Room
from api.rows import unknown
from api.standing import Standings
from errors import ServiceError
from schemas import Found, Session
from session_manager import SessionManager
from task_manager import BackgroundTaskManager

GAP_SECONDS = 0.03
"""How long after one round of news the next may come. Work reports many times a second; nobody sees more than this."""


class Followers:
    """Who follows which session. Lives on the event loop, but for the ear it lends the ledger."""

    def __init__(self, sessions: SessionManager, tasks: BackgroundTaskManager) -> None:
        self.draining = False
        self.standings = Standings(sessions, tasks)
        self._sessions = sessions
        self._rooms: dict[str, Room] = {}
        self._heard: deque[tuple[str, Session | Found | None]] = deque()
        self._queue_moved = False
        self._due = False
        self._next_round = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        sessions.watch(self._hear, self._rooms)
        tasks.on_queue_moved(self._hear_of_queue)

    def __len__(self) -> int:
        return sum(len(room.bells) for room in self._rooms.values())

    @contextmanager
    def follow(self, session_id: str, since: int | None = None) -> Iterator[Follower]:
        """Raises SessionNotFound."""
        self._loop = asyncio.get_running_loop()
        room = self._room(session_id)
        follower = Follower(room, since)
        room.bells.add(follower.bell)
        try:
            yield follower
        finally:
            room.bells.discard(follower.bell)
            if not room.bells and self._rooms.get(session_id) is room:
                del self._rooms[session_id]

    def drain(self) -> None:
        """Wake everybody, to be told that the service stops."""
        self.draining = True
        for room in self._rooms.values():
            room.ring()

    def _room(self, session_id: str) -> Room:
        self._tell()  # whoever comes now is told no less than a poll would be
        room = self._rooms.get(session_id)
        if room and not room.deleted:
            return room
        # First it is there for changes to be heard, then it is furnished: none falls in between.
        room = self._rooms[session_id] = Room(self.standings)
        try:
            kept = self._sessions.get_with_findings(session_id)
            if kept is None:
                raise unknown(session_id)
        except ServiceError:
            del self._rooms[session_id]
            raise
        room.furnish(*kept)
        return room

    def _hear(self, session_id: str, news: Session | Found | None) -> None:
        """Called in whatever thread made the change."""
        if session_id in self._rooms:
            self._heard.append((session_id, news))
            self._wake()

    def _hear_of_queue(self) -> None:
        if self._rooms:
            self._queue_moved = True
            self._wake()

    def _wake(self) -> None:
        if self._loop and not self._due:
            self._due = True
            with suppress(RuntimeError):  # the loop is closed: nobody follows any more
                self._loop.call_soon_threadsafe(self._on_news)

    def _on_news(self) -> None:
        assert self._loop
        early = self._next_round - self._loop.time()
        if early > 0:
            self._loop.call_later(early, self._tell)
        else:
            self._tell()

    def _tell(self) -> None:
        """A round of news. What is heard from here on is due again."""
        self._due = False
        touched = set[Room]()
        while self._heard:
            session_id, news = self._heard.popleft()
            if room := self._rooms.get(session_id):
                room.take(news)
                touched.add(room)
        if self._queue_moved:
            self._queue_moved = False
            touched |= {room for room in self._rooms.values() if room.queue_moved()}
        for room in touched:
            room.ring()
        if touched and self._loop:
            self._next_round = self._loop.time() + GAP_SECONDS
