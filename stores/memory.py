"""Rows as JSON text in a dict, written through to the session's folder: one process, nothing lost."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from errors import CannotStart
from schemas import AnalysisType, Session, Status, new_session
from stores.files import ROW, is_session_id, sync_folder, write_atomically

logger = logging.getLogger(__name__)

ROWS: TypeAdapter[Session] = TypeAdapter(Session)

DAY = timedelta(days=1)
"""How long a session whose row was damaged is remembered."""

VOLATILE = ("progress", "message", "stage", "segments_done", "segments_total", "updated_at")
"""Columns that change many times a second and mean nothing after a restart: kept in memory alone."""


class MemoryStore:
    """The folder is locked for this process. Encoded rows, so that none can be changed from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock_file = _claim(root)
        self._guard = threading.Lock()
        self._row_locks: dict[str, threading.Lock] = {}
        self._rows: dict[str, bytes] = {}
        for row in sorted(self._load(), key=lambda row: row["created_at"]):
            self._put(row)

    def add(self, row: Session) -> None:
        self._folder(row["session_id"]).mkdir(mode=0o700, exist_ok=True)
        self._write(row)
        sync_folder(self._root)
        self._put(row)

    def get(self, session_id: str) -> Session | None:
        encoded = self._rows.get(session_id)
        return ROWS.validate_json(encoded) if encoded else None

    def change(self, session_id: str, edit: Callable[[Session], Session | None]) -> Session | None:
        with self._guard:
            lock = self._row_locks.get(session_id)
        if lock is None:
            return None
        # One lock a row: while one session's row is being synced to disk, the others go on.
        with lock:
            old = self.get(session_id)
            new = edit(old.copy()) if old else None
            if not old or not new:
                return None
            if any(new[key] != old[key] for key in old if key not in VOLATILE):  # type: ignore[literal-required]
                self._write_change(new)
            self._rows[session_id] = ROWS.dump_json(new)
            return new

    def remove(self, session_id: str) -> bool:
        with self._guard:
            lock = self._row_locks.get(session_id)
        if lock is None:
            return False
        with lock:
            known = self._rows.pop(session_id, None) is not None
            # From here on a crash finds a folder without a row, and sweeps it.
            with suppress(FileNotFoundError):
                (self._folder(session_id) / ROW).unlink()
        with self._guard:
            self._row_locks.pop(session_id, None)
        return known

    def all(self) -> list[Session]:
        return [ROWS.validate_json(encoded) for encoded in list(self._rows.values())]

    def close(self) -> None:
        """Let another process have the folder."""
        self._lock_file.close()

    def _put(self, row: Session) -> None:
        with self._guard:
            self._row_locks.setdefault(row["session_id"], threading.Lock())
            self._rows[row["session_id"]] = ROWS.dump_json(row)

    def _folder(self, session_id: str) -> Path:
        return self._root / session_id

    def _write(self, row: Session) -> None:
        write_atomically(self._folder(row["session_id"]) / ROW, ROWS.dump_json(row))

    def _write_change(self, row: Session) -> None:
        try:
            self._write(row)
        except OSError:
            # A failure or a cancel stands even when a full disk cannot take it: a restart then only
            # finds the work still to be done. Whatever promises something kept must be on disk.
            if row["ended_at"] is None or row["result"] is not None:
                raise
            logger.exception("the end of session %s is kept in memory alone", row["session_id"])

    def _load(self) -> list[Session]:
        paths = self._root.glob(f"*/{ROW}")
        return [_read(path) for path in paths if is_session_id(path.parent.name)]


def _read(path: Path) -> Session:
    """The row in a file. One that cannot be read costs that session alone: it has failed, and says why."""
    session_id = path.parent.name
    try:
        row = ROWS.validate_json(path.read_bytes())
        if row["session_id"] == session_id:
            return row
        logger.error("%s is another session's row", path)
    except (OSError, ValidationError):
        logger.exception("%s cannot be read", path)
    # Since it was written, so that restarts do not prolong it.
    now = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    row = new_session(session_id, "", AnalysisType.HIGHLIGHTS, {}, now)
    words = "The session's record on disk was damaged"
    row.update(status=Status.FAILED, error=words, message=words, reason="internal", ended_at=now, expires_at=now + DAY)  # type: ignore[call-arg]
    return row


def _claim(root: Path) -> _LockFile:
    """Make the folder ours alone, for as long as the lock file stays open."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        return _LockFile(root / ".lock")
    except BlockingIOError as error:
        raise CannotStart(
            f"another process already works in DATA_DIR={root}. Sessions live in one process's memory: start the "
            "service with one worker process, or give each service a DATA_DIR of its own"
        ) from error
    except OSError as error:
        raise CannotStart(f"DATA_DIR={root} cannot be written: {error.strerror}") from error


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
