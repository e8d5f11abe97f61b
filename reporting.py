"""What the work on a session tells the ledger, and how the ledger stops it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from errors import AnalysisStopped
from logs import event
from progress import Progress
from schemas import Finding, Status, Step
from session_manager import SessionManager

logger = logging.getLogger(__name__)


def reporting(sessions: SessionManager, session_id: str, worker: str, draining: Callable[[], bool]) -> Progress:
    """The line from that worker to the ledger: what it tells is a change there, and a refused one stops it."""
    tenths = set[int]()

    def report(step: Step) -> None:
        kept = sessions.update_session(
            session_id,
            worker=worker,
            progress=step.percent,
            message=step.message,
            stage=step.stage,
            segments_done=step.segments_done,
            segments_total=step.segments_total,
        )
        if not kept:
            raise AnalysisStopped
        if step.percent // 10 not in tenths:
            tenths.add(step.percent // 10)
            event(logger, "progress", percent=step.percent, message=step.message)

    def stopped() -> bool:
        row = sessions.get_session(session_id)
        refused = row is None or row["worker"] != worker or row["status"] is not Status.PROCESSING
        return draining() or refused

    def found(finding: Finding) -> None:
        if not sessions.keep_finding(session_id, worker, finding):
            raise AnalysisStopped

    return Progress(report, stopped, found)
