"""Asks a chat-completions server over HTTP: patiently where that helps, in words where it does not, and never for long.

All requests run on one event loop in a thread of its own: there a request can be cancelled at any moment, which closes
its connection, so that the server stops working on it too. Knows nothing of pictures or questions.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from errors import AnalysisFailed, AnalysisStopped, VisionUnreachable
from vision import Stopped
from vision.address import checked_key, checked_url
from vision.answers import read_refusal

logger = logging.getLogger(__name__)

T = TypeVar("T")

ASK_EVERY_SECONDS = 0.02
"""Pause between two questions to a session whether it stopped."""

AT_ONCE = 8
"""Requests under way at the same time, over all sessions; the others wait for their turn."""

MOST_BYTES = 8 << 20
"""Of an answer that are read: the likelihoods of a few words are some kilobytes."""

LONGEST_WORDS = 300
"""Characters of a server's own words that are passed on."""

NOT_SUCH_AN_ANSWER = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
"""What reading an answer comes to where it is JSON of another shape, or none: the last for what is nested too deep."""

PUT_AWAY = "The model was put away before the analysis was done."


class KeyRefused(VisionUnreachable):
    """It answers, though not to us: asking again is in vain."""


class _Failed(Exception):
    """One try came to nothing; another may not."""

    def __init__(self, why: str, after: float | None = None, alive: bool = False) -> None:
        """`after` is how long the server asks us to wait, in seconds; `alive` says that it is well, and only busy."""
        super().__init__(why)
        self.after, self.alive = after, alive


@dataclass(frozen=True)
class Patience:
    """How long, in seconds, and how often."""

    connect: float = 5.0
    """To connect; and for the whole of a probe."""
    silence: float = 60.0
    """Between a request and its answer, or between two pieces of that."""
    whole: float = 120.0
    """For a request with all its tries and pauses."""
    tries: int = 4
    pause: float = 0.5
    """Before the second try; twice as long before each next, and by chance up to half of it shorter, so that many who
    failed together do not come back together."""
    longest_pause: float = 8.0
    longest_after: float = 30.0
    """The longest `Retry-After` that is waited out."""
    failures: int = 5
    """So many in a row open the circuit."""
    rest: float = 10.0
    """How long an open circuit lets nobody through before it probes the server."""


class Circuit:
    """Remembers whether a server fails, so that nobody waits for what will not come. Used in one thread only."""

    def __init__(self, failures: int, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rest, self._clock = failures, rest, clock
        self._failed, self._opened, self.why = 0, 0.0, ""

    @property
    def open(self) -> bool:
        return self._failed >= self._most

    def worth_a_probe(self) -> bool:
        """Whether an open circuit has rested; who asks is to probe, and others wait for another rest."""
        if self._clock() - self._opened < self._rest:
            return False
        self._opened = self._clock()
        return True

    def failed(self, why: str) -> None:
        self._failed, self._opened, self.why = self._failed + 1, self._clock(), why

    def probed(self) -> None:
        """The server is there again, but has yet to prove itself: the next failure opens the circuit at once."""
        self._failed = self._most - 1

    def answered(self) -> None:
        self._failed = 0


class Server:
    """One server, for any number of threads."""

    def __init__(self, url: str, api_key: str | None, patience: Patience) -> None:
        """Raises CannotStart for a URL or a key that cannot be sent."""
        self._patience, self._key = patience, checked_key(api_key)
        self._base = checked_url(url)
        self.where = str(self._base).rstrip("/")
        self._circuit = Circuit(patience.failures, patience.rest)
        self._closing, self._closed = threading.Lock(), False
        self._places = asyncio.Semaphore(AT_ONCE)
        self._loop = asyncio.new_event_loop()
        self._http = self._client()
        self._thread = threading.Thread(target=self._loop.run_forever, name="remote eyes", daemon=True)
        self._thread.start()

    def ask(self, path: str, body: dict[str, Any] | None, read: Callable[[Any], T], stopped: Stopped) -> T:
        """POST a body as JSON, or GET where there is none; `read` takes the answer apart, and raises one of
        NOT_SUCH_AN_ANSWER if it is none.

        Raises VisionUnreachable or AnalysisFailed in words, AnalysisStopped as soon as the session stops.
        """
        return self._wait(self._patiently(path, json.dumps(body).encode() if body else None, read), stopped)

    def close(self) -> None:
        """Ends the thread; who still waits fails in words."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _client(self) -> httpx.AsyncClient:
        silence, connect = self._patience.silence, self._patience.connect
        # A proxy for the web has nothing to do with this machine's own services.
        local = self._base.host in ("127.0.0.1", "localhost", "::1")
        return httpx.AsyncClient(
            base_url=self._base,
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {},
            timeout=httpx.Timeout(silence, connect=connect, pool=None),
            limits=httpx.Limits(max_connections=AT_ONCE + 1),
            trust_env=not local,
        )

    def _wait(self, work: Coroutine[Any, Any, T], stopped: Stopped) -> T:
        with self._closing:
            if self._closed:
                work.close()
                raise AnalysisFailed(PUT_AWAY)
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            while not wait([future], timeout=ASK_EVERY_SECONDS).done:
                if stopped():
                    raise AnalysisStopped
        finally:
            future.cancel()
        if future.cancelled():
            raise AnalysisFailed(PUT_AWAY)
        return future.result()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._http.aclose()

    async def _patiently(self, path: str, content: bytes | None, read: Callable[[Any], T]) -> T:
        async with self._places:
            try:
                async with asyncio.timeout(self._patience.whole):
                    return await self._try(path, content, read)
            except TimeoutError as error:
                why = f"no answer within {self._patience.whole:g} s"
                self._circuit.failed(why)
                raise self._unreachable(why) from error

    async def _try(self, path: str, content: bytes | None, read: Callable[[Any], T]) -> T:
        tries = 0
        while True:
            await self._pass_the_circuit()
            try:
                answer = await self._once(path, content, read)
            except _Failed as failure:
                tries += 1
                if not failure.alive:
                    self._circuit.failed(str(failure))
                pause = self._pause(tries, failure.after)
                if tries >= self._patience.tries or pause is None or self._circuit.open:
                    raise self._unreachable(str(failure)) from failure
                logger.warning("vision server at %s: %s; again in %.1f s", self.where, failure, pause)
                await asyncio.sleep(pause)
            except AnalysisFailed:  # refused, and so alive
                self._circuit.answered()
                raise
            else:
                self._circuit.answered()
                return answer

    async def _pass_the_circuit(self) -> None:
        """Raises VisionUnreachable while the circuit is open; one who comes after its rest finds out how things are."""
        if not self._circuit.open:
            return
        if not self._circuit.worth_a_probe():
            raise self._unreachable(self._circuit.why)
        try:
            async with asyncio.timeout(self._patience.connect):
                answer = await self._http.get("models")
        except (TimeoutError, httpx.RequestError) as error:
            raise self._unreachable(self._circuit.why) from error
        if answer.is_server_error:
            raise self._unreachable(f"it answers {answer.status_code}")
        self._circuit.probed()

    async def _once(self, path: str, content: bytes | None, read: Callable[[Any], T]) -> T:
        kind = {"Content-Type": "application/json"}
        try:
            answer = await self._fetch("GET" if content is None else "POST", path, content=content, headers=kind)
        except httpx.TimeoutException as error:
            seconds = self._patience.connect if isinstance(error, httpx.ConnectTimeout) else self._patience.silence
            raise _Failed(f"no answer within {seconds:g} s") from error
        except httpx.RequestError as error:
            raise _Failed(self._redacted(str(error) or type(error).__name__)) from error
        if not answer.is_success:
            raise self._refusal(answer)
        try:
            return read(answer.json())
        except NOT_SUCH_AN_ANSWER as error:
            raise _Failed("its answer is not that of a chat-completions server") from error

    async def _fetch(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer with its whole body, unless that has no end."""
        async with self._http.stream(method, path, **sent) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise _Failed(f"its answer is longer than {MOST_BYTES >> 20} MB")
        after = {name: value for name, value in answer.headers.items() if name.lower() == "retry-after"}
        return httpx.Response(answer.status_code, headers=after, content=bytes(body))

    def _refusal(self, answer: httpx.Response) -> Exception:
        code = answer.status_code
        if code in (401, 403):
            return KeyRefused(f"vision server unreachable: it refuses the API key ({code})")
        if code in (408, 429) or answer.is_server_error:
            return _Failed(f"it answers {code}", _after(answer.headers.get("Retry-After")), alive=code == 429)
        try:
            words = read_refusal(answer.json())
        except NOT_SUCH_AN_ANSWER:
            words = answer.reason_phrase
        return AnalysisFailed(f"The vision server refuses the request ({code}): {self._redacted(words)}")

    def _pause(self, tries: int, after: float | None) -> float | None:
        """Seconds to the next try; None where the server wants more than we have."""
        if after is not None:
            return after if after <= self._patience.longest_after else None
        return min(self._patience.longest_pause, self._patience.pause * 2.0 ** (tries - 1)) * random.uniform(0.5, 1)

    def _unreachable(self, why: str) -> VisionUnreachable:
        return VisionUnreachable(f"vision server unreachable: {why}")

    def _redacted(self, text: str) -> str:
        """A server may well repeat the key it was sent."""
        text = " ".join((text.replace(self._key, "…") if self._key else text).split())
        return text if len(text) <= LONGEST_WORDS else f"{text[:LONGEST_WORDS]}…"


def _after(header: str | None) -> float | None:
    """`Retry-After` in seconds; the other form, a date, is taken for none."""
    return float(header) if header and re.fullmatch(r"\d+(\.\d+)?", header.strip()) else None
