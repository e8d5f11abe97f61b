"""Pixels are what the weights were trained on: those of SmolVLM2's own processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from errors import CannotStart
from tests.tiny_checkpoint import make_checkpoint
from vision.pixels import GREY, Frames

SIDE = 64
FRAMES = Frames(SIDE, 4 * SIDE, 16, (127.5,) * 3, (127.5,) * 3)


def drawn(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with an edge and some noise."""
    rows, columns = np.mgrid[:height, :width]
    colours = [127 + 100 * np.sin(rows / 17), 255 * columns / width, np.where(columns > width / 2, 220, 30)]
    noise = np.random.default_rng(seed).normal(0, 8, (height, width, 3))
    return np.clip(np.stack(colours, 2) + noise, 0, 255).astype(np.uint8)


def lanczos_weights(size: int, wanted: int) -> NDArray[np.float64]:
    """(wanted, size): Lanczos with three lobes, made wider when it shrinks (Turkowski 1990, as Pillow does it)."""
    scale = size / wanted
    wide = max(scale, 1.0)
    centres = (np.arange(wanted) + 0.5) * scale
    distance = (np.arange(size) + 0.5 - centres[:, None]) / wide
    weights = np.where(np.abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
    return np.asarray(weights / weights.sum(1, keepdims=True))


def lanczos(picture: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    across = np.einsum("wx,hxc->hwc", lanczos_weights(picture.shape[1], width), picture)
    down = np.einsum("hy,ywc->hwc", lanczos_weights(picture.shape[0], height), np.clip(across, 0, 255))
    return np.asarray(np.clip(down, 0, 255), np.float64)


@pytest.mark.parametrize("shape", [(36, 64), (360, 640), (101, 57), (64, 64), (700, 300)])
def test_pixels_follow_the_formula(shape: tuple[int, int]) -> None:
    picture = drawn(*shape)
    height, width = shape
    longer = 4 * SIDE
    if width >= height:
        other = int(longer / (width / height))
        between = lanczos(picture.astype(float), other + other % 2, longer)
    else:
        other = int(longer * (width / height))
        between = lanczos(picture.astype(float), longer, other + other % 2)
    wanted = (lanczos(between, SIDE, SIDE) - 127.5) / 127.5
    pixels = FRAMES.normalise(FRAMES.resize((picture,)))[0].permute(1, 2, 0).numpy()
    assert np.abs(pixels - wanted).max() <= 2.5 / 127.5  # each of four passes rounds to a grey level


def test_a_picture_of_the_models_size_is_taken_as_it_is_where_no_larger_one_is_asked_for() -> None:
    picture = drawn(SIDE, SIDE)
    same = Frames(SIDE, SIDE, 16, (127.5,) * 3, (127.5,) * 3).resize((picture,))
    assert np.array_equal(same[0].permute(1, 2, 0).numpy(), picture)


def test_the_scale_is_what_the_settings_say() -> None:
    pixels = FRAMES.normalise(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2).expand(1, 3, 1, 2))
    assert pixels.dtype == torch.float32
    assert pixels.flatten().tolist() == [-1.0, 1.0] * 3


def test_letterbox_keeps_the_shape_between_grey_bars() -> None:
    white = np.full((90, 160, 3), 255, np.uint8)
    square = Frames(SIDE, 4 * SIDE, 16, (0,) * 3, (1,) * 3, letterbox=True).resize((white,))[0]
    assert (square[:, :14] == GREY).all()
    assert (square[:, 14:50] == 255).all()
    assert (square[:, 50:] == GREY).all()


def test_a_picture_like_the_one_before_is_not_seen_anew() -> None:
    still, moved = drawn(SIDE, SIDE), drawn(SIDE, SIDE)
    flicker = np.clip(still.astype(int) + 1, 0, 255).astype(np.uint8)
    moved[:16, :16] = 255 - moved[:16, :16]  # one patch
    squares = torch.stack([torch.from_numpy(one).permute(2, 0, 1) for one in (still, flicker, moved, moved, still)])
    assert FRAMES.distinct(squares) == [0, 0, 2, 2, 4]


def test_slow_change_adds_up() -> None:
    squares = torch.stack([torch.full((3, SIDE, SIDE), 100 + step, dtype=torch.uint8) for step in range(4)])
    assert FRAMES.distinct(squares) == [0, 0, 2, 2]


def test_settings_come_from_the_checkpoint(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    assert Frames.from_folder(folder, SIDE, 16).longer == 4 * SIDE
    assert Frames.from_folder(folder, SIDE, 16).mean == pytest.approx((127.5,) * 3)
    file = folder / "preprocessor_config.json"
    file.write_text(json.dumps({"image_mean": [0, 0, 0], "image_std": [1, 1, 1], "rescale_factor": 0.01}))
    assert Frames.from_folder(folder, SIDE, 16) == Frames(SIDE, SIDE, 16, (0,) * 3, (100.0,) * 3)


def test_settings_that_contradict_the_model_are_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path)
    with pytest.raises(CannotStart, match="sees 32 pixels a side"):
        Frames.from_folder(folder, 32, 16)
    (folder / "preprocessor_config.json").write_text("{")
    with pytest.raises(CannotStart, match="cannot be read"):
        Frames.from_folder(folder, SIDE, 16)


def test_pixels_equal_the_stock_processors(tmp_path: Path) -> None:
    pytest.importorskip("torchvision", reason="the stock video processor needs torchvision, which is not installed")
    from transformers import SmolVLMVideoProcessor  # noqa: PLC0415

    folder = make_checkpoint(tmp_path)
    stock = SmolVLMVideoProcessor.from_pretrained(folder)
    video = np.stack([drawn(90, 160, seed) for seed in range(3)])
    wanted = stock([torch.from_numpy(video).permute(0, 3, 1, 2)], return_tensors="pt")["pixel_values"][0]
    frames = Frames.from_folder(folder, SIDE, 16)
    assert torch.equal(frames.normalise(frames.resize(tuple(video))), wanted)


def test_settings_that_are_none_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text('{"size": "large"}')
    with pytest.raises(CannotStart, match=r"preprocessor_config\.json holds what is no setting"):
        Frames.from_folder(tmp_path, 64, 16)
