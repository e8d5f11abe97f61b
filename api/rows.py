"""The row of a session that a client names, or the refusal in the contract's shape."""

from __future__ import annotations

from api.access import is_visible
from errors import (
    AnalysisFailed,
    ResultsNotReady,
    ServiceError,
    SessionCancelled,
    SessionExpired,
    SessionNotFound,
)
from schemas import Session, Status
from session_manager import SessionManager


def known(sessions: SessionManager, session_id: str) -> Session:
    """Raises SessionNotFound, also where it is somebody else's."""
    row = sessions.get_session(session_id)
    if row is None or not is_visible(row):
        raise unknown(session_id)
    return row


def unexpired(sessions: SessionManager, session_id: str) -> Session:
    row = known(sessions, session_id)
    if row["status"] is Status.EXPIRED:
        raise SessionExpired("Session expired", status=Status.EXPIRED, sessionId=session_id)
    return row


def completed(sessions: SessionManager, session_id: str) -> tuple[Session, str]:
    """The row, and the name of the file that holds its result."""
    row = unexpired(sessions, session_id)
    if row["status"] is not Status.COMPLETED or row["result"] is None:
        raise no_results(row)
    return row, row["result"]


def unknown(session_id: str) -> SessionNotFound:
    return SessionNotFound("Session not found", sessionId=session_id)


def no_results(row: Session) -> ServiceError:
    session_id, status, progress = row["session_id"], row["status"], row["progress"]
    if status is Status.CANCELLED:
        return SessionCancelled("Session was cancelled", status=status, progress=progress, sessionId=session_id)
    if status is Status.FAILED:
        return AnalysisFailed("Analysis failed", message=row["error"], reason=row["reason"], sessionId=session_id)
    return ResultsNotReady("Results not ready", status=status, progress=progress, sessionId=session_id)
