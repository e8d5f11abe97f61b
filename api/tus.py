"""Resumable uploads by the tus protocol, 1.0.0 (https://tus.io/protocols/resumable-upload).

With its last byte an upload becomes the session that a form's would have become, and its id is that session's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

import logs
from api import PREFIX
from api.accepted import Accepting
from api.answers import flat_answer
from api.bodies import Body, to_its_end
from api.forms import refuse
from api.idempotency import owner_of
from api.intake import Intake, Owned, ReadForm, Wanted, Whole
from api.keyring import new_token, token_hash
from api.multipart import too_large
from api.refusals import refusals_counted
from api.resumable import Begun, Resumable, Resumables, locked
from api.rows import known
from api.space import storage_trouble_in_words
from api.tus_headers import CHUNK_TYPE, DECLARED, TUS, check_type, check_version, number, overridden, read_metadata
from errors import HttpRefusal, QueueFull, ServiceError, SessionNotFound
from logs import event
from schemas import Session
from session_manager import SessionManager

logger = logging.getLogger(__name__)

UPLOADS = f"{PREFIX}/uploads"

BATCH_BYTES = 1 << 19

SESSION_ID = "Upload-Session-Id"
"""Beside the protocol's own headers: the session that a complete upload became."""

TOKEN = "X-Session-Token"
"""What the session will need, where `token` was asked for: told when the upload begins."""


class Spoken(APIRoute):
    """Has the protocol's header on whatever is answered, refusals too. `request.state.body` is the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            body = request.state.body = Body(request)
            try:
                answer: Response = await self.endpoint(request, **request.path_params)
            except ServiceError as error:
                await body.read_on()
                answer = flat_answer(request.url.path, error, {} if body.ended else {"Connection": "close"})
                answer.headers["Cache-Control"] = "no-store"
                if error.status_code == 412:
                    answer.headers["Tus-Version"] = TUS["Tus-Resumable"]
            answer.headers.update(TUS)
            return answer

        return handle


class TusApi:
    def __init__(
        self,
        resumables: Resumables,
        intake: Intake,
        sessions: SessionManager,
        accepting: Accepting,
        read_form: ReadForm,
        max_bytes: int,
    ) -> None:
        self._resumables = resumables
        self._intake = intake
        self._sessions = sessions
        self._accepting = accepting
        self._read_form = read_form
        self._max_bytes = max_bytes

    def router(self) -> APIRouter:
        router = APIRouter(prefix=UPLOADS, tags=["resumable uploads"], default_response_class=Response)
        for path, methods in (
            ("", {"OPTIONS": self.tell, "POST": self.create}),
            (
                "/{upload_id:path}",
                {
                    "OPTIONS": self.tell,
                    "HEAD": self.stand,
                    "GET": self.answer,
                    "PATCH": self.append,
                    "DELETE": self.end,
                    "POST": self.other_method,
                },
            ),
        ):
            for method, endpoint in methods.items():
                name = endpoint.__name__
                router.add_api_route(
                    path,
                    endpoint,
                    methods=[method],
                    name=name,
                    description=endpoint.__doc__,
                    include_in_schema=name in DECLARED,
                    route_class_override=Spoken,
                    **DECLARED.get(name, {}),
                )
        return router

    async def tell(self, request: Request, upload_id: str = "") -> Response:
        """What the service can do of the protocol."""
        facts = {
            "Tus-Version": TUS["Tus-Resumable"],
            "Tus-Extension": "creation,creation-with-upload,expiration,termination",
            "Tus-Max-Size": str(self._max_bytes),
        }
        return Response(status_code=204, headers=facts)

    async def create(self, request: Request) -> Response:
        """Begin a resumable upload; `Location` says where its bytes go."""
        with refusals_counted(self._intake.meter):
            upload, token = await self._begin(request)
        location = {"Location": f"{UPLOADS}/{upload.id}"}
        if token:  # told with the first answer, so that it cannot be lost with the last
            location |= {TOKEN: token, "Cache-Control": "no-store"}
        if request.headers.get("content-type", "").startswith(CHUNK_TYPE):
            async with self._resumables.held(upload):
                answer = await self._take(request, upload)
            answer.status_code = 201
        else:
            answer = Response(status_code=201, headers=_standing(upload))
        answer.headers.update(location)
        return answer

    async def _begin(self, request: Request) -> tuple[Resumable, str | None]:
        """The upload, and the token that its session will need if one was asked for."""
        check_version(request)
        if "upload-defer-length" in request.headers:
            raise refuse("Upload-Defer-Length", "is not supported: say Upload-Length")
        length = number(request, "Upload-Length")
        metadata = request.headers.get("upload-metadata", "")
        _, wanted = self._wanted(metadata)
        token = new_token() if wanted.token else None
        if length == 0:
            raise refuse("video", "is an empty file")
        if length > self._max_bytes:
            raise too_large(self._max_bytes)
        self._intake.check_room()
        with storage_trouble_in_words():
            hashed = token and token_hash(token)
            begun = Begun(length, metadata, owner_of(request), hashed)
            upload = await to_its_end(self._resumables.create, begun)
        event(logger, "resumable upload begun", session=upload.id, bytes=length)
        return upload, token

    async def stand(self, request: Request, upload_id: str) -> Response:
        """How many bytes have come for good."""
        check_version(request)
        upload = await self._looked_up(request, upload_id)
        if upload is not None and upload.complete:
            # Its last answer was lost, or the service stopped before it was looked at.
            async with self._resumables.held(upload):
                if not upload.gone:
                    await self._finish(request, upload)
            upload = None
        if upload is None:
            row = self._session(upload_id)
            size = str(row["metadata"]["video"]["size_bytes"])
            headers = {"Upload-Offset": size, "Upload-Length": size, SESSION_ID: upload_id}
        else:
            headers = {**_standing(upload), "Upload-Length": str(upload.record.length)}
            if upload.record.metadata:
                headers["Upload-Metadata"] = upload.record.metadata
        return Response(status_code=200, headers={**headers, "Cache-Control": "no-store"})

    async def answer(self, request: Request, upload_id: str) -> Response:
        """What the upload of a form answers, once the last byte has come."""
        if upload := await self._looked_up(request, upload_id):
            words = f"{upload.record.offset} of {upload.record.length} bytes have come"
            raise HttpRefusal(words, 409, "upload_incomplete", uploadOffset=upload.record.offset)
        answer = self._accepting.told_again(self._session(upload_id))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def append(self, request: Request, upload_id: str) -> Response:
        """Send bytes on from `Upload-Offset`, as many as there are or fewer."""
        check_version(request)
        check_type(request)
        offset = number(request, "Upload-Offset")
        upload = await self._found(request, upload_id)
        async with self._resumables.held(upload):
            _check_ours(upload)
            if offset != upload.record.offset:
                words = f"The upload is at byte {upload.record.offset}, and not at {offset}"
                raise HttpRefusal(words, 409, "offset_mismatch", uploadOffset=upload.record.offset)
            return await self._take(request, upload)

    async def end(self, request: Request, upload_id: str) -> Response:
        """Give the upload up and delete what has come."""
        check_version(request)
        upload = await self._found(request, upload_id)
        upload.gone = True
        await to_its_end(self._resumables.remove, upload)
        return Response(status_code=204)

    async def other_method(self, request: Request, upload_id: str) -> Response:
        """For clients that can only send GET and POST."""
        methods = {"PATCH": self.append, "DELETE": self.end, "HEAD": self.stand}
        method = overridden(request)
        if method not in methods:
            raise HttpRefusal(f"POST is not possible at {request.url.path}", 405, "method_not_allowed")
        return await methods[method](request, upload_id)

    async def _take(self, request: Request, upload: Resumable) -> Response:
        with self._intake.counted():
            with suppress(QueueFull):  # which matters once it is complete
                self._intake.check_room()
            if int(request.headers.get("content-length", 0)) > upload.record.length - upload.record.offset:
                raise _past_the_end(upload)
            with storage_trouble_in_words():
                await self._receive(request.state.body, upload)
        _check_ours(upload)
        if upload.complete:
            await self._finish(request, upload)
            size = str(upload.record.length)
            return Response(status_code=204, headers={"Upload-Offset": size, SESSION_ID: upload.id})
        return Response(status_code=204, headers=_standing(upload))

    async def _receive(self, body: Body, upload: Resumable) -> None:
        """Write what comes; what came before it stopped coming is kept, whatever stopped it."""
        left = upload.record.length - upload.record.offset
        body.arrived = partial(self._intake.meter.upload_arrived, "resumable")
        sink = await to_its_end(self._resumables.sink, upload)
        batch = bytearray()
        try:
            async for piece in body:
                left -= len(piece)
                if left < 0:
                    raise _past_the_end(upload)
                batch += piece
                if len(batch) >= BATCH_BYTES:
                    full, batch = batch, bytearray()
                    await to_its_end(sink.write, full)
                _check_ours(upload)
        finally:
            await to_its_end(_write_last, sink, batch)

    async def _finish(self, request: Request, upload: Resumable) -> None:
        """Make it a session. What can never be one is removed; what cannot be at the moment stays."""
        with self._intake.counted():
            filename, wanted = self._wanted(upload.record.metadata)
            owned = Owned(upload.record.owner or None, upload.record.token_hash)
            try:
                with (
                    logs.about(upload.id, logs.request_id.get()),
                    refusals_counted(self._intake.meter),
                    storage_trouble_in_words(),
                ):
                    async with self._resumables.whole(upload) as path:
                        whole = Whole(path, filename, lambda: upload.lost)
                        taken = await self._intake.adopt(request, upload.id, whole, wanted, owned)
            except ServiceError as error:
                if upload.gone:
                    raise _unknown() from error
                if upload.lost:
                    raise locked() from error
                if error.status_code in (400, 413):
                    await to_its_end(self._resumables.remove, upload)
                raise
            if upload.gone:  # given up while it was looked at
                await to_its_end(self._sessions.delete_session, upload.id)
                raise _unknown()
            await to_its_end(self._resumables.remove, upload)
            await self._accepting.start(taken, bounded=False)

    def _wanted(self, metadata: str) -> tuple[str, Wanted]:
        """The file's name, and what is asked for. Raises InvalidRequest."""
        fields = read_metadata(metadata)
        filename = fields.pop("filename", "video")
        wanted = self._read_form(fields, True)
        assert wanted is not None
        return filename, wanted

    async def _looked_up(self, request: Request, upload_id: str) -> Resumable | None:
        with storage_trouble_in_words():
            return await to_its_end(self._resumables.get, upload_id, owner_of(request))

    async def _found(self, request: Request, upload_id: str) -> Resumable:
        upload = await self._looked_up(request, upload_id)
        if upload is None:
            raise _unknown()
        return upload

    def _session(self, upload_id: str) -> Session:
        try:
            return known(self._sessions, upload_id)
        except SessionNotFound:
            raise _unknown() from None


def _write_last(sink: Any, data: bytearray) -> None:
    try:
        sink.write(data)
    finally:
        sink.close()


def _standing(upload: Resumable) -> dict[str, str]:
    expires = format_datetime(upload.record.expires_at.astimezone(UTC), usegmt=True)
    return {"Upload-Offset": str(upload.record.offset), "Upload-Expires": expires}


def _past_the_end(upload: Resumable) -> HttpRefusal:
    words = f"The body goes on beyond the {upload.record.length} bytes that were announced"
    return HttpRefusal(words, 413, "upload_too_large", maxBytes=upload.record.length)


def _check_ours(upload: Resumable) -> None:
    if upload.gone:
        raise _unknown()
    if upload.lost:
        raise locked()


def _unknown() -> HttpRefusal:
    return HttpRefusal("There is no such upload: it is unknown, deleted or expired", 404, "upload_not_found")
