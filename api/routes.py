"""How the session endpoints are declared: their errors, and a short way for those that are called most."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from schemas import ErrorBody

UNKNOWN = "Unknown, deleted or malformed id"


def errors(**statuses: str) -> dict[int | str, dict[str, Any]]:
    """Declares error answers for OpenAPI, by `_404="when"`."""
    declared = {code[1:]: when for code, when in statuses.items()} | {"default": "Any other refusal, in the same shape"}
    return {code: {"model": ErrorBody, "description": when} for code, when in declared.items()}


class Direct(APIRoute):
    """Declared and documented as any route is, but called straight with the request and the parts of its path, which
    are text, and gives its response itself: what FastAPI does around an endpoint would cost a poll more than the poll
    itself."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(request, **request.path_params)
            return response

        return handle
