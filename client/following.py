"""Follows a session to its end: by the service's stream of events, taken up where it broke off, or else by polls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from client.answers import Ended, Event, FindingMade, Interrupted, StatusTold
from client.asking import NOT_MODIFIED, Pauses, may_pass, once, read, refusal
from client.steps import Answer, Ask, HangUp, Hear, Listen, NoAnswer, Pause, Script, Tell
from errors import HttpRefusal, ServiceError

RUNNING = ("queued", "processing")

SILENCE_SECONDS = 25.0
"""After which a stream is given up: the service says something every 15."""

WAIT_SECONDS = 25
"""How long a poll is held, when nothing changes."""

POLL_SECONDS, UNHELD_SECONDS = 0.2, 1.0
"""Between two polls: when much changes, and where something on the way does not hold them."""

REFUSALS = 2
"""After so many in a row there is no stream, whatever the reason: polls will tell it."""

AskAbout = Callable[[str, dict[str, str], dict[str, str]], Ask]
"""(`status` or `events`, headers, query) to a request about the session."""


@dataclass(frozen=True)
class Followed:
    """Which session, from where on, and for how many seconds a service that does not answer is waited for."""

    ask: AskAbout
    last_event_id: str = ""
    patience: float = 60.0


class _NoStream(Exception):
    """Something answers, and it is no stream of events."""


def follow(what: Followed) -> Script[None]:
    """Tells an Event each, and ends after Ended. Raises HttpRefusal for a session that is unknown, and NoAnswer."""
    stream = _Stream(what)
    while True:
        try:
            if (yield from stream.listen()):
                return
            error: ServiceError = NoAnswer("the service closed the stream: it stops, or starts anew")
        except _NoStream:
            break
        except (NoAnswer, HttpRefusal) as failure:
            if stream.is_hopeless_after(failure):
                break
            error = failure
        pause = stream.pauses.after(error)
        yield HangUp()
        yield Tell(Interrupted(error, pause.seconds))
        yield pause
    yield HangUp()
    yield from _poll(what)


class _Stream:
    """A stream of events, each time from where it broke off."""

    def __init__(self, what: Followed) -> None:
        self.pauses = Pauses(what.patience)
        self._what, self._seen = what, what.last_event_id
        self._heard, self._refusals = False, 0

    def listen(self) -> Script[bool]:
        """Whether it came to its end. Raises HttpRefusal, NoAnswer, _NoStream."""
        self._heard = False
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._seen} if self._seen else {})
        answer = yield Listen(self._what.ask("events", headers, {}))
        if not _is_stream(answer):
            return True
        reader = EventReader()
        while (piece := (yield Hear())) is not None:
            self.pauses.reset()
            self._heard, self._refusals = True, 0
            for event in reader.read(piece):
                yield Tell(event)
                if isinstance(event, Ended):
                    return True
                self._seen = reader.last_id
        return False

    def is_hopeless_after(self, failure: NoAnswer | HttpRefusal) -> bool:
        """Whether polls may do better: something keeps streams back, or refuses them again and again."""
        if isinstance(failure, NoAnswer):
            return failure.silent and not self._heard
        self._refusals += may_pass(failure)
        return self._refusals >= REFUSALS


def _is_stream(answer: Answer) -> bool:
    """False where the client knows the end already. Raises HttpRefusal, and _NoStream."""
    if answer.status == 204:
        return False
    if answer.ok and "text/event-stream" in answer.headers.get("content-type", ""):
        return True
    if answer.ok:
        raise _NoStream
    told = refusal(answer)
    if told.reason in ("not_found", "http_error") and not may_pass(told):  # no such route, or a proxy that has none
        raise _NoStream
    raise told


def _poll(what: Followed) -> Script[None]:
    """The same without findings: a poll that waits for a change."""
    etag, known, pauses = "", False, Pauses(what.patience)
    while True:
        asked = time.monotonic()
        headers = {"If-None-Match": etag} if etag else {}
        try:
            answer = yield from once(what.ask("status", headers, {"wait": str(WAIT_SECONDS)}))
        except (NoAnswer, HttpRefusal) as error:
            if known and error.reason == "session_not_found":
                yield Tell(Ended("deleted"))
                return
            pause = pauses.after(error)
            yield Tell(Interrupted(error, pause.seconds))
            yield pause
            continue
        pauses.reset()
        if answer.status == NOT_MODIFIED:
            held = time.monotonic() - asked > UNHELD_SECONDS
            yield Pause(0.0 if held else UNHELD_SECONDS)
            continue
        status, etag, known = read(answer, "status"), answer.headers.get("etag", ""), True
        yield Tell(StatusTold(status))
        if status["status"] not in RUNNING:
            yield Tell(Ended(status["status"]))
            return
        yield Pause(POLL_SECONDS)


class EventReader:
    """Server-Sent Events out of pieces of bytes (HTML standard, 9.2.6), as the service writes them."""

    def __init__(self) -> None:
        self.last_id = ""
        self._rest = b""
        self._fields: dict[str, str] = {}

    def read(self, piece: bytes) -> Iterator[Event]:
        """The events that are complete. Kinds that came later than this client are passed over."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            name, _, value = line.rstrip(b"\r").decode(errors="replace").partition(":")
            if name:
                self._fields[name] = value.removeprefix(" ")
            elif not value and self._fields:
                fields, self._fields = self._fields, {}
                self.last_id = fields.get("id", self.last_id)
                if event := _understood(fields):
                    yield event


def _understood(fields: dict[str, str]) -> Event | None:
    kind, identity = fields.get("event"), fields.get("id", "")
    if kind not in ("status", "partial", "end") or "data" not in fields:
        return None
    try:
        told = json.loads(fields["data"])
        if kind == "end":
            return Ended(told["status"], identity)
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("The stream of events is not the service's") from error
    return StatusTold(told, identity) if kind == "status" else FindingMade(told, identity)
