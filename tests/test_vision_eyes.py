"""A model is opened behind the service's back; whoever wants it waits, hears how far it is, and may leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from config import Settings
from errors import AnalysisFailed, AnalysisStopped, CannotStart
from vision import Facts, VisionModel
from vision.eyes import NO_MODEL, Eyes, Tell
from vision.opening import eyes_of
from vision.smolvlm import open_smolvlm


class Slow:
    """Opens a model once it is let."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.let = threading.Event()
        self.ended = threading.Event()

    def __call__(self, tell: Tell) -> VisionModel:
        try:
            tell("Loading", 0.43)
            while not self.let.wait(0.01):
                tell("Loading", 0.43)
            return open_smolvlm(str(self._folder), dtype="float32", tell=tell)
        finally:
            self.ended.set()


@pytest.fixture
def slow(checkpoint: Path) -> Iterator[Slow]:
    opening = Slow(checkpoint)
    yield opening
    opening.let.set()


def refuse(tell: Tell) -> VisionModel:
    raise CannotStart("there is no such model")


def ignore(_: str = "") -> None:
    pass


def test_who_waits_hears_how_far_the_model_is_and_then_has_it(slow: Slow) -> None:
    told: list[str] = []

    def hear(words: str) -> None:
        told.append(words)
        if len(told) == 3:
            slow.let.set()

    with closing(Eyes(slow, needed=True)) as eyes:
        assert eyes.words == "Looking for the model"
        eyes.open(ignore)
        model = eyes.wait(hear)
        assert model is not None
        assert "Loading SmolVLM2 (43 %)" in told
        assert eyes.settled
        assert eyes.facts == model.facts
        assert eyes.words == f"{model.facts.title} looks, on {model.facts.device} in float32"
        assert "/" not in eyes.words


def test_who_waits_may_leave(slow: Slow) -> None:
    def leave(words: str) -> None:
        raise AnalysisStopped

    with closing(Eyes(slow)) as eyes:
        eyes.open(ignore)
        with pytest.raises(AnalysisStopped):
            eyes.wait(leave)
        assert not eyes.settled


def test_loading_is_left_when_the_service_ends(slow: Slow) -> None:
    eyes = Eyes(slow)
    eyes.open(ignore)
    began = time.monotonic()
    eyes.close()
    assert slow.ended.is_set()
    assert time.monotonic() - began < 1
    assert not eyes.settled


def test_without_a_model_to_open_it_is_settled_that_signals_look_alone() -> None:
    eyes = Eyes()
    eyes.open(ignore)
    assert eyes.wait(ignore) is None
    assert (eyes.words, eyes.warning, eyes.facts, eyes.seconds_a_look) == (NO_MODEL, None, None, 0.0)


def test_a_model_that_cannot_be_had_leaves_signals_alone_and_says_so() -> None:
    eyes = Eyes(refuse)
    eyes.open(ignore)
    assert eyes.wait(ignore) is None
    assert eyes.words == "No model looks: there is no such model"
    assert eyes.warning == "No model looked at this video, signals alone did: there is no such model"
    assert eyes.error is None


def test_strangers_are_not_told_where_a_model_lies() -> None:
    def damaged(tell: Tell) -> VisionModel:
        raise CannotStart("the weights in /home/somebody/models/eyes are damaged, see http://hub.example/help/pages")

    eyes = Eyes(damaged)
    eyes.open(ignore)
    assert eyes.wait(ignore) is None
    why = "the weights in eyes are damaged, see http://hub.example/help/pages"
    assert eyes.words == f"No model looks: {why}"
    assert eyes.warning == f"No model looked at this video, signals alone did: {why}"


@pytest.mark.parametrize(
    ("why", "told"),
    [
        ("'/srv/a/eyes' is gone", "'eyes' is gone"),
        ("VISION_MODEL=/srv/a/eyes", "VISION_MODEL=eyes"),
        ("[/srv/a/eyes], ~/a/b", "[eyes], b"),
        ("Some/Model-500M of https://hub.example/v1/models", "Some/Model-500M of https://hub.example/v1/models"),
    ],
)
def test_a_path_is_known_whatever_stands_before_it(why: str, told: str) -> None:
    def refuse_so(tell: Tell) -> VisionModel:
        raise CannotStart(why)

    eyes = Eyes(refuse_so)
    eyes.open(ignore)
    assert eyes.wait(ignore) is None
    assert eyes.words == f"No model looks: {told}"


def test_who_looks_is_told_without_where_it_lies(checkpoint: Path) -> None:
    def title(model: str) -> str:
        return Facts("remote", model, None, "remote", "unknown").title

    assert title(str(checkpoint)) == title(f"{checkpoint}/.") == checkpoint.name
    assert title(".") == Path.cwd().name
    assert title("/models/eyes.gguf") == "eyes.gguf"
    assert title("people/eyes") == "people/eyes"
    assert title("x" * 300) == "x" * 300


def test_a_model_that_is_needed_ends_the_service_before_anybody_hears_of_it() -> None:
    eyes = Eyes(refuse, needed=True)
    settled_before: list[bool] = []
    eyes.open(lambda: settled_before.append(eyes.settled))
    with pytest.raises(AnalysisFailed, match="The model could not be loaded: there is no such model"):
        eyes.wait(ignore)
    assert settled_before == [False]
    assert str(eyes.error) == "there is no such model"


def test_whatever_goes_wrong_those_who_wait_hear_of_it() -> None:
    def broken(tell: Tell) -> VisionModel:
        raise ZeroDivisionError("by accident")

    eyes = Eyes(broken)
    eyes.open(ignore)
    assert eyes.wait(ignore) is None
    assert eyes.words == "No model looks: the model cannot be opened: by accident"


def test_settings_say_whose_eyes_they_are(checkpoint: Path, tmp_path: Path) -> None:
    assert eyes_of(Settings(vision_model="none")).settled
    assert not eyes_of(Settings(vision_model="auto")).settled
    assert not eyes_of(Settings(vision_model="http://127.0.0.1:9/v1")).settled
    settings = Settings(vision_model=str(checkpoint), vision_dtype="bfloat16", vision_letterbox=True)
    with closing(eyes_of(settings)) as eyes:
        eyes.open(ignore)
        model = eyes.wait(ignore)
        assert model is not None
        assert (model.facts.dtype, model.facts.model) == ("bfloat16", str(checkpoint))
    for wrong, words in ((str(tmp_path), "holds no model"), ("http://me:secret@127.0.0.1/v1", "VISION_API_KEY")):
        with pytest.raises(CannotStart, match=words):
            eyes_of(Settings(vision_model=wrong))
