"""What becomes of a session's row when it moves to a status: arithmetic on rows, without a clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from schemas import Session, Stage, Status

_QUEUED_AGAIN: Mapping[str, Any] = {
    "progress": 0,
    "message": "Waiting for its turn",
    "stage": Stage.QUEUED,
    "segments_done": None,
    "segments_total": None,
    "worker": None,
    "started_at": None,
}


def moved(row: Session, to: Status, updates: Mapping[str, Any], now: datetime, ttl: timedelta) -> Session:
    """The row in that status, or still in it, with the updates. One that ends expires after `ttl`."""
    changes = {**updates, "progress": max(row["progress"], updates.get("progress", 0))}
    match to:
        case Status.QUEUED:
            changes |= _QUEUED_AGAIN if row["status"] is Status.PROCESSING else {}
        case Status.PROCESSING:
            changes["progress"] = min(99, changes["progress"])
        case Status.COMPLETED:
            changes |= {"progress": 100, "stage": Stage.DONE, "message": "Analysis complete"}
    if to not in (Status.QUEUED, Status.PROCESSING):
        changes |= {"ended_at": now, "expires_at": now + ttl}
    # An instant ahead of the clock was the clock's mistake: no age may be negative.
    changes["created_at"] = min(row["created_at"], now)
    if row["started_at"] and "started_at" not in changes:
        changes["started_at"] = min(row["started_at"], now)
    return Session(**{**row, **changes, "status": to, "updated_at": now})  # type: ignore[typeddict-item]
