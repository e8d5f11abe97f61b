"""An upload that was taken in becomes work: submitted, and answered as its client is told it."""

from __future__ import annotations

import asyncio

from fastapi import Response
from fastapi.responses import JSONResponse

from api import PREFIX
from api.intake import Upload
from errors import Draining, ServiceError
from schemas import Links, Session, Status, UploadBody, VideoBody
from session_manager import SessionManager
from task_manager import BackgroundTaskManager


class Accepting:
    def __init__(self, sessions: SessionManager, tasks: BackgroundTaskManager) -> None:
        self._sessions = sessions
        self._tasks = tasks

    async def start(self, upload: Upload, *, bounded: bool = True) -> Response:
        """Raises QueueFull where that is bounded; then nothing is left of it."""
        if not upload.again:
            await asyncio.to_thread(self._submit, upload.session_id, bounded)
        return self._told(upload.session_id, upload.metadata["filename"], upload)

    def told_again(self, row: Session) -> Response:
        """What was answered when the session began."""
        return self._told(row["session_id"], row["metadata"]["filename"], row)

    def _told(self, session_id: str, filename: str, of: Upload | Session) -> Response:
        metadata = of.metadata if isinstance(of, Upload) else of["metadata"]
        links = {name: f"{PREFIX}/{name}/{session_id}" for name in Links.model_fields}
        body = UploadBody(
            session_id=session_id,
            status=Status.QUEUED,
            message="Video uploaded successfully",
            # It may have begun since: then nobody was before it.
            queue_position=self._tasks.queue_position(session_id) or 1,
            video=VideoBody(filename=filename, **metadata["video"]),
            sha256=metadata["sha256"],
            links=Links(**links),
            session_token=of.token if isinstance(of, Upload) else None,
        )
        told = body.model_dump(mode="json", by_alias=True, exclude=None if body.session_token else {"session_token"})
        return JSONResponse(told, headers={"Location": links["status"], "Cache-Control": "no-store"})

    def _submit(self, session_id: str, bounded: bool) -> None:
        try:
            self._tasks.submit(session_id, bounded=bounded)
        except Draining:
            # It is on disk, and so the next start takes it up.
            return
        except ServiceError:
            self._sessions.delete_session(session_id)
            raise
