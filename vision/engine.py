"""The passes through the network, over batches: see pictures, read what they mean, weigh answers, tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import DynamicCache

from vision.layout import Sheet
from vision.past import Past, joined, parted, tokens_in
from vision.telling import looping

PICTURES_AT_ONCE = {"cpu": 2, "mps": 8, "cuda": 64}
"""Through the vision tower in one go. More would cost memory, gain nothing on a processor (one core took 1.7 s for one
picture and 6.6 s for four), and make a layer so long that a stopped session waits for it."""

LOGITS_AT_ONCE = 128
"""Positions for which the whole vocabulary is weighed in one go: 25 MB of float32."""


@dataclass(frozen=True)
class Told:
    """Tokens a model generated; `whole` if it came to an end by itself."""

    ids: tuple[int, ...]
    whole: bool


@dataclass(frozen=True)
class Telling:
    """A description that is wanted: a question's tokens, and how much it may take."""

    question: tuple[int, ...]
    most_tokens: int
    most_seconds: float


class Engine:
    """Runs one model; in one thread only. `pulse` is called before every layer, and may raise."""

    def __init__(self, model: Any, image_id: int, end_id: int, pulse: Callable[[], None]) -> None:
        self._tower, self._connector = model.model.vision_model, model.model.connector
        self._text, self._head = model.model.text_model, model.lm_head
        self._image_id, self._end_id = image_id, end_id
        self.device, self.dtype = model.device, model.dtype
        for layer in (*self._tower.encoder.layers, self._connector, *self._text.layers):
            layer.register_forward_pre_hook(lambda *_: pulse())

    def see(self, pixels: torch.Tensor) -> torch.Tensor:
        """What pictures (n, 3, side, side) mean: (n, tokens, width), a few pictures at a time."""
        parts = []
        for some in pixels.split(PICTURES_AT_ONCE[self.device.type]):
            hidden = self._tower(pixel_values=some.to(self.device, self.dtype)).last_hidden_state
            parts.append(self._connector(hidden))
        return torch.cat(parts)

    def read(self, texts: Sequence[Sequence[int]], pictures: Sequence[torch.Tensor]) -> list[Past]:
        """Read texts of one length, each with its pictures' meaning (tokens, width) in the places left for them."""
        ids = torch.tensor(texts, device=self.device)
        embeds = self._text.get_input_embeddings()(ids)
        embeds[ids == self._image_id] = torch.cat(list(pictures)).to(embeds.dtype)
        cache = DynamicCache()
        self._text(inputs_embeds=embeds, past_key_values=cache, use_cache=True)
        return parted(cache, len(texts))

    def weigh(self, pasts: Sequence[Past], sheets: Sequence[Sheet]) -> list[list[list[float]]]:
        """For each sheet and each of its answers the log-probabilities of the answer's tokens. Pasts of one length."""
        rows = [_Row.of(sheet) for sheet in sheets]
        hidden = self._extend(pasts, rows)
        return [self._weigh_one(hidden[number], sheet) for number, sheet in enumerate(sheets)]

    def tell(self, pasts: Sequence[Past], tellings: Sequence[Telling], finish: Callable[[int, Told], None]) -> None:
        """Generate the likeliest tokens; `finish(row, told)` as soon as a row is done. Pasts of one length."""
        started = time.monotonic()
        rows = [_Row.of(Sheet(one.question, ())) for one in tellings]
        most = max(one.most_tokens for one in tellings)
        before, wide = tokens_in(pasts[0]), max(len(row.ids) for row in rows)
        cache = joined(pasts, wide + most)
        hidden = self._forward(cache, before, rows)
        ends = torch.tensor([len(row.ids) for row in rows], device=self.device)
        last = hidden[torch.arange(len(rows), device=self.device), ends - 1]
        seen = torch.ones(len(rows), before + wide + most, dtype=torch.bool, device=self.device)
        for number, row in enumerate(rows):
            seen[number, before + len(row.ids) : before + wide] = False  # the padding
        even = bool(seen.all())  # no mask: a shorter way through attention
        said: list[list[int]] = [[] for _ in rows]
        going = set(range(len(rows)))
        for step in range(most):
            tokens = self._head(last).argmax(-1)
            for number in sorted(going):
                told = _judge(said[number], int(tokens[number]), self._end_id, tellings[number], started)
                if told:
                    finish(number, told)
                    going.discard(number)
            if not going:
                return
            visible = None if even else seen[:, None, None, : before + wide + step + 1]
            last = self._step(cache, tokens, before + ends + step, visible)

    def _step(
        self, cache: Any, tokens: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor | None
    ) -> torch.Tensor:
        """One token more for every row: (rows, width)."""
        out = self._text(
            inputs_embeds=self._text.get_input_embeddings()(tokens[:, None]),
            attention_mask=visible,
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=True,
        )
        return torch.as_tensor(out.last_hidden_state[:, 0])

    def _extend(self, pasts: Sequence[Past], rows: Sequence[_Row]) -> torch.Tensor:
        return self._forward(joined(pasts, max(len(row.ids) for row in rows)), tokens_in(pasts[0]), rows)

    def _forward(self, cache: Any, before: int, rows: Sequence[_Row]) -> torch.Tensor:
        """Read rows behind pasts of `before` tokens: (rows, tokens, width), padded at their ends."""
        wide = max(len(row.ids) for row in rows)
        padded = [row.padded(wide) for row in rows]
        seen = torch.from_numpy(np.stack([row.seen for row in padded])).to(self.device)
        old = torch.ones(len(rows), wide, before, dtype=torch.bool, device=self.device)
        out = self._text(
            inputs_embeds=self._text.get_input_embeddings()(torch.tensor([row.ids for row in padded]).to(self.device)),
            attention_mask=torch.cat([old, seen], 2)[:, None],
            position_ids=torch.tensor([row.positions for row in padded]).to(self.device) + before,
            past_key_values=cache,
            use_cache=True,
        )
        return torch.as_tensor(out.last_hidden_state)

    def _weigh_one(self, hidden: torch.Tensor, sheet: Sheet) -> list[list[float]]:
        asked = len(sheet.question)
        places: list[int] = []
        wanted: list[int] = []
        for answer, start in zip(sheet.answers, _starts(sheet), strict=True):
            places += [asked - 1, *range(start, start + len(answer) - 1)]
            wanted += answer
        logs: list[float] = []
        for first in range(0, len(places), LOGITS_AT_ONCE):
            some = slice(first, first + LOGITS_AT_ONCE)
            logits = self._head(hidden[places[some]]).float()
            picked = logits.gather(1, torch.tensor(wanted[some], device=self.device)[:, None])[:, 0]
            logs += (picked - logits.logsumexp(1)).tolist()
        given = iter(logs)
        return [[next(given) for _ in answer] for answer in sheet.answers]


@dataclass(frozen=True)
class _Row:
    """Tokens to be read behind a past. `seen[i, j]` says whether token i may look at token j of the same row."""

    ids: tuple[int, ...]
    positions: tuple[int, ...]
    seen: np.ndarray[Any, np.dtype[np.bool_]]

    @classmethod
    def of(cls, sheet: Sheet) -> _Row:
        """A question, and behind it the beginnings of its answers, each of which sees the question and itself alone."""
        asked = len(sheet.question)
        ids, positions = [*sheet.question], [*range(asked)]
        for answer in sheet.answers:
            ids += answer[:-1]
            positions += range(asked, asked + len(answer) - 1)
        seen = np.zeros((len(ids), len(ids)), np.bool_)
        seen[:, :asked] = True
        for answer, start in zip(sheet.answers, _starts(sheet), strict=True):
            seen[start : start + len(answer) - 1, start : start + len(answer) - 1] = True
        return cls(tuple(ids), tuple(positions), np.tril(seen))

    def padded(self, wide: int) -> _Row:
        """Padding sees itself, for who sees nothing is no number; nobody sees it."""
        more = wide - len(self.ids)
        seen = np.eye(wide, dtype=np.bool_)
        seen[: len(self.ids), : len(self.ids)] = self.seen
        return _Row((*self.ids, *[0] * more), (*self.positions, *[0] * more), seen)


def _starts(sheet: Sheet) -> list[int]:
    """Where in its row each answer begins. An answer's last token is only looked for, never read."""
    starts, place = [], len(sheet.question)
    for answer in sheet.answers:
        starts.append(place)
        place += len(answer) - 1
    return starts


def _judge(said: list[int], token: int, end: int, wanted: Telling, started: float) -> Told | None:
    """Add a token to what was said, and tell whether that is all."""
    if token == end:
        return Told(tuple(said), whole=True)
    said.append(token)
    if circle := looping(said):
        return Told(tuple(said[:-circle]), whole=False)
    late = time.monotonic() - started > wanted.most_seconds
    return Told(tuple(said), whole=False) if late or len(said) >= wanted.most_tokens else None
