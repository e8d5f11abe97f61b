"""Writes SmolVLM2 checkpoints of random weights, with the real classes: tiny ones for tests, full-sized to measure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

# What the released tokenizer and chat template hold, as far as text and video go.
FIRST = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
LAST = ["<global-img>", "<fake_token_around_image>", "<image>", "<|reserved_special_token_0|>", "<end_of_utterance>"]
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% elif part['type'] == 'video' %}{{ '<video>' }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
LINES = [
    "You are provided the following series of eight frames from a 0:00:10 [H:MM:SS] video.\n\nFrame from 00:00:",
    "User: Assistant: System: Answer with one word: low, medium or high. Low Medium High",
    "Describe what happens in this video. A person is doing squats, push-ups and lunges.",
]


@dataclass(frozen=True)
class Size:
    """Of a checkpoint's parts; sides in pixels. `vocabulary` 0 takes as many as the tokenizer has."""

    text: dict[str, int]
    vision: dict[str, int]
    scale: int
    vocabulary: int = 0


def _text(hidden: int, intermediate: int, layers: int, heads: int, key_heads: int) -> dict[str, int]:
    return _shape(hidden, intermediate, layers, heads) | {"num_key_value_heads": key_heads}


def _vision(hidden: int, intermediate: int, layers: int, heads: int, side: int, patch: int) -> dict[str, int]:
    return _shape(hidden, intermediate, layers, heads) | {"image_size": side, "patch_size": patch}


def _shape(hidden: int, intermediate: int, layers: int, heads: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }


TINY = Size(_text(64, 96, 2, 4, 2), _vision(48, 64, 2, 4, side=64, patch=16), scale=2)
M500 = Size(_text(960, 2560, 32, 15, 5), _vision(768, 3072, 12, 12, side=512, patch=16), scale=4, vocabulary=49280)
"""The geometry of SmolVLM2-500M-Video-Instruct."""


def make_checkpoint(folder: Path, size: Size = TINY, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """A folder as the hub has it: config, tokenizer, chat template, processor settings, safetensors."""
    if size is TINY:
        torch.set_num_threads(1)  # with two, so little work is mostly waiting for each other
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(folder)
    side = size.vision["image_size"]
    config = SmolVLMConfig(
        image_token_id=tokenizer.encode("<image>").ids[0],
        scale_factor=size.scale,
        text_config=dict(
            model_type="llama",
            vocab_size=size.vocabulary or tokenizer.get_vocab_size(),
            max_position_embeddings=8192,
            pad_token_id=2,
            bos_token_id=1,
            eos_token_id=tokenizer.token_to_id("<end_of_utterance>"),
            **size.text,
        ),
        vision_config=dict(model_type="smolvlm_vision", num_channels=3, **size.vision),
    )
    torch.manual_seed(seed)
    model = SmolVLMForConditionalGeneration(config).eval().to(dtype)
    _let_pictures_matter(model)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(_processor_settings(side)))
    return folder


def _processor_settings(side: int) -> dict[str, Any]:
    return {
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "rescale_factor": 1 / 255,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "resample": 1,
        "max_image_size": {"longest_edge": side},
        "size": {"longest_edge": 4 * side},
        "video_sampling": {"fps": 1, "max_frames": 64, "video_size": {"longest_edge": side}},
        "image_processor_type": "SmolVLMImageProcessor",
        "processor_class": "SmolVLMProcessor",
    }


LOUDER = {"connector": 20.0, "lm_head": 3.0, "embed_tokens": 50.0, "text_model": 8.0, "vision_model": 2.0}
"""By how much weights are multiplied: as drawn, every picture looks alike, every answer is as likely, and one word is
said for ever."""


def _let_pictures_matter(model: Any) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.mul_(next(factor for part, factor in LOUDER.items() if part in name))


def _tokenizer(folder: Path) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    pieces = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(pieces)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        min_frequency=1,
        show_progress=False,
        special_tokens=FIRST,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(LINES * 3, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in LAST])
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"image_token": "<image>", "fake_image_token": LAST[1], "global_image_token": LAST[0]}
    told = dict(
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=FIRST[1],
        eos_token=LAST[-1],
        pad_token=FIRST[2],
        unk_token=FIRST[0],
        clean_up_tokenization_spaces=False,
        extra_special_tokens=named,
        **named,
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
    return tokenizer
