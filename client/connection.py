"""What both clients share of httpx: how a request is made of a step, and what it means that one did not succeed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from client.steps import Answer, Ask, NoAnswer
from errors import ServiceError

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
def wired(url: str) -> Iterator[None]:
    """For the making of a client: an address or a proxy that cannot be used becomes ServiceError."""
    try:
        yield
    except (httpx.InvalidURL, ValueError, ImportError) as error:
        raise _unaskable(url, error) from error


@contextmanager
def heard(url: str) -> Iterator[None]:
    """What httpx raises inside becomes NoAnswer, and ServiceError where nobody could even be asked."""
    try:
        yield
    except (httpx.RequestError, httpx.InvalidURL, UnicodeError) as error:
        if _is_hopeless(error):
            raise _unaskable(url, error) from error
        silent = isinstance(error, httpx.ReadTimeout)
        raise NoAnswer(f"no answer from {url}: {_in_words(error)}", silent=silent) from error


def _is_hopeless(error: Exception) -> bool:
    """Whether the address or a header will never do, however often it is tried."""
    return (
        not isinstance(error, httpx.RequestError)
        or isinstance(error, httpx.UnsupportedProtocol)
        or _is_of_header(error)
    )


def _is_of_header(error: Exception) -> bool:
    return isinstance(error, httpx.LocalProtocolError) and str(error).startswith("Illegal header")


def _unaskable(url: str, error: Exception) -> ServiceError:
    words = "a header has signs that cannot be sent" if _is_of_header(error) else error  # which holds it, maybe a key
    return ServiceError(f"{url} cannot be asked: {words}")


def _in_words(error: Exception) -> str:
    return str(error) or ("it took too long" if isinstance(error, httpx.TimeoutException) else type(error).__name__)
