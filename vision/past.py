"""What a model remembers of tokens it has read (its keys and values), kept for further questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

Past = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""Keys and values of one text, layer by layer: (1, heads, tokens, width) each."""


def tokens_in(past: Past) -> int:
    return past[0][0].shape[-2] if past else 0


def parted(cache: Cache, rows: int) -> list[Past]:
    """The pasts of a batch, each in memory of its own so that it can be freed alone."""
    layers: list[Any] = cache.layers
    return [
        tuple((layer.keys[row : row + 1].clone(), layer.values[row : row + 1].clone()) for layer in layers)
        for row in range(rows)
    ]


def joined(pasts: Sequence[Past], room: int) -> Cache:
    """A batch of pasts of one length, copied once, with room for so many tokens more."""
    layers = zip(*pasts, strict=True)
    return Cache(layers=[_Roomy([keys for keys, _ in one], [values for _, values in one], room) for one in layers])


class _Roomy(DynamicLayer):
    """Writes new tokens behind the old ones, where the stock layer copies all of them at every token."""

    def __init__(self, keys: list[torch.Tensor], values: list[torch.Tensor], room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._filled = keys[0].shape[-2]
        self._keys, self._values = _with_room(keys, room), _with_room(values, room)
        self.lazy_initialization(self._keys, self._values)
        self._show()

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        end = self._filled + key_states.shape[-2]
        self._keys[..., self._filled : end, :] = key_states
        self._values[..., self._filled : end, :] = value_states
        self._filled = end
        return self._show()

    def _show(self) -> tuple[torch.Tensor, torch.Tensor]:
        shown = self._keys[..., : self._filled, :], self._values[..., : self._filled, :]
        self.keys, self.values = shown
        return shown


def _with_room(rows: list[torch.Tensor], room: int) -> torch.Tensor:
    _, heads, tokens, width = rows[0].shape
    wide = rows[0].new_empty(len(rows), heads, tokens + room, width)
    for number, row in enumerate(rows):
        wide[number, :, :tokens] = row[0]
    return wide
