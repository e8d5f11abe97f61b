"""Eyes on a server with the real classes behind it: what they ask, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from schemas import Pass
from tests.chat_server import ChatServer, Speaker, decoded, make_talkative, opened
from vision import Question, View, VisionModel, never
from vision.answers import read_chat
from vision.prompts import LEVELS
from vision.remote import LONGEST_SIDE, MOST_BYTES, WITHOUT_LIKELIHOODS, data_url
from vision.smolvlm import open_smolvlm

QUESTION = Question("How high does it go? Answer with one word: low, medium or high.", LEVELS)
LABELS = ("squats", "push-ups", "lunges", "no exercise")
CLOSE = 0.01
"""Rare spellings, which are not among the twenty tokens that a server tells of, count in the model here alone."""


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
        either: list[VisionModel] = [eyes, local]
        assert [one.facts.name for one in either] == ["remote", "smolvlm2"]
        assert eyes.warnings == () and eyes.facts.model == "tiny"


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


def test_sessions_ask_side_by_side(server: ChatServer) -> None:
    def rated(seed: int) -> float:
        with eyes.look(view(seed), never) as seen:
            return seen.rate(QUESTION).expected

    with opened(server) as eyes, ThreadPoolExecutor(12) as threads:
        together = list(threads.map(rated, [1, 2, 3] * 4))
        assert together == [rated(seed) for seed in [1, 2, 3] * 4]


def test_large_pictures_are_made_smaller_before_they_are_sent() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    url = data_url(noise)
    assert decoded(url).shape == (432, LONGEST_SIDE, 3)
    assert len(url) * 3 / 4 < MOST_BYTES
    red = np.zeros((40, 60, 3), np.uint8)
    red[..., 0] = 200
    assert np.abs(decoded(data_url(red)).astype(int) - red).max() < 8


def test_each_answer_is_told_with_what_the_server_says_it_read_and_wrote(server: ChatServer) -> None:
    told: list[Pass] = []
    with opened(server) as eyes, eyes.look(view(1), never) as seen:
        eyes.passed = told.append
        seen.describe("Describe it.")
        seen.name("What is it?", ("squats", "lunges"))
    assert [(one.stage, one.tokens_read) for one in told] == [("tell", 100), ("weigh", 100), ("weigh", 100)]
    assert all(one.seconds > 0 and one.tokens_written > 0 for one in told)


@pytest.mark.parametrize("usage", [None, 7, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, {"prompt_tokens": 1e99}])
def test_a_server_that_counts_oddly_counts_nothing(usage: object) -> None:
    body = {"choices": [{"message": {"content": "high"}, "finish_reason": "stop"}], "usage": usage}
    assert read_chat(body).tokens_read == 0
