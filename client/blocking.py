"""The client that blocks: carries scripts out by httpx.Client."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
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
from client.calls import Calls
from client.connection import answer_of, heard, request_of, wired, wiring_of
from client.steps import Answer, Ask, Do, HangUp, Hear, Listen, NoAnswer, Pause, Script, Step, Tell, Walk
from client.uploads import UploadOptions
from errors import ServiceError

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which what may be repeated is tried again."""


class VideoClient:
    """Speaks to one service, from any number of threads. Every method raises ServiceError: HttpRefusal with the
    service's words and `reason` where it refuses, NoAnswer where nobody answers."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        session_tokens: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`session_tokens` are those of sessions that were begun elsewhere. For `patience` seconds, what may be done
        twice is tried again where nobody answers, or the service says that it will do later."""
        with wired(url):
            self._http = httpx.Client(**wiring_of(url))
        self.url = str(self._http.base_url)
        self._calls = Calls(self.url, api_key, dict(session_tokens or {}), patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def alive(self) -> bool:
        """Whether a service answers at all. Asks once. Raises ServiceError with the address where it is elsewhere."""
        return self._run(self._calls.alive())

    def health(self) -> Health:
        """How the service is: whether it can take work, who looks at videos, whether it asks for keys."""
        health: Health = self._run(self._calls.health())
        return health

    def upload(
        self,
        video: str | Path,
        analysis_type: AnalysisType = "highlights",
        params: Mapping[str, Any] | None = None,
        **options: Unpack[UploadOptions],
    ) -> Started:
        """Send a video and start its analysis. However that ends, but with its session, nothing is left at the
        service, unless it is to go on: `remember_in`."""
        sending = self._calls.sending(video, analysis_type, params, options)
        try:
            return self._run(self._calls.upload(sending))
        except BaseException:
            with suppress(ServiceError):
                self._run(self._calls.give_up(sending))
            raise

    def status(self, session_id: str) -> Status:
        """Where the session stands."""
        status: Status = self._run(self._calls.status(session_id))
        return status

    def follow(self, session_id: str, *, last_event_id: str = "") -> Iterator[Event]:
        """What happens to the session, until it ends: over lost connections and restarts of the service, from
        `last_event_id` on where one is given, and by polls, then without findings, where events do not come through."""
        return self._tell(self._calls.follow(session_id, last_event_id))

    def wait(self, session_id: str, on_event: Callable[[Event], object] | None = None) -> Status:
        """Where the session stands once it has ended. `on_event` hears what `follow` tells."""
        for event in self.follow(session_id):
            if on_event:
                on_event(event)
        return self.status(session_id)

    def results(self, session_id: str) -> Data:
        """The result's `data`."""
        return self._run(self._calls.results(session_id))

    def download(
        self, session_id: str, folder: str | Path, names: Iterable[str] | None = None, *, keep_parts: bool = False
    ) -> list[Path]:
        """Fetch files of a completed session to a folder: those of these names, or all that its result lists but for
        copies of the whole video (`source.…`, `preview.mp4`). Goes on where it was after a lost connection; with
        `keep_parts` also in another call, where nobody answered for longer than there is patience for."""
        return self._run(self._calls.download(session_id, Path(folder), names, keep_parts))

    def cancel(self, session_id: str) -> Cancelled:
        """Stop the analysis."""
        cancelled: Cancelled = self._run(self._calls.cancel(session_id))
        return cancelled

    def cleanup(self, session_id: str) -> CleanedUp:
        """Stop it, delete its files, forget it."""
        cleaned: CleanedUp = self._run(self._calls.cleanup(session_id))
        return cleaned

    def sessions(self, limit: int | None = None, cursor: str | None = None) -> SessionsPage:
        """A page of the key's sessions. Only where the service asks for keys, as `every_session` and `token`."""
        return self._run(self._calls.sessions(limit, cursor))

    def every_session(self) -> Iterator[Listed]:
        """All sessions of the key, the newest first."""
        return self._tell(self._calls.every_session())

    def token(self, session_id: str) -> SessionToken:
        """A token by which somebody without the key may see the session's events and files for some hours."""
        token: SessionToken = self._run(self._calls.token(session_id))
        return token

    # ── Carrying scripts out ──────────────────────────────────────────────────────────────────────

    def _run(self, script: Script[T]) -> T:
        walk = self._walk(script)
        while True:
            try:
                next(walk)
            except StopIteration as done:
                result: T = done.value
                return result

    def _tell(self, script: Script[None]) -> Iterator[Any]:
        yield from self._walk(script)

    def _walk(self, script: Script[T]) -> Generator[Any, None, T | None]:
        walk, hands = Walk(script), _Hands(self._http, self.url)
        try:
            while walk.step is not None:
                if isinstance(walk.step, Tell):
                    yield walk.step.event
                    walk.give(None)
                    continue
                try:
                    came = hands.do(walk.step)
                except (NoAnswer, OSError) as error:
                    walk.throw(error)
                else:
                    walk.give(came)
            return walk.result
        finally:
            walk.close()
            hands.hang_up()


class _Hands:
    """Does one script's steps."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http, self._url = http, url
        self._listened: httpx.Response | None = None
        self._pieces: Iterator[bytes] = iter(())

    def do(self, step: Step) -> Any:
        match step:
            case Ask():
                return self._ask(step)
            case Listen(ask):
                return self._listen(ask)
            case Hear():
                with heard(self._url):
                    return next(self._pieces, None)
            case HangUp():
                self.hang_up()
            case Pause(seconds):
                time.sleep(seconds)
            case Do(deed):
                return deed()
        return None

    def _ask(self, ask: Ask) -> Answer:
        with heard(self._url):
            return answer_of(self._http.send(request_of(self._http, ask)))

    def _listen(self, ask: Ask) -> Answer:
        self.hang_up()
        with heard(self._url):
            response = self._listened = self._http.send(request_of(self._http, ask), stream=True)
            if not response.is_success:
                response.read()
            self._pieces = response.iter_bytes()
        return answer_of(response)

    def hang_up(self) -> None:
        if self._listened:
            self._listened.close()
        self._listened = None
