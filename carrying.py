"""Carries one session from its turn to its end, in whatever thread or process has the turn.

It holds no truth about a session. A cancel, a deletion and a drain are moves in the ledger; the work learns of them
when the ledger refuses what it tells.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import logs
from errors import AnalysisStopped, ServiceError, Stalled, StoreAway
from failing import failure, in_words
from figures import DELETED, OUTCOMES
from hands import AnyHands
from logs import event
from metrics import Meter
from progress import video_seconds
from reporting import Line, Lines
from roster import Roster
from schemas import AnalysisType, Outlet, Session, Status
from session_manager import SessionManager
from stores.files import SessionFiles
from watchdog import Watchdog, Watched

logger = logging.getLogger(__name__)

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


@dataclass(frozen=True)
class Parts:
    """What a carrier works with."""

    sessions: SessionManager
    files: SessionFiles
    analyses: Mapping[AnalysisType, Analysis]
    terms: Terms
    roster: Roster
    hands: AnyHands
    lines: Lines
    files_address: str | None
    """Below which a session's files are fetched; without, analyses make none."""
    meter: Meter


class Carrier:
    def __init__(self, parts: Parts, given_back: Callable[[str], None]) -> None:
        """`given_back` is told of each session that was returned to the queue here, by its id."""
        self._sessions, self._files, self._terms = parts.sessions, parts.files, parts.terms
        self._parts = parts
        self._roster, self._lines, self._meter = parts.roster, parts.lines, parts.meter
        self._given_back = given_back
        self._watchdog = Watchdog(parts.terms.stalled_minutes * 60, self._give_up)

    @property
    def draining(self) -> bool:
        return self._roster.closed

    def run(self, session_id: str, work: Callable[..., BaseModel] | None = None) -> None:
        """Carry one session to its end: completed, failed, or stopped because the ledger refuses.

        Needs the id alone; `work` replaces what the row asks for.
        """
        worker = uuid.uuid4().hex
        with self._roster.at_work(session_id):
            row = self._begun(session_id, worker)
            # It keeps its place in the queue until its row says that work has begun.
            self._roster.leave(session_id)
            if row is not None:
                with (
                    self._lines.open(session_id, worker) as line,
                    logs.about(session_id, row["metadata"]["request_id"]),
                ):
                    self._work_on(row, line, work)

    def close(self) -> None:
        self._watchdog.close()

    def _begun(self, session_id: str, worker: str) -> Session | None:
        """The row, ours from now on; None when there is nothing to do."""
        try:
            return self._sessions.begin(session_id, worker, self._terms.max_attempts)
        except StoreAway:
            logger.warning("the rows are away: session %s waits on", session_id)
        except Exception as error:  # noqa: BLE001 whatever breaks must end the session, not only its thread
            self._fail(session_id, error)
        return None

    def _work_on(self, row: Session, line: Line, work: Callable[..., BaseModel] | None) -> None:
        session_id = row["session_id"]
        event(logger, "started", analysis=row["analysis_type"], attempt=row["attempt"])
        try:
            self._carry_out(row, line, work)
        except AnalysisStopped:
            self._leave(session_id, line)
        except Exception as error:  # noqa: BLE001 as above, now with the worker's name
            self._fail(session_id, error, line)
        finally:
            self._files.let_go(session_id)
            self._count(row, line)

    def _count(self, row: Session, line: Line) -> None:
        """How long the work took that has left, if the session has ended as this worker's."""
        kind, seconds = row["analysis_type"], self._roster.seconds_at_work(row["session_id"])
        with suppress(StoreAway):
            now = self._sessions.get_session(row["session_id"])
            status = now["status"] if now else DELETED
            if status not in OUTCOMES or (now and now["worker"] != line.worker):
                return
            self._meter.worked(kind, status, seconds)
            if status is Status.COMPLETED:
                self._meter.completed(kind, seconds, video_seconds(row))
            elif now and status is Status.CANCELLED and now["ended_at"]:
                self._meter.left_after_cancel((self._sessions.now() - now["ended_at"]).total_seconds())

    def _work_of(self, row: Session, stopped: Callable[[], bool]) -> Callable[..., BaseModel]:
        """What the row asks for, its video at hand. Raises AnalysisStopped."""
        analysis = self._parts.analyses[row["analysis_type"]]
        session_id = row["session_id"]
        video = self._files.fetch(session_id, row["video_path"], stopped)
        work = partial(analysis, str(video), filename=row["metadata"]["filename"], **row["params"])
        if self._parts.files_address is None or row["metadata"]["legacy"]:  # its client could fetch nothing any more
            return work
        address = f"{self._parts.files_address}/{session_id}"
        return partial(work, outlet=Outlet(self._files.folder(session_id), address, self._terms.keep_source))

    def _carry_out(self, row: Session, line: Line, work: Callable[..., BaseModel] | None) -> None:
        session_id = row["session_id"]
        if row["attempt"] > 1:  # the one before may have left files that this one would not list
            self._files.discard(session_id, keep=[Path(row["video_path"]).name])
        with self._watchdog.over(session_id, line.worker, line.progress):
            work = work or self._work_of(row, line.progress.stopped)
            result = work(progress_callback=line.progress)
        line.confirm()  # so that nothing is published over what another worker makes
        self._files.publish(session_id)
        self._complete(session_id, line, self._files.write_result(session_id, result.model_dump_json().encode()))
        if not self._terms.keep_source:
            self._files.discard_source(session_id, row["video_path"])
        seconds = self._roster.seconds_at_work(session_id)
        self._roster.learn(seconds, video_seconds(row))
        event(logger, "completed", seconds=round(seconds, 2))

    def _complete(self, session_id: str, line: Line, result: str) -> None:
        """Raises AnalysisStopped where that is refused, the result taken back unless it is another worker's too."""
        if line.insist(partial(self._change, session_id, line, status=Status.COMPLETED, result=result)):
            return
        row = self._sessions.get_session(session_id)
        if row and row["result"] != result:
            self._files.discard_source(session_id, result)
        raise AnalysisStopped

    def _change(self, session_id: str, line: Line | None, **updates: Any) -> bool:
        return self._sessions.update_session(session_id, worker=line.worker if line else None, **updates)

    def _leave(self, session_id: str, line: Line | None) -> None:
        """Delete what the work wrote, and all of a session that is no more: who leaves last turns off the light. Then
        give the session back if the service stops."""
        try:
            row = self._sessions.get_session(session_id)
            self._tidy(session_id, row, line)
            given_back = self.draining and self._give_back(session_id, line)
        except (OSError, StoreAway):
            # The next start, or whoever finds its lease lapsed, finds it being worked on. That attempt counts.
            logger.exception("session %s cannot be given back", session_id)
            return
        status = row["status"] if row else "deleted"
        event(logger, "stopped", status=Status.QUEUED if given_back else status)

    def _tidy(self, session_id: str, row: Session | None, line: Line | None) -> None:
        if row is None:
            self._files.remove(session_id)
        elif row["status"] in (Status.CANCELLED, Status.EXPIRED):
            self._files.discard(session_id)
        elif row["result"] is None and line and row["worker"] == line.worker:
            self._files.discard(session_id, keep=[Path(row["video_path"]).name])

    def _give_back(self, session_id: str, line: Line | None) -> bool:
        given_back = self._sessions.give_back(session_id, worker=line.worker if line else None)
        if given_back:
            event(logger, "given back", session=session_id)
            self._given_back(session_id)
        return given_back

    def give_back_all(self) -> None:
        """What is still worked on here, though it was told to stop: it is stuck, and whoever works on it next must not
        wait until that is noticed."""
        for line in self._lines.opened():
            try:
                self._give_back(line.session_id, line)
            except (OSError, StoreAway):
                logger.exception("session %s cannot be given back", line.session_id)

    def _give_up(self, stuck: Watched) -> None:
        """Fail a session whose work does not advance, and free its place. Should it come back, the ledger refuses."""
        told = Stalled(
            f"The analysis did not advance for {self._terms.stalled_minutes:g} minutes and was given up; try again"
        )
        with logs.about(stuck.session_id, stuck.request):
            self._fail(stuck.session_id, told, self._lines.of(stuck.worker))
        self._roster.write_off(stuck.session_id)
        if not self._parts.hands.write_off(stuck.thread):
            logger.critical("too many analyses are stuck: restart the service to have their places back")

    def _fail(self, session_id: str, error: Exception, line: Line | None = None) -> None:
        """End the session as failed, unless the ledger refuses: then the error only comes of its having ended."""
        if line and self.draining:
            # The signals that end the service may have broken its work.
            self._leave(session_id, line)
            return
        try:
            self._end_as_failed(session_id, error, line)
        except AnalysisStopped:
            self._leave(session_id, line)
        except StoreAway:
            logger.warning("the rows are away: session %s is left as it is", session_id)

    def _end_as_failed(self, session_id: str, error: Exception, line: Line | None) -> None:
        told = in_words(error)
        change = partial(self._change, session_id, line, **failure(told))
        if not (line.insist(change) if line else change()):
            raise AnalysisStopped
        unexpected = error if not isinstance(error, ServiceError) else None
        facts = {"session": session_id, "reason": told.reason, "error": str(told)}
        logger.error("failed", extra={"facts": facts}, exc_info=unexpected)
        row = self._sessions.get_session(session_id)
        keep = [Path(row["video_path"]).name] if row and self._terms.keep_source else []
        self._files.discard(session_id, keep=keep)
