"""A session's row as it is written down; and as it lies on disk: not believed where it cannot be true."""

from __future__ import annotations

import logging
import math
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from schemas import AnalysisType, Session, Status, new_session
from stores.files import is_session_id

logger = logging.getLogger(__name__)

ROWS: TypeAdapter[Session] = TypeAdapter(Session)

VOLATILE = ("progress", "message", "stage", "segments_done", "segments_total", "updated_at", "revision")
"""Columns that change many times a second while a session is worked on; the others change with its status."""

START = datetime.fromtimestamp(0, UTC)

DAY = timedelta(days=1)
"""How long a session whose row was damaged is remembered."""

MOST_BYTES = 1 << 20
"""A row is a few kB: its parameters came in a field of 16 kB at most."""

MOST_REVISIONS = 1 << 53
"""More than can be counted, and still a whole number for every reader of JSON."""

DAMAGED = "The session's record on disk was damaged"


def micros(instant: datetime) -> int:
    """Microseconds since 1970."""
    return (instant - START) // timedelta(microseconds=1)


def place_in_time(row: Session) -> tuple[int, str]:
    """By the instant at which it was made, in microseconds, and then by its id."""
    return micros(row["created_at"]), row["session_id"]


def read_row(path: Path) -> Session:
    """The row in a file. Whatever is wrong with it costs that session alone: it has failed, and says why."""
    session_id = path.parent.name
    try:
        row = ROWS.validate_json(read_plain(path, MOST_BYTES))
        if wrong := _wrong_with(row, session_id):
            raise ValueError(wrong)
    except (OSError, ValueError, ArithmeticError):
        logger.exception("%s cannot be used", path)
        return _damaged(session_id, _written_at(path))
    return row


class NoPlainFile(OSError):
    pass


def read_plain(path: Path, most_bytes: int) -> bytes:
    """What a file holds. Raises NoPlainFile where it is something else, FileNotFoundError where there is none, and
    ValueError where it is too long."""
    # Without O_NONBLOCK a pipe that lies in its place would be waited for.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise NoPlainFile(f"{path} is no plain file")
        if facts.st_size > most_bytes:
            raise ValueError(f"{path} holds {facts.st_size} bytes")
        return file.read(most_bytes)


def _wrong_with(row: Session, session_id: str) -> str | None:
    """What cannot be true of a row whose columns are of the right types; None where nothing is."""
    ended, expires = row["ended_at"], row["expires_at"]
    instants = [row["created_at"], row["updated_at"], row["started_at"], ended, expires]
    seconds = row["metadata"]["video"].get("duration_seconds", 0)
    waits = row["status"] in (Status.QUEUED, Status.PROCESSING)
    tests = {
        "it is another session's": row["session_id"] != session_id or not is_session_id(session_id),
        "an instant has no time zone": any(at is not None and at.tzinfo is None for at in instants),
        "an instant is out of reach": any(at is not None and not 1970 <= at.year < 9000 for at in instants),
        "its end and its status disagree": waits == (ended is not None) or (ended is None) != (expires is None),
        "it expires before its end": bool(ended and expires and expires < ended),
        "its progress is none": not 0 <= row["progress"] <= 100,
        "its counts are none": not (row["attempt"] >= 0 and 0 <= row["revision"] < MOST_REVISIONS),
        "its video has no length": not isinstance(seconds, int | float) or not 0 <= seconds < math.inf,
    }
    return next((words for words, true in tests.items() if true), None)


def _damaged(session_id: str, at: datetime) -> Session:
    """In place of a row: with a revision above any that was counted, and forgotten in time."""
    row = new_session(session_id, "", AnalysisType.HIGHLIGHTS, {}, at)
    row["ended_at"], row["expires_at"] = at, at + DAY
    row["status"], row["revision"] = Status.FAILED, int(at.timestamp() * 1000)
    row["error"], row["message"], row["reason"] = DAMAGED, DAMAGED, "internal"
    return row


def _written_at(path: Path) -> datetime:
    """When a file was written, so that restarts do not prolong what counts from it; now, where that cannot be."""
    now = datetime.now(UTC)
    try:
        return datetime.fromtimestamp(min(max(path.lstat().st_mtime, DAY.total_seconds()), now.timestamp()), UTC)
    except OSError:
        return now
