"""From pictures to what the vision tower takes: equal to SmolVLM2's own processor, without its torchvision.

Weights were trained on frames resized by uint8 Lanczos with antialiasing, so the same kernel is used here, in the same
two steps.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch.nn.functional import interpolate

from errors import CannotStart
from vision import Picture

LARGEST_SIDE = 4096
"""Pixels; the stock processor's own bound."""

STILL = 1.0
"""Grey levels: a picture in which no patch changed by more on average is taken for the one before."""

GREY = 128
"""Blank pictures are mid-grey."""


@dataclass(frozen=True)
class Frames:
    """The frame processor of one checkpoint. `side`, `longer` and `patch` in pixels; mean and deviation on a scale of
    0-255, one for each colour."""

    side: int
    longer: int
    patch: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    letterbox: bool = False
    """Keep a picture's shape, between grey bars, rather than squash it to the square: not how the model was trained."""

    @classmethod
    def from_folder(cls, folder: Path, side: int, patch: int, letterbox: bool = False) -> Self:
        """Raises CannotStart if the checkpoint's own settings contradict the model's config."""
        told = _told(folder)
        try:
            return cls._as_told(told, side, patch, letterbox)
        except (AttributeError, TypeError, ValueError, ArithmeticError) as error:
            raise CannotStart(f"{folder / 'preprocessor_config.json'} holds what is no setting: {error}") from error

    @classmethod
    def _as_told(cls, told: dict[str, Any], side: int, patch: int, letterbox: bool) -> Self:
        wanted = told.get("max_image_size", {}).get("longest_edge", side)
        if wanted != side:
            raise CannotStart(f"the model sees {side} pixels a side, and its preprocessor_config.json says {wanted}")
        # In the stock processor the size for single images goes before the one for videos.
        size = told.get("size") or told.get("video_sampling", {}).get("video_size") or {}
        scale = 1 / told.get("rescale_factor", 1 / 255)
        mean, deviation = told.get("image_mean", [0.5] * 3), told.get("image_std", [0.5] * 3)
        return cls(
            side,
            min(size.get("longest_edge", side), LARGEST_SIDE),
            patch,
            tuple(value * scale for value in mean),
            tuple(value * scale for value in deviation),
            letterbox,
        )

    def resize(self, pictures: tuple[Picture, ...]) -> torch.Tensor:
        """(n, 3, side, side) uint8, on the CPU."""
        return torch.cat([self._square(picture) for picture in pictures])

    def normalise(self, squares: torch.Tensor) -> torch.Tensor:
        """float32, about -1 to 1, where the squares are."""
        mean = torch.tensor(self.mean, device=squares.device).view(-1, 1, 1)
        deviation = torch.tensor(self.deviation, device=squares.device).view(-1, 1, 1)
        return squares.float().sub_(mean).div_(deviation)

    def blank(self, count: int) -> torch.Tensor:
        return torch.full((count, 3, self.side, self.side), GREY, dtype=torch.uint8)

    def distinct(self, squares: torch.Tensor) -> list[int]:
        """For each square, which one stands for it: itself, or an earlier one that it hardly differs from."""
        kept = [0]
        for number in range(1, len(squares)):
            kept.append(kept[-1] if self._still(squares[kept[-1]], squares[number]) else number)
        return kept

    def _still(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        change = (one.to(torch.int16) - other).abs_().float().mean(0)
        return bool(torch.nn.functional.avg_pool2d(change[None], self.patch, ceil_mode=True).max() <= STILL)

    def _square(self, picture: Picture) -> torch.Tensor:
        one = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].contiguous()
        if self.letterbox:
            return self._boxed(one)
        return _lanczos(_lanczos(one, *self._stepping_stone(*one.shape[-2:])), self.side, self.side)

    def _stepping_stone(self, height: int, width: int) -> tuple[int, int]:
        """The size between: the longer side as the processor's settings say, the shape kept, the other side even."""
        if width >= height:
            other = int(self.longer / (width / height))
            return max(other + other % 2, 1), self.longer
        other = int(self.longer * (width / height))
        return self.longer, max(other + other % 2, 1)

    def _boxed(self, one: torch.Tensor) -> torch.Tensor:
        height, width = one.shape[-2:]
        scale = self.side / max(height, width)
        high, wide = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (self.side - high) // 2, (self.side - wide) // 2
        square = self.blank(1)
        square[..., top : top + high, left : left + wide] = _lanczos(one, high, wide)
        return square


def _lanczos(one: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if tuple(one.shape[-2:]) == (height, width):
        return one
    return interpolate(one, (height, width), mode="lanczos", antialias=True)


def _told(folder: Path) -> dict[str, Any]:
    """The checkpoint's preprocessor_config.json; nothing where it has none."""
    file = folder / "preprocessor_config.json"
    try:
        told = json.loads(file.read_text("utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise CannotStart(f"{file} cannot be read: {error}") from error
    return told if isinstance(told, dict) else {}
