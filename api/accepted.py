"""An upload that was taken in becomes work: submitted, and answered as its client is told it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from fastapi import Response
from fastapi.responses import JSONResponse

from api import PREFIX
from api.intake import Upload
from api.refusals import refusals_counted
from api.rows import unknown
from errors import Draining, ServiceError, StoreAway
from metrics import Meter
from roster import SubmittedAlready
from schemas import Links, Metadata, Session, Status, UploadBody, VideoBody
from session_manager import SessionManager
from task_manager import BackgroundTaskManager


class Accepting:
    def __init__(self, sessions: SessionManager, tasks: BackgroundTaskManager, meter: Meter) -> None:
        self._sessions = sessions
        self._tasks = tasks
        self._meter = meter

    async def start(self, upload: Upload, *, bounded: bool = True) -> Response:
        """Raises QueueFull where that is bounded; then nothing is left of it. Raises SessionNotFound for one that was
        taken in before and is deleted by now."""
        if upload.again:
            row = self._sessions.get_session(upload.session_id)
            if row is None:
                raise unknown(upload.session_id)
            return self.told_again(row, upload.token)
        with refusals_counted(self._meter):
            await asyncio.to_thread(self._submit, upload.session_id, bounded)
        # It may have begun since: then nobody was before it.
        place = self._place(upload.session_id) or 1
        return self._told(upload.session_id, upload.metadata, Status.QUEUED, place, upload.token)

    def told_again(self, row: Session, token: str | None = None) -> Response:
        """What was answered when the session began, but for where it stands by now."""
        session_id = row["session_id"]
        place = self._tasks.queue_position(session_id)
        return self._told(session_id, row["metadata"], row["status"], place, token)

    def _told(
        self, session_id: str, metadata: Metadata, status: Status, place: int | None, token: str | None
    ) -> Response:
        links = {name: f"{PREFIX}/{name}/{session_id}" for name in Links.model_fields}
        body = UploadBody(
            session_id=session_id,
            status=status,
            message="Video uploaded successfully",
            queue_position=place,
            video=VideoBody(filename=metadata["filename"], **metadata["video"]),
            sha256=metadata["sha256"],
            links=Links(**links),
            session_token=token,
        )
        told = body.model_dump(mode="json", by_alias=True, exclude=None if body.session_token else {"session_token"})
        return JSONResponse(told, headers={"Location": links["status"], "Cache-Control": "no-store"})

    def _place(self, session_id: str) -> int | None:
        with suppress(StoreAway):
            return self._tasks.queue_position(session_id)
        return None

    def _submit(self, session_id: str, bounded: bool) -> None:
        try:
            self._tasks.submit(session_id, bounded=bounded)
        except (Draining, StoreAway, SubmittedAlready):
            # It is in the ledger, and so the next start takes it up, or a caretaker; or one has already.
            return
        except ServiceError:
            self._sessions.delete_session(session_id)
            raise
