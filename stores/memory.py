"""Rows as JSON text in a dict, written through to the session's folder: one process, nothing lost."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from errors import CannotStart
from schemas import MAX_FINDINGS, AnalysisType, Found, Session, Status, new_session
from stores.files import ROW, is_session_id, sync_folder, write_atomically

logger = logging.getLogger(__name__)

ROWS: TypeAdapter[Session] = TypeAdapter(Session)

DAY = timedelta(days=1)
"""How long a session whose row was damaged is remembered."""

VOLATILE = ("progress", "message", "stage", "segments_done", "segments_total", "updated_at", "revision")
"""Columns that change many times a second and mean nothing after a restart: kept in memory alone."""

AHEAD = 1000
"""How many revisions a running session may take before its row is written again. What lies on disk bears the highest it
may have come to, and a start goes on from there: nobody is then told a revision that meant something else before."""


class _Kept(NamedTuple):
    """What is held of a session. Replaced as a whole, so that it can be read without a lock."""

    row: bytes
    findings: tuple[Found, ...]
    limit: int
    """The highest revision that needs no row written again."""


class MemoryStore:
    """The folder is locked for this process. Encoded rows, so that none can be changed from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock_file = _claim(root)
        self._guard = threading.Lock()
        self._row_locks: dict[str, threading.Lock] = {}
        self._rows: dict[str, _Kept] = {}
        self._listeners: list[Callable[[str, Session | Found | None], None]] = []
        for row in sorted(self._load(), key=lambda row: row["created_at"]):
            self._put(row, row["revision"])

    def add(self, row: Session) -> None:
        self._folder(row["session_id"]).mkdir(mode=0o700, exist_ok=True)
        limit = self._write(row, row["revision"])
        sync_folder(self._root)
        self._put(row, limit)

    def get(self, session_id: str) -> Session | None:
        kept = self._rows.get(session_id)
        return ROWS.validate_json(kept.row) if kept else None

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
                limit = self._write_change(new) or limit
            findings = kept.findings if new["status"] is Status.PROCESSING else ()
            self._rows[session_id] = _Kept(ROWS.dump_json(new), findings, limit)
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
            self._rows[session_id] = _Kept(kept.row, (*kept.findings, found)[-MAX_FINDINGS:], limit)
            self._tell(session_id, found)
            return True

    def remove(self, session_id: str) -> bool:
        with self._lock_of(session_id):
            if self._rows.pop(session_id, None) is None:
                return False
            # From here on a crash finds a folder without a row, and sweeps it.
            with suppress(FileNotFoundError):
                (self._folder(session_id) / ROW).unlink()
            self._tell(session_id, None)
        with self._guard:
            self._row_locks.pop(session_id, None)
        return True

    def all(self) -> list[Session]:
        return [ROWS.validate_json(kept.row) for kept in list(self._rows.values())]

    def watch(self, listener: Callable[[str, Session | Found | None], None]) -> None:
        self._listeners.append(listener)

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock_file.close()

    def _put(self, row: Session, limit: int) -> None:
        with self._guard:
            self._row_locks.setdefault(row["session_id"], threading.Lock())
            self._rows[row["session_id"]] = _Kept(ROWS.dump_json(row), (), limit)

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

    def _write_change(self, row: Session) -> int | None:
        try:
            return self._write(row, row["revision"])
        except OSError:
            # A failure or a cancel stands even when a full disk cannot take it: a restart then only
            # finds the work still to be done. Whatever promises something kept must be on disk.
            if row["ended_at"] is None or row["result"] is not None:
                raise
            logger.exception("the end of session %s is kept in memory alone", row["session_id"])
            return None

    def _load(self) -> list[Session]:
        paths = self._root.glob(f"*/{ROW}")
        return [_read(path) for path in paths if is_session_id(path.parent.name)]


def _read(path: Path) -> Session:
    """The row in a file. One that cannot be read costs that session alone: it has failed, and says why."""
    session_id = path.parent.name
    try:
        row = ROWS.validate_json(path.read_bytes())
        if row["session_id"] == session_id and _is_sound(row):
            return row
        logger.error("%s does not hold this session's row", path)
    except (OSError, ValidationError):
        logger.exception("%s cannot be read", path)
    # Since it was written, so that restarts do not prolong it; and with a revision above any that was counted.
    now = _written_at(path)
    row = new_session(session_id, "", AnalysisType.HIGHLIGHTS, {}, now)
    words = "The session's record on disk was damaged"
    row["revision"] = int(now.timestamp() * 1000)
    row.update(status=Status.FAILED, error=words, message=words, reason="internal", ended_at=now, expires_at=now + DAY)  # type: ignore[call-arg]
    return row


def _written_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)


def _is_sound(row: Session) -> bool:
    """Whether a row with values of the right types makes sense to the ledger, which counts on it."""
    instants = [value for value in row.values() if isinstance(value, datetime)]
    ended = row["status"] in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
    seconds = row["metadata"]["video"].get("duration_seconds", 0)
    return (
        all(instant.tzinfo for instant in instants)
        and ended == (row["ended_at"] is not None) == (row["expires_at"] is not None)
        and row["status"] is not Status.EXPIRED  # a name for the hour, which is never stored
        and 0 <= row["progress"] <= 100
        and isinstance(seconds, int | float)
    )


def _next_revision(row: Session, findings: tuple[Found, ...]) -> int:
    return 1 + max(row["revision"], findings[-1].revision if findings else 0)


def _is_lasting(old: Session, new: Session) -> bool:
    """Whether anything changed that must survive a restart."""
    return any(new[key] != old[key] for key in old if key not in VOLATILE)  # type: ignore[literal-required]


def _claim(root: Path) -> _LockFile:
    """Make the folder ours alone, for as long as the lock file stays open."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = _LockFile(root / ".lock")
    except BlockingIOError as error:
        raise CannotStart(
            f"another process already works in DATA_DIR={root}. Sessions live in one process's memory: start the "
            "service with one worker process, or give each service a DATA_DIR of its own"
        ) from error
    except OSError as error:
        raise CannotStart(f"DATA_DIR={root} cannot be written: {error.strerror}") from error
    # The lock may be there from better days.
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        lock.close()
        raise CannotStart(f"DATA_DIR={root} cannot be written: Permission denied")
    return lock


class _LockFile:
    """Holds an exclusive flock; the system lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
