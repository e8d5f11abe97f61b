"""Sessions share the model: one that stops, wherever the model is, or that needs too much memory, harms no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from errors import AnalysisFailed, AnalysisStopped, OutOfMemory
from tests.tiny_checkpoint import make_checkpoint
from vision import Question, Rating, View, never
from vision.smolvlm import SmolVLM, open_smolvlm

QUESTION = Question("How high does it go? Answer with one word: low, medium or high.", ("low", "medium", "high"))


TOGETHER = {"look": 4, "weigh": 4, "tell": 4}
"""As on a GPU: a processor would look at one window after the other."""


@pytest.fixture
def eyes(tmp_path: Path) -> Iterator[SmolVLM]:
    with closing(open_smolvlm(str(make_checkpoint(tmp_path)), dtype="float32", batches=TOGETHER)) as model:
        yield model


def view(seed: int) -> View:
    pictures = np.random.default_rng(seed).integers(0, 256, (3, 48, 64, 3), np.uint8)
    return View(0.0, 3.0, (0.0, 1.0, 2.0), tuple(pictures))


def asked(eyes: SmolVLM, seed: int, stopped: Callable[[], bool] = never) -> tuple[Rating, str]:
    with eyes.look(view(seed), stopped) as seen:
        return seen.rate(QUESTION), seen.describe("Describe what happens in this video.")


def one_token(given: tuple[Any, ...]) -> bool:
    return bool(given[0].shape[1] == 1)


def many_tokens(given: tuple[Any, ...]) -> bool:
    return bool(given[0].shape[1] > 1)


STAGES: dict[str, tuple[Callable[[Any], Any], Callable[[tuple[Any, ...]], bool], Callable[[Any], Any]]] = {
    "the vision tower": (lambda m: m.model.vision_model.encoder.layers[0], lambda _: True, lambda m: m.model.connector),
    "the connector": (lambda m: m.model.connector, lambda _: True, lambda m: m.model.text_model.layers[0].mlp),
    "the prefill": (lambda m: m.model.text_model.layers[0], many_tokens, lambda m: m.model.text_model.norm),
    "decoding": (lambda m: m.model.text_model.layers[0], one_token, lambda m: m.model.text_model.norm),
}
"""Where the model is, how it is known that it is there, and what it no longer reaches."""


@pytest.mark.parametrize("stage", STAGES)
def test_a_stopped_session_leaves_the_model_in_the_middle_of(stage: str, eyes: SmolVLM) -> None:
    begins, there, next_part = STAGES[stage]
    stop = threading.Event()
    reached: list[int] = []

    def arrive(_: object, given: tuple[Any, ...]) -> None:
        if there(given):
            stop.set()
            reached.clear()
            time.sleep(0.05)  # a layer of a model that is not tiny

    begins(eyes.network).register_forward_pre_hook(arrive)
    next_part(eyes.network).register_forward_pre_hook(lambda *_: reached.append(1))
    began = time.monotonic()
    with pytest.raises(AnalysisStopped):
        asked(eyes, 1, stop.is_set)
    assert stop.is_set()
    assert time.monotonic() - began < 1
    time.sleep(0.1)
    assert not reached


@pytest.mark.parametrize("stage", STAGES)
def test_the_others_in_the_batch_get_what_they_get_alone(stage: str, eyes: SmolVLM) -> None:
    alone = {seed: asked(eyes, seed) for seed in (1, 2, 3)}
    begins, there, _ = STAGES[stage]
    stop, together = threading.Event(), threading.Event()

    def arrive(_: object, given: tuple[Any, ...]) -> None:
        if there(given) and together.is_set() and not stop.is_set():
            stop.set()
            time.sleep(0.05)

    begins(eyes.network).register_forward_pre_hook(arrive)
    with ThreadPoolExecutor(3) as threads:
        together.set()
        sessions = {seed: threads.submit(asked, eyes, seed, lambda: False) for seed in (2, 3)}
        stopped = threads.submit(asked, eyes, 1, stop.is_set)
        with pytest.raises(AnalysisStopped):
            stopped.result(10)
        for seed, session in sessions.items():
            rating, words = session.result(10)
            assert rating.levels == pytest.approx(alone[seed][0].levels, abs=2e-4)
            assert words == alone[seed][1]


def test_out_of_memory_is_one_sessions_failure_in_words(eyes: SmolVLM) -> None:
    labels = [f"exercise {number}" for number in range(30)]

    def greedy(_: object, given: tuple[Any, ...]) -> None:
        if len(given[0]) > len(labels):  # only the long list
            torch.empty(1 << 60, dtype=torch.uint8)

    eyes.network.lm_head.register_forward_pre_hook(greedy)
    with eyes.look(view(1), lambda: False) as one, eyes.look(view(2), lambda: False) as other:
        with ThreadPoolExecutor(2) as threads:
            naming, rating = threads.submit(one.name, "Which?", labels), threads.submit(other.rate, QUESTION)
            assert 0 <= rating.result(10).expected <= 1
            with pytest.raises(OutOfMemory, match="not enough memory"):
                naming.result(10)
        assert one.rate(QUESTION).score >= 1  # the session's next question is answered


def test_a_look_without_an_end_fails_in_words_and_the_next_one_is_answered(
    eyes: SmolVLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed, pytest.raises(AnalysisFailed, match=r"^The model took longer than 0 s"):
        changed.setattr("vision.smolvlm.LOOKING_SECONDS", 0.0)
        asked(eyes, 1)
    rating, _ = asked(eyes, 1)
    assert 0 <= rating.expected <= 1


def test_sessions_that_look_at_once_share_batches(eyes: SmolVLM) -> None:
    rows = []
    eyes.network.model.text_model.layers[0].register_forward_pre_hook(lambda _, given: rows.append(len(given[0])))
    ready = threading.Barrier(4)

    def session(seed: int) -> float:
        ready.wait()
        return asked(eyes, seed)[0].expected

    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(session, range(4)))
    assert max(rows) > 1
    assert together == pytest.approx([asked(eyes, seed)[0].expected for seed in range(4)], abs=2e-4)


def test_views_that_nobody_takes_are_not_looked_at(eyes: SmolVLM) -> None:
    taken = []

    def views() -> Iterator[View]:
        for seed in range(100):
            taken.append(seed)
            yield view(seed)

    looking = eyes.look_each(views(), lambda: False)
    with next(looking) as seen:
        seen.rate(QUESTION)
    looking.close()
    assert len(taken) < 10
