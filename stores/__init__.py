"""The shelves: where sessions' rows and files are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from config import Settings
from schemas import Session
from stores.files import SessionFiles
from stores.memory import MemoryStore

Edit = Callable[[Session], Session | None]
"""Gives the row's next form, or None to leave it as it is. May be called again on a newer row."""


class SessionStore(Protocol):
    """Rows by session id. `change` is atomic; everything else the ledger does follows from it."""

    def add(self, row: Session) -> None: ...

    def get(self, session_id: str) -> Session | None:
        """A copy of the row; None when unknown."""

    def change(self, session_id: str, edit: Edit) -> Session | None:
        """The row as changed; None when it is unknown or `edit` left it as it is."""

    def remove(self, session_id: str) -> bool:
        """False when it was unknown."""

    def all(self) -> list[Session]:
        """Oldest first."""

    def close(self) -> None: ...


def open_session_store(settings: Settings) -> SessionStore:
    """Raises CannotStart when the store cannot be had."""
    return MemoryStore(settings.data_dir)


def open_session_files(settings: Settings) -> SessionFiles:
    return SessionFiles(settings.data_dir)
