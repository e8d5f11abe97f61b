"""The dispatcher: runs analyses in a fixed pool of threads, by session id alone.

It holds no truth about a session. A cancel, a deletion and a drain are moves in the ledger; a running
analysis learns of them when the ledger refuses its next report.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import BaseModel

import logs
from errors import AnalysisStopped, ServiceError, SessionNotFound, Stalled
from failing import failure, in_words
from hands import Hands
from logs import event
from progress import seconds_left, video_seconds, video_seconds_left
from reporting import reporting
from roster import Roster
from schemas import AnalysisType, Outlet, Session, Status
from session_manager import SessionManager
from stores.files import SessionFiles
from watchdog import Watchdog, Watched

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""For the last work to leave when the service ends."""

Analysis = Callable[..., BaseModel]
"""Called with the video's path, `progress_callback`, the `filename` to show, an `outlet` if it may make files, and the
session's params; gives the result."""


@dataclass(frozen=True)
class Terms:
    """On which work is taken and done; each is the setting that it is like."""

    max_workers: int = 2
    max_queued: int = 100
    max_attempts: int = 3
    stalled_minutes: float = 30
    keep_source: bool = True


class BackgroundTaskManager:
    def __init__(
        self,
        sessions: SessionManager,
        files: SessionFiles,
        analyses: Mapping[AnalysisType, Analysis],
        terms: Terms | None = None,
        *,
        files_address: str | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Without `files_address`, below which a session's files are fetched, analyses make none. `clock` gives
        seconds, and is never set."""
        self._sessions = sessions
        self._files = files
        self._analyses = analyses
        self._terms = terms = terms or Terms()
        self._files_address = files_address
        self._hands = Hands(terms.max_workers, "analysis")
        self._watchdog = Watchdog(terms.stalled_minutes * 60, self._give_up)
        self._roster = Roster(terms.max_workers, clock)

    @property
    def draining(self) -> bool:
        return self._roster.closed

    # ── The seed's four ───────────────────────────────────────────────────────────────────────────

    def submit_task(self, session_id: str, analysis_fn: Analysis, *args: Any, **kwargs: Any) -> Future[None]:
        """Queue `analysis_fn(*args, progress_callback=…, **kwargs)` as the session's work.

        Raises QueueFull or Draining; the session is then as it was.
        """
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
        running = place is None and session_id in self._roster.running()
        return {"state": "waiting" if place else "running" if running else "none", "queue_position": place}

    async def process_video_async(
        self, session_id: str, video_path: str, analysis_type: AnalysisType | str, params: Mapping[str, Any]
    ) -> Session | None:
        """Queue the session's analysis and wait for it to end; gives the session as it is then."""
        row = self._sessions.get_session(session_id)
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

    def on_queue_moved(self, listener: Callable[[], None]) -> None:
        """Have it called whenever places in the queue may have changed, in whatever thread changed them."""
        self._roster.on_moved = listener

    def check_room(self) -> None:
        """Raise Draining or QueueFull if a session submitted now would be refused."""
        self._roster.check_room(self._terms.max_queued)

    def queue_position(self, session_id: str) -> int | None:
        return self._roster.place(session_id)

    def eta_seconds(self, row: Session) -> float | None:
        """Seconds until the session's end, by its own pace, or while it waits by the pace of those before;
        None as long as it cannot be known."""
        if row["status"] is Status.PROCESSING:
            return seconds_left(row, self._roster.seconds_at_work(row["session_id"]))
        return self._roster.seconds_until_done(row["session_id"], self._video_seconds_left)

    def _video_seconds_left(self, session_ids: list[str]) -> float:
        return sum(video_seconds_left(row) for row in map(self._sessions.get_session, session_ids) if row)

    def _enqueue(self, session_id: str, work: Callable[..., BaseModel] | None, bound: int | None) -> Future[None]:
        row = self._sessions.get_session(session_id)
        if row is None:
            raise SessionNotFound("Session not found", sessionId=session_id)
        submit = partial(self._hands.submit, partial(self.run, session_id, work))
        return self._roster.join(session_id, video_seconds(row), bound, submit)

    # ── Working ───────────────────────────────────────────────────────────────────────────────────

    def run(self, session_id: str, work: Callable[..., BaseModel] | None = None) -> None:
        """Carry one session to its end: completed, failed, or stopped because the ledger refuses.

        Needs the id alone; `work` replaces what the row asks for.
        """
        worker = uuid.uuid4().hex
        with self._roster.at_work(session_id):
            try:
                row = self._sessions.begin(session_id, worker, self._terms.max_attempts)
                # It keeps its place in the queue until its row says that work has begun.
                self._roster.leave(session_id)
                if row is not None:
                    self._work_on(row, worker, work)
            except Exception as error:  # noqa: BLE001 whatever breaks must end the session, not only its thread
                self._fail(session_id, error)

    def _work_on(self, row: Session, worker: str, work: Callable[..., BaseModel] | None) -> None:
        session_id = row["session_id"]
        with logs.about(session_id, row["metadata"]["request_id"]):
            event(logger, "started", analysis=row["analysis_type"], attempt=row["attempt"])
            try:
                self._carry_out(row, worker, work)
            except AnalysisStopped:
                self._leave(session_id)
            except Exception as error:  # noqa: BLE001 as above, now with the worker's name
                self._fail(session_id, error, worker)
            finally:
                self._files.let_go(session_id)

    def _work_of(self, row: Session, stopped: Callable[[], bool]) -> Callable[..., BaseModel]:
        """What the row asks for, its video at hand. Raises AnalysisStopped."""
        analysis = self._analyses[row["analysis_type"]]
        session_id = row["session_id"]
        video = self._files.fetch(session_id, row["video_path"], stopped)
        work = partial(analysis, str(video), filename=row["metadata"]["filename"], **row["params"])
        if self._files_address is None:
            return work
        address = f"{self._files_address}/{session_id}"
        return partial(work, outlet=Outlet(self._files.folder(session_id), address, self._terms.keep_source))

    def _carry_out(self, row: Session, worker: str, work: Callable[..., BaseModel] | None) -> None:
        session_id = row["session_id"]
        if row["attempt"] > 1:  # the one before may have left files that this one would not list
            self._files.discard(session_id, keep=[Path(row["video_path"]).name])
        progress = reporting(self._sessions, session_id, worker, lambda: self.draining)
        with self._watchdog.over(session_id, worker, progress):
            work = work or self._work_of(row, progress.stopped)
            result = work(progress_callback=progress)
        self._files.publish(session_id)
        name = self._files.write_result(session_id, result.model_dump_json().encode())
        if not self._sessions.update_session(session_id, worker=worker, status=Status.COMPLETED, result=name):
            raise AnalysisStopped
        if not self._terms.keep_source:
            self._files.discard_source(session_id, row["video_path"])
        seconds = self._roster.seconds_at_work(session_id)
        self._roster.learn(seconds, video_seconds(row))
        event(logger, "completed", seconds=round(seconds, 2))

    def _leave(self, session_id: str) -> None:
        """Give the session back if the service stops. Delete what the work wrote, and all of a session that is no more:
        who leaves last turns off the light."""
        if self.draining:
            self._give_back(session_id)
        row = self._sessions.get_session(session_id)
        if row is None:
            self._files.remove(session_id)
        elif row["status"] in (Status.CANCELLED, Status.EXPIRED):
            self._files.discard(session_id)
        elif row["result"] is None:
            self._files.discard(session_id, keep=[Path(row["video_path"]).name])
        event(logger, "stopped", status=row["status"] if row else "deleted")

    def _give_up(self, stuck: Watched) -> None:
        """Fail a session whose work does not advance, and free its place. Should it come back, the ledger refuses."""
        told = Stalled(
            f"The analysis did not advance for {self._terms.stalled_minutes:g} minutes and was given up; try again"
        )
        with logs.about(stuck.session_id, None):
            self._fail(stuck.session_id, told, stuck.worker)
        self._roster.write_off(stuck.session_id)
        if not self._hands.write_off(stuck.thread):
            logger.critical("too many analyses are stuck: restart the service to have their places back")

    def _fail(self, session_id: str, error: Exception, worker: str | None = None) -> None:
        """End the session as failed, unless the ledger refuses: then the error only comes of its having ended."""
        if worker and self.draining:
            # The signals that end the service may have broken its work.
            self._leave(session_id)
            return
        told = in_words(error)
        if not self._sessions.update_session(session_id, worker=worker, **failure(told)):
            self._leave(session_id)
            return
        row = self._sessions.get_session(session_id)
        keep = [Path(row["video_path"]).name] if row and self._terms.keep_source else []
        self._files.discard(session_id, keep=keep)
        unexpected = error if not isinstance(error, ServiceError) else None
        facts = {"session": session_id, "reason": told.reason, "error": str(told)}
        logger.error("failed", extra={"facts": facts}, exc_info=unexpected)

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

    def _give_back(self, session_id: str) -> None:
        try:
            if self._sessions.give_back(session_id):
                event(logger, "given back", session=session_id)
        except OSError:
            # The next start finds it as it was: being worked on. That attempt counts.
            logger.exception("session %s cannot be given back", session_id)

    def idle(self) -> bool:
        return not self._roster.running()

    def close(self) -> None:
        """Drain, and wait until every thread has left, or is stuck: its session begins anew at the next start."""
        self.drain()
        self._hands.shutdown(LEAVE_SECONDS)
        self._watchdog.close()
