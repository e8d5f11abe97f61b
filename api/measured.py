"""How often each route is asked and how long its answers take, counted in passing: polls come by the thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from starlette.types import Scope

from figures import HTTP_DURATION, HTTP_REQUESTS, UNMATCHED
from metrics import Reading, Spread

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER = "other"
"""Any other method: whoever asks must not make up labels."""

POLLS = "/status/"
"""Only routes with this in their path may wait, whatever is asked of others."""

WAITING = "?wait"
"""Follows the route of a poll that may wait: how long it does says nothing of how quick the service is."""


class _Counted:
    """What is known of one method at one route."""

    __slots__ = ("codes", "spread")

    def __init__(self) -> None:
        self.codes = defaultdict[int, int](int)
        self.spread = Spread(HTTP_DURATION.bounds)


class Requests:
    """Written on one event loop, where nothing else comes in between; read from any thread."""

    def __init__(self) -> None:
        self._known: dict[tuple[str | None, str, bool], _Counted] = {}
        """By path as the app declares it: making labels each time would cost more than the counting."""
        self._named: dict[tuple[str, str], _Counted] = {}

    def answered(self, scope: Scope, code: int, seconds: float) -> None:
        route, query = scope.get("route"), scope["query_string"]
        key = route.path if route else None, scope["method"], bool(query) and b"wait=" in query
        counted = self._known.get(key) or self._first(key)
        counted.codes[code] += 1
        counted.spread.add(seconds)

    def readings(self) -> Iterator[Reading]:
        for labels, counted in list(self._named.items()):
            for code, count in list(counted.codes.items()):
                yield Reading(HTTP_REQUESTS, count, (*labels, str(code)))
            yield Reading(HTTP_DURATION, counted.spread, labels)

    def _first(self, key: tuple[str | None, str, bool]) -> _Counted:
        path, method, waits = key
        name = UNMATCHED if path is None else path.replace(":path}", "}")
        if waits and POLLS in name:
            name += WAITING
        labels = (method if method in METHODS else OTHER), name
        counted = self._named.setdefault(labels, _Counted())
        if method in METHODS:  # of others there is no end
            self._known[key] = counted
        return counted
