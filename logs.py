"""Log lines: one an event, readable on a terminal, JSON elsewhere, with session and request id."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Id of the request being answered."""

session_id: ContextVar[str | None] = ContextVar("session_id", default=None)
"""Id of the session being worked on."""


def new_request_id() -> str:
    return os.urandom(16).hex()


@contextmanager
def about(session: str | None, request: str | None) -> Iterator[None]:
    """While entered, this thread's lines bear the session's id, and that of the request it came with."""
    session_token, request_token = session_id.set(session), request_id.set(request)
    try:
        yield
    finally:
        session_id.reset(session_token)
        request_id.reset(request_token)


def kept(function: Callable[P, T]) -> Callable[P, T]:
    """The function as it may be called in another thread: its lines bear the ids that this one's do now."""
    session, request = session_id.get(), request_id.get()

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        with about(session, request):
            return function(*args, **kwargs)

    return call


def event(logger: logging.Logger, name: str, /, **facts: object) -> None:
    """Log one event by its name, with what is known of it."""
    logger.info(name, extra={"facts": facts})


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """Ids first, then the event's facts."""
    ids = {"session": session_id.get(), "request": request_id.get()}
    facts: dict[str, object] = getattr(record, "facts", {})
    return {key: value for key, value in {**ids, **facts}.items() if value is not None}


class JsonLines(logging.Formatter):
    """One JSON object a line, for programs."""

    def format(self, record: logging.LogRecord) -> str:
        instant = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": instant.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class Readable(logging.Formatter):
    """One line for a person; a traceback below where there is one. Control characters are escaped in both."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "  ".join(f"{key}={_shown(value)}" for key, value in _fields(record).items())
        instant = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{instant} {record.levelname.lower():7} {_one_line(record.getMessage())}  {facts}".rstrip()
        traceback = self.formatException(record.exc_info).split("\n") if record.exc_info else []
        return "\n".join([line, *(f"    {_one_line(one)}" for one in traceback)])


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _shown(value: object) -> str:
    text = _one_line(f"{value:g}" if isinstance(value, float) else str(value))
    return f'"{text}"' if " " in text else text


def set_up(level: str) -> None:
    """Send every logger of the process to stderr in one form, uvicorn's as well."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Readable() if sys.stderr.isatty() else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("uvicorn.error", "uvicorn.access", "httpx", "httpx2"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
