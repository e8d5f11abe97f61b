"""Each move of a session in the ledger, counted by whoever made it: over all processes, once."""

from __future__ import annotations

from datetime import datetime

from figures import DELETED
from metrics import Meter
from schemas import Session, Status
from stores import Edit, SessionStore

LIVE = (Status.QUEUED, Status.PROCESSING)


def changed(store: SessionStore, session_id: str, edit: Edit, meter: Meter) -> Session | None:
    """As the store's `change`."""
    before, since, attempt = Status.QUEUED, datetime.min, 0

    def noting(row: Session) -> Session | None:
        nonlocal before, since, attempt
        before, since, attempt = row["status"], row["updated_at"], row["attempt"]
        return edit(row)

    row = store.change(session_id, noting)
    if row is not None and row["status"] is not before:
        kind, now = row["analysis_type"], row["status"]
        if now is Status.PROCESSING:
            meter.started(kind, (row["updated_at"] - since).total_seconds())
        elif now is Status.QUEUED:
            meter.returned(kind, lost=row["attempt"] == attempt)
        elif now is not Status.EXPIRED:
            meter.finished(kind, now, row["reason"] if now is Status.FAILED else None)
    return row


def removed(store: SessionStore, session_id: str, meter: Meter) -> bool:
    """As the store's `remove`: one that had not ended comes to its end by it."""
    row = store.get(session_id)
    known = store.remove(session_id)
    if known and row is not None and row["status"] in LIVE:
        meter.finished(row["analysis_type"], DELETED)
    return known
