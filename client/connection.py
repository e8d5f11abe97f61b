"""What both clients share of httpx: how a request is made of a step, and what it means that one did not succeed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from client.steps import Answer, Ask, NoAnswer

CONNECT_SECONDS = 10.0

LOCAL = ("127.0.0.1", "localhost", "::1")


def wiring_of(url: str) -> dict[str, Any]:
    """How a client of httpx's is made. A proxy for the web has nothing to do with this machine's own services."""
    return {"base_url": url, "trust_env": httpx.URL(url).host not in LOCAL, "timeout": None}


def request_of(http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
    form = ask.form
    return http.build_request(
        ask.method,
        ask.path,
        headers=dict(ask.headers),
        params=dict(ask.query) or None,
        content=ask.content,
        data=dict(form.fields) if form else None,
        files={"video": (form.filename, form.file)} if form else None,
        timeout=httpx.Timeout(ask.silence_seconds, connect=CONNECT_SECONDS),
    )


def answer_of(response: httpx.Response) -> Answer:
    """Its body is there where it was read."""
    body = response.content if response.is_closed else b""
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)


@contextmanager
def heard(url: str) -> Iterator[None]:
    """What httpx raises inside becomes NoAnswer."""
    try:
        yield
    except httpx.RequestError as error:
        silent = isinstance(error, httpx.ReadTimeout)
        raise NoAnswer(f"no answer from {url}: {_in_words(error)}", silent=silent) from error


def _in_words(error: httpx.RequestError) -> str:
    return str(error) or ("it took too long" if isinstance(error, httpx.TimeoutException) else type(error).__name__)
