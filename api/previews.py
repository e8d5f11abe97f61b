"""Makes previews when they are first asked for: one at a time, and only as long as their session stands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import logs
from errors import AnalysisFailed, AnalysisStopped, InsufficientStorage, QueueFull, ServiceError, StorageUnavailable
from logs import event
from progress import video_seconds
from schemas import Limits, Session, Status, Written
from session_manager import SessionManager
from showcase import PREVIEW
from stores.files import FULL_DISK, SessionFiles, write_pieces
from video.preview import preview

logger = logging.getLogger(__name__)

MOST_WAITING = 16
"""Previews that may wait for their turn, and be made."""

BYTES_A_SECOND = 2_000_000
"""Of a preview at most, and as much for its beginning: ten times what its size needs."""


@dataclass
class _Job:
    percent: int = 0
    error: ServiceError | None = None


class Previews:
    def __init__(self, sessions: SessionManager, files: SessionFiles, limits: Limits) -> None:
        self._sessions, self._files, self._limits = sessions, files, limits
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="preview")
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        self._closing = False

    def percent(self, row: Session) -> int:
        """How far a session's preview is, 0-99; what is not begun yet is begun. Raises, once, what it failed of: asked
        again, it is tried again. Raises QueueFull."""
        session_id = row["session_id"]
        with self._lock:
            job = self._jobs.get(session_id)
            if job is None:
                if len(self._jobs) >= MOST_WAITING:  # who asked for those that failed may never come back
                    self._jobs = {asked: made for asked, made in self._jobs.items() if not made.error}
                if len(self._jobs) >= MOST_WAITING:
                    raise QueueFull("Too many previews are being made already; try again later")
                job = self._jobs[session_id] = _Job()
                self._pool.submit(self._make, row, job)
            if job.error:
                del self._jobs[session_id]
                raise job.error
            return job.percent

    def close(self) -> None:
        """Stop what is being made, and wait until it has."""
        self._closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, row: Session, job: _Job) -> None:
        session_id = row["session_id"]
        with logs.about(session_id, row["metadata"]["request_id"]):
            try:
                self._write(row, job)
                event(logger, "preview made")
                self._forget(session_id)
            except AnalysisStopped:
                self._forget(session_id)
            except Exception as error:
                logger.warning("no preview", exc_info=error)
                job.error = _in_words(error)
            if self._sessions.get_session(session_id) is None:
                self._files.remove(session_id)  # who leaves last turns off the light
                self._forget(session_id)

    def _write(self, row: Session, job: _Job) -> None:
        session_id, seconds = row["session_id"], max(1.0, video_seconds(row))

        def stopped() -> bool:
            now = self._sessions.get_session(session_id)
            return self._closing or now is None or now["status"] is not Status.COMPLETED

        def reported(pieces: Iterator[Written]) -> Iterator[tuple[int, bytes]]:
            for piece in pieces:
                job.percent = min(99, int(100 * piece.seconds / seconds))
                yield piece.offset, piece.data

        try:
            source = self._files.fetch(session_id, row["video_path"], stopped)
            target = self._files.folder(session_id) / PREVIEW
            if not target.exists():  # else it was made since somebody looked for it
                with closing(preview(source, self._limits, stopped)) as pieces:
                    write_pieces(target, reported(pieces), round(BYTES_A_SECOND * (1 + seconds)))
            self._files.publish(session_id)
        finally:
            self._files.let_go(session_id)

    def _forget(self, session_id: str) -> None:
        with self._lock:
            self._jobs.pop(session_id, None)


def _in_words(error: Exception) -> ServiceError:
    if isinstance(error, StorageUnavailable):
        return error
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return InsufficientStorage("The disk is full: the preview cannot be made")
    reason = error.reason if isinstance(error, ServiceError) else "internal"
    words = str(error) if isinstance(error, ServiceError) else "something went wrong inside the service"
    return AnalysisFailed(f"The preview cannot be made: {words}", reason=reason)
