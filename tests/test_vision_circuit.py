"""A server that fails, is slow, busy, gone or strict: nobody waits long for it, and what is wrong is said in words."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from errors import AnalysisFailed, AnalysisStopped, CannotStart, VisionUnreachable
from tests.chat_server import ChatServer, Misbehaviour, answering, opened, saying
from tests.service import until
from vision import Question, View, never
from vision.circuit import Circuit, Patience, Server
from vision.prompts import LEVELS
from vision.remote import Remote, open_remote

QUESTION = Question("How high does it go? Answer with one word: low, medium or high.", LEVELS)
QUICK = Patience(connect=1.0, silence=10.0, whole=20.0, tries=3, pause=0.01, failures=5, rest=0.2)
KEY = "sk-nobody-may-read-this"
VIEW = View(20.0, 21.0, (20.0,), (np.zeros((36, 64, 3), np.uint8),))


@pytest.fixture(scope="module")
def serving() -> Iterator[ChatServer]:
    with ChatServer().serving() as one:
        yield one


@pytest.fixture
def server(serving: ChatServer) -> ChatServer:
    serving.behave()
    return serving


def unmet(server: ChatServer, patience: Patience) -> Remote:
    """Eyes that were never shown the grey picture: no need for the server to be quick with it."""
    return Remote(Server(server.url, None, patience), "tiny")


async def not_compressed(_: Request) -> Response:
    return Response(b"nonsense", headers={"Content-Encoding": "gzip"})


async def endless(_: Request) -> Response:
    async def spaces() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0)  # else the server never notices that nobody listens
            yield b" " * (1 << 20)

    return StreamingResponse(spaces())


@pytest.mark.parametrize(
    "garbage",
    [
        saying('{"choices":["low"]}'),
        saying('{"choices":[{"message":{"content":"low"},"logprobs":"low"}]}'),
        saying('{"choices":[{"message":{"content":["low"]}}]}'),
        saying("[" * 200_000),
        not_compressed,
        endless,
    ],
)
def test_whatever_the_server_answers_it_is_tried_again(server: ChatServer, garbage: Misbehaviour) -> None:
    with opened(server, QUICK) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.append(garbage)
        assert 0 <= seen.rate(QUESTION).expected <= 1
    assert len(server.asked) == 3


def test_what_fails_once_is_tried_again(server: ChatServer) -> None:
    with opened(server, QUICK) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.extend([answering(500), saying("<html>")])
        assert 0 <= seen.rate(QUESTION).expected <= 1
    assert len(server.asked) == 4  # two in vain, the question, the blank


def test_a_busy_server_is_given_the_time_it_asks_for(server: ChatServer) -> None:
    with opened(server, QUICK) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.append(answering(429, after="0.4"))
        started = time.monotonic()
        seen.rate(QUESTION)
        assert time.monotonic() - started >= 0.4
        server.next_answers.append(answering(429, after="3600"))
        with pytest.raises(VisionUnreachable, match=r"^vision server unreachable: it answers 429$"):
            seen.rate(QUESTION)


def test_a_silent_server_is_not_waited_for(server: ChatServer) -> None:
    with closing(unmet(server, replace(QUICK, silence=0.2))) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.extend([server.silent] * 3)
        with pytest.raises(VisionUnreachable, match=r"no answer within 0\.2 s"):
            seen.rate(QUESTION)
    assert len(server.asked) == 3


def test_all_tries_together_have_an_end(server: ChatServer) -> None:
    with closing(unmet(server, replace(QUICK, whole=0.3))) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.append(server.silent)
        with pytest.raises(VisionUnreachable, match=r"no answer within 0\.3 s"):
            seen.rate(QUESTION)
        assert server.left.wait(2)


def test_who_meets_an_open_circuit_is_answered_without_the_server(server: ChatServer) -> None:
    with closing(unmet(server, replace(QUICK, rest=60.0))) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.extend([answering(500)] * QUICK.failures)
        for _ in range(3):
            with pytest.raises(VisionUnreachable, match=r"^vision server unreachable: it answers 500$") as caught:
                seen.rate(QUESTION)
    assert caught.value.reason == "vision_unreachable" and len(server.asked) == QUICK.failures


def test_a_circuit_heals_once_the_server_is_there_again() -> None:
    server = ChatServer()
    with closing(open_and_lose(server)) as eyes, eyes.look(VIEW, never) as seen:
        for _ in range(3):
            with pytest.raises(VisionUnreachable, match="vision server unreachable"):
                seen.rate(QUESTION)
        with server.serving():
            time.sleep(QUICK.rest)
            assert 0 <= seen.rate(QUESTION).expected <= 1


def open_and_lose(server: ChatServer) -> Remote:
    """Eyes on a server that is gone since."""
    with server.serving():
        return open_remote(server.url, patience=QUICK)


def test_an_open_circuit_lets_one_through_after_each_rest() -> None:
    now = 0.0
    circuit = Circuit(2, 10.0, clock=lambda: now)
    circuit.failed("gone")
    assert not circuit.open
    circuit.failed("gone")
    assert circuit.open and not circuit.worth_a_probe()
    now = 10.0
    assert circuit.worth_a_probe() and not circuit.worth_a_probe()
    circuit.probed()
    assert not circuit.open
    circuit.failed("gone again")
    assert circuit.open
    circuit.probed()
    circuit.answered()
    circuit.failed("once")
    assert not circuit.open


def test_a_stopped_session_leaves_at_once_and_the_server_learns_of_it(server: ChatServer) -> None:
    stop = threading.Event()
    with opened(server) as eyes, ThreadPoolExecutor(1) as thread:
        server.next_answers.append(server.silent)
        with eyes.look(VIEW, stop.is_set) as seen, eyes.look(VIEW, never) as other:
            rating = thread.submit(seen.rate, QUESTION)
            assert server.waiting.wait(5)
            stop.set()
            started = time.monotonic()
            with pytest.raises(AnalysisStopped):
                rating.result(5)
            assert time.monotonic() - started < 0.5 and server.left.wait(1)
            assert 0 <= other.rate(QUESTION).expected <= 1
        with pytest.raises(AnalysisStopped):
            eyes.look(VIEW, stop.is_set)


def test_a_stopped_session_does_not_wait_for_the_next_try(server: ChatServer) -> None:
    stop = threading.Event()
    with closing(unmet(server, QUICK)) as eyes, ThreadPoolExecutor(1) as thread:
        server.next_answers.append(answering(429, after="20"))
        rating = thread.submit(eyes.look(VIEW, stop.is_set).rate, QUESTION)
        until(lambda: server.asked)
        stop.set()
        with pytest.raises(AnalysisStopped):
            rating.result(1)


def test_eyes_put_away_leave_nobody_waiting(server: ChatServer) -> None:
    with opened(server) as eyes, ThreadPoolExecutor(1) as thread:
        server.next_answers.append(server.silent)
        seen = eyes.look(VIEW, never)
        rating = thread.submit(seen.rate, QUESTION)
        assert server.waiting.wait(5)
        eyes.close()
        with pytest.raises(AnalysisFailed, match="put away"):
            rating.result(5)
        with pytest.raises(AnalysisFailed, match="put away"):
            seen.rate(QUESTION)


def test_a_wrong_key_stops_the_start_in_words_that_do_not_repeat_it(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = "another"
    with pytest.raises(CannotStart, match="refuses the API key") as caught:
        open_remote(server.url, api_key=KEY)
    server.key = KEY
    with opened(server, QUICK, api_key=KEY) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.append(answering(500))
        seen.rate(QUESTION)
        server.key = "changed"
        with pytest.raises(VisionUnreachable, match="refuses the API key") as refused:
            seen.rate(QUESTION)
    assert "500" in caplog.text  # something is logged, and not the key
    assert KEY not in f"{caught.value}{refused.value}{caplog.text}"


def test_a_server_that_repeats_the_key_is_not_quoted(server: ChatServer) -> None:
    with opened(server, api_key=KEY) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.append(answering(400, f"At most 1 image may be provided, {KEY}"))
        with pytest.raises(AnalysisFailed, match=r"\(400\): At most 1 image may be provided, …$") as caught:
            seen.describe("What?")
        assert caught.value.reason == "internal"


@pytest.mark.parametrize("content", ["<html>", "[]", '{"choices": []}', '{"choices": [{"message": {}}]}'])
def test_what_is_no_completion_is_no_answer(server: ChatServer, content: str) -> None:
    with opened(server, QUICK) as eyes, eyes.look(VIEW, never) as seen:
        server.next_answers.extend([saying(content)] * 3)
        with pytest.raises(VisionUnreachable, match="not that of a chat-completions server"):
            seen.rate(QUESTION)


def test_a_server_that_is_not_there_stops_the_start(server: ChatServer) -> None:
    with pytest.raises(CannotStart, match=r"^http://127\.0\.0\.1:9/v1: vision server unreachable: "):
        open_remote("http://127.0.0.1:9/v1", patience=QUICK, wait=0)
    for wrong in ("127.0.0.1:8000/v1", "ftp://host/v1", "http:///v1", f"http://host/v1?key={KEY}"):
        with pytest.raises(CannotStart, match="no URL of the form"):
            open_remote(wrong)
    with pytest.raises(CannotStart, match="name or password") as caught:
        open_remote(f"http://user:{KEY}@host/v1")
    assert KEY not in str(caught.value)
    with pytest.raises(CannotStart, match="VISION_API_KEY"):
        open_remote(server.url, api_key="two\nlines")


def test_a_server_that_comes_later_is_waited_for() -> None:
    server, told = ChatServer(), threading.Event()
    open_and_lose(server).close()
    with ThreadPoolExecutor(1) as thread:
        opening = thread.submit(
            open_remote, server.url, patience=QUICK, wait=5.0, tell=lambda _, share: told.set() if share < 1 else None
        )
        assert told.wait(5)
        with server.serving(), closing(opening.result(10)) as eyes:
            assert eyes.facts.model == "tiny"
