"""Rows in Redis, for several processes on one machine or many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

from errors import QueueFull, StoreAway
from expiry import forgotten_at
from schemas import Found, Session, Status
from stores.board import RedisBoard
from stores.claim import Claim
from stores.ear import Ear, encoded, joined, look
from stores.link import Link
from stores.rows import ROWS, VOLATILE, micros, place_in_time
from stores.scripts import ADD, CHANGE, FIND, LAPSED, MADE_BY, REMOVE, RENEW, ROW, Script

LIVE = set(VOLATILE) - {"revision"}
"""Written apart from the others: nearly all changes are of these alone."""

AT_ONCE = 500
"""Rows that are asked for in one go."""

MOST_RECENT = 1000

Edit = Callable[[Session], Session | None]


class _Kept(NamedTuple):
    """A row as it is kept: its lasting columns, the others, and its revision."""

    row: bytes
    live: bytes
    revision: int

    def session(self) -> Session:
        return joined(*self)

    @classmethod
    def read(cls, answer: list[bytes | None]) -> _Kept | None:
        row, live, revision = answer
        return None if row is None or live is None or revision is None else cls(row, live, int(revision))


class RedisStore:
    """A change is read, edited here and written if nobody was quicker; else the edit is made anew on the newer row. Of
    what this process changed last it remembers the row, so that the reports of its own work need not be read first.
    """

    shared: Literal[True] = True

    def __init__(self, url: str, data_dir: Path, lease_seconds: float) -> None:
        """Raises CannotStart. Of `data_dir`, which others may share, it only takes care that nobody has it alone."""
        self._claim = Claim(data_dir, shared=True)
        try:
            self._link = Link(url)
        except BaseException:
            self._claim.close()
            raise
        self._lease_seconds = lease_seconds
        self._ear = Ear(self._link)
        self._recent: dict[str, _Kept] = {}
        self._unsure: dict[str, datetime] = {}
        """Sessions of which nobody knows whether they were added, and when they were made."""
        self._guard = threading.Lock()
        self._link.on_back = self._make_sure
        self.board = RedisBoard(self._link)

    @property
    def trouble(self) -> str:
        return self._link.trouble

    def now(self) -> datetime:
        return self._link.now()

    # ── Rows ──────────────────────────────────────────────────────────────────────────────────────

    def add(self, row: Session, most_waiting: int | None = None) -> str:
        session_id, metadata = row["session_id"], row["metadata"]
        owner = "" if metadata["legacy"] else metadata["owner"] or ""
        key = metadata["idempotency"]["key"] if "idempotency" in metadata else ""
        bound = "" if most_waiting is None else most_waiting
        head = [encoded(session_id), _live(row), row["revision"], self._lease_seconds, _lasting(row)]
        with self._guard:
            self._unsure.pop(session_id, None)
        try:
            made = self._link.run(ADD, *head, *self._standing(row), owner, key, bound)
        except StoreAway:
            # It may be there all the same, and nobody will be told of it.
            with self._guard:
                self._unsure[session_id] = row["created_at"]
            raise
        if made is None:
            raise QueueFull("Too many videos are waiting already; try again later")
        return str(made.decode())

    def get(self, session_id: str) -> Session | None:
        kept = self._read(session_id)
        return kept.session() if kept else None

    def get_with_findings(self, session_id: str) -> tuple[Session, tuple[Found, ...]] | None:
        sight = look(self._link, session_id)
        return (joined(sight.row, sight.live, sight.revision), sight.findings) if sight else None

    def change(self, session_id: str, edit: Edit) -> Session | None:
        new: Session | None = None
        row = live = b""

        def prepare(kept: _Kept) -> _Writing | None:
            nonlocal new, row, live
            new = edit(kept.session())
            if new is None:
                return None
            row, live = _lasting(new), _live(new)
            lasting = [] if row == kept.row else [row, *self._standing(new)]
            return _Writing(CHANGE, live, kept.revision, [self._lease_seconds, *lasting])

        revision = self._write(session_id, prepare)
        if new is None or revision is None:
            return None
        new["revision"] = revision
        self._remember(session_id, new["status"], _Kept(row, live, revision))
        return new

    def keep_finding(self, session_id: str, text: bytes, wanted: Callable[[Session], bool]) -> bool:
        def prepare(kept: _Kept) -> _Writing | None:
            return _Writing(FIND, text, kept.revision, []) if wanted(kept.session()) else None

        return self._write(session_id, prepare) is not None

    def remove(self, session_id: str) -> bool:
        self._recent.pop(session_id, None)
        return bool(self._link.run(REMOVE, encoded(session_id)))

    def all(self) -> list[Session]:
        return self.rows(_texts(self._link.call("ZRANGE", "video:all", 0, -1)))

    def counts(self) -> Mapping[Status, int]:
        told: dict[bytes, bytes] = self._link.call("HGETALL", "video:statuses")
        return {Status(name.decode()): int(count) for name, count in told.items()}

    def rows(self, session_ids: Collection[str]) -> list[Session]:
        ids, found = list(session_ids), list[Session]()
        for first in range(0, len(ids), AT_ONCE):
            asked = [_columns(one) for one in ids[first : first + AT_ONCE]]
            kept = map(_Kept.read, self._link.together(asked))
            found += [one.session() for one in kept if one]
        return found

    def ended(self, now: datetime, age: timedelta) -> list[Session]:
        due, ended = self._link.together(
            [
                ("ZRANGEBYSCORE", "video:due", "-inf", micros(now)),
                ("ZRANGEBYSCORE", "video:ended", "-inf", micros(now - age)),
            ]
        )
        return self.rows(_texts(dict.fromkeys([*due, *ended])))

    def owned(self, owner: str, before: tuple[int, str] | None, most: int) -> list[Session]:
        key, newest = f"video:owner:{owner}", "+inf" if before is None else before[0]
        found, first = list[Session](), 0
        while len(found) < most:
            ids = _texts(self._link.call("ZREVRANGEBYSCORE", key, newest, "-inf", "LIMIT", first, most))
            first += most
            found += [row for row in self.rows(ids) if before is None or place_in_time(row) < before]
            if len(ids) < most:
                break
        return found[:most]

    def made_by(self, key: str) -> str | None:
        made = self._link.run(MADE_BY, key)
        return None if made is None else str(made.decode())

    # ── The queue and the leases ──────────────────────────────────────────────────────────────────

    def waiting(self) -> list[str]:
        return _texts(self._link.call("ZRANGE", "video:queued", 0, -1))

    def place(self, session_id: str) -> int | None:
        rank = self._link.call("ZRANK", "video:queued", encoded(session_id))
        return None if rank is None else rank + 1

    def length(self) -> int:
        return int(self._link.call("ZCARD", "video:queued"))

    def at_work(self) -> list[str]:
        return _texts(self._link.call("ZRANGE", "video:leases", 0, -1))

    def renew(self, session_id: str, worker: str) -> bool:
        return bool(self._link.run(RENEW, encoded(session_id), worker, self._lease_seconds))

    def lapsed(self) -> list[str]:
        return _texts(self._link.run(LAPSED))

    # ── News ──────────────────────────────────────────────────────────────────────────────────────

    def watch(
        self, listener: Callable[[str, Session | Found | None], None], followed: Collection[str] | None = None
    ) -> None:
        self._ear.watch(listener, followed)

    def watch_queue(self, listener: Callable[[], None]) -> None:
        self._ear.watch_queue(listener)

    def close(self) -> None:
        self._ear.close()
        self._link.close()
        self._claim.close()

    # ── Reading and writing ───────────────────────────────────────────────────────────────────────

    def _read(self, session_id: str) -> _Kept | None:
        return _Kept.read(self._link.call(*_columns(session_id)))

    def _write(self, session_id: str, prepare: Callable[[_Kept], _Writing | None]) -> int | None:
        """The revision that it took; None where there is no such row, or nothing is to be written."""
        kept = self._recent.get(session_id)
        stale = kept is not None
        while kept := kept or self._read(session_id):
            try:
                writing = prepare(kept)
            except Exception:
                if not stale:
                    raise
                writing = None
            if writing is None:
                if not stale:
                    return None
                kept, stale = None, False  # it may have been changed elsewhere: what counts is how it is now
                continue
            head = [encoded(session_id), writing.text, writing.expected]
            answer = self._link.run(writing.script, *head, *writing.arguments)
            if isinstance(answer, int):
                return answer
            kept, stale = answer and _Kept.read(answer), False
            if kept is None:
                break
        self._recent.pop(session_id, None)
        return None

    def _remember(self, session_id: str, status: Status, kept: _Kept) -> None:
        if status is not Status.PROCESSING:
            self._recent.pop(session_id, None)
            return
        if len(self._recent) >= MOST_RECENT:
            self._recent.clear()
        self._recent[session_id] = kept

    def _standing(self, row: Session) -> list[Any]:
        """What the sets of ids are kept by."""
        ended, expires = row["ended_at"], row["expires_at"]
        due: int | str = ""
        if ended and expires:
            due = micros(forgotten_at(ended, expires) if row["status"] is Status.EXPIRED else expires)
        instants = [micros(row["created_at"]), micros(ended) if ended else "", due]
        return [row["status"].value, row["worker"] or "", *instants]

    def _make_sure(self) -> None:
        """Take back what may have been added when Redis went away: whoever asked for it was refused. Not what was
        added since, by another process, under the same id."""
        with self._guard:
            for session_id, created_at in list(self._unsure.items()):
                row = self.get(session_id)
                if row and row["created_at"] == created_at:
                    self.remove(session_id)
                del self._unsure[session_id]


class _Writing(NamedTuple):
    """What is to be done to a row if its revision is the one that is expected."""

    script: Script
    text: bytes
    expected: int
    arguments: list[Any]


def _lasting(row: Session) -> bytes:
    return ROWS.dump_json(row, exclude=set(VOLATILE))


def _live(row: Session) -> bytes:
    return ROWS.dump_json(row, include=LIVE)


def _columns(session_id: str) -> tuple[Any, ...]:
    return "HMGET", ROW.encode() + encoded(session_id), "row", "live", "revision"


def _texts(ids: Iterable[bytes]) -> list[str]:
    return [one.decode() for one in ids]
