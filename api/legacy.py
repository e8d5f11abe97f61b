"""The endpoints that were there first, unchanged for their clients: they answer when the work is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from api.bodies import unless_gone
from api.callers import Callers
from api.forms import read_legacy_params
from api.intake import Intake, Upload, Wanted
from errors import AnalysisFailed, Draining, SessionCancelled
from schemas import PARAMS, AnalysisType, LegacyBody, LegacyError, Params, Session, Status
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager

FIELDS: Mapping[AnalysisType, tuple[str, ...]] = {
    AnalysisType.HIGHLIGHTS: ("min_significance", "max_highlights"),
    AnalysisType.WORKOUT: ("segment_duration", "system_prompt", "user_prompt"),
}
"""The params that legacy clients send, as form fields beside the video."""

ANSWERED_AS: Mapping[AnalysisType, str] = {
    AnalysisType.HIGHLIGHTS: "highlights",
    AnalysisType.WORKOUT: "workout_timestamps",
}


class LegacyApi:
    """The same road as a session's: the same pool, limits and result. Only the waiting is done here."""

    def __init__(self, intake: Intake, tasks: BackgroundTaskManager, files: SessionFiles, callers: Callers) -> None:
        self._intake = intake
        self._callers = callers
        self._tasks = tasks
        self._files = files

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/analyze", tags=["legacy"])
        for analysis_type in AnalysisType:
            router.post(
                f"/{analysis_type}",
                name=f"analyze_{analysis_type}",
                summary=f"Upload a video and wait for its {analysis_type} analysis",
                response_model=LegacyBody,
                openapi_extra=_form(analysis_type),
                responses={"default": {"model": LegacyError, "description": "Refused or failed; `detail` says why"}},
            )(self._endpoint(analysis_type))
        return router

    def _endpoint(self, analysis_type: AnalysisType) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def analyze(request: Request) -> Response:
            upload = await self._intake.take(request, _reader(analysis_type), legacy=True)
            try:
                await asyncio.to_thread(self._callers.begin, upload.session_id)
                row = await self._until_ended(request, upload)
                return await self._answer(row, analysis_type)
            finally:
                # Also when the client went away: what it waited for is of no use to anybody else.
                await asyncio.shield(asyncio.to_thread(self._callers.end, upload.session_id))

        return analyze

    async def _until_ended(self, request: Request, upload: Upload) -> Session | None:
        wanted = upload.wanted
        work = asyncio.ensure_future(
            self._tasks.process_video_async(
                upload.session_id, str(upload.path), wanted.analysis_type, wanted.params.model_dump()
            )
        )
        try:
            return await unless_gone(request, work)
        finally:
            work.cancel()

    async def _answer(self, row: Session | None, analysis_type: AnalysisType) -> Response:
        if row is None or row["status"] is Status.CANCELLED:
            raise SessionCancelled("The analysis was cancelled")
        if row["status"] is Status.FAILED:
            raise AnalysisFailed(f"Analysis failed: {row['error']}")
        if row["status"] is not Status.COMPLETED or row["result"] is None:
            raise Draining("The service stopped before the analysis was done; send the video again in a few seconds")
        data = await asyncio.to_thread(self._files.read_result, row["session_id"], row["result"])
        envelope = b'{"success":true,"analysis_type":"%s","data":' % ANSWERED_AS[analysis_type].encode()
        return Response(envelope + data + b"}", media_type="application/json")


def _reader(analysis_type: AnalysisType) -> Callable[[Mapping[str, str], bool], Wanted]:
    def read_form(fields: Mapping[str, str], complete: bool) -> Wanted:
        known = {name: text for name, text in fields.items() if name in FIELDS[analysis_type]}
        params: Params = read_legacy_params(analysis_type, known)
        return Wanted(analysis_type, params)

    return read_form


def _form(analysis_type: AnalysisType) -> dict[str, Any]:
    params = PARAMS[analysis_type].model_json_schema()["properties"]
    fields = {name: params[name] for name in FIELDS[analysis_type]}
    video = {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
        "description": "The video file",
    }
    schema = {"type": "object", "required": ["video"], "properties": {**fields, "video": video}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}
