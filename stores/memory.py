"""Rows as JSON text in a dict, written through to the session's folder: one process, nothing lost."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

from schemas import MAX_FINDINGS, Found, Session, Status
from stores.claim import Claim
from stores.files import ROW, is_session_id, sync_folder, write_atomically
from stores.rows import ROWS, VOLATILE, place_in_time, read_row

logger = logging.getLogger(__name__)

AHEAD = 1000
"""How many revisions a running session may take before its row is written again. What lies on disk bears the highest it
may have come to, and a start goes on from there: nobody is then told a revision that meant something else before."""


class _Kept(NamedTuple):
    """What is held of a session. Replaced as a whole, so that it can be read without a lock."""

    row: bytes
    status: Status
    findings: tuple[Found, ...]
    limit: int
    """The highest revision that needs no row written again."""


class MemoryStore:
    """The folder is locked for this process. Encoded rows, so that none can be changed from outside."""

    shared: Literal[False] = False
    trouble = ""

    def __init__(self, root: Path) -> None:
        """Raises CannotStart."""
        self._root = root
        self._claim = Claim(root)
        self._guard = threading.Lock()
        self._row_locks: dict[str, threading.Lock] = {}
        self._rows: dict[str, _Kept] = {}
        self._made: dict[str, str] = {}
        self._listeners: list[Callable[[str, Session | Found | None], None]] = []
        for row in sorted(self._load(), key=lambda row: row["created_at"]):
            self._put(row, row["revision"])

    def add(self, row: Session, most_waiting: int | None = None) -> str:
        self._folder(row["session_id"]).mkdir(mode=0o700, exist_ok=True)
        limit = self._write(row, row["revision"])
        sync_folder(self._root)
        self._put(row, limit)
        return row["session_id"]

    def get(self, session_id: str) -> Session | None:
        kept = self._rows.get(session_id)
        return _polled(kept.row) if kept else None

    def get_with_findings(self, session_id: str) -> tuple[Session, tuple[Found, ...]] | None:
        kept = self._rows.get(session_id)
        return (ROWS.validate_json(kept.row), kept.findings) if kept else None

    def change(self, session_id: str, edit: Callable[[Session], Session | None]) -> Session | None:
        # One lock a row: while one session's row is being synced to disk, the others go on.
        with self._lock_of(session_id):
            kept = self._rows.get(session_id)
            old = ROWS.validate_json(kept.row) if kept else None
            new = edit(old.copy()) if old else None
            if not kept or not old or not new:
                return None
            new["revision"], limit = _next_revision(old, kept.findings), kept.limit
            if new["revision"] > limit or _is_lasting(old, new):
                limit = self._write_change(old, new) or limit
            findings = kept.findings if new["status"] is Status.PROCESSING else ()
            self._rows[session_id] = _Kept(ROWS.dump_json(new), new["status"], findings, limit)
            self._tell(session_id, new)
            return new

    def keep_finding(self, session_id: str, text: bytes, wanted: Callable[[Session], bool]) -> bool:
        with self._lock_of(session_id):
            kept = self._rows.get(session_id)
            row = ROWS.validate_json(kept.row) if kept else None
            if not kept or not row or not wanted(row):
                return False
            found = Found(_next_revision(row, kept.findings), text)
            limit = kept.limit if found.revision <= kept.limit else self._write(row, found.revision)
            self._rows[session_id] = kept._replace(findings=(*kept.findings, found)[-MAX_FINDINGS:], limit=limit)
            self._tell(session_id, found)
            return True

    def remove(self, session_id: str) -> bool:
        with self._lock_of(session_id):
            if session_id not in self._rows:
                return False
            # From here on a crash finds a folder without a row, and sweeps it. What the disk cannot forget stays known.
            with suppress(FileNotFoundError, IsADirectoryError):
                (self._folder(session_id) / ROW).unlink()
                sync_folder(self._folder(session_id))
            self._free(ROWS.validate_json(self._rows.pop(session_id).row))
            self._tell(session_id, None)
        with self._guard:
            self._row_locks.pop(session_id, None)
        return True

    def all(self) -> list[Session]:
        return [ROWS.validate_json(kept.row) for kept in list(self._rows.values())]

    def counts(self) -> Mapping[Status, int]:
        return Counter(kept.status for kept in list(self._rows.values()))

    def made_by(self, key: str) -> str | None:
        return self._made.get(key)

    def owned(self, owner: str, before: tuple[int, str] | None, most: int) -> list[Session]:
        own = [row for row in self.all() if row["metadata"]["owner"] == owner and not row["metadata"]["legacy"]]
        older = [row for row in own if before is None or place_in_time(row) < before]
        return sorted(older, key=place_in_time, reverse=True)[:most]

    def ended(self, now: datetime, age: timedelta) -> list[Session]:
        return [row for row in self.all() if row["ended_at"] is not None]

    def watch(
        self, listener: Callable[[str, Session | Found | None], None], followed: Collection[str] | None = None
    ) -> None:
        self._listeners.append(listener)

    def close(self) -> None:
        """Let another process have the folder."""
        self._claim.close()

    def _put(self, row: Session, limit: int) -> None:
        with self._guard:
            self._row_locks.setdefault(row["session_id"], threading.Lock())
            self._rows[row["session_id"]] = _Kept(ROWS.dump_json(row), row["status"], (), limit)
            if "idempotency" in row["metadata"]:
                self._made[row["metadata"]["idempotency"]["key"]] = row["session_id"]

    def _free(self, row: Session) -> None:
        """Another session may be made by the same key, and may have been when this one was expired."""
        with self._guard:
            made = row["metadata"].get("idempotency")
            if made and self._made.get(made["key"]) == row["session_id"]:
                del self._made[made["key"]]

    def _lock_of(self, session_id: str) -> AbstractContextManager[object]:
        """Of the row; of nothing where there is none."""
        with self._guard:
            return self._row_locks.get(session_id, nullcontext())

    def _tell(self, session_id: str, news: Session | Found | None) -> None:
        for listener in self._listeners:
            listener(session_id, news)

    def _folder(self, session_id: str) -> Path:
        return self._root / session_id

    def _write(self, row: Session, revision: int) -> int:
        """Gives the revision up to which the row need not be written again."""
        reserved = revision if row["ended_at"] else revision + AHEAD
        written = Session(**{**row, "revision": reserved})
        write_atomically(self._folder(row["session_id"]) / ROW, ROWS.dump_json(written))
        # The last is for an end that the disk cannot take any more.
        return reserved - 1

    def _write_change(self, old: Session, row: Session) -> int | None:
        try:
            return self._write(row, row["revision"])
        except OSError:
            # A failure or a cancel stands even when a full disk cannot take it, and so does giving work back: a
            # restart then only finds the work still to be done. Whatever promises something kept must be on disk.
            given_back = old["status"] is Status.PROCESSING and row["status"] is Status.QUEUED
            if row["result"] is not None or not (row["ended_at"] or given_back):
                raise
            logger.exception("session %s is kept in memory alone as %s", row["session_id"], row["status"])
            return None

    def _load(self) -> list[Session]:
        paths = self._root.glob(f"*/{ROW}")
        return [read_row(path) for path in paths if is_session_id(path.parent.name)]


_read = lru_cache(256)(ROWS.validate_json)


def _polled(text: bytes) -> Session:
    """A row that is asked for again and again before it changes: copied, which takes a tenth of the time that reading
    takes."""
    row = _read(text).copy()
    row["params"] = {name: one.copy() if isinstance(one, list) else one for name, one in row["params"].items()}
    row["metadata"] = row["metadata"].copy()
    row["metadata"]["video"] = row["metadata"]["video"].copy()
    if "idempotency" in row["metadata"]:
        row["metadata"]["idempotency"] = row["metadata"]["idempotency"].copy()
    return row


def _next_revision(row: Session, findings: tuple[Found, ...]) -> int:
    return 1 + max(row["revision"], findings[-1].revision if findings else 0)


def _is_lasting(old: Session, new: Session) -> bool:
    """Whether anything changed that must survive a restart."""
    return any(new[key] != old[key] for key in old if key not in VOLATILE)  # type: ignore[literal-required]
