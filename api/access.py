"""The door: who may come in, decided before a body is read. What lies behind it asks `caller` whose a session is.

It stands before every route, those of tomorrow too: what needs no key is listed here, and nothing else is open.
"""

from __future__ import annotations

from contextvars import ContextVar
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import PREFIX
from api.answers import flat_answer
from api.bodies import Body
from api.keyring import Caller, Keyring
from api.limits import Limiter, begins_upload
from api.refusals import upload_refused
from errors import ServiceError, Unauthorized
from metrics import Meter
from schemas import Session

OPEN = frozenset(
    {
        *("/", "/livez", "/readyz", "/health", "/app"),
        *("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"),
    }
)
"""What needs no key: what platforms ask, the page, and the service's own description, which tells of no videos."""

PAGE = "/app/"

SHOWN = (f"{PREFIX}/events/", f"{PREFIX}/files/")
"""Where a token may stand in the address, for `<video>`, `<img>` and `EventSource` send no headers."""

READING = ("GET", "HEAD")

caller: ContextVar[Caller] = ContextVar("caller", default=Caller())  # noqa: B039  a Caller is frozen
"""Whose request is being answered."""


def is_visible(row: Session) -> bool:
    """Whether the session may be seen by whose request is being answered. To others it is unknown."""
    return caller.get().may_see(row)


class Door:
    """Lets in who may, no more often than the operator allows, and notes who it is."""

    def __init__(self, app: ASGIApp, keyring: Keyring, limiter: Limiter, meter: Meter) -> None:
        self._app = app
        self._meter = meter
        self._keyring = keyring
        self._limiter = limiter
        self._anybody = Caller(keyring=keyring)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN or scope["path"].startswith(PAGE):
            await self._app(scope, receive, send)
            return
        try:
            who = self._who(scope)
            self._limiter.count(scope, who.owner)
        except ServiceError as refused:
            if begins_upload(scope["method"], scope["path"]):
                upload_refused(self._meter, refused.exact_reason)
            await _refuse(refused, scope, receive, send)
            return
        scope.setdefault("state", {})["owner"] = who.owner or ""
        noted = caller.set(who)
        try:
            await self._app(scope, receive, send)
        finally:
            caller.reset(noted)

    def _who(self, scope: Scope) -> Caller:
        """Raises Unauthorized."""
        key, token = _sent(scope)
        shown = scope["path"].startswith(SHOWN) and scope["method"] in READING
        if shown and not token and b"token=" in scope["query_string"]:
            token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if not self._keyring:
            return Caller(token=token, keyring=self._keyring) if token else self._anybody
        if key is None and shown and token:
            return Caller(token=token, keyring=self._keyring)
        if key is None:
            raise Unauthorized("The service asks for a key: send it as X-API-Key, or as Authorization: Bearer")
        owner = self._keyring.owner_of(key)
        if owner is None:
            raise Unauthorized("The key is not accepted")
        return Caller(owner, keyring=self._keyring)


def _sent(scope: Scope) -> tuple[bytes | None, str]:
    """The key and the token in a request's headers."""
    key = bearer = None
    token = ""
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            key = value
        elif name == b"x-session-token":
            token = value.decode("latin-1")
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = value[7:].strip()
    return (bearer if key is None else key), token


async def _refuse(refused: ServiceError, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": 'Bearer realm="video"'} if isinstance(refused, Unauthorized) else {}
    body = Body(Request(scope, receive))
    # A client that waits to be asked for its body is not asked.
    if not any(name == b"expect" for name, _ in scope["headers"]):
        await body.read_on()
    if not body.ended:
        headers["Connection"] = "close"
    await flat_answer(scope["path"], refused, headers)(scope, receive, send)
