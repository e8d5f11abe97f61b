"""Loads a model from its folder, saying how far that is, and in words what is wrong where it cannot be done.

Weights are read from safetensors files alone, and no code that comes with a model is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import AutoTokenizer, SmolVLMConfig, SmolVLMForConditionalGeneration
from transformers.utils import logging as transformers_logging

from errors import CannotStart
from vision.hub import Loading, read_config, weights_in
from vision.machine import out_of_memory

MAPPED_BYTES = 256 << 20
"""A file is opened anew after so many bytes: what was read before leaves memory."""


@dataclass(frozen=True)
class Geometry:
    """`side` and `patch` in pixels, `per_picture` in tokens, `longest` the tokens a text may have."""

    side: int
    patch: int
    per_picture: int
    image_id: int
    longest: int


def read_geometry(folder: Path) -> Geometry:
    """What the model's config says of its sizes. Raises CannotStart if it is not a SmolVLM2 that is whole."""
    read_config(folder)
    try:
        known: Any = SmolVLMConfig.from_pretrained(folder, local_files_only=True)
        vision, scale = known.vision_config, known.scale_factor
        patches = vision.image_size // vision.patch_size  # what does not fill a patch is not looked at
        if patches < scale or patches % scale:
            raise ValueError(f"{patches} patches a side cannot be put together {scale} by {scale}")
        longest = int(known.text_config.max_position_embeddings)
        return Geometry(vision.image_size, vision.patch_size, (patches // scale) ** 2, known.image_token_id, longest)
    except (StrictDataclassError, AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise CannotStart(f"{folder / 'config.json'} does not describe a SmolVLM2: {error}") from error


def load_tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError) as error:
        raise CannotStart(f"the tokenizer in {folder} cannot be loaded: {error}") from error


def load_model(folder: Path, device: torch.device, dtype: torch.dtype, tell: Loading) -> Any:
    """The model, ready to be asked. Raises CannotStart if its weights are damaged, or not all there."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    try:
        weights = dict(_weights(folder, dtype, tell))
        loaded: Any = SmolVLMForConditionalGeneration.from_pretrained(
            None,  # neither a name nor files: everything is handed in
            config=SmolVLMConfig.from_pretrained(folder, local_files_only=True),
            state_dict=weights,
            dtype=dtype,
            use_safetensors=True,
            output_loading_info=True,
        )
        model, found = loaded
        model = model.eval().to(device)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, MemoryError, SafetensorError) as error:
        if out_of_memory(error):
            raise CannotStart(f"there is not enough memory to load the model in {folder}") from error
        raise CannotStart(f"the weights in {folder} are damaged or do not fit the model: {error}") from error
    if lacking := sorted(found["missing_keys"]):
        raise CannotStart(f"the weights in {folder} lack {len(lacking)} of the model's, {lacking[0]} among them")
    return model


def _weights(folder: Path, dtype: torch.dtype, tell: Loading) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor, in the number format it will have: a file of float32 never lies in memory as a whole."""
    files = weights_in(folder)
    total, read = sum(file.stat().st_size for file in files), 0
    tell("Loading", 0.0)
    for file in files:
        names = _names(file)
        while names:
            mapped = 0
            with safe_open(file, framework="pt") as opened:
                while names and mapped < MAPPED_BYTES:
                    name = names.pop()
                    tensor = opened.get_tensor(name)
                    mapped, read = mapped + tensor.nbytes, read + tensor.nbytes
                    yield name, tensor.to(dtype, copy=True) if tensor.is_floating_point() else tensor.clone()
                    del tensor
                    tell("Loading", min(1.0, read / total))
    tell("Loading", 1.0)


def _names(file: Path) -> list[str]:
    with safe_open(file, framework="pt") as opened:
        return sorted(opened.keys(), reverse=True)
