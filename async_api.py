"""The front desk: takes a video, hands out a ticket, and says where the session stands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from api import PREFIX
from api.forms import read_analysis_type, read_params, refuse
from api.intake import Intake, Upload, Wanted
from api.rows import known, no_results, unexpired, unknown
from errors import AlreadyEnded, Draining, ServiceError
from schemas import (
    CancelBody,
    CleanupBody,
    ErrorBody,
    Links,
    ResultsBody,
    Session,
    Status,
    StatusBody,
    UploadBody,
    VideoBody,
)
from session_manager import SessionManager
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager

UPLOAD_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["video", "analysis_type"],
                    "properties": {
                        "analysis_type": {
                            "type": "string",
                            "enum": ["highlights", "workout"],
                            "description": "What to look for",
                        },
                        "params": {
                            "type": "string",
                            "default": "{}",
                            "description": 'A JSON object of settings, e.g. {"max_highlights": 5}',
                        },
                        "video": {
                            "type": "string",
                            "format": "binary",
                            "contentMediaType": "application/octet-stream",
                            "description": "The video file; sent last, so that a mistake in the rest is told early",
                        },
                    },
                }
            }
        },
    }
}


def errors(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """Declares error answers for OpenAPI, by `_404="when"`."""
    declared = {code[1:]: when for code, when in statuses.items()} | {"default": "Any other refusal, in the same shape"}
    return {code: {"model": ErrorBody, "description": when} for code, when in declared.items()}


class Direct(APIRoute):
    """Declared and documented as any route is, but called straight with the parts of its path, which are text, and
    gives its response itself: what FastAPI does around an endpoint would cost a poll more than the poll itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(**request.path_params)
            return response

        return handle


OF_THE_ROW = tuple(name for name in StatusBody.model_fields if name in Session.__annotations__)
"""What a status says as the session's row has it."""

UNKNOWN = "Unknown, deleted or malformed id"


class VideoApi:
    def __init__(
        self, intake: Intake, sessions: SessionManager, tasks: BackgroundTaskManager, files: SessionFiles
    ) -> None:
        self._intake = intake
        self._sessions = sessions
        self._tasks = tasks
        self._files = files

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, tags=["video"])
        router.post(
            "/upload",
            response_model=UploadBody,
            openapi_extra=UPLOAD_FORM,
            responses=errors(
                _400="A field is wrong, or it is not a video we read",
                _413="Larger than accepted",
                _429="Too many wait already",
                _503="About to stop",
                _507="The disk is full",
            ),
        )(self.upload_video)
        # `:path`, because an id that no session can have is unknown, whatever is in it.
        router.add_api_route(
            "/status/{session_id:path}",
            self.get_status,
            response_model=StatusBody,
            responses=errors(_404=UNKNOWN),
            route_class_override=Direct,
        )
        router.get(
            "/results/{session_id:path}",
            response_model=ResultsBody,
            responses=errors(_400="Not ready, or cancelled", _404=f"{UNKNOWN}, or expired", _500="The analysis failed"),
        )(self.get_results)
        router.post(
            "/cancel/{session_id:path}",
            response_model=CancelBody,
            responses=errors(_400="Completed or failed already", _404=f"{UNKNOWN}, or expired"),
        )(self.cancel_processing)
        router.delete("/cleanup/{session_id:path}", response_model=CleanupBody, responses=errors(_404=UNKNOWN))(
            self.cleanup_session
        )
        return router

    async def upload_video(self, request: Request) -> Response:
        """Upload a video and start its analysis. Answers at once; follow it with status."""
        upload = await self._intake.take(request, read_form)
        await asyncio.to_thread(self._submit, upload)
        links = {name: f"{PREFIX}/{name}/{upload.session_id}" for name in Links.model_fields}
        body = UploadBody(
            session_id=upload.session_id,
            status=Status.QUEUED,
            message="Video uploaded successfully",
            # It may have begun since: then nobody was before it.
            queue_position=self._tasks.queue_position(upload.session_id) or 1,
            video=VideoBody(filename=upload.metadata["filename"], **upload.metadata["video"]),
            sha256=upload.metadata["sha256"],
            links=Links(**links),
        )
        return JSONResponse(body.model_dump(mode="json", by_alias=True), headers={"Location": links["status"]})

    async def get_status(self, session_id: str) -> Response:
        """Where the session stands: its progress, what is being done, and how long it may still take."""
        # The place first: one that waits no more when its row is read has begun, and not the other way round.
        place = self._tasks.queue_position(session_id)
        body = self._status_body(self._known(session_id), place)
        return Response(body.model_dump_json(by_alias=True), media_type="application/json")

    async def get_results(self, session_id: str) -> Response:
        """The analysis, once it is completed."""
        row = self._unexpired(session_id)
        if row["status"] is not Status.COMPLETED or row["result"] is None:
            raise no_results(row)
        try:
            data = await asyncio.to_thread(self._files.read, session_id, row["result"])
        except FileNotFoundError as error:
            # Cleaned up, or expired, since its row was read; otherwise it is a fault of ours.
            self._unexpired(session_id)
            raise ServiceError("The result of this session is missing on disk", sessionId=session_id) from error
        envelope = b'{"sessionId":"%s","status":"completed","data":' % session_id.encode()
        return Response(envelope + data + b"}", media_type="application/json")

    async def cancel_processing(self, session_id: str) -> CancelBody:
        """Stop the analysis, waiting or running. Cancelling again is fine."""
        row = self._unexpired(session_id)
        if row["status"] in (Status.QUEUED, Status.PROCESSING):
            await asyncio.to_thread(self._tasks.cancel_task, session_id)
            row = self._unexpired(session_id)
        if row["status"] is not Status.CANCELLED:
            raise AlreadyEnded(f"Session already {row['status']}", status=row["status"], sessionId=session_id)
        return CancelBody(session_id=session_id, status=Status.CANCELLED, message="Processing cancelled successfully")

    async def cleanup_session(self, session_id: str) -> CleanupBody:
        """Stop the analysis if it runs, delete the session's files and forget it."""
        self._known(session_id)
        if not await asyncio.to_thread(self._tasks.remove, session_id):
            raise unknown(session_id)
        return CleanupBody(session_id=session_id, message="Session cleaned up successfully")

    def _submit(self, upload: Upload) -> None:
        try:
            self._tasks.submit(upload.session_id)
        except Draining:
            # It is on disk, and so the next start takes it up.
            return
        except ServiceError:
            self._sessions.delete_session(upload.session_id)
            raise

    def _known(self, session_id: str) -> Session:
        return known(self._sessions, session_id)

    def _unexpired(self, session_id: str) -> Session:
        return unexpired(self._sessions, session_id)

    def _status_body(self, row: Session, place: int | None) -> StatusBody:
        return StatusBody(
            **{name: row[name] for name in OF_THE_ROW},  # type: ignore[literal-required]
            queue_position=place if row["status"] is Status.QUEUED else None,
            eta_seconds=self._tasks.eta_seconds(row),
        )


def read_form(fields: Mapping[str, str], complete: bool) -> Wanted | None:
    """What an upload's fields ask for. Before they are all there, only what is there can be wrong."""
    if "analysis_type" not in fields:
        if complete:
            raise refuse("analysis_type", "is missing")
        return None
    analysis_type = read_analysis_type(fields["analysis_type"])
    if "params" not in fields and not complete:
        return None
    return Wanted(analysis_type, read_params(analysis_type, fields.get("params", "{}")))
