"""Waits for the end of sessions that other processes work on: woken by the ledger's news, and looking now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from errors import StoreAway
from schemas import Found, Session
from session_manager import ENDED, SessionManager

LOOK_SECONDS = 0.5
"""How late an end is noticed of which no news came."""


class Endings:
    def __init__(self, sessions: SessionManager, stopping: Callable[[], bool]) -> None:
        """Once `stopping`, nobody waits any more."""
        self._sessions, self._stopping = sessions, stopping
        self._wakes: dict[str, Callable[[], object]] = {}
        sessions.watch(self._hear, self._wakes)

    async def of(self, session_id: str) -> Session | None:
        """The session as it ended, or as it stands once this process stops; None when it was deleted."""
        woken = asyncio.Event()
        self._wakes[session_id] = partial(asyncio.get_running_loop().call_soon_threadsafe, woken.set)
        try:
            while True:
                with suppress(StoreAway):  # it will be back, and the session with it
                    row = await asyncio.to_thread(self._sessions.get_session, session_id)
                    if row is None or row["status"] in ENDED or self._stopping():
                        return row
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), LOOK_SECONDS)
                woken.clear()
        finally:
            del self._wakes[session_id]

    def _hear(self, session_id: str, news: Session | Found | None) -> None:
        """In whatever thread the news comes."""
        wake = self._wakes.get(session_id)
        if wake and (news is None or (not isinstance(news, Found) and news["status"] in ENDED)):
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                wake()
