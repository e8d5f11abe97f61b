"""`Idempotency-Key`: an upload that is sent again, because its answer was lost, finds the session that it made.

A key belongs to its owner, lies in the session's row and is free again once the session is expired or deleted. Of
several processes that are sent the same at once, the store lets one make the session.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from api.forms import refuse
from errors import IdempotencyMismatch
from schemas import AnalysisType, Params, Session
from session_manager import SessionManager

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")


def owner_of(request: Request) -> str:
    """Whose request it is, where keys tell."""
    owner: str = getattr(request.state, "owner", "")
    return owner


def key_of(request: Request) -> str | None:
    """The request's key, as it is kept: hashed, with its owner. Raises InvalidRequest."""
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise refuse(HEADER, "must be 1 to 255 visible ASCII characters")
    return hashlib.sha256(f"{owner_of(request)}\0{given[0]}".encode()).hexdigest()


def content_of(sha256: str, analysis_type: AnalysisType, params: Params) -> str:
    """What has to be the same for an upload to be the same."""
    return hashlib.sha256(f"{sha256}\0{analysis_type}\0{params.model_dump_json()}".encode()).hexdigest()


class IdempotencyKeys:
    def __init__(self, sessions: SessionManager) -> None:
        self._sessions = sessions
        self._held: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def held(self, key: str | None) -> AsyncIterator[None]:
        """One at a time in this process for each key."""
        if key is None:
            yield
            return
        lock, users = self._held.get(key, (asyncio.Lock(), 0))
        self._held[key] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._held.pop(key)
            if users > 1:
                self._held[key] = lock, users - 1

    def session(self, key: str | None, content: str) -> Session | None:
        """The session that the key made; None when it made none that is still there. Raises IdempotencyMismatch."""
        row = self._sessions.made_by(key) if key else None
        if row is None:
            return None
        kept = row["metadata"].get("idempotency")
        if kept is None or kept["content"] != content:
            raise IdempotencyMismatch(f"This {HEADER} was used for another video, or with other params")
        return row
