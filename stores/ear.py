"""Hears what happens to sessions in whatever process, and tells those who follow them here.

News comes by Redis's pub/sub. It forgets whoever is cut off: so the ear looks at every followed session when it is
there again, and counts, once a second, whether it heard what was told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass

from redis.client import PubSub
from redis.exceptions import RedisError, TimeoutError

from errors import StoreAway
from schemas import Found, Session
from stores.link import Link
from stores.rows import ROWS
from stores.scripts import LOOK, NEWS

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
PAUSE_SECONDS = 0.2
"""Before the ear listens again after it was cut off."""

Listener = Callable[[str, Session | Found | None], None]


@dataclass(frozen=True)
class Sight:
    """A session as it was at one moment."""

    row: bytes
    live: bytes
    revision: int
    base: int
    """The revision at which `row` was written: `live` alone changed since."""
    findings: tuple[Found, ...]

    @property
    def newest(self) -> int:
        return max(self.revision, self.findings[-1].revision if self.findings else 0)


@dataclass
class Known:
    """What is known here of a session, told up to the revision `newest`."""

    row: bytes = b""
    base: int = -1
    newest: int = 0


def joined(row: bytes, live: bytes, revision: int) -> Session:
    """A row from its parts: two JSON objects and the revision."""
    return ROWS.validate_json(b'%s,%s,"revision":%d}' % (row[:-1], live[1:-1], revision))


def look(link: Link, session_id: str) -> Sight | None:
    """Raises StoreAway."""
    answer = link.run(LOOK, encoded(session_id))
    if answer is None:
        return None
    (row, live, revision), base, findings = answer
    return Sight(row, live, int(revision), int(base), tuple(_found(text) for text in findings))


def encoded(session_id: str) -> bytes:
    """Whatever a client wrote in an id's place."""
    return session_id.encode(errors="replace")


def _found(text: bytes) -> Found:
    revision, _, finding = text.partition(b" ")
    return Found(int(revision), finding)


class Ear:
    """Its thread begins with the first listener."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._listeners: list[tuple[Listener, Collection[str] | None]] = []
        self._queue_listeners: list[Callable[[], None]] = []
        self._known: dict[str, Known] = {}
        self._heard = 0
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, listener: Listener, followed: Collection[str] | None) -> None:
        self._listeners.append((listener, followed))
        self._open()

    def watch_queue(self, listener: Callable[[], None]) -> None:
        self._queue_listeners.append(listener)
        self._open()

    def close(self) -> None:
        self._closing.set()
        if self._thread:
            with suppress(StoreAway):
                self._link.call("PUBLISH", NEWS, "")  # so that it need not wait for real news
            self._thread.join(2 * POLL_SECONDS)

    def _open(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="news", daemon=True)
            self._thread.start()
            # What happens from now on is heard. If it is away, that is when it is there again.
            self._ready.wait(POLL_SECONDS)

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with closing(self._link.subscription()) as news:
                    self._listen_to(news)
            except (RedisError, StoreAway) as error:
                logger.info("the news is cut off: %s", error)
                with suppress(StoreAway):
                    self._link.call("PING")  # which finds out whether all of it is away
            except Exception:
                logger.exception("news could not be told; all of it is looked at again")
            while not self._closing.wait(PAUSE_SECONDS) and not self._link.wait_until_here(PAUSE_SECONDS):
                pass

    def _listen_to(self, news: PubSub) -> None:
        news.subscribe(NEWS)
        if not news.get_message(timeout=POLL_SECONDS):
            raise TimeoutError("no answer to a subscription")
        self._heard = told = self._link.told()
        self._ready.set()
        self._catch_up()
        heard, next_poll = self._heard, time.monotonic() + POLL_SECONDS
        while not self._closing.is_set():
            message = news.get_message(timeout=max(0.0, next_poll - time.monotonic()))
            if message:
                self._take(message["data"])
            if time.monotonic() >= next_poll:
                if self._heard == heard < told:
                    logger.warning("news was told and not heard")
                    return
                heard, told, next_poll = self._heard, self._link.told(), time.monotonic() + POLL_SECONDS
                self._forget()

    def _take(self, message: bytes) -> None:
        if not message:
            return
        kind, identity, told, text = message.split(b" ", 3)
        self._heard = int(told)
        if kind.isupper():
            self._tell_of_queue()
        session_id = identity.decode()
        if listeners := self._listeners_to(session_id):
            self._tell(kind.lower(), session_id, text, listeners)

    def _tell(self, kind: bytes, session_id: str, text: bytes, listeners: list[Listener]) -> None:
        known = self._known.setdefault(session_id, Known())
        if kind == b"g":
            del self._known[session_id]
            _tell(listeners, session_id, None)
            return
        revision, _, rest = text.partition(b" ")
        if int(revision) <= known.newest:
            return
        news: Session | Found = Found(int(revision), rest)
        if kind == b"r":
            base, _, live = rest.partition(b" ")
            live, _, row = live.partition(b"\n")
            if row:
                known.row, known.base = row, int(base)
            elif int(base) != known.base:
                self._look_again(session_id, listeners)
                return
            news = joined(known.row, live, int(revision))
        known.newest = int(revision)
        _tell(listeners, session_id, news)

    def _look_again(self, session_id: str, listeners: list[Listener]) -> None:
        """Tell what is new of a session, however much of it was missed."""
        sight, known = look(self._link, session_id), self._known.setdefault(session_id, Known())
        if sight is None:
            del self._known[session_id]
            _tell(listeners, session_id, None)
            return
        row = joined(sight.row, sight.live, sight.revision)
        all_news: list[tuple[int, Session | Found]] = [(one.revision, one) for one in sight.findings]
        for revision, news in sorted([*all_news, (sight.revision, row)], key=lambda one: one[0]):
            if revision > known.newest:
                _tell(listeners, session_id, news)
        known.row, known.base, known.newest = sight.row, sight.base, sight.newest

    def _catch_up(self) -> None:
        self._tell_of_queue()
        for session_id in {*self._known, *(one for _, followed in self._listeners for one in list(followed or ()))}:
            if listeners := self._listeners_to(session_id):
                self._look_again(session_id, listeners)

    def _forget(self) -> None:
        """What nobody follows any more."""
        for session_id in [one for one in self._known if not self._listeners_to(one)]:
            del self._known[session_id]

    def _listeners_to(self, session_id: str) -> list[Listener]:
        return [listener for listener, followed in self._listeners if followed is None or session_id in followed]

    def _tell_of_queue(self) -> None:
        for listener in self._queue_listeners:
            listener()


def _tell(listeners: list[Listener], session_id: str, news: Session | Found | None) -> None:
    for listener in listeners:
        listener(session_id, news)
