"""The ledger: one row a session, and which status may follow which."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from counting import changed, removed
from errors import AnalysisFailed, TooManyAttempts
from expiry import expired, forgotten_at
from failing import failure
from logs import event
from metrics import Meter
from moves import moved
from schemas import AnalysisType, Finding, Found, Metadata, Session, Stage, Status, new_session
from stores import Listener, SessionStore, is_shared
from stores.files import SessionFiles
from stores.rows import place_in_time

logger = logging.getLogger(__name__)

NEXT: Mapping[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset({Status.PROCESSING, Status.FAILED, Status.CANCELLED}),
    Status.PROCESSING: frozenset({Status.QUEUED, Status.COMPLETED, Status.FAILED, Status.CANCELLED}),
}
"""Completed, failed and cancelled are final. Processing falls back to queued when its work is given back."""

ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})

RESULT_LOST = "The session's result on disk was lost"


class SessionManager:
    """Every rule about sessions, over a store with a few primitives. Safe from any thread.

    Expired is what an ended row is called from `expires_at` on. It is written down when the files go, so that a clock
    that is put back revives no session without its files; until then, what was once seen as expired stays so.
    """

    def __init__(
        self,
        store: SessionStore,
        files: SessionFiles,
        *,
        ttl_hours: float = 24,
        clock: Callable[[], datetime] | None = None,
        meter: Meter | None = None,
    ) -> None:
        """`clock` is the store's where that is shared, and else this machine's, unless another is given."""
        self._store, self._meter = store, meter or Meter()
        self._files = files
        self._ttl = timedelta(hours=ttl_hours)
        self._clock = clock or (store.now if is_shared(store) else partial(datetime.now, UTC))
        self._seen_expired: set[str] = set()

    def create_session(
        self,
        video_path: str,
        analysis_type: AnalysisType | str,
        params: Mapping[str, Any],
        *,
        session_id: str | None = None,
        metadata: Metadata | None = None,
        most_waiting: int | None = None,
    ) -> str:
        """A queued session, kept for good when this returns. `session_id` is one reserved earlier.

        Where the store is shared: another's id, if its Idempotency-Key made that one before; and it raises QueueFull
        where `most_waiting` wait already."""
        row = new_session(
            session_id or new_session_id(),
            str(video_path),
            AnalysisType(analysis_type),
            dict(params),
            self._clock(),
            metadata,
        )
        return self._store.add(row, most_waiting)

    def get_session(self, session_id: str) -> Session | None:
        """The row as it stands now, expiry included; None when unknown, deleted or long expired."""
        row = self._store.get(session_id)
        return row and self._as_of_now(row)

    def get_with_findings(self, session_id: str) -> tuple[Session, tuple[Found, ...]] | None:
        """As `get_session`, with what the work on it has found so far, oldest first."""
        kept = self._store.get_with_findings(session_id)
        row = kept and self._as_of_now(kept[0])
        return (row, kept[1]) if kept and row else None

    def now(self) -> datetime:
        """By the clock that sessions live by."""
        return self._clock()

    def watch(self, listener: Listener, followed: Collection[str] | None = None) -> None:
        """Tell the listener of every change from now on, or of those of the followed sessions at least. Not of expiry,
        which is a matter of the clock."""

        def tell(session_id: str, news: Session | Found | None) -> None:
            if news is None or isinstance(news, Found):
                listener(session_id, news)
            else:
                listener(session_id, self._as_of_now(news.copy()))

        self._store.watch(tell, followed)

    def update_session(self, session_id: str, *, worker: str | None = None, **updates: Any) -> bool:
        """Change a session; False when the ledger refuses: unknown, ended, a status that may not follow,
        or, where `worker` is given, no longer that worker's."""
        if unknown := updates.keys() - Session.__annotations__.keys():
            raise TypeError(f"a session has no {', '.join(sorted(unknown))}")

        def edit(row: Session) -> Session | None:
            to = Status(updates.get("status", row["status"]))
            refused = row["status"] in ENDED or (to != row["status"] and to not in NEXT[row["status"]])
            if refused or (worker is not None and row["worker"] != worker):
                return None
            return self._moved(row, to, updates)

        return changed(self._store, session_id, edit, self._meter) is not None

    def change_token(self, session_id: str, token_hash: str) -> bool:
        """Have another token open the session from now on, also once it has ended; False when it is unknown."""

        def edit(row: Session) -> Session:
            row["metadata"] = Metadata(**{**row["metadata"], "token_hash": token_hash})
            return row

        return self._store.change(session_id, edit) is not None

    def keep_finding(self, session_id: str, worker: str, finding: Finding) -> bool:
        """Keep a finding for who follows the session, until its attempt is over: the result has it then.
        False when the session is no longer that worker's."""
        text = b'{"kind":"%s","item":%s}' % (finding.kind.encode(), finding.item.model_dump_json().encode())

        def wanted(row: Session) -> bool:
            return row["status"] is Status.PROCESSING and row["worker"] == worker

        return self._store.keep_finding(session_id, text, wanted)

    def begin(self, session_id: str, worker: str, max_attempts: int) -> Session | None:
        """Hand a queued session to `worker`, its attempt counted before any work. None when there is nothing to do.
        Raises TooManyAttempts."""

        def edit(row: Session) -> Session | None:
            if row["status"] is not Status.QUEUED:
                return None
            if row["attempt"] >= max_attempts:
                times = row["attempt"]
                raise TooManyAttempts(f"The service stopped {times} times during this analysis and will not try again")
            started = {"worker": worker, "attempt": row["attempt"] + 1, "started_at": self._clock()}
            return self._moved(row, Status.PROCESSING, {**started, "message": "Starting", "stage": Stage.LOADING})

        return changed(self._store, session_id, edit, self._meter)

    def give_back(self, session_id: str, *, worker: str | None = None, counted: bool = False) -> bool:
        """Return a session that is worked on to the queue, and uncount its attempt unless it may have caused the stop.
        False when it is not worked on, or not by that worker."""

        def edit(row: Session) -> Session | None:
            if row["status"] is not Status.PROCESSING or worker not in (None, row["worker"]):
                return None
            return self._moved(row, Status.QUEUED, {"attempt": row["attempt"] - (not counted)})

        return changed(self._store, session_id, edit, self._meter) is not None

    def delete_session(self, session_id: str) -> bool:
        """Forget the session and delete its files; False when it was unknown."""
        known = self.forget(session_id)
        if known:
            self._files.remove(session_id)
        return known

    def forget(self, session_id: str) -> bool:
        """Delete the row alone: from now on the session is unknown, and its folder is for whoever leaves last."""
        known = removed(self._store, session_id, self._meter)
        self._seen_expired.discard(session_id)
        return known

    def list_sessions(self) -> list[Session]:
        """Oldest first."""
        return [row for row in map(self._as_of_now, self._store.all()) if row is not None]

    def made_by(self, key: str) -> Session | None:
        """The session that an Idempotency-Key made, as long as that has not expired."""
        session_id = self._store.made_by(key)
        row = self.get_session(session_id) if session_id else None
        return None if row is None or row["status"] is Status.EXPIRED else row

    def owned(self, owner: str, before: tuple[int, str] | None, most: int) -> list[Session]:
        """An owner's sessions, the newest first; those before an instant in microseconds and an id, if any."""
        found = list[Session]()
        while len(found) < most:
            page = self._store.owned(owner, before, most)
            found += [row for row in map(self._as_of_now, page) if row is not None]
            if len(page) < most:
                break
            before = place_in_time(page[-1])
        return found[:most]

    def cleanup_expired_sessions(self, max_age_hours: float = 24) -> int:
        """Delete the files of sessions that ended more than `max_age_hours` ago or are expired otherwise,
        and forget tombstones that are twice as old. Gives the number of sessions that lost files or row."""
        age = timedelta(hours=max_age_hours)
        rows = self._store.ended(self._clock(), age)
        missed = self._seen_expired - {row["session_id"] for row in rows}  # the clock was put back since
        rows += filter(None, map(self._store.get, missed))
        cleaned = sum(self._try_to_clean_up(row, age) for row in rows)
        self._seen_expired -= missed
        return cleaned

    def recover(self, *, keep_source: bool = True) -> list[str]:
        """After a start: give back what was being worked on, drop what nobody waits for any more, and delete what ended
        sessions should not have kept. Gives the ids that wait, oldest first. Where the store is shared nothing is
        done: others may be at work, and what nobody sees to any more a caretaker finds."""
        if is_shared(self._store):
            return []
        waiting = []
        for row in self._store.all():
            if row["metadata"]["legacy"]:
                self.delete_session(row["session_id"])
                continue
            if row["status"] is Status.COMPLETED and self._has_lost_its_result(row):
                self._store.change(row["session_id"], _without_result)
            elif row["status"] in (Status.CANCELLED, Status.EXPIRED):
                self._files.discard(row["session_id"])
            elif row["status"] is Status.FAILED:
                self._files.discard(row["session_id"], keep=[Path(row["video_path"]).name] if keep_source else [])
            elif row["status"] in ENDED and not keep_source:
                self._files.discard_source(row["session_id"], row["video_path"])
            if row["status"] is Status.PROCESSING:
                self.give_back(row["session_id"], counted=True)
            if row["status"] in NEXT:
                waiting.append(row["session_id"])
        return waiting

    def _moved(self, row: Session, to: Status, updates: Mapping[str, Any]) -> Session:
        return moved(row, to, updates, self._clock(), self._ttl)

    def _as_of_now(self, row: Session) -> Session | None:
        session_id, ended, expires = row["session_id"], row["ended_at"], row["expires_at"]
        if ended is None or expires is None:
            return row
        now = self._clock()
        if now >= forgotten_at(ended, expires):
            return None
        if row["status"] is Status.EXPIRED or (now < expires and session_id not in self._seen_expired):
            return row
        self._seen_expired.add(session_id)
        row["revision"] += 1  # which the store gives when this is written down
        return expired(row)

    def _has_lost_its_result(self, row: Session) -> bool:
        """Not because it expired, which is how it should be."""
        alive = row["expires_at"] is not None and self._clock() < row["expires_at"]
        return alive and row["result"] is not None and not self._files.has_result(row["session_id"], row["result"])

    def _try_to_clean_up(self, row: Session, age: timedelta) -> bool:
        """One that cannot be cleaned up keeps none of the others from it."""
        try:
            return self._clean_up(row, age)
        except OSError:
            logger.exception("session %s cannot be cleaned up; it will be tried again", row["session_id"])
            return False

    def _clean_up(self, row: Session, age: timedelta) -> bool:
        session_id, ended, expires = row["session_id"], row["ended_at"], row["expires_at"]
        if ended is None or expires is None:
            return False
        now, expires = self._clock(), min(expires, ended + age)
        if now >= forgotten_at(ended, expires):
            event(logger, "forgotten", session=session_id)
            return self.delete_session(session_id)
        over = row["status"] is Status.EXPIRED or session_id in self._seen_expired
        if now < expires and not over:
            return False
        self._store.change(session_id, lambda row: expired(row, age))
        self._seen_expired.discard(session_id)
        if not self._files.discard(session_id):
            return False
        event(logger, "expired", session=session_id)
        return True


def _without_result(row: Session) -> Session:
    """The one way out of a final state: what was promised is not there."""
    logger.error("the result of session %s is missing on disk, or was damaged", row["session_id"])
    row.update(failure(AnalysisFailed(RESULT_LOST)))  # type: ignore[typeddict-item]
    row["result"] = None
    return row


def new_session_id() -> str:
    return str(uuid.uuid4())
