"""Prompts are laid out in tokens as SmolVLM2's processor and chat template do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers.models.smolvlm import processing_smolvlm as stock

from errors import CannotStart
from tests.tiny_checkpoint import make_checkpoint
from vision.layout import Layout, Sheet, in_words
from vision.loading import load_tokenizer, read_geometry

PER_PICTURE = 4


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_tokenizer(make_checkpoint(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def layout(tokenizer: Any) -> Layout:
    return Layout(tokenizer, PER_PICTURE, tokenizer.convert_tokens_to_ids("<image>"))


def stock_text(tokenizer: Any, times: list[float], duration: float, question: str, system: str) -> str:
    """By the chat template for videos and the words of transformers' own processor."""
    messages = [{"role": "system", "content": [{"type": "text", "text": system}]}] if system else []
    messages += [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": question}]}]
    said: str = tokenizer.apply_chat_template(
        messages, chat_template=stock.DEFAULT_CHAT_TEMPLATE, add_generation_prompt=True, tokenize=False
    )
    clock = f"0:00:{int(duration):02d}"
    video = stock.DEFAULT_VIDEO_INTRO.format(frame_count=in_words(len(times)), video_duration=clock)
    for time in times:
        stamp = stock.FRAME_TIMESTAMP_MESSAGE.format(timestamp=f"{int(time // 60):02d}:{int(time % 60):02d}")
        markers = ("<fake_token_around_image>", "<image>", "<global-img>")
        video += stamp + stock.get_image_prompt_string(0, 0, PER_PICTURE, *markers)
    return said.replace("<video>", video + stock.DEFAULT_MEDIA_OUTTRO)


@pytest.mark.parametrize("system", ["", "You are a judge."])
@pytest.mark.parametrize("question", ["What happens?", "\n leading space", "12 times?"])
def test_the_tokens_are_those_of_the_chat_template(tokenizer: Any, layout: Layout, question: str, system: str) -> None:
    times = [0.0, 1.4, 8.9]
    whole = tokenizer.encode(stock_text(tokenizer, times, 9.7, question, system), add_special_tokens=False)
    assert [*layout.pictures(times, 9.7, system), *layout.question(question)] == whole


def test_minutes_and_hours_are_written_as_the_processor_does(layout: Layout) -> None:
    text = layout.text(layout.pictures([0.0, 75.9, 6000.0], 6001.0))
    assert "three frames from a 1:40:01 [H:MM:SS] video" in text
    assert text.splitlines()[-3:] == ["Frame from 00:00:", "Frame from 01:15:", "Frame from 100:00:"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "one"), (8, "eight"), (19, "nineteen"), (30, "thirty"), (64, "sixty-four"), (99, "ninety-nine")],
)
def test_counts_are_spelt(number: int, words: str) -> None:
    assert in_words(number) == words


def test_an_answer_ends_the_models_turn(layout: Layout) -> None:
    assert layout.answer("squats")[-1] == layout.end_id
    assert layout.text(layout.answer("squats")) == " squats"


def test_a_level_is_known_by_its_spellings(layout: Layout) -> None:
    assert {layout.text([token]) for token in layout.spellings("low")} <= {" low", "low", " Low", "Low", " LOW", "LOW"}
    assert {" low", " Low"} <= {layout.text([token]) for token in layout.spellings("low")}


def test_a_level_of_several_tokens_has_no_spelling(layout: Layout) -> None:
    assert layout.spellings("extraordinary") == ()


def test_special_tokens_are_known_by_the_tokenizer(layout: Layout) -> None:
    assert {"<image>", "<|im_start|>", "<end_of_utterance>", "<|reserved_special_token_0|>"} <= layout.special


def test_a_tokenizer_without_image_tokens_is_refused_in_words(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace("<global-img>", "<other>"))
    settings = folder / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace("<global-img>", "<other>"))
    with pytest.raises(CannotStart, match="lacks <global-img>"):
        Layout(load_tokenizer(folder), PER_PICTURE, read_geometry(folder).image_id)


def test_a_config_that_names_another_image_token_is_refused(tokenizer: Any) -> None:
    with pytest.raises(CannotStart, match="and its config 5"):
        Layout(tokenizer, PER_PICTURE, 5)


def test_a_long_list_of_answers_is_parted_and_none_is_lost() -> None:
    answers = ((1, 2), (3,), (4, 5, 6), (7,), (8,) * 9, (9,))
    parts = Sheet((0,), answers).parts(4)
    assert [part.answers for part in parts] == [((1, 2), (3,)), ((4, 5, 6), (7,)), ((8,) * 9,), ((9,),)]
    assert {part.question for part in parts} == {(0,)}
