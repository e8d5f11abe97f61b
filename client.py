"""The Python client: upload, follow, fetch and clean up over HTTP, with the service's own words for errors."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from errors import HttpRefusal, ServiceError

BASE = "/api/v1/video"
RUNNING = ("queued", "processing")


class VideoClient:
    """Speaks to one service. Every method raises ServiceError with the service's words when it refuses."""

    def __init__(self, url: str, *, timeout: float = 120.0) -> None:
        # A proxy for the web has nothing to do with this machine's own services.
        local = httpx.URL(url).host in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=not local)

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
        self, session_id: str, on_status: Callable[[dict[str, Any]], None], every: float = 0.2
    ) -> dict[str, Any]:
        """Poll until the session ends, telling of each answer; gives the last."""
        while True:
            status = self.status(session_id)
            on_status(status)
            if status["status"] not in RUNNING:
                return status
            time.sleep(every)

    def results(self, session_id: str) -> dict[str, Any]:
        """The result's `data`."""
        data: dict[str, Any] = self._ask("GET", f"results/{session_id}")["data"]
        return data

    def cancel(self, session_id: str) -> dict[str, Any]:
        return self._ask("POST", f"cancel/{session_id}")

    def cleanup(self, session_id: str) -> dict[str, Any]:
        return self._ask("DELETE", f"cleanup/{session_id}")

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, f"{BASE}/{path}", **request)
        except httpx.TransportError as error:
            raise ServiceError(f"no answer from {self._http.base_url}: {error}") from error
        try:
            body: dict[str, Any] = answer.json()
        except ValueError as error:
            raise HttpRefusal("this is not the service's answer", answer.status_code, "http_error") from error
        if answer.is_success:
            return body
        words = str(body.get("message") or body.get("error") or answer.reason_phrase)
        raise HttpRefusal(words, answer.status_code, str(body.get("reason", "internal")))
