"""The line to Redis: calls that are short or fail at once, and a thread that wins it back when it was lost."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.client import PubSub
from redis.exceptions import (
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from redis.retry import Retry

from errors import CannotStart, StoreAway
from stores.scripts import ERA, SCRIPTS, TOLD, Script

logger = logging.getLogger(__name__)

CALL_SECONDS = 1.0
"""For a connection, and for an answer: one that waits longer is one for nobody. Whoever calls meanwhile is refused at
once, so that a client waits for no more than this."""

PROBE_SECONDS = 0.25
"""Pause between two tries to win it back."""

CLOCK_SECONDS = 5.0
"""For so long the clock of Redis is reckoned from ours, before it is asked again."""

LOST = (ConnectionError, TimeoutError)
REFUSED = (OutOfMemoryError, ReadOnlyError, MasterDownError, ClusterDownError)
REFUSALS = ("MISCONF", "NOREPLICAS", "BUSY")
"""Beginnings of answers by which Redis says that it takes no writes just now."""

SORRY = "The service cannot reach its store at the moment; try again in a few seconds"


class Link:
    """For any number of threads. The one that finds it lost waits for CALL_SECONDS; until it is won back, every call
    raises StoreAway at once."""

    def __init__(self, url: str) -> None:
        """Raises CannotStart."""
        self.where = _address(url)
        self.trouble = ""
        self._redis = _client(url)
        self._lock = threading.Lock()
        self._losses = 0
        self._here = threading.Event()
        self._here.set()
        self._closing = threading.Event()
        self._clock = Clock(lambda: self.call("TIME"))
        self.on_back: Callable[[], None] = _nothing
        self._try_it()

    def now(self) -> datetime:
        """By the clock of Redis; while that is away, as it would be by ours."""
        return self._clock.now()

    def call(self, *command: Any) -> Any:
        """Its answer, in bytes. Raises StoreAway."""
        return self._safely(lambda: self._redis.execute_command(*command))

    def together(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Their answers, in one go and yet not at one stroke. Raises StoreAway."""
        with self._redis.pipeline(transaction=False) as pipe:
            for command in commands:
                pipe.execute_command(*command)
            answers: list[Any] = self._safely(pipe.execute)
        return answers

    def run(self, script: Script, *arguments: Any) -> Any:
        """What the script answers. Raises StoreAway."""
        try:
            return self.call("EVALSHA", script.sha, 0, *arguments)
        except NoScriptError:
            # It was started anew. First that is counted, so that no script runs that does not know of it.
            self.call("INCR", ERA)
            self.together([("SCRIPT", "LOAD", one.text) for one in SCRIPTS])
            return self.call("EVALSHA", script.sha, 0, *arguments)

    def told(self) -> int:
        """How much news was published so far; the clock is read along with it."""
        began = time.monotonic()
        told, instant = self.together([("GET", TOLD), ("TIME",)])
        self._clock.read(instant, began)
        return int(told or 0)

    def subscription(self) -> PubSub:
        """A connection of its own; whoever has it tells of its loss by `lost`."""
        news: PubSub = self._redis.pubsub()
        return news

    def lost(self, error: RedisError) -> None:
        """Let nobody wait any more, and begin to win it back."""
        with self._lock:
            if not self._here.is_set() or self._closing.is_set():
                return
            self._here.clear()
            self._losses += 1
            self.trouble = f"Redis at {self.where} cannot be reached: {error}"
        logger.warning("%s", self.trouble)
        threading.Thread(target=self._win_back, name="redis", daemon=True).start()

    def wait_until_here(self, seconds: float) -> bool:
        """Whether it is there, after so many seconds at most."""
        return self._here.wait(seconds)

    def close(self) -> None:
        self._closing.set()
        self._redis.close()

    def _safely(self, ask: Callable[[], Any]) -> Any:
        if not self._here.is_set():
            raise StoreAway(SORRY)
        losses = self._losses
        try:
            return ask()
        except LOST as error:
            if losses == self._losses:  # else it is known, and may be there again
                self.lost(error)
            raise StoreAway(SORRY) from error
        except (AttributeError, OSError, ValueError) as error:
            # Whoever wins it back closes connections, also under calls that wait; these break in ways of their own.
            if losses == self._losses:
                raise
            raise StoreAway(SORRY) from error
        except ResponseError as error:
            if not isinstance(error, REFUSED) and not str(error).startswith(REFUSALS):
                raise
            logger.warning("Redis at %s refuses: %s", self.where, error)
            raise StoreAway(SORRY) from error

    def _win_back(self) -> None:
        while not self._closing.wait(PROBE_SECONDS):
            try:
                self._redis.connection_pool.disconnect()
                self._redis.execute_command("PING")
                break
            except RedisError as error:
                self.trouble = f"Redis at {self.where} cannot be reached: {error}"
        else:
            return
        with self._lock:
            self._here.set()  # before it says so
            self.trouble = ""
        logger.info("Redis at %s is there again", self.where)
        try:
            self.on_back()
        except StoreAway:
            logger.info("and lost again")

    def _try_it(self) -> None:
        try:
            self._redis.execute_command("PING")
        except (RedisError, OSError) as error:
            self.close()
            raise CannotStart(f"REDIS_URL: Redis at {self.where} cannot be reached: {error}") from error
        try:
            policy = str(self._redis.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction"))
        except RedisError:
            return  # many who rent it may not ask
        told = f"Redis at {self.where} has maxmemory-policy {policy}"
        if policy.startswith("allkeys"):
            self.close()
            raise CannotStart(f"REDIS_URL: {told}: when its memory is full, it forgets sessions; set it to noeviction")
        if policy != "noeviction":
            logger.warning("%s: when its memory is full, it forgets who holds what; set it to noeviction", told)


class Clock:
    """Another machine's clock, by ours and what it was ahead when it was last asked. Safe from any thread."""

    def __init__(self, ask: Callable[[], tuple[int, int]], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._monotonic = monotonic
        self._ahead = time.time() - monotonic()
        self._next = 0.0

    def now(self) -> datetime:
        began = self._monotonic()
        if began >= self._next:
            try:
                self.read(self._ask(), began)
            except StoreAway:
                self._next = began + CLOCK_SECONDS
        return datetime.fromtimestamp(self._monotonic() + self._ahead, UTC)

    def read(self, instant: tuple[int, int], began: float) -> None:
        """It answered that to who had asked at `began`."""
        now = self._monotonic()
        ahead = instant[0] + instant[1] / 1e6 - (began + now) / 2
        # Nearer than half of the way there and back it is not known: it must not seem to tremble.
        if abs(ahead - self._ahead) > (now - began) / 2 + 0.0005:
            self._ahead = ahead
        self._next = now + CLOCK_SECONDS


def _nothing() -> None:
    pass


def _client(url: str) -> redis.Redis:
    """Raises CannotStart."""
    patience = {"socket_timeout": CALL_SECONDS, "socket_connect_timeout": CALL_SECONDS}
    try:
        client = redis.Redis.from_url(url, **patience, retry=Retry(NoBackoff(), 0), protocol=2)
        client.connection_pool.make_connection()  # which connects to nothing, and knows its options
    except (ValueError, TypeError) as error:  # of an option behind the `?`
        raise CannotStart(f"REDIS_URL: {error}") from error
    return client


def _address(url: str) -> str:
    """Where it is, without user and password. Raises CannotStart."""
    try:
        parts = urlsplit(url)
        return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
    except ValueError as error:
        raise CannotStart("REDIS_URL is no address such as redis://localhost:6379/0") from error
