"""The front desk: takes a video, hands out a ticket, and says where the session stands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from api import PREFIX
from api.accepted import Accepting
from api.follow import EventStream, FollowApi
from api.forms import read_analysis_type, read_params, read_token, refuse
from api.intake import Intake, Wanted
from api.routes import UNKNOWN, Direct, errors
from api.rows import known, lost_result, no_results, unexpired, unknown
from api.standing import REVALIDATE, is_known, known_by
from errors import AlreadyEnded
from schemas import (
    PARAMS,
    CancelBody,
    CleanupBody,
    ErrorBody,
    ResultsBody,
    Session,
    Status,
    StatusBody,
    UploadBody,
)
from session_manager import SessionManager
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager

PART = "#/components/schemas/"
"""Before the name of a body, where OpenAPI refers to it."""

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
                            "description": 'A JSON object, e.g. {"max_highlights": 5}',
                            "contentMediaType": "application/json",
                            "contentSchema": {"anyOf": [{"$ref": PART + model.__name__} for model in PARAMS.values()]},
                        },
                        "token": {
                            "type": "boolean",
                            "default": False,
                            "description": "Answer a `sessionToken`, without which nobody sees the session",
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


def _asked(*parameters: tuple[str, str, str, str]) -> dict[str, Any]:
    """Declares parameters of a direct route for OpenAPI: place, name, type, description."""
    return {
        "parameters": [
            {"in": place, "name": name, "required": False, "schema": {"type": kind}, "description": description}
            for place, name, kind, description in parameters
        ]
    }


_IF_NONE_MATCH = ("header", "If-None-Match", "string", "The `ETag` of what is known already")
_WAIT = (
    "query",
    "wait",
    "number",
    "Answer at the next change after `If-None-Match`, or after so many seconds (30 at most)",
)
UPLOAD_ASKED = _asked(
    ("header", "Idempotency-Key", "string", "The same upload sent again under the same key is the same session again")
)
STATUS_ASKED = _asked(_WAIT, _IF_NONE_MATCH)
RESULTS_ASKED = _asked(_IF_NONE_MATCH)
EVENTS_ASKED = _asked(
    ("header", "Last-Event-ID", "string", "The id of the last event that was seen: nothing up to it is told again"),
    ("query", "lastEventId", "string", "The same, for clients that cannot send the header"),
)
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As `If-None-Match` knows it"}}
_REFUSED = {"application/json": {"schema": {"$ref": PART + ErrorBody.__name__}}}
_ONE_EVENT = {
    "type": "object",
    "description": "Each event of the stream",
    "required": ["event", "id", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["status", "partial", "end"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
EVENTS_ANSWERED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`status`, `partial` and `end` events; `id` is the revision",
        "content": {"text/event-stream": {"schema": _ONE_EVENT}},
    },
    204: {"description": "`Last-Event-ID` is that of the end: there is no more"},
    404: {"description": UNKNOWN, "content": _REFUSED},
    "default": {"description": "Any other refusal, in the same shape", "content": _REFUSED},
}
"""Refusals are declared by hand: FastAPI would have them event streams too."""


class VideoApi:
    def __init__(
        self,
        intake: Intake,
        sessions: SessionManager,
        tasks: BackgroundTaskManager,
        files: SessionFiles,
        follow: FollowApi,
    ) -> None:
        self._intake = intake
        self._accepting = Accepting(sessions, tasks, intake.meter)
        self._sessions = sessions
        self._tasks = tasks
        self._files = files
        self._follow = follow

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, tags=["video"])
        router.post(
            "/upload",
            response_model=UploadBody,
            openapi_extra=UPLOAD_FORM | UPLOAD_ASKED,
            responses=errors(
                _400="A field is wrong, or it is not a video we read",
                _408="It came too slowly",
                _413="Larger than accepted",
                _422="Its `Idempotency-Key` was used for something else",
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
            responses=errors(_400="`wait` is wrong", _404=UNKNOWN) | UNCHANGED,
            openapi_extra=STATUS_ASKED,
            route_class_override=Direct,
        )
        router.add_api_route(
            "/results/{session_id:path}",
            self.get_results,
            response_model=ResultsBody,
            responses=errors(_400="Not ready, or cancelled", _404=f"{UNKNOWN}, or expired", _500="The analysis failed")
            | UNCHANGED,
            openapi_extra=RESULTS_ASKED,
            route_class_override=Direct,
        )
        router.add_api_route(
            "/events/{session_id:path}",
            self.get_events,
            status_code=200,
            response_class=EventStream,
            responses=EVENTS_ANSWERED,
            openapi_extra=EVENTS_ASKED,
            route_class_override=Direct,
        )
        # A client may ask by HEAD whether anything changed.
        for name, endpoint in (("status", self.get_status), ("results", self.get_results), ("events", self.get_events)):
            path = f"/{name}/{{session_id:path}}"
            router.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, route_class_override=Direct)
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
        return await self._accepting.start(await self._intake.take(request, read_form))

    async def get_status(self, request: Request, session_id: str) -> Response:
        """Where the session stands: its progress, what is being done, and how long it may still take."""
        return await self._follow.status(request, session_id)

    async def get_events(self, request: Request, session_id: str) -> Response:
        """The session's status as Server-Sent Events.

        `status` as it stands and then with each change (data: what status answers), `partial` with each finding as it
        is made (data: `kind`, `item`), `end` (data: `status`, which may also be `deleted`); then the stream closes.
        When a status falls back to queued, its work begins anew: what was found before is void.
        """
        return await self._follow.events(request, session_id)

    async def get_results(self, request: Request, session_id: str) -> Response:
        """The analysis, once it is completed."""
        row = self._unexpired(session_id)
        if row["status"] is not Status.COMPLETED or row["result"] is None:
            raise no_results(row)
        etag = f'"{row["revision"]}"'
        headers = {"ETag": etag, "Cache-Control": REVALIDATE[1].decode()}
        if is_known(etag, known_by(request)):
            return Response(status_code=304, headers=headers)
        try:
            data = await asyncio.to_thread(self._files.read_result, session_id, row["result"])
        except (FileNotFoundError, ValueError) as error:
            # Cleaned up, or expired, since its row was read; otherwise it is a fault of the disk.
            self._unexpired(session_id)
            raise lost_result(session_id) from error
        envelope = b'{"sessionId":"%s","status":"completed","data":' % session_id.encode()
        return Response(envelope + data + b"}", media_type="application/json", headers=headers)

    async def cancel_processing(self, session_id: str) -> CancelBody:
        """Stop the analysis, waiting or running. Cancelling again is fine."""
        row = self._unexpired(session_id)
        if row["status"] in (Status.QUEUED, Status.PROCESSING):
            if await asyncio.to_thread(self._tasks.cancel_task, session_id):
                row["status"] = Status.CANCELLED  # whatever has become of the session since
            else:
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

    def _known(self, session_id: str) -> Session:
        return known(self._sessions, session_id)

    def _unexpired(self, session_id: str) -> Session:
        return unexpired(self._sessions, session_id)


def read_form(fields: Mapping[str, str], complete: bool) -> Wanted | None:
    """What an upload's fields ask for. Before they are all there, only what is there can be wrong."""
    if "analysis_type" not in fields:
        if complete:
            raise refuse("analysis_type", "is missing")
        return None
    analysis_type = read_analysis_type(fields["analysis_type"])
    if "params" not in fields and not complete:
        return None
    token = read_token(fields.get("token", "false"))
    return Wanted(analysis_type, read_params(analysis_type, fields.get("params", "{}")), token)
