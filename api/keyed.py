"""What a key opens beside single sessions: the list of its own, and tickets for them. Only where keys are set."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from api import PREFIX
from api.access import caller
from api.forms import refuse
from api.routes import UNKNOWN, Direct, errors
from api.rows import unexpired
from api.standing import Standings
from errors import HttpRefusal
from schemas import Body, Session, StatusBody
from session_manager import SessionManager
from stores.rows import place_in_time

MOST = 100
USUAL = 20

_CURSOR = re.compile(r"(\d{1,20})\.([0-9a-f-]{36})")


class ListedBody(StatusBody):
    """A status, and what tells the session from others."""

    filename: str
    """The name it was uploaded under."""


class SessionsBody(Body):
    sessions: list[ListedBody]
    """Newest first."""
    next_cursor: str | None
    """Asks for those before the last one; null where there are none."""


class TokenBody(Body):
    session_id: str
    """The session."""
    session_token: str
    """For `?token=` on its events and files."""
    expires_at: datetime
    """When it ends, RFC 3339 in UTC."""


_LISTED: dict[str, Any] = {
    "parameters": [
        {
            "in": "query",
            "name": "limit",
            "required": False,
            "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
            "description": "Sessions to a page",
        },
        {
            "in": "query",
            "name": "cursor",
            "required": False,
            "schema": {"type": "string"},
            "description": "`nextCursor` of the page before",
        },
    ]
}


class KeyedApi:
    def __init__(self, sessions: SessionManager, standings: Standings) -> None:
        self._sessions = sessions
        self._standings = standings

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, tags=["video"])
        router.add_api_route(
            "/sessions",
            self.list_sessions,
            response_model=SessionsBody,
            responses=errors(_400="`limit` or `cursor` is wrong", _404="No keys are set"),
            openapi_extra=_LISTED,
            route_class_override=Direct,
        )
        router.add_api_route(
            "/token/{session_id:path}",
            self.give_token,
            methods=["POST"],
            response_model=TokenBody,
            responses=errors(_404=f"{UNKNOWN}, or expired; or no keys are set"),
            route_class_override=Direct,
        )
        return router

    async def list_sessions(self, request: Request) -> Response:
        """The sessions of the caller's key, newest first, each as status tells it and with its `filename`."""
        owner = _owner(request)
        limit, before = _limit(request.query_params.get("limit")), _before(request.query_params.get("cursor"))
        page = await asyncio.to_thread(self._sessions.owned, owner, before, limit + 1)
        more = _cursor(page[limit - 1]) if len(page) > limit else None
        bodies = [self._told(row) for row in page[:limit]]
        text = b'{"sessions":[%s],"nextCursor":%s}' % (b",".join(bodies), json.dumps(more).encode())
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})

    async def give_token(self, request: Request, session_id: str) -> Response:
        """A token for `?token=` on this session's events and files, for half a day: `<video>` and `<img>` cannot send
        a key."""
        owner = _owner(request)
        row = unexpired(self._sessions, session_id)
        ticket, until = caller.get().keyring.ticket(owner, row["session_id"])
        body = TokenBody(session_id=session_id, session_token=ticket, expires_at=datetime.fromtimestamp(until, UTC))
        headers = {"Cache-Control": "no-store"}
        return Response(body.model_dump_json(by_alias=True), media_type="application/json", headers=headers)

    def _told(self, row: Session) -> bytes:
        name = json.dumps(row["metadata"]["filename"]).encode()
        return self._standings.of(row).body[:-1] + b',"filename":' + name + b"}"


def _owner(request: Request) -> str:
    """The name of the caller's key. Where the service has none, there is nothing here."""
    owner = caller.get().owner
    if owner is None:
        raise HttpRefusal(f"There is nothing at {request.url.path} where no keys are set", 404, "not_found")
    return owner


def _cursor(row: Session) -> str:
    instant, session_id = place_in_time(row)
    return f"{instant}.{session_id}"


def _before(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise refuse("cursor", "is none that was given out")
    return int(match[1]), match[2]


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST:
        raise refuse("limit", f"must be a number from 1 to {MOST}")
    return int(text)
