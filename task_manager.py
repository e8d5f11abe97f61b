"""The dispatcher: has analyses done, by session id alone, by the threads of this process or by workers elsewhere.

It holds no truth about a session. A cancel, a deletion and a drain are moves in the ledger; a running analysis learns
of them when the ledger refuses its next report.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from pydantic import BaseModel

from carrying import Analysis, Carrier, Parts, Terms
from endings import Endings
from errors import Draining, SessionNotFound
from hands import AnyHands, Hands
from logs import event
from metrics import Meter
from progress import seconds_left, video_seconds, video_seconds_left
from reporting import Lines
from roster import Roster, SubmittedAlready, Worker
from schemas import AnalysisType, Session, Status
from session_manager import ENDED, SessionManager
from stores.files import SessionFiles

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""For the last work to leave when the service ends."""

__all__ = ["Analysis", "BackgroundTaskManager", "Crew", "Terms"]


@dataclass(frozen=True)
class Crew:
    """Who does the work, who keeps the queue, and how those who work are tied to the ledger."""

    hands: AnyHands
    roster: Roster
    lines: Lines
    lost: Callable[[], list[str]] | None = None
    """Gives queued sessions that nobody may know of; None where that cannot be."""


def crew_of_threads(sessions: SessionManager, terms: Terms, clock: Callable[[], float] = monotonic) -> Crew:
    """For a ledger that no other process has. `clock` gives seconds, and is never set."""
    roster = Roster(terms.max_workers, clock)
    return Crew(Hands(terms.max_workers, "analysis"), roster, Lines(sessions, lambda: roster.closed))


class BackgroundTaskManager:
    def __init__(
        self,
        sessions: SessionManager,
        files: SessionFiles,
        analyses: Mapping[AnalysisType, Analysis],
        terms: Terms | None = None,
        *,
        files_address: str | None = None,
        crew: Crew | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Without `files_address`, below which a session's files are fetched, analyses make none. Without a crew,
        threads of this process work, for a ledger that it alone has."""
        self._sessions = sessions
        self._files = files
        self._analyses = analyses
        self._terms = terms = terms or Terms()
        self._crew = crew = crew or crew_of_threads(sessions, terms)
        self._hands, self._roster = crew.hands, crew.roster
        ours = crew.roster, crew.hands, crew.lines
        parts = Parts(sessions, files, analyses, terms, *ours, files_address, meter or Meter())
        self._carrier = Carrier(parts, self.hand_over)
        self._endings = Endings(sessions, lambda: self.draining) if crew.hands.elsewhere else None

    @property
    def draining(self) -> bool:
        return self._roster.closed

    # ── The seed's four ───────────────────────────────────────────────────────────────────────────

    def submit_task(self, session_id: str, analysis_fn: Analysis, *args: Any, **kwargs: Any) -> Future[None]:
        """Queue `analysis_fn(*args, progress_callback=…, **kwargs)` as the session's work.

        Raises QueueFull or Draining; the session is then as it was. Raises ValueError where others do the work.
        """
        if self._hands.elsewhere:
            raise ValueError(
                "a function cannot leave this process, and TASK_QUEUE=celery has the work done by others: submit the "
                "session by its id, for the analysis that its row names"
            )
        return self._enqueue(session_id, partial(analysis_fn, *args, **kwargs), self._terms.max_queued)

    def cancel_task(self, session_id: str) -> bool:
        """Stop a session, waiting or running, and delete its files; False when the ledger refuses."""
        if not self._sessions.update_session(session_id, status=Status.CANCELLED, message="Cancelled"):
            return False
        event(logger, "cancelled", session=session_id)
        self._roster.leave(session_id)
        self._files.discard(session_id)
        return True

    def get_task_status(self, session_id: str) -> dict[str, Any]:
        """`state` (waiting, running or none) and `queue_position` (1 for the next to start, else None)."""
        place = self._roster.place(session_id)
        running = place is None and self._roster.is_worked_on(session_id)
        return {"state": "waiting" if place else "running" if running else "none", "queue_position": place}

    async def process_video_async(
        self, session_id: str, video_path: str, analysis_type: AnalysisType | str, params: Mapping[str, Any]
    ) -> Session | None:
        """Queue the session's analysis and wait for it to end; gives the session as it is then."""
        if self._endings:
            await asyncio.to_thread(self.submit, session_id)
            return await self._endings.of(session_id)
        row = self._sessions.get_session(session_id)
        if row and (row["video_path"], row["analysis_type"], row["params"]) == (video_path, analysis_type, {**params}):
            future = self.submit(session_id)
        else:
            filename = row["metadata"]["filename"] if row else None
            analysis = self._analyses[AnalysisType(analysis_type)]
            future = self.submit_task(session_id, analysis, video_path, filename=filename, **params)
        # `wait`, because a task cancelled while it waits in the queue must not cancel who waits for it.
        await asyncio.wait([asyncio.wrap_future(future)])
        return self._sessions.get_session(session_id)

    # ── Waiting ───────────────────────────────────────────────────────────────────────────────────

    def submit(self, session_id: str, *, bounded: bool = True) -> Future[None]:
        """Queue a session by its id alone. Unbounded for what was accepted before a restart."""
        return self._enqueue(session_id, None, self._terms.max_queued if bounded else None)

    def hand_over(self, session_id: str) -> None:
        """Have whoever works here, or elsewhere, know of a queued session that nobody may know of any more."""
        row = self._sessions.get_session(session_id)
        if self._hands.elsewhere and row:
            self._hands.take(row, partial(self.run, session_id))
        elif row:
            with suppress(Draining, SubmittedAlready):  # then others will; or it waits here already
                self.submit(session_id, bounded=False)

    def on_queue_moved(self, listener: Callable[[], None]) -> None:
        """Have it called whenever places in the queue may have changed, in whatever thread changed them."""
        self._roster.on_moved = listener

    def workers(self) -> list[Worker]:
        """Those that let others know of them; there are none where the rows are one process's. Raises StoreAway."""
        return self._roster.workers()

    def troubles_elsewhere(self) -> list[str]:
        """What is wrong where others work, a sentence each. Raises StoreAway."""
        return self._roster.troubles()

    def is_taken(self, kind: AnalysisType) -> bool:
        """Whether anybody who works now takes it. Raises StoreAway."""
        return self._roster.is_taken(kind)

    def check_room(self) -> None:
        """Raise Draining or QueueFull if a session submitted now would be refused."""
        self._roster.check_room(self._terms.max_queued)

    def queue_position(self, session_id: str) -> int | None:
        return self._roster.place(session_id)

    def eta_seconds(self, row: Session) -> float | None:
        """Seconds until the session's end, by its own pace, or while it waits by the pace of those before;
        None as long as it cannot be known."""
        if row["status"] is Status.PROCESSING:
            return seconds_left(row, self._roster.seconds_since_begun(row))
        return self._roster.seconds_until_done(row["session_id"], self._video_seconds_left)

    def _video_seconds_left(self, session_ids: list[str]) -> float:
        return sum(video_seconds_left(row) for row in map(self._sessions.get_session, session_ids) if row)

    def _enqueue(self, session_id: str, work: Callable[..., BaseModel] | None, bound: int | None) -> Future[None]:
        row = self._sessions.get_session(session_id)
        if row is None:
            raise SessionNotFound("Session not found", sessionId=session_id)
        submit = partial(self._hands.take, row, partial(self.run, session_id, work))
        return self._roster.join(session_id, video_seconds(row), bound, submit)

    # ── How it stands ─────────────────────────────────────────────────────────────────────────────

    @property
    def slots(self) -> int:
        """Sessions that are worked on at a time in this process."""
        return 0 if self._hands.elsewhere else self._terms.max_workers

    @property
    def stuck(self) -> int:
        """Threads of this process that were given up and have not come back."""
        return self._hands.stuck

    def busy(self) -> int:
        """Sessions that are worked on in this process, and threads that are stuck with what was given up."""
        return len(self._roster.running()) + self.stuck

    def stopping(self) -> int:
        """Of these, those whose work is to leave. Raises StoreAway."""
        return self.stuck + sum(self.draining or self._is_over(one) for one in self._roster.running())

    def _is_over(self, session_id: str) -> bool:
        row = self._sessions.get_session(session_id)
        return row is None or row["status"] in ENDED

    # ── Working ───────────────────────────────────────────────────────────────────────────────────

    def run(self, session_id: str, work: Callable[..., BaseModel] | None = None) -> None:
        """Carry one session to its end: completed, failed, or stopped because the ledger refuses.

        Needs the id alone; `work` replaces what the row asks for.
        """
        self._carrier.run(session_id, work)

    # ── Stopping ──────────────────────────────────────────────────────────────────────────────────

    def remove(self, session_id: str, timeout: float = 1.0) -> bool:
        """Delete a session whatever its status; False when it was unknown.

        Its row goes first, and with it the worker's leave to write; its folder when the worker has left,
        or after `timeout` seconds, and then the worker deletes what it still wrote.
        """
        if not self._sessions.forget(session_id):
            return False
        self._roster.leave(session_id)
        self._roster.wait_until_left(session_id, timeout)
        self._files.remove(session_id)
        event(logger, "cleaned up", session=session_id)
        return True

    def drain(self) -> None:
        """Take no more work and have what runs given back, uncounted. Returns at once; `close` waits.

        The one stop that is not a move in the ledger: each worker makes that move itself, on its way out.
        """
        self._roster.close()
        self._hands.shutdown()

    def give_back(self) -> None:
        """Return to the queue what is still worked on here after a drain, because it is stuck."""
        self._carrier.give_back_all()

    def idle(self) -> bool:
        return not self._roster.running()

    def close(self) -> None:
        """Drain, and wait until every thread has left, or is stuck: its session begins anew at the next start."""
        self.drain()
        self._hands.close(LEAVE_SECONDS)
        self._carrier.close()
        self._crew.lines.close()
