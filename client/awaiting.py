"""The client that awaits: carries the same scripts out by httpx.AsyncClient."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from client.answers import (
    AnalysisType,
    Cancelled,
    CleanedUp,
    Data,
    Event,
    Health,
    Listed,
    SessionsPage,
    SessionToken,
    Started,
    Status,
)
from client.blocking import PATIENCE
from client.calls import Calls
from client.connection import answer_of, heard, request_of, wired, wiring_of
from client.steps import Answer, Ask, Do, HangUp, Hear, Listen, NoAnswer, Pause, Script, Step, Tell, Walk
from client.uploads import UploadOptions
from errors import ServiceError

T = TypeVar("T")


class AsyncVideoClient:
    """As VideoClient, method by method, for one event loop. What it leaves to do when it is cancelled it does first."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        session_tokens: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        with wired(url):
            self._http = httpx.AsyncClient(**wiring_of(url))
        self.url = str(self._http.base_url)
        self._calls = Calls(self.url, api_key, dict(session_tokens or {}), patience)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def alive(self) -> bool:
        return await self._run(self._calls.alive())

    async def health(self) -> Health:
        health: Health = await self._run(self._calls.health())
        return health

    async def upload(
        self,
        video: str | Path,
        analysis_type: AnalysisType = "highlights",
        params: Mapping[str, Any] | None = None,
        **options: Unpack[UploadOptions],
    ) -> Started:
        sending = self._calls.sending(video, analysis_type, params, options)
        try:
            return await self._run(self._calls.upload(sending))
        except BaseException:
            with suppress(ServiceError):
                await self._run(self._calls.give_up(sending))
            raise

    async def status(self, session_id: str) -> Status:
        status: Status = await self._run(self._calls.status(session_id))
        return status

    def follow(self, session_id: str, *, last_event_id: str = "") -> AsyncIterator[Event]:
        return self._walk(self._calls.follow(session_id, last_event_id))

    async def wait(self, session_id: str, on_event: Callable[[Event], object] | None = None) -> Status:
        async with aclosing(self._walk(self._calls.follow(session_id, ""))) as events:
            async for event in events:
                if on_event:
                    on_event(event)
        return await self.status(session_id)

    async def results(self, session_id: str) -> Data:
        return await self._run(self._calls.results(session_id))

    async def download(
        self, session_id: str, folder: str | Path, names: Iterable[str] | None = None, *, keep_parts: bool = False
    ) -> list[Path]:
        return await self._run(self._calls.download(session_id, Path(folder), names, keep_parts))

    async def cancel(self, session_id: str) -> Cancelled:
        cancelled: Cancelled = await self._run(self._calls.cancel(session_id))
        return cancelled

    async def cleanup(self, session_id: str) -> CleanedUp:
        cleaned: CleanedUp = await self._run(self._calls.cleanup(session_id))
        return cleaned

    async def sessions(self, limit: int | None = None, cursor: str | None = None) -> SessionsPage:
        return await self._run(self._calls.sessions(limit, cursor))

    def every_session(self) -> AsyncIterator[Listed]:
        return self._walk(self._calls.every_session())

    async def token(self, session_id: str) -> SessionToken:
        token: SessionToken = await self._run(self._calls.token(session_id))
        return token

    # ── Carrying scripts out ──────────────────────────────────────────────────────────────────────

    async def _run(self, script: Script[T]) -> T:
        walk, hands = Walk(script), _Hands(self._http, self.url)
        async with aclosing(self._walked(walk, hands)) as told:
            async for _ in told:
                pass
        result: T = walk.result  # type: ignore[assignment]  # it is done
        return result

    def _walk(self, script: Script[None]) -> AsyncGenerator[Any, None]:
        return self._walked(Walk(script), _Hands(self._http, self.url))

    async def _walked(self, walk: Walk[Any], hands: _Hands) -> AsyncGenerator[Any, None]:
        try:
            while walk.step is not None:
                if isinstance(walk.step, Tell):
                    yield walk.step.event
                    walk.give(None)
                    continue
                try:
                    came = await hands.do(walk.step)
                except (NoAnswer, OSError) as error:
                    walk.throw(error)
                else:
                    walk.give(came)
        finally:
            walk.close()
            await hands.hang_up()


class _Hands:
    """Does one script's steps."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url
        self._listened: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes]

    async def do(self, step: Step) -> Any:
        match step:
            case Ask():
                return await self._ask(step)
            case Listen(ask):
                return await self._listen(ask)
            case Hear():
                with heard(self._url):
                    return await anext(self._pieces, None)
            case HangUp():
                await self.hang_up()
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Do(deed):
                return await asyncio.to_thread(deed)
        return None

    async def _ask(self, ask: Ask) -> Answer:
        with heard(self._url):
            return answer_of(await self._http.send(request_of(self._http, ask)))

    async def _listen(self, ask: Ask) -> Answer:
        await self.hang_up()
        with heard(self._url):
            response = self._listened = await self._http.send(request_of(self._http, ask), stream=True)
            if not response.is_success:
                await response.aread()
            self._pieces = response.aiter_bytes()
        return answer_of(response)

    async def hang_up(self) -> None:
        if self._listened:
            await self._listened.aclose()
        self._listened = None
