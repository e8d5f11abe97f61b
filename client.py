"""The Python client: upload, follow, fetch and clean up over HTTP, with the service's own words for errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from errors import HttpRefusal, ServiceError

BASE = "/api/v1/video"
RUNNING = ("queued", "processing")
NOT_MODIFIED = 304

WAIT_SECONDS = 25
"""How long a poll is held, when nothing changes."""

POLL_SECONDS = 0.2
"""Between two polls, when much does."""

SILENCE_SECONDS = 40.0
"""After which a stream is given up: the service says something every 15."""

RETURN_SECONDS = 1.0
"""Before a stream that broke is asked for again."""

Told = Callable[[dict[str, Any]], object]


def _ignore(told: dict[str, Any]) -> None:
    pass


class VideoClient:
    """Speaks to one service. Every method raises ServiceError with the service's words when it refuses."""

    def __init__(self, url: str, *, api_key: str | None = None, timeout: float = 120.0) -> None:
        # A proxy for the web has nothing to do with this machine's own services.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        headers = {"X-API-Key": api_key} if api_key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=not local)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def alive(self) -> bool:
        """Whether a service answers at all."""
        try:
            return self._http.get("/livez").is_success
        except httpx.TransportError:
            return False

    def upload(self, video: Path, analysis_type: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Start an analysis; the answer holds `sessionId`. The file is streamed."""
        form = {"analysis_type": analysis_type, "params": json.dumps(params or {})}
        with video.open("rb") as file:
            return self._ask("POST", "upload", data=form, files={"video": (video.name, file)})

    def status(self, session_id: str) -> dict[str, Any]:
        return self._ask("GET", f"status/{session_id}")

    def follow(
        self, session_id: str, on_status: Told, on_finding: Told = _ignore, *, patience: float = 60.0
    ) -> dict[str, Any]:
        """Tell of each status, and of each finding (`kind`, `item`) as it is made, until the session ends; gives the
        last status. A service that goes away is waited for, `patience` seconds at most."""
        seen, last_heard = "", time.monotonic()
        while True:
            try:
                for name, identity, data in self._events(session_id, seen):
                    seen, last_heard = identity, time.monotonic()
                    if name == "end":
                        return self.status(session_id)
                    (on_status if name == "status" else on_finding)(data)
            except (_NoEvents, httpx.ReadTimeout):
                return self._poll(session_id, on_status)
            except httpx.TransportError as error:
                if time.monotonic() - last_heard > patience:
                    raise ServiceError(f"no answer from {self._http.base_url}: {error}") from error
            time.sleep(RETURN_SECONDS)

    def _events(self, session_id: str, seen: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Name, id and data of each event after the one that was seen."""
        headers = {"Last-Event-ID": seen} if seen else {}
        timeout = httpx.Timeout(self._http.timeout.connect, read=SILENCE_SECONDS)
        with self._http.stream("GET", f"{BASE}/events/{session_id}", headers=headers, timeout=timeout) as answer:
            if "text/event-stream" not in answer.headers.get("Content-Type", ""):
                raise _NoEvents
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, value = line.partition(": ")
                fields[name] = value
                if not line and "data" in fields:
                    yield fields["event"], fields["id"], json.loads(fields["data"])
                    fields = {}

    def _poll(self, session_id: str, on_status: Told) -> dict[str, Any]:
        """The same without events, where something on the way holds them back: polls that wait for a change."""
        etag = ""
        while True:
            path = f"status/{session_id}?wait={WAIT_SECONDS}"
            answer = self._answer("GET", path, headers={"If-None-Match": etag})
            if answer.status_code == NOT_MODIFIED:
                continue
            status, etag = _read(answer), answer.headers.get("ETag", "")
            on_status(status)
            if status["status"] not in RUNNING:
                return status
            time.sleep(POLL_SECONDS)

    def results(self, session_id: str) -> dict[str, Any]:
        """The result's `data`."""
        data: dict[str, Any] = self._ask("GET", f"results/{session_id}")["data"]
        return data

    def cancel(self, session_id: str) -> dict[str, Any]:
        return self._ask("POST", f"cancel/{session_id}")

    def cleanup(self, session_id: str) -> dict[str, Any]:
        return self._ask("DELETE", f"cleanup/{session_id}")

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return _read(self._answer(method, path, **request))

    def _answer(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, f"{BASE}/{path}", **request)
        except httpx.TransportError as error:
            raise ServiceError(f"no answer from {self._http.base_url}: {error}") from error


class _NoEvents(Exception):
    """There is no stream of events, whatever the reason: a poll will tell it."""


def _read(answer: httpx.Response) -> dict[str, Any]:
    try:
        body: dict[str, Any] = answer.json()
    except ValueError as error:
        raise HttpRefusal("this is not the service's answer", answer.status_code, "http_error") from error
    if answer.is_success:
        return body
    words = str(body.get("message") or body.get("error") or answer.reason_phrase)
    raise HttpRefusal(words, answer.status_code, str(body.get("reason", "internal")))
