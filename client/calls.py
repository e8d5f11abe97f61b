"""Everything that can be asked of a service, as scripts: what blocks and what awaits share all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from client import following
from client.answers import AnalysisType, Data, Listed, SessionsPage, Started
from client.asking import BASE, DONE_BEFORE, believed, persist, read
from client.fetching import Fetching, checked, fetch_all, names_in
from client.parts import give_up
from client.steps import Answer, Ask, NoAnswer, Script, Tell
from client.uploading import send
from client.uploads import Place, Sending, UploadOptions
from errors import ServiceError

ALIVE_SECONDS = 5.0

MOVED = (301, 302, 307, 308)
"""Where a service is reached by TLS alone, most often. Nothing is sent after it: it may be a key, on an open line."""


@dataclass(frozen=True)
class Calls:
    url: str
    api_key: str | None
    tokens: dict[str, str]
    """By session; those of sessions that are uploaded here are added."""
    patience: float
    """Seconds for which what may be repeated is, where nobody answers or the service says that it will later."""

    # ── One call each ─────────────────────────────────────────────────────────────────────────────

    def alive(self) -> Script[bool]:
        try:
            answer: Answer = yield Ask("GET", "/livez", silence_seconds=ALIVE_SECONDS)
        except NoAnswer:
            return False
        if answer.status in MOVED and (place := answer.headers.get("location")):
            raise ServiceError(f"{self.url} sends on to {place.removesuffix('/livez')}: use that address")
        return answer.ok

    def health(self) -> Script[Any]:
        return read((yield from persist(Ask("GET", "/health", self.headers()), self.patience)))

    def status(self, session_id: str) -> Script[Any]:
        return (yield from self._about("GET", "status", session_id, "status"))

    def results(self, session_id: str) -> Script[Data]:
        data: Data = (yield from self._about("GET", "results", session_id, "data"))["data"]
        return data

    def cancel(self, session_id: str) -> Script[Any]:
        return believed((yield from self._about("POST", "cancel", session_id)), status="cancelled")

    def cleanup(self, session_id: str) -> Script[Any]:
        """One whose answer was lost may have been done: then there is no such session any more."""
        ask = self._ask("DELETE", "cleanup", session_id)
        answer = yield from persist(ask, self.patience, gone=lambda refused: refused.reason == "session_not_found")
        told = {"sessionId": session_id, "message": "Session cleaned up successfully"}
        if answer is not DONE_BEFORE:
            told = believed(read(answer, "message"), sessionId=session_id)
        self.tokens.pop(session_id, None)
        return told

    def token(self, session_id: str) -> Script[Any]:
        return (yield from self._about("POST", "token", session_id, "sessionToken"))

    def sessions(self, limit: int | None, cursor: str | None) -> Script[SessionsPage]:
        query = {} if limit is None else {"limit": str(limit)}
        query |= {} if cursor is None else {"cursor": cursor}
        page: SessionsPage = read(
            (yield from persist(Ask("GET", f"{BASE}/sessions", self.headers(), query), self.patience)),
            "sessions",
            "nextCursor",
        )
        return page

    def every_session(self) -> Script[None]:
        """Tells each, the newest first."""
        cursor: str | None = None
        while True:
            page = yield from self.sessions(100, cursor)
            for one in page["sessions"]:
                yield Tell[Listed](one)
            cursor = page["nextCursor"]
            if cursor is None:
                return

    # ── A session's walk ──────────────────────────────────────────────────────────────────────────

    def sending(
        self, video: str | Path, analysis_type: AnalysisType, params: Mapping[str, Any] | None, options: UploadOptions
    ) -> Sending:
        return Sending.of(Path(video), analysis_type, params, options)

    def upload(self, sending: Sending) -> Script[Started]:
        started = yield from send(sending, self._place())
        if token := started.get("sessionToken"):
            self.tokens[started["sessionId"]] = token
        return started

    def give_up(self, sending: Sending) -> Script[None]:
        """What was begun of an upload that was interrupted, unless it is to go on."""
        if sending.begun and not sending.is_to_go_on:
            yield from give_up(sending.begun, self._place())

    def follow(self, session_id: str, last_event_id: str) -> Script[None]:
        """Tells an Event each."""

        def ask(what: str, headers: dict[str, str], query: dict[str, str]) -> Ask:
            silence = following.SILENCE_SECONDS if what == "events" else 2.0 * following.WAIT_SECONDS
            return self._ask("GET", what, session_id, headers, query, silence_seconds=silence)

        return (yield from following.follow(following.Followed(ask, last_event_id, self.patience)))

    def download(
        self, session_id: str, folder: Path, names: Iterable[str] | None, keep_parts: bool
    ) -> Script[list[Path]]:
        wanted = names_in((yield from self.results(session_id)), session_id) if names is None else names
        folder.mkdir(parents=True, exist_ok=True)
        fetching = partial(
            Fetching, session_id, headers=self.headers(session_id), patience=self.patience, keep_part=keep_parts
        )
        return (yield from fetch_all([fetching(name=checked(name), path=folder / name) for name in wanted]))

    # ── Requests ──────────────────────────────────────────────────────────────────────────────────

    def headers(self, session_id: str | None = None) -> dict[str, str]:
        token = self.tokens.get(session_id) if session_id else None
        return ({"X-API-Key": self.api_key} if self.api_key else {}) | ({"X-Session-Token": token} if token else {})

    def _place(self) -> Place:
        return Place(self.url, self.headers(), self.patience)

    def _ask(
        self,
        method: str,
        what: str,
        session_id: str,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Ask:
        sent = {**self.headers(session_id), **(headers or {})}
        return Ask(method, f"{BASE}/{what}/{quote(session_id, safe='', errors='replace')}", sent, query or {}, **more)

    def _about(self, method: str, what: str, session_id: str, *keys: str) -> Script[Any]:
        return read((yield from persist(self._ask(method, what, session_id), self.patience)), *keys)
