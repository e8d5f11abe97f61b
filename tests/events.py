"""Server-Sent Events as a browser reads them (HTML standard, 9.2.6), for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from analysis.workout_results import exercise_step
from schemas import Finding, WorkoutSet
from tests.service import BASE, PATIENCE, Service


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: dict[str, Any] = field(compare=False)

    @property
    def revision(self) -> int:
        return int(self.id.removesuffix(".end"))

    @property
    def number(self) -> int:
        """Of the finding that it brings."""
        return int(self.data["item"]["start_timestamp"])


def parsed(lines: Iterable[str], comments: list[str]) -> Iterator[Event]:
    """Events as they come; comments, and hints when to come back, are put aside."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if line and name in ("", "retry"):
            comments.append(line)
        elif line:
            fields[name] = value.removeprefix(" ")
        elif fields:
            yield Event(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}


class Stream:
    """A stream that is open. What was not read yet waits in the connection."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.comments: list[str] = []
        self._events = parsed(answer.iter_lines(), self.comments)

    def next(self) -> Event:
        return next(self._events)

    def until(self, name: str, **data: Any) -> Event:
        """The first event of that name which says so."""
        return next(event for event in self._events if event.name == name and event.data | data == event.data)

    def rest(self) -> list[Event]:
        """What comes until the stream closes."""
        return list(self._events)


@contextmanager
def following(url: httpx.URL | str, session_id: str, seen: str | None = None) -> Iterator[Stream]:
    """Follow a session over a connection of its own."""
    headers = {} if seen is None else {"Last-Event-ID": seen}
    with (
        httpx.Client(base_url=url, timeout=PATIENCE, verify=False) as http,
        http.stream("GET", f"{BASE}/events/{session_id}", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        yield Stream(answer)


def told(service: Service, session_id: str, seen: str | None = None) -> list[Event]:
    """All events until the stream closes."""
    with following(service.http.base_url, session_id, seen) as stream:
        return stream.rest()


def numbers(events: Iterable[Event]) -> list[int]:
    """Of the findings among them."""
    return [event.number for event in events if event.name == "partial"]


SET = WorkoutSet(0, 1, "hold", None, None, None, None, (), 0.9, exercise=0, set_index=1)


def finding(number: int, padding: int = 0) -> Finding:
    """A set that begins at so many seconds, with as much to say as is asked for."""
    return Finding("set", exercise_step(replace(SET, start=number, end=number + 1, told="x" * padding)))


def find(service: Service, session_id: str, *numbers: int, padding: int = 0) -> None:
    """As the worker of a seeded session would."""
    for number in numbers:
        assert service.house.sessions.keep_finding(session_id, "worker", finding(number, padding))
