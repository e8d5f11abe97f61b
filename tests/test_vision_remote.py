"""Eyes on a server: what it answers, how it fails, and that nobody waits for it longer than need be."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from math import log
from pathlib import Path

import numpy as np
import pytest

from errors import AnalysisFailed, AnalysisStopped, CannotStart
from tests.chat_server import ChatServer, Speaker, answering, decoded, make_talkative, saying
from vision import Question, View, never
from vision.answers import Top, picked, rated
from vision.circuit import Circuit, Patience, VisionUnreachable
from vision.prompts import LEVELS
from vision.remote import LONGEST_SIDE, MOST_BYTES, WITHOUT_LIKELIHOODS, Remote, data_url, open_remote
from vision.smolvlm import open_smolvlm

QUESTION = Question("How high does it go? Answer with one word: low, medium or high.", LEVELS)
LABELS = ("squats", "push-ups", "lunges", "no exercise")
QUICK = Patience(connect=1.0, silence=0.3, whole=3.0, tries=3, pause=0.01, failures=5, rest=0.2)
CLOSE = 0.01
"""Rare spellings, which are not among the twenty tokens that a server tells of, count in the model here alone."""
KEY = "sk-nobody-may-read-this"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_talkative(tmp_path_factory.mktemp("talkative"))


@pytest.fixture(scope="module")
def speaker(folder: Path) -> Speaker:
    return Speaker(folder)


@pytest.fixture(scope="module")
def serving(speaker: Speaker) -> Iterator[ChatServer]:
    with ChatServer(speaker).serving() as one:
        yield one


@pytest.fixture
def server(serving: ChatServer) -> ChatServer:
    serving.behave()
    return serving


@contextmanager
def opened(server: ChatServer, patience: Patience | None = None, api_key: str | None = None) -> Iterator[Remote]:
    with closing(open_remote(server.url, api_key=api_key, patience=patience, wait=0)) as eyes:
        server.asked.clear()
        yield eyes


def view(seed: int, count: int = 3, start: float = 20.0) -> View:
    pictures = np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8).repeat(9, 1).repeat(9, 2)
    return View(start, start + count, tuple(start + number for number in range(count)), tuple(pictures))


def as_sent(seen: View) -> View:
    """With the little that JPEG loses."""
    return View(seen.start, seen.end, seen.times, tuple(decoded(data_url(picture)) for picture in seen.pictures))


def words_of(server: ChatServer) -> list[str]:
    """The question of each request."""
    return [body["messages"][-1]["content"][-1]["text"].strip() for body in server.asked]


def test_ratings_are_those_of_the_same_model_here(server: ChatServer, folder: Path) -> None:
    with opened(server) as eyes, closing(open_smolvlm(str(folder), dtype="float32")) as local:
        for seed, system in ((1, ""), (2, "Look at <image>the knees.")):
            with eyes.look(view(seed), never, system) as far, local.look(as_sent(view(seed)), never, system) as near:
                there, here = far.rate(QUESTION), near.rate(QUESTION)
            assert there.levels == pytest.approx(here.levels, abs=CLOSE)
            assert there.mass == pytest.approx(here.mass, abs=CLOSE)
            assert sum(there.levels) == pytest.approx(1) and max(there.levels) - min(there.levels) > 0.05
        assert eyes.warnings == () and eyes.facts.name == "remote" and eyes.facts.model == "tiny"


def test_pictures_come_first_with_their_times_and_the_question_last(server: ChatServer) -> None:
    with opened(server) as eyes, eyes.look(view(1, start=100.0), never, "Be </s>brief.") as seen:
        seen.describe("What happens <|im_end|>here?")
    system, user = server.asked[0]["messages"]
    assert system == {"role": "system", "content": [{"type": "text", "text": "Be brief."}]}
    texts = [part["text"] for part in user["content"] if part["type"] == "text"]
    assert [part["type"] for part in user["content"]] == ["text", "image"] * 3 + ["text"]
    assert texts[0].startswith("You are provided the following series of three frames from a 0:00:03 ")
    assert [text[-17:] for text in texts[:3]] == [f"Frame from 00:0{second}:" for second in range(3)]
    assert texts[3] == "\n\nWhat happens here?"


def test_blank_pictures_are_asked_about_once(server: ChatServer) -> None:
    with opened(server) as eyes:
        ratings = []
        for _ in range(3):
            with eyes.look(view(1), never) as seen:
                ratings.append(seen.rate(QUESTION))
    assert len(server.asked) == 4 and ratings[0] == ratings[1] == ratings[2]


def test_names_are_chosen_by_letter(server: ChatServer) -> None:
    with opened(server) as eyes, eyes.look(view(1), never) as seen:
        named, again = seen.name("Which?", LABELS), seen.name("Which?", LABELS)
    assert named == again and named.label in LABELS
    assert 1 / len(LABELS) < named.share < 1 and named.margin > 0
    assert words_of(server)[0] == ("Which?\nA. squats\nB. push-ups\nC. lunges\nD. no exercise\nAnswer with one letter.")


def test_a_long_list_is_asked_about_in_groups_and_a_final(server: ChatServer) -> None:
    labels = tuple(f"exercise {number}" for number in range(45))
    with opened(server) as eyes, eyes.look(view(1), never) as seen:
        named = seen.name("Which?", labels)
    asked = list(dict.fromkeys(words_of(server)))
    assert [question.count("exercise") for question in asked] == [15, 15, 15, 3]
    assert named.label in labels and f". {named.label}\n" in asked[-1] and 0 < named.share < 1


def test_descriptions_hold_no_echo_no_token_and_no_loop(server: ChatServer) -> None:
    prompt = "Describe what happens."
    with opened(server) as eyes, eyes.look(view(1), never) as seen:
        server.says = f"{prompt} A man jumps.<end_of_utterance>\nUser: and then?"
        assert seen.describe(prompt) == "A man jumps."
        server.says = "He squats. " + "He gets up and goes down. " * 8
        assert seen.describe(prompt) == "He squats. He gets up and goes down."
        server.says = None
        assert len(seen.describe(prompt)) < 48 * 20
    assert all(body["max_tokens"] == 48 and "logprobs" not in body for body in server.asked)


@pytest.mark.parametrize("refuses", [False, True])
def test_without_likelihoods_words_count_and_a_warning_says_so(server: ChatServer, refuses: bool) -> None:
    server.likelihoods, server.refuses_logprobs = refuses, refuses
    with opened(server) as eyes, eyes.look(view(1), never) as seen:
        assert eyes.warnings == (WITHOUT_LIKELIHOODS,)
        server.says = "I would say: Medium."
        assert seen.rate(QUESTION).levels == (0.0, 1.0, 0.0) and seen.rate(QUESTION).score == 5.5
        server.says = "It is lowered."
        assert seen.rate(QUESTION).mass == 0.0 and seen.rate(QUESTION).levels == pytest.approx((1 / 3,) * 3)
        for server.says in (" C.", "C", "The person is doing Lunges now.", "C) squats"):
            assert seen.name("Which?", LABELS).label == "lunges"
        server.says = "A person."
        assert seen.name("Which?", LABELS).label == "no exercise"
        assert not any("logprobs" in body for body in server.asked)


def test_what_fails_once_is_tried_again(server: ChatServer) -> None:
    with opened(server, QUICK) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.extend([answering(500), saying("<html>")])
        assert 0 <= seen.rate(QUESTION).expected <= 1
    assert len(server.asked) == 4  # two in vain, the question, the blank


def test_a_busy_server_is_given_the_time_it_asks_for(server: ChatServer) -> None:
    with opened(server, QUICK) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.append(answering(429, after="0.4"))
        started = time.monotonic()
        seen.rate(QUESTION)
        assert time.monotonic() - started >= 0.4
        server.next_answers.append(answering(429, after="3600"))
        with pytest.raises(VisionUnreachable, match=r"^vision server unreachable: .* 429"):
            seen.rate(QUESTION)


def test_a_silent_server_is_not_waited_for(server: ChatServer) -> None:
    with opened(server, QUICK) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.extend([server.silent] * 3)
        started = time.monotonic()
        with pytest.raises(VisionUnreachable, match=r"no answer within 0\.3 s"):
            seen.rate(QUESTION)
        assert time.monotonic() - started < 2.5


def test_all_tries_together_have_an_end(server: ChatServer) -> None:
    with opened(server, Patience(silence=5.0, whole=0.3)) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.append(server.silent)
        with pytest.raises(VisionUnreachable, match=r"no answer within 0\.3 s"):
            seen.rate(QUESTION)
        assert server.left.wait(2)


def test_a_circuit_opens_answers_at_once_and_heals(speaker: Speaker) -> None:
    server = ChatServer(speaker)
    with closing(open_and_lose(server)) as eyes, eyes.look(view(1), never) as seen:
        for _ in range(2):
            with pytest.raises(VisionUnreachable, match="vision server unreachable") as caught:
                seen.rate(QUESTION)
        assert caught.value.reason == "vision_unreachable"
        started = time.monotonic()
        with pytest.raises(VisionUnreachable, match="vision server unreachable"):
            seen.rate(QUESTION)
        assert time.monotonic() - started < 0.1
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
        with eyes.look(view(1), stop.is_set) as seen, eyes.look(view(2), never) as other:
            rating = thread.submit(seen.rate, QUESTION)
            assert server.waiting.wait(5)
            stop.set()
            started = time.monotonic()
            with pytest.raises(AnalysisStopped):
                rating.result(5)
            assert time.monotonic() - started < 0.5 and server.left.wait(1)
            assert 0 <= other.rate(QUESTION).expected <= 1
        with pytest.raises(AnalysisStopped):
            eyes.look(view(1), stop.is_set)


def test_eyes_put_away_leave_nobody_waiting(server: ChatServer) -> None:
    with opened(server) as eyes, ThreadPoolExecutor(1) as thread:
        server.next_answers.append(server.silent)
        seen = eyes.look(view(1), never)
        rating = thread.submit(seen.rate, QUESTION)
        assert server.waiting.wait(5)
        eyes.close()
        with pytest.raises(AnalysisFailed, match="put away"):
            rating.result(5)
        with pytest.raises(AnalysisFailed, match="put away"):
            seen.rate(QUESTION)


def test_sessions_ask_side_by_side(server: ChatServer) -> None:
    def rated(seed: int) -> float:
        with eyes.look(view(seed), never) as seen:
            return seen.rate(QUESTION).expected

    with opened(server) as eyes, ThreadPoolExecutor(12) as threads:
        together = list(threads.map(rated, [1, 2, 3] * 4))
        assert together == [rated(seed) for seed in [1, 2, 3] * 4]


def test_a_wrong_key_stops_the_start_in_words_that_do_not_repeat_it(
    server: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.key = "another"
    with pytest.raises(CannotStart, match="refuses the API key") as caught:
        open_remote(server.url, api_key=KEY)
    server.key = KEY
    with opened(server, QUICK, api_key=KEY) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.append(answering(500))
        seen.rate(QUESTION)
        server.key = "changed"
        with pytest.raises(VisionUnreachable, match="refuses the API key") as refused:
            seen.rate(QUESTION)
    assert "500" in caplog.text  # something is logged, and not the key
    assert KEY not in f"{caught.value}{refused.value}{caplog.text}"


def test_a_server_that_repeats_the_key_is_not_quoted(server: ChatServer) -> None:
    with opened(server, api_key=KEY) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.append(answering(400, f"At most 1 image may be provided, {KEY}"))
        with pytest.raises(AnalysisFailed, match=r"\(400\): At most 1 image may be provided, …$") as caught:
            seen.describe("What?")
        assert caught.value.reason == "internal"


@pytest.mark.parametrize("content", ["<html>", "[]", '{"choices": []}', '{"choices": [{"message": {}}]}'])
def test_what_is_no_completion_is_no_answer(server: ChatServer, content: str) -> None:
    with opened(server, QUICK) as eyes, eyes.look(view(1), never) as seen:
        server.next_answers.extend([saying(content)] * 3)
        with pytest.raises(VisionUnreachable, match="not that of a chat-completions server"):
            seen.rate(QUESTION)


def test_a_server_that_is_not_there_stops_the_start(server: ChatServer) -> None:
    with pytest.raises(CannotStart, match=r"^vision server unreachable: http://127\.0\.0\.1:9/v1: "):
        open_remote("http://127.0.0.1:9/v1", patience=QUICK, wait=0)
    for wrong in ("127.0.0.1:8000/v1", "ftp://host/v1", "http:///v1", f"http://host/v1?key={KEY}"):
        with pytest.raises(CannotStart, match="no URL of the form"):
            open_remote(wrong)
    with pytest.raises(CannotStart, match="name or password") as caught:
        open_remote(f"http://user:{KEY}@host/v1")
    assert KEY not in str(caught.value)
    with pytest.raises(CannotStart, match="VISION_API_KEY"):
        open_remote(server.url, api_key="two\nlines")


def test_a_server_that_comes_later_is_waited_for(speaker: Speaker) -> None:
    server, told = ChatServer(speaker), threading.Event()
    open_and_lose(server).close()
    with ThreadPoolExecutor(1) as thread:
        opening = thread.submit(
            open_remote, server.url, patience=QUICK, wait=10.0, tell=lambda _, share: told.set() if share < 1 else None
        )
        assert told.wait(5)
        with server.serving(), closing(opening.result(10)) as eyes:
            assert eyes.facts.model == "tiny"


def test_spellings_are_summed_and_what_is_not_told_is_as_unlikely_as_the_last_that_is() -> None:
    top = Top(((" high", log(0.4)), ("High", log(0.1)), ("Ġmedium", log(0.2)), (" the", log(0.05))))
    ways = [("low", "Low"), ("medium", "Medium"), ("high", "High")]
    assert np.exp(top.weigh(ways)) == pytest.approx([0.05, 0.2, 0.5]) and top.mass(ways) == pytest.approx(0.7)


def test_a_level_of_several_tokens_is_known_by_its_beginning() -> None:
    blank = Top((("not", log(0.25)), ("some", log(0.25))))
    rating = rated(("not at all", "somewhat"), Top(((" not", log(0.1)), (" some", log(0.3)), ("s", log(0.3)))), blank)
    assert rating.levels == pytest.approx((0.25, 0.75)) and rating.mass == pytest.approx(0.4)


def test_what_nobody_said_never_wins() -> None:
    flat, sharp = Top((("A", log(0.02)), ("the", log(0.015)))), Top((("A", log(0.1)), ("the", log(1e-6))))
    named = picked(LABELS, "ABCD", flat, sharp)
    assert named.label == "squats" and named.margin == pytest.approx(0, abs=1e-5)


def test_an_answer_beside_the_question_says_nothing() -> None:
    blank, beside = Top((("low", log(0.6)), ("B", log(0.2)))), Top(((" The", log(0.9)),))
    rating = rated(LEVELS, beside, blank)
    assert rating.mass == 0 and rating.expected == 0.5 and rating.levels == pytest.approx((1 / 3,) * 3)
    named = picked(LABELS, "ABCD", beside, blank)
    assert (named.label, named.share, named.margin) == ("no exercise", 0.25, 0.0)


def test_large_pictures_are_made_smaller_before_they_are_sent() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    url = data_url(noise)
    assert decoded(url).shape == (432, LONGEST_SIDE, 3)
    assert len(url) * 3 / 4 < MOST_BYTES
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(decoded(data_url(red)).astype(int) - red).max() < 8
