"""The shelves: where sessions' rows and files are kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeGuard

from config import Settings
from schemas import Found, Session, Status
from stores.files import SessionFiles
from stores.identity import check_same_place, settled_in
from stores.memory import MemoryStore
from stores.parts import FolderParts, Parts

Edit = Callable[[Session], Session | None]
"""Gives the row's next form, or None to leave it as it is. May be called again on a newer row."""


Listener = Callable[[str, Session | Found | None], None]
"""Told of a session, by its id: its row as it was changed, a finding as it was kept, or None once it is removed. In the
order of their revisions, from whatever thread made the change, which waits for it meanwhile: it must be quick. A shared
store tells from one thread of its own, a moment later; where some of it could not be heard, of the newest row alone,
and perhaps of what was told before."""


class SessionStore(Protocol):
    """Rows by session id. `change` is atomic; everything else the ledger does follows from it.

    Beside a row lie the findings of the work on it, until it is no longer processing. Each change of a row and each
    finding takes the session's next revision. Revisions only rise, also over restarts.
    """

    @property
    def shared(self) -> bool:
        """Whether it is a SharedStore."""

    @property
    def trouble(self) -> str:
        """Why it cannot be reached now, in words for an operator; empty while it can."""

    def add(self, row: Session, most_waiting: int | None = None) -> str:
        """The id of the session that there is now. That is another's, and nothing is added, where a shared store has
        one by the same Idempotency-Key; one that has this id already stays as it is; and where that holds so many
        queued sessions already it raises QueueFull. The other store leaves all of this to its one process."""

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

    def counts(self) -> Mapping[Status, int]:
        """How many rows there are of each status, quickly. One that expired counts as what it was until that is written
        down."""

    def made_by(self, key: str) -> str | None:
        """The newest session that an Idempotency-Key made, unless it is deleted; it may have expired."""

    def owned(self, owner: str, before: tuple[int, str] | None, most: int) -> list[Session]:
        """The sessions of an owner that no legacy client waits for, the newest first; of them those before an instant
        in microseconds and an id, if any."""

    def ended(self, now: datetime, age: timedelta) -> list[Session]:
        """At least those ended sessions of which something is due: expired by `now`, ended as long ago as `age`, or
        forgotten."""

    def watch(self, listener: Listener, followed: Collection[str] | None = None) -> None:
        """Tell the listener of every change from now on. Of sessions that are not among the followed ones, which may
        become others at any time, it need not be told."""

    def close(self) -> None: ...


class SharedStore(SessionStore, Protocol):
    """A store that several processes share, on one machine or many, with one clock and one queue for all of them.

    A session that is processing is leased to its worker by each change of its row. A lease that is not renewed lapses:
    then whoever notices gives the session back. Whatever is called raises StoreAway while the store is away, at once or
    after about a second, but for `now` and `watch`.
    """

    shared: Literal[True]

    @property
    def board(self) -> Board: ...

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

    def length(self) -> int:
        """How many sessions are queued."""

    def at_work(self) -> list[str]:
        """Sessions that are processing."""

    def rows(self, session_ids: Collection[str]) -> list[Session]:
        """Those of them that there are, at one go."""

    def watch_queue(self, listener: Callable[[], None]) -> None:
        """Have it called whenever places in the queue may have changed, by a thread of the store's."""


class Board(Protocol):
    """What processes that share a store tell one another beside the rows, by names of their own."""

    def turn(self, name: str, seconds: float) -> bool:
        """Whether it is one's turn: True for one in so many seconds, of all who ask."""

    def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Have what only one may have, or have it for longer; False where somebody else has it. It is free again after
        so many seconds."""

    def free(self, name: str, holder: str) -> None:
        """Let it go, if one has it."""

    def settle(self, name: str, value: str) -> str:
        """What whoever came first said."""

    def note(self, name: str, value: str, seconds: float | None = None) -> None:
        """Put up for all to read, for so many seconds if any are given."""

    def noted(self, beginning: str) -> dict[str, str]:
        """All that is put up under names that begin so."""

    def strike(self, name: str) -> None:
        """Take down what was put up."""

    def seconds_to_wait(self, client: str, interval: float) -> float:
        """0 for a call that the client may make now, which is counted: one in `interval` seconds, or as many at once as
        that makes in a minute."""


def is_shared(store: SessionStore) -> TypeGuard[SharedStore]:
    return store.shared


def open_session_store(settings: Settings) -> SessionStore:
    """Raises CannotStart when the store cannot be had."""
    if settings.redis_url:
        from stores.redis import RedisStore  # noqa: PLC0415  nobody else has to have it

        return RedisStore(settings.redis_url, settings.data_dir, settings.lease_seconds)
    return MemoryStore(settings.data_dir)


def open_session_files(settings: Settings) -> SessionFiles:
    """Raises CannotStart when the store for files cannot be had."""
    if not settings.storage_url:
        return SessionFiles(settings.data_dir, shared=bool(settings.redis_url))
    from stores.objects import open_object_files  # noqa: PLC0415  loads obstore

    return open_object_files(settings)


def open_parts(settings: Settings) -> Parts:
    """Where uploads that come in parts lie until they are complete: where every process that takes some can reach
    them. One process alone has them on its disk, whatever keeps the files."""
    if not (settings.redis_url and settings.storage_url):
        return FolderParts(settings.data_dir)
    from stores.object_parts import open_object_parts  # noqa: PLC0415  loads obstore

    return open_object_parts(settings)


def check_together(settings: Settings, store: SessionStore, files: SessionFiles) -> None:
    """Raises CannotStart where rows and files are not each other's."""
    if is_shared(store):
        check_same_place(files, store.board.settle, settings)
    elif settings.storage_url:
        check_same_place(files, settled_in(settings.data_dir), settings)
