"""When an ended session has expired, and when that is forgotten: arithmetic on rows, without a clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas import Session, Status


def expired(row: Session, age: timedelta = timedelta.max) -> Session | None:
    """The row as a tombstone, of a session that may live for `age` at most. None when it is written down already, or
    there is nothing to expire."""
    ended, expires = row["ended_at"], row["expires_at"]
    if row["status"] is Status.EXPIRED or ended is None or expires is None:
        return None
    row["status"], row["expires_at"], row["result"] = Status.EXPIRED, ended + min(age, expires - ended), None
    row["message"] = "Session expired"
    return row


def forgotten_at(ended: datetime, expires: datetime) -> datetime:
    """A tombstone is kept for as long again as the session was, so that "expired" can be told from "unknown"."""
    return expires + (expires - ended)
