"""Keys, tokens and tickets: what proves that somebody may come in. None of them is kept as it was sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from config import ApiKey
from schemas import Session

TICKET_SECONDS = 12 * 3600
"""How long a ticket is good for: a page that stays open asks for another."""

_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}
"""As RFC 7914 recommends for one that is waited for: a ticket stands in addresses, and must not help to guess a key."""


def new_token() -> str:
    """256 random bits, fit for an address."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


class Keyring:
    """The keys of the operator; none of them where the service is open."""

    def __init__(self, keys: Sequence[ApiKey] = (), clock: Callable[[], float] = time.time) -> None:
        self._keys = tuple(keys)
        self._clock = clock
        self._signing = {key.name: hashlib.scrypt(key.digest, salt=b"ticket", **_SCRYPT) for key in keys}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def owner_of(self, key: bytes) -> str | None:
        """The key's name, None for a wrong one. Takes as long for any: each is compared, and to its end."""
        digest, owner = hashlib.sha256(key).digest(), None
        for one in self._keys:
            if hmac.compare_digest(one.digest, digest):
                owner = one.name
        return owner

    def ticket(self, owner: str, session_id: str) -> tuple[str, int]:
        """Lets whoever holds it read one session's events and files; and when it ends, in Unix seconds. Nothing is
        kept of it: it holds over a restart, and no longer than the owner's key."""
        until = int(self._clock()) + TICKET_SECONDS
        return f"{until:x}.{self._signature(owner, session_id, until)}", until

    def admits(self, ticket: str, owner: str, session_id: str) -> bool:
        """Whether it is a ticket of this owner for this session that has not ended."""
        head, _, signature = ticket.partition(".")
        try:
            until = int(head, 16)
        except ValueError:
            return False
        if owner not in self._signing or until < self._clock():
            return False
        return hmac.compare_digest(
            signature.encode(errors="replace"), self._signature(owner, session_id, until).encode()
        )

    def _signature(self, owner: str, session_id: str, until: int) -> str:
        return hmac.new(self._signing[owner], f"{session_id} {until}".encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Caller:
    """Who asks, as far as it was proved, and the token or ticket that came along. By default nobody."""

    owner: str | None = None
    token: str = field(default="", repr=False)
    keyring: Keyring = field(default_factory=Keyring, repr=False)

    def may_see(self, row: Session) -> bool:
        """A key sees its own sessions. Without one, a token is needed where the session has one; where the service is
        open, a session that has neither owner nor token is for everybody who knows its id."""
        owner, hashed = row["metadata"]["owner"], row["metadata"]["token_hash"]
        if self.owner is not None:
            return owner == self.owner
        if hashed is not None and hmac.compare_digest(token_hash(self.token), hashed):
            return True
        if owner is not None:
            return self.keyring.admits(self.token, owner, row["session_id"])
        return hashed is None and not self.keyring
