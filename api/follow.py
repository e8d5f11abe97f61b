"""Following a session: a poll that waits, and a stream of events."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from api.followers import Followers
from api.room import END, Follower
from api.standing import Standing, is_known, known_by, seconds_to_wait
from errors import StoreAway
from schemas import Status

HEARTBEAT_SECONDS = 15.0
"""How long a stream is silent at most: a proxy that hears nothing for a minute or so cuts it."""

RETRY = b"retry: 1000\n\n"
"""In milliseconds: when a browser comes back after a stream that broke."""

PIECE_BYTES = 1 << 14
"""About as much of many events as is sent at once."""

STILL_HERE = b": still here\n\n"
STOPPING = b": the service stops; come back\n" + RETRY

_IDENTITY = re.compile(rf"(\d{{1,18}})({re.escape(END)})?")


class FollowApi:
    def __init__(self, followers: Followers) -> None:
        self._followers = followers
        self._standings = followers.standings

    async def status(self, request: Request, session_id: str) -> Response:
        """At once, or after a wait for what the client does not know yet."""
        standing, known = self._standings.now(session_id), known_by(request)
        if request.scope["query_string"] and (seconds := seconds_to_wait(request.query_params)):
            standing = await self._next(request, standing, known, seconds)
        if is_known(standing.etag, known):
            return standing.headed(Response(status_code=304))
        return standing.headed(Response(standing.body, media_type="application/json"))

    async def events(self, request: Request, session_id: str) -> Response:
        standing = self._standings.now(session_id)
        since, ended = _last_seen(request)
        if ended and since == standing.revision:
            # By the standard a browser comes back after every end, unless it is told that there is no more.
            return Response(status_code=204, headers={"Cache-Control": "no-store"})
        return EventStream(self._followers, session_id, since)

    async def _next(self, request: Request, standing: Standing, known: str | None, seconds: float) -> Standing:
        """The first that is not as it was, or how it stands when the time is up. At once for whoever knows another, and
        for whoever knows none where nothing is to come."""
        waits = standing.running if known is None else is_known(standing.etag, known)
        if not waits or request.method == "HEAD":
            return standing
        session_id, deadline = standing.row["session_id"], time.monotonic() + seconds
        with self._followers.follow(session_id) as follower:
            async with _leaving_with(request.receive, follower):
                now = self._standings.now(session_id)
                while now.etag == standing.etag and not self._followers.draining:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    await _rung(follower, min(left, _seconds_until_expiry(now, self._standings.instant())))
                    if follower.gone:
                        raise ClientDisconnect
                    now = self._standings.now(session_id)
        return now


class EventStream(Response):
    """Server-Sent Events of one session, until it ends, the client goes, or the service stops."""

    media_type = "text/event-stream"

    def __init__(self, followers: Followers, session_id: str, since: int | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._followers = followers
        self._session_id = session_id
        self._since = since

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": b""})
            return
        # Before the head is sent: the session may be gone by now.
        with self._followers.follow(self._session_id, self._since) as follower:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with _leaving_with(receive, follower):
                async for text in self._texts(follower):
                    await send({"type": "http.response.body", "body": text, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _texts(self, follower: Follower) -> AsyncIterator[bytes]:
        yield RETRY
        while not follower.gone:
            follower.bell.clear()
            for piece in _pieces(_news(follower)):
                yield piece
            if follower.bell.is_set():
                continue
            if follower.over:
                yield follower.last_words()
                return
            if self._followers.draining:
                yield STOPPING
                return
            if not await _rung(follower, HEARTBEAT_SECONDS):
                yield STILL_HERE


def _news(follower: Follower) -> list[bytes]:
    """None while the store is away: the bell rings when it is there again."""
    try:
        return follower.news()
    except StoreAway:
        return []


def _pieces(texts: list[bytes]) -> Iterator[bytes]:
    """Few, and none much larger than a client that reads slowly may keep waiting in its connection."""
    piece = b""
    for text in texts:
        piece += text
        if len(piece) >= PIECE_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


async def _rung(follower: Follower, seconds: float) -> bool:
    """Whether the bell rings in time. It is silenced."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await follower.bell.wait()
    rung = follower.bell.is_set()
    follower.bell.clear()
    return rung


@asynccontextmanager
async def _leaving_with(receive: Receive, follower: Follower) -> AsyncIterator[None]:
    """While entered, the follower leaves when its client goes away."""

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        follower.leave()

    watching = asyncio.create_task(until_gone())
    try:
        yield
    finally:
        watching.cancel()


def _seconds_until_expiry(standing: Standing, instant: datetime) -> float:
    """Never quite none, so that whoever waits for it looks again afterwards."""
    expires = standing.row["expires_at"]
    if expires is None or standing.status is Status.EXPIRED:
        return math.inf
    return max(0.001, (expires - instant).total_seconds())


def _last_seen(request: Request) -> tuple[int | None, bool]:
    """The revision a client saw last, and whether that was the end. Polyfills of EventSource cannot send the header.
    Whatever we never gave as an id counts as none."""
    given = request.headers.get("last-event-id") or request.query_params.get("lastEventId") or ""
    match = _IDENTITY.fullmatch(given)
    return (int(match[1]), bool(match[2])) if match else (None, False)
