"""The shelves: where sessions' rows and files are kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from config import Settings
from schemas import Found, Session
from stores.files import SessionFiles
from stores.memory import MemoryStore

Edit = Callable[[Session], Session | None]
"""Gives the row's next form, or None to leave it as it is. May be called again on a newer row."""


Listener = Callable[[str, Session | Found | None], None]
"""Told of a session, by its id: its row as it was changed, a finding as it was kept, or None once it is removed. In the
order of their revisions, from whatever thread made the change, which waits for it meanwhile: it must be quick."""


class SessionStore(Protocol):
    """Rows by session id. `change` is atomic; everything else the ledger does follows from it.

    Beside a row lie the findings of the work on it, until it is no longer processing. Each change of a row and each
    finding takes the session's next revision. Revisions only rise, also over restarts.
    """

    def add(self, row: Session) -> None: ...

    def get(self, session_id: str) -> Session | None:
        """A copy of the row; None when unknown."""

    def get_with_findings(self, session_id: str) -> tuple[Session, tuple[Found, ...]] | None:
        """A copy of the row, and the findings beside it as they were at the same moment, oldest first."""

    def change(self, session_id: str, edit: Edit) -> Session | None:
        """The row as changed; None when it is unknown or `edit` left it as it is."""

    def keep_finding(self, session_id: str, text: bytes, wanted: Callable[[Session], bool]) -> bool:
        """Keep a finding beside the row; False when the row is unknown or its finding not wanted. Of many, the newest
        stay."""

    def remove(self, session_id: str) -> bool:
        """False when it was unknown."""

    def all(self) -> list[Session]:
        """Oldest first."""

    def watch(self, listener: Listener) -> None:
        """Tell the listener of every change from now on."""

    def close(self) -> None: ...


class SharedStore(SessionStore, Protocol):
    """A store that several processes share, on one machine or many, with one clock and one queue for all of them.

    A session that is processing is leased to its worker by each change of its row. A lease that is not renewed lapses:
    then whoever notices gives the session back.
    """

    def now(self) -> datetime:
        """The time of the store's own clock."""

    def renew(self, session_id: str, worker: str) -> bool:
        """Prolong the lease; False when the session is not processing, or no longer that worker's."""

    def lapsed(self) -> list[str]:
        """Sessions that are processing without a lease."""

    def waiting(self) -> list[str]:
        """Queued sessions, the next to start first."""

    def place(self, session_id: str) -> int | None:
        """1 for the next to start; None for one that does not wait."""


def open_session_store(settings: Settings) -> SessionStore:
    """Raises CannotStart when the store cannot be had."""
    return MemoryStore(settings.data_dir)


def open_session_files(settings: Settings) -> SessionFiles:
    """Raises CannotStart when the store for files cannot be had."""
    if not settings.storage_url:
        return SessionFiles(settings.data_dir, shared=bool(settings.redis_url))
    from stores.objects import open_object_files  # noqa: PLC0415  loads obstore

    return open_object_files(settings)
