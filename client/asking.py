"""Asks until there is an answer: after longer and longer pauses, or when the service says, what may be asked again."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from client.steps import Answer, Ask, NoAnswer, Pause, Script
from errors import HttpRefusal, ServiceError

BASE = "/api/v1/video"

PASSING = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses of refusals after which the same may do: too much at once, a proxy without its server, a server about to
stop."""

FIRST_SECONDS, LAST_SECONDS = 0.25, 8.0
"""The first pause, and the longest."""

NOT_MODIFIED = 304

DONE_BEFORE = Answer(200, {}, b"{}")
"""Stands for the answer of an earlier try that was lost."""


class Pauses:
    """Between tries: each twice as long as the one before, never in step with other clients, at least as long as the
    service asks for, and no longer than there is patience for."""

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`patience` is in seconds, from now or from the last `reset`."""
        self._patience, self._clock = patience, clock
        self.reset()

    def reset(self) -> None:
        """Something was achieved."""
        self.failures, self._since = 0, self._clock()

    def after(self, error: ServiceError) -> Pause:
        """Raises the error where it is one that does not pass, or where patience is at an end."""
        if not may_pass(error):
            raise error
        own = min(LAST_SECONDS, FIRST_SECONDS * 2**self.failures) * random.uniform(0.75, 1.25)
        seconds = max(own, error.retry_after_seconds or 0)
        if self._clock() + seconds > self._since + self._patience:
            raise error
        self.failures += 1
        return Pause(seconds)


def may_pass(error: ServiceError) -> bool:
    """Whether the same may do if it is tried again."""
    return isinstance(error, NoAnswer) or error.status_code in PASSING


def once(ask: Ask) -> Script[Answer]:
    """Raises HttpRefusal for what is neither a success nor `304`, and NoAnswer."""
    answer: Answer = yield ask
    if not answer.ok and answer.status != NOT_MODIFIED:
        raise refusal(answer)
    return answer


def persist(ask: Ask, patience: float, gone: Callable[[HttpRefusal], bool] | None = None) -> Script[Answer]:
    """As `once`, again and again: only for what may be done twice. `gone` says which refusals mean that an earlier try,
    whose answer was lost, did what was asked; they count as an answer."""
    pauses, lost = Pauses(patience), False
    while True:
        try:
            return (yield from once(ask))
        except NoAnswer as error:
            lost = True
            pause = pauses.after(error)
        except HttpRefusal as error:
            if lost and gone and gone(error):
                return DONE_BEFORE
            pause = pauses.after(error)
        yield pause


def believed(told: dict[str, Any], **certain: str) -> dict[str, Any]:
    """What an answer says, if it says what the service's can only say. Raises HttpRefusal."""
    if any(told.get(name) != value for name, value in certain.items()):
        raise HttpRefusal("This is not the service's answer", 200, "http_error")
    return told


def read(answer: Answer, *keys: str) -> Any:
    """The JSON of an answer. Raises HttpRefusal for what is no object of the service's, with something by these keys
    at least."""
    try:
        body = json.loads(answer.body)
    except ValueError as error:
        raise HttpRefusal("This is not the service's answer", answer.status, "http_error") from error
    if not isinstance(body, dict) or not body.keys() >= set(keys):
        raise HttpRefusal("This is not the service's answer", answer.status, "http_error")
    return body


def refusal(answer: Answer) -> HttpRefusal:
    """The service's own words, or what can be said where something on the way to it answered."""
    try:
        body = read(answer)
    except HttpRefusal:
        body = {}
    words = body.get("message") or body.get("error") or f"The answer was HTTP {answer.status}, without words"
    known = ("error", "message", "reason", "code")
    details = {name: value for name, value in body.items() if name not in known}
    told = HttpRefusal(str(words), answer.status, str(body.get("reason") or "http_error"), **details)
    told.retry_after_seconds = seconds_in(answer.headers)
    return told


def seconds_in(headers: Mapping[str, str]) -> int | None:
    """Of `Retry-After`, which may be a number or a date; None without one that can be read."""
    given = headers.get("retry-after", "").strip()
    if given.isdecimal() and given.isascii():
        return int(given[:9])
    try:
        until = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0, round((until.astimezone(UTC) - datetime.now(UTC)).total_seconds()))
