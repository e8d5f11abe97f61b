"""One shape for every refusal and failure, and an id for every request."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import logs
from api.measured import Requests
from errors import BodyTimeout, HttpRefusal, InvalidRequest, ServiceError

logger = logging.getLogger(__name__)

REFERRER = (b"referrer-policy", b"no-referrer")
"""An address of ours may hold a token: no link out of here tells it to others."""

REQUEST_ID = "X-Request-ID"
_REQUEST_ID = REQUEST_ID.lower().encode()
LEGACY = "/analyze/"
"""Below this path errors keep the shape that legacy clients read."""

VARY = (b"vary", b"Origin")
"""Tells caches that an answer to another origin may be another, even where none was named."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """Gives each request an id, the client's own where it is sane: in its answer and in every log line. Has no browser
    tell others where it was. And has each answer counted as it begins: in one go, because polls come by the thousand.
    """

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app = app
        self._answered = requests.answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _REQUEST_ID), b"").decode("latin-1")
        request_id = given if _SANE_ID.fullmatch(given) else logs.new_request_id()
        headers = ((_REQUEST_ID, request_id.encode()), REFERRER)
        began = perf_counter()

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(scope, message["status"], perf_counter() - began)
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        token = logs.request_id.set(request_id)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            logs.request_id.reset(token)


class CrashGuard:
    """Answers a crash in the flat shape. Its traceback goes to the log, never to a client."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except ClientDisconnect:
            logger.info("client went away", extra={"facts": {"path": scope["path"]}})
        except Exception:
            logger.exception("crash", extra={"facts": {"path": scope["path"]}})
            if started:
                raise
            told = flat_answer(scope["path"], ServiceError("Something went wrong inside the service"))
            await told(scope, receive, send)


def install(app: FastAPI) -> None:
    """Make every error of the app answer in the flat shape."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)


class _Flat(JSONResponse):
    """JSON whatever text a client made us repeat: what cannot be encoded is replaced."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class Cors(CORSMiddleware):
    """Starlette's, but for the one refusal it words itself, and a short way for what no page of a browser sent."""

    async def simple_response(self, scope: Scope, receive: Receive, send: Send, request_headers: Headers) -> None:
        if "origin" in request_headers:
            await super().simple_response(scope, receive, send, request_headers)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), VARY]
            await send(message)

        await self.app(scope, receive, send_varying)

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        words = "Pages of this origin may not call the service, or not like this; see CORS_ORIGINS"
        told = HttpRefusal(words, 400, "cors_refused")
        kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return flat_answer("", told, kept)


def flat_answer(path: str, error: ServiceError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    sent = dict(headers or {})
    if error.retry_after_seconds is not None:
        sent["Retry-After"] = str(error.retry_after_seconds)
    if path.startswith(LEGACY):
        return _Flat({"detail": str(error)}, error.status_code, sent)
    body = {"error": str(error), "reason": error.reason, **error.details}
    body |= {"code": error.status_code, "requestId": logs.request_id.get()}
    return _Flat(body, error.status_code, sent)


async def _on_service_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ServiceError)
    # The rest of a refused body is not read: the connection cannot be used again.
    unread = getattr(request.state, "body_left_unread", False) or isinstance(error, BodyTimeout)
    return flat_answer(request.url.path, error, {"Connection": "close"} if unread else None)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    details = [{"loc": list(wrong["loc"]), "msg": wrong["msg"]} for wrong in error.errors()]
    words = "; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in details)
    return flat_answer(request.url.path, InvalidRequest(words, details=details))


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    path = request.url.path
    told = HttpRefusal(str(error.detail), error.status_code, "http_error")
    if error.status_code == 404:
        told = HttpRefusal(f"There is nothing at {path}; /docs lists what there is", 404, "not_found")
    elif error.status_code == 405:
        told = HttpRefusal(f"{request.method} is not possible at {path}", 405, "method_not_allowed")
    return flat_answer(path, told, error.headers)
