"""What the work on a session tells the ledger, and how the ledger stops it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from errors import AnalysisStopped
from logs import event
from progress import Progress
from schemas import Finding, Session, Status, Step
from session_manager import SessionManager

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Line:
    """From one worker to the ledger: what it tells is a change there, and a refused one stops it."""

    def __init__(self, sessions: SessionManager, session_id: str, worker: str, draining: Callable[[], bool]) -> None:
        self.session_id, self.worker = session_id, worker
        self.progress = Progress(self._report, self.stopped, self._found)
        self._sessions, self._draining = sessions, draining
        self._tenths = set[int]()

    def stopped(self) -> bool:
        return self._draining() or not is_at_work(self._sessions.get_session(self.session_id), self.worker)

    def confirm(self) -> None:
        """Raise AnalysisStopped if the session is no longer this worker's."""
        if self.stopped():
            raise AnalysisStopped

    def insist(self, change: Callable[[], T]) -> T:
        """Make a change that must not be lost."""
        return change()

    def _report(self, step: Step) -> None:
        if not self.tell(step):
            raise AnalysisStopped
        if step.percent // 10 not in self._tenths:
            self._tenths.add(step.percent // 10)
            event(logger, "progress", percent=step.percent, message=step.message)

    def tell(self, step: Step) -> bool:
        """False once the ledger refuses."""
        return self._sessions.update_session(
            self.session_id,
            worker=self.worker,
            progress=step.percent,
            message=step.message,
            stage=step.stage,
            segments_done=step.segments_done,
            segments_total=step.segments_total,
        )

    def _found(self, finding: Finding) -> None:
        if not self.keep(finding):
            raise AnalysisStopped

    def keep(self, finding: Finding) -> bool:
        """False once the ledger refuses."""
        return self._sessions.keep_finding(self.session_id, self.worker, finding)


class Lines:
    """To a ledger in this process, which is asked each time."""

    def __init__(self, sessions: SessionManager, draining: Callable[[], bool]) -> None:
        self.sessions, self.draining = sessions, draining
        self._lock = threading.Lock()
        self._opened = set[Line]()

    @contextmanager
    def open(self, session_id: str, worker: str) -> Iterator[Line]:
        """For work that has begun, until it has left."""
        line = self.line(session_id, worker)
        with self._lock:
            self._opened.add(line)
        try:
            yield line
        finally:
            with self._lock:
                self._opened.discard(line)

    def line(self, session_id: str, worker: str) -> Line:
        return Line(self.sessions, session_id, worker, self.draining)

    def opened(self) -> list[Line]:
        with self._lock:
            return list(self._opened)

    def of(self, worker: str) -> Line | None:
        """The one that the worker opened, until it has left."""
        return next((line for line in self.opened() if line.worker == worker), None)

    def close(self) -> None:
        pass


def is_at_work(row: Session | None, worker: str) -> bool:
    """Whether the session is still that worker's."""
    return row is not None and row["worker"] == worker and row["status"] is Status.PROCESSING
