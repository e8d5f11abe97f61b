"""How often one client may call: by its key, or by its address where it has none."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import Scope

from api import PREFIX
from api.answers import LEGACY
from config import Settings
from errors import RateLimited
from stores import Board

MOST_CLIENTS = 10_000
"""Clients that are remembered; of more, those that were not seen for longest begin anew. About 2 MB."""

BEGINNINGS = (f"{PREFIX}/upload", f"{PREFIX}/uploads")
PIECES = f"{PREFIX}/uploads/"
"""Where uploads begin, and where those that come in pieces go on."""

MINUTE = 60.0
_LEAST = 1e-6  # seconds; less is a matter of rounding


class Rate:
    """So many calls a minute for each client, at once or spread out: the generic cell rate algorithm (ITU-T I.371),
    which remembers one number a client, the instant at which it has its whole allowance again."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        """0 a minute is no limit."""
        self._interval = MINUTE / per_minute if per_minute else 0.0
        self._clock = clock
        self._whole_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._whole_at)

    def seconds_to_wait(self, client: str) -> float:
        """0 for a call that may be made now, which is counted. One that may not is not counted."""
        if not self._interval:
            return 0.0
        now = self._clock()
        whole_at = max(now, self._whole_at.pop(client, now))
        early = whole_at + self._interval - now - MINUTE
        self._whole_at[client] = whole_at if early > _LEAST else whole_at + self._interval
        if len(self._whole_at) > MOST_CLIENTS:
            self._whole_at.popitem(last=False)
        return early if early > _LEAST else 0.0


class SharedRate:
    """The same, counted by the store that all processes share, with its clock. Raises StoreAway."""

    def __init__(self, per_minute: int, name: str, board: Board) -> None:
        self._interval = MINUTE / per_minute if per_minute else 0.0
        self._name = name
        self._board = board

    def seconds_to_wait(self, client: str) -> float:
        return self._board.seconds_to_wait(f"{self._name} {client}", self._interval) if self._interval else 0.0


class Limiter:
    """Counts the calls that come through the door; by the board, where there are other doors."""

    def __init__(self, settings: Settings, board: Board | None = None) -> None:
        uploads, polls = settings.rate_uploads_per_minute, settings.rate_polls_per_minute
        self._uploads = SharedRate(uploads, "uploads", board) if board else Rate(uploads)
        self._polls = SharedRate(polls, "polls", board) if board else Rate(polls)
        self._proxies = Proxies(settings.trusted_proxies)
        self._idle = not (settings.rate_uploads_per_minute or settings.rate_polls_per_minute)

    def count(self, scope: Scope, owner: str | None) -> None:
        """Raises RateLimited."""
        if self._idle or (rate := self._rate_of(scope["method"], scope["path"])) is None:
            return
        client = f"key {owner}" if owner is not None else self._proxies.client(scope)
        if seconds := rate.seconds_to_wait(client):
            wait = math.ceil(seconds)
            raise RateLimited(f"Too many requests; the next one in {wait} s", wait)

    def _rate_of(self, method: str, path: str) -> Rate | SharedRate | None:
        """An upload is counted when it begins, not with each of its pieces."""
        if begins_upload(method, path):
            return self._uploads
        if path.startswith(LEGACY) or path in BEGINNINGS:
            return None
        if path.startswith(PIECES):
            return None
        return self._polls if path.startswith(f"{PREFIX}/") else None


def begins_upload(method: str, path: str) -> bool:
    return method == "POST" and (path.startswith(LEGACY) or path in BEGINNINGS)


class Proxies:
    """Those whose word on who sent a request is taken."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(network) for network in trusted]

    def client(self, scope: Scope) -> str:
        """The address that a request comes from: its peer's or, where that is a trusted proxy, the last one before the
        trusted ones in `X-Forwarded-For`. What a client wrote there itself stands further left, and counts for nothing.
        """
        address = scope["client"][0] if scope["client"] else ""
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        hops = [hop.strip() for hop in ",".join(forwarded).split(",")]
        while hops and self._is_trusted(address):
            hop = _address(hops.pop())
            if hop is None:
                break
            address = hop
        return _client(address)

    def _is_trusted(self, address: str) -> bool:
        known = _parsed(address)
        return known is not None and any(known in network for network in self._trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _address(hop: str) -> str | None:
    """Without the port that some proxies add; None for what is no address."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return hop if _parsed(hop) else None


def _client(address: str) -> str:
    """One client: of IPv6, whoever has the first half of the address has all of the second (RFC 6177)."""
    known = _parsed(address)
    return str(ip_network(f"{known}/64", strict=False)) if isinstance(known, IPv6Address) else str(known or address)
