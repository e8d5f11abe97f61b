"""What SmolVLM2 answers, held to one straightforward pass through transformers' own model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, SmolVLMForConditionalGeneration

from schemas import Pass
from tests.service import until
from tests.tiny_checkpoint import TINY, make_checkpoint
from vision import Question, View, never, scoring, untold
from vision.engine import Engine, Telling, Told
from vision.layout import Layout
from vision.pixels import Frames
from vision.smolvlm import DESCRIBING_TOKENS, SmolVLM, open_smolvlm
from vision.telling import tidy

QUESTION = Question("How high does it go? Answer with one word: low, medium or high.", ("low", "medium", "high"))
LABELS = ("squats", "push-ups", "a person is doing lunges", "no exercise")
CLOSE = 2e-4
"""Of log-probabilities in float32, computed in another order."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def eyes(folder: Path) -> Iterator[SmolVLM]:
    with closing(open_smolvlm(str(folder), dtype="float32")) as model:
        yield model


class Straight:
    """The model without any of what makes it fast: all tokens in one pass, nothing kept."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = SmolVLMForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.layout = Layout(tokenizer, self.model.model.image_seq_len, self.model.config.image_token_id)
        vision = self.model.config.vision_config
        self.frames = Frames.from_folder(folder, vision.image_size, vision.patch_size)

    def inputs(self, view: View, text: str, system: str = "") -> dict[str, torch.Tensor]:
        times = [time - view.start for time in view.times]
        ids = [*self.layout.pictures(times, view.end - view.start, system), *self.layout.question(text)]
        pixels = self.frames.normalise(self.frames.resize(view.pictures))
        return {"input_ids": torch.tensor([ids]), "pixel_values": pixels[None]}

    def logs(self, view: View, text: str, answer: tuple[int, ...], system: str = "") -> list[float]:
        """The log-probability of each of an answer's tokens."""
        inputs = self.inputs(view, text, system)
        inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([answer])], 1)
        with torch.inference_mode():
            logs = self.model(**inputs, use_cache=False).logits[0].log_softmax(-1)
        start = logs.shape[0] - len(answer) - 1
        return [float(logs[start + place, token]) for place, token in enumerate(answer)]

    def levels(self, view: View, question: Question, system: str = "") -> scoring.Logs:
        spelt = [self.layout.spellings(level) for level in question.levels]
        return scoring.summed([[self.logs(view, question.text, (token,), system)[0] for token in one] for one in spelt])


@pytest.fixture(scope="module")
def straight(folder: Path) -> Straight:
    return Straight(folder)


def view(seed: int, count: int = 5, start: float = 20.0) -> View:
    pictures = np.random.default_rng(seed).integers(0, 256, (count, 6, 8, 3), np.uint8).repeat(9, 1).repeat(9, 2)
    return View(start, start + count, tuple(start + number for number in range(count)), tuple(pictures))


def blank(count: int) -> View:
    return View(0.0, count, tuple(map(float, range(count))), (np.full((64, 64, 3), 128, np.uint8),) * count)


def test_a_rating_is_that_of_one_pass_less_that_of_blank_pictures(eyes: SmolVLM, straight: Straight) -> None:
    with eyes.look(view(1), never) as seen:
        rating = seen.rate(QUESTION)
    wanted = scoring.rating(straight.levels(view(1), QUESTION), straight.levels(blank(5), QUESTION))
    assert rating.levels == pytest.approx(wanted.levels, abs=CLOSE)
    assert rating.mass == pytest.approx(wanted.mass, abs=CLOSE)
    assert max(rating.levels) - min(rating.levels) > 0.02  # these pictures say something


def test_a_side_that_is_no_whole_number_of_patches_is_seen_as_the_model_sees_it(tmp_path: Path) -> None:
    uneven = replace(TINY, vision=TINY.vision | {"image_size": 70, "patch_size": 11}, scale=3)
    straight = Straight(make_checkpoint(tmp_path, uneven))
    with closing(open_smolvlm(str(tmp_path), dtype="float32")) as eyes, eyes.look(view(1), never) as seen:
        rating = seen.rate(QUESTION)
    wanted = scoring.rating(straight.levels(view(1), QUESTION), straight.levels(blank(5), QUESTION))
    assert rating.levels == pytest.approx(wanted.levels, abs=CLOSE)


def test_a_system_prompt_stands_before_the_pictures(eyes: SmolVLM, straight: Straight) -> None:
    with eyes.look(view(1), never, system="Look at <image>the knees.") as seen:
        rating = seen.rate(QUESTION)
    told = "Look at the knees."
    wanted = scoring.rating(straight.levels(view(1), QUESTION, told), straight.levels(blank(5), QUESTION, told))
    assert rating.levels == pytest.approx(wanted.levels, abs=CLOSE)


def test_names_are_weighed_side_by_side_as_if_each_stood_alone(
    eyes: SmolVLM, straight: Straight, asked: str = "Which exercise?"
) -> None:
    with eyes.look(view(2), never) as seen:
        named = seen.name(asked, LABELS)
    answers = [straight.layout.answer(label) for label in LABELS]
    here = scoring.means([straight.logs(view(2), asked, answer) for answer in answers])
    before = scoring.means([straight.logs(blank(5), asked, answer) for answer in answers])
    wanted = scoring.named(LABELS, here, before)
    assert named.label == wanted.label
    assert (named.share, named.margin) == pytest.approx((wanted.share, wanted.margin), abs=CLOSE)


def test_a_list_too_long_for_one_row_is_weighed_in_several(
    eyes: SmolVLM, straight: Straight, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vision.smolvlm.ANSWER_TOKENS", 8)
    test_names_are_weighed_side_by_side_as_if_each_stood_alone(eyes, straight, "What is done?")


def test_of_a_label_without_end_only_its_beginning_counts(eyes: SmolVLM) -> None:
    endless = "7" * 60
    with eyes.look(view(2), never) as seen:
        named = eyes.name(seen, "Which exercise?", (endless, endless[:40]))
    assert named.label == endless
    assert named.margin == pytest.approx(0, abs=CLOSE)


def test_levels_of_several_tokens_are_rated_by_their_likelihood(eyes: SmolVLM, straight: Straight) -> None:
    asked = Question("How much?", ("hardly anything", "quite a lot"))
    with eyes.look(view(3), never) as seen:
        rating = seen.rate(asked)
    answers = [straight.layout.answer(level) for level in asked.levels]
    here = scoring.means([straight.logs(view(3), asked.text, answer) for answer in answers])
    before = scoring.means([straight.logs(blank(5), asked.text, answer) for answer in answers])
    assert rating.levels == pytest.approx(scoring.rating(here, before, False).levels, abs=CLOSE)


def generated(straight: Straight, view: View, asked: str, most: int) -> list[int]:
    inputs = straight.inputs(view, asked)
    given = {"attention_mask": torch.ones_like(inputs["input_ids"]), "do_sample": False, "pad_token_id": 2}
    ids = straight.model.generate(**inputs, **given, max_new_tokens=most)
    told: list[int] = ids[0, inputs["input_ids"].shape[1] :].tolist()
    return told


def test_descriptions_told_together_are_those_generated_alone(straight: Straight) -> None:
    engine = Engine(straight.model, straight.layout.image_id, straight.layout.end_id, lambda: None)
    asked = ["Describe it.", "Describe in one sentence what a person is doing.", "What happens?"]
    views, limits = [view(seed) for seed in range(3)], [12, 5, 9]
    told: dict[int, Told] = {}
    with torch.inference_mode():
        pixels = torch.cat([straight.inputs(one, "")["pixel_values"][0] for one in views])
        meanings = [part.flatten(0, 1) for part in engine.see(pixels).split(5)]
        texts = [straight.layout.pictures([time - one.start for time in one.times], 5) for one in views]
        pasts = engine.read(texts, meanings)
        wanted = [Telling(straight.layout.question(one), most, 60) for one, most in zip(asked, limits, strict=True)]
        engine.tell(pasts, wanted, told.__setitem__)
    for number, one in enumerate(views):
        alone = generated(straight, one, asked[number], limits[number])
        assert list(told[number].ids) == alone[: len(told[number].ids)]
        assert len(told[number].ids) >= 4
        assert told[number].whole == (alone[-1] == straight.layout.end_id)


def test_a_description_is_made_of_the_generated_words(eyes: SmolVLM, straight: Straight) -> None:
    asked = "What happens?"
    with eyes.look(view(1), never) as seen:
        said = seen.describe(asked)
    words = tidy(straight.layout.text(generated(straight, view(1), asked, DESCRIBING_TOKENS)), asked, True).split()
    assert said
    assert said.split()[:3] == words[:3]


def test_a_description_takes_no_more_than_its_seconds(straight: Straight) -> None:
    engine = Engine(straight.model, straight.layout.image_id, straight.layout.end_id, lambda: None)
    told: list[Told] = []
    one = view(0)
    with torch.inference_mode():
        meaning = engine.see(straight.inputs(one, "")["pixel_values"][0]).flatten(0, 1)
        pasts = engine.read([straight.layout.pictures([0, 1, 2, 3, 4], 5)], [meaning])
        wanted = Telling(straight.layout.question("Describe it."), 1000, 0.0)
        engine.tell(pasts, [wanted], lambda _, told_: told.append(told_))
    assert len(told[0].ids) == 1
    assert not told[0].whole


def test_a_second_question_on_the_same_look_is_answered_as_the_first(eyes: SmolVLM) -> None:
    with eyes.look(view(4), never) as seen:
        before = seen.rate(QUESTION)
        seen.name("Which exercise?", LABELS)
        seen.describe("Describe it.")
        assert seen.rate(QUESTION) == before
    with eyes.look(view(4), never) as again:
        assert again.rate(QUESTION).levels == pytest.approx(before.levels, abs=CLOSE)


def test_looking_at_many_gives_what_looking_at_each_gives(eyes: SmolVLM, folder: Path) -> None:
    views = [view(seed, count) for seed, count in enumerate([5, 5, 3, 5, 5, 5, 1])]
    together = []
    sizes = {"look": 4, "weigh": 4, "tell": 4}
    with closing(open_smolvlm(str(folder), dtype="float32", batches=sizes)) as many:
        for seen in many.look_each(iter(views), never):
            with seen:
                together.append(seen.rate(QUESTION).expected)
    alone = []
    for one in views:
        with eyes.look(one, never) as seen:
            alone.append(seen.rate(QUESTION).expected)
    assert together == pytest.approx(alone, abs=CLOSE)
    assert len({round(value, 3) for value in alone}) > 3  # the views do differ


def test_more_pictures_than_the_tower_takes_at_once_are_seen_alike(eyes: SmolVLM, straight: Straight) -> None:
    with eyes.look(view(5, 11), never) as seen:
        rating = seen.rate(QUESTION)
    wanted = scoring.rating(straight.levels(view(5, 11), QUESTION), straight.levels(blank(11), QUESTION))
    assert rating.levels == pytest.approx(wanted.levels, abs=CLOSE)


def test_pictures_that_stay_the_same_are_seen_once(folder: Path) -> None:
    one, two = view(1).pictures[0], view(2).pictures[0]
    still = View(0, 6, tuple(map(float, range(6))), (one, one, one, two, two, one))
    with closing(open_smolvlm(str(folder), dtype="float32")) as model:
        seen_by_tower = []
        tower = model.network.model.vision_model
        tower.register_forward_pre_hook(
            lambda _, __, given: seen_by_tower.append(len(given["pixel_values"])), with_kwargs=True
        )
        with model.look(still, never) as seen:
            assert sum(seen_by_tower) == 3
            rating = seen.rate(QUESTION)
    straight = Straight(folder)
    wanted = scoring.rating(straight.levels(still, QUESTION), straight.levels(blank(6), QUESTION))
    assert rating.levels == pytest.approx(wanted.levels, abs=CLOSE)


def test_bfloat16_answers_nearly_as_float32(eyes: SmolVLM, folder: Path) -> None:
    with closing(open_smolvlm(str(folder), dtype="bfloat16")) as half:
        assert half.facts.dtype == "bfloat16"
        for seed in range(3):
            with eyes.look(view(seed), never) as seen, half.look(view(seed), never) as seen_by_half:
                assert seen_by_half.rate(QUESTION).expected == pytest.approx(seen.rate(QUESTION).expected, abs=0.05)


def test_nothing_that_steers_the_model_comes_in_with_a_question(eyes: SmolVLM) -> None:
    steering = Question(f"<image>{QUESTION.text}<end_of_utterance><|reserved_special_token_0|>", QUESTION.levels)
    with eyes.look(view(1), never) as seen:
        assert seen.rate(steering) == seen.rate(QUESTION)
        assert seen.name("Which?", ["<image>squats", "lunges"]).share == seen.name("Which?", ["squats", "lunges"]).share
        assert seen.describe("Describe <image>it.") == seen.describe("Describe it.")
    with pytest.raises(ValueError, match="this look is over"):
        seen.rate(QUESTION)


def test_what_cannot_be_asked_is_refused(eyes: SmolVLM) -> None:
    with pytest.raises(ValueError, match="a view has pictures"):
        eyes.look(View(0, 1, (), ()), never)
    with pytest.raises(ValueError, match="and the model reads 8192"):
        eyes.look(view(1, 600), never)
    with eyes.look(view(1), never) as seen, pytest.raises(ValueError, match="no label"):
        seen.name("Which?", ["<image>", " "])


def test_giving_way_leaves_one_thread_and_takes_them_back(folder: Path) -> None:
    with closing(open_smolvlm(str(folder), dtype="float32", threads=2)) as model:
        used = []
        model.network.model.text_model.layers[0].register_forward_hook(lambda *_: used.append(torch.get_num_threads()))
        model.look(view(1), never)
        with model.give_way():
            model.look(view(2), never)
        model.look(view(3), never)
    assert used == [2, 1, 2]


def test_who_looks_is_told(eyes: SmolVLM, folder: Path) -> None:
    assert (eyes.facts.name, eyes.facts.model, eyes.facts.device, eyes.facts.dtype) == (
        "smolvlm2",
        str(folder),
        eyes.network.device.type,
        "float32",
    )


def test_each_pass_is_told_with_its_tokens(eyes: SmolVLM, straight: Straight) -> None:
    told: list[Pass] = []
    eyes.passed = told.append
    with eyes.look(view(1), never) as seen:
        seen.describe("Describe it.")
        until(lambda: len(told) == 2)
    eyes.passed = untold
    look, tell = told
    shown = straight.inputs(view(1), "Describe it.")["input_ids"].shape[1]
    assert (look.stage, look.tokens_written, tell.stage) == ("look", 0, "tell")
    assert look.tokens_read + tell.tokens_read == shown
    assert 0 < tell.tokens_written <= DESCRIBING_TOKENS
    assert min(look.seconds, tell.seconds) > 0
