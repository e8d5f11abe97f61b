"""How fast the eyes are: each stage of a window, its share of the machine's best, and ours beside the plain way.

Weights are random, in the geometry of SmolVLM2-500M-Video-Instruct: what they say means nothing, and takes as long. The
straightforward way is transformers' `generate` in float32, a window at a time, a text for each. Rounds are taken in
turns; on a shared machine read the ratios, and fewer threads than processors make steadier ones.

python -m benchmarks.vision [--folder FOLDER] [--threads 1] [--rounds 3] [--tokens 48] [--described 200] [--tiny]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.speed.report import Line, Mark, Room, in_turns
from tests.tiny_checkpoint import M500, TINY, make_checkpoint
from vision import Picture
from vision.engine import Engine, Telling, Told
from vision.exercises import EXERCISES, with_none
from vision.layout import Layout, Sheet
from vision.loading import load_model, load_tokenizer, read_geometry
from vision.past import Past
from vision.pixels import Frames
from vision.prompts import DESCRIBE_MOMENT, NAME_EXERCISE, rating_question

PICTURES = 8
"""Of a window."""

TOGETHER = 4
"""Windows that are described together, as the service does on a processor."""

REFERENCE_BAR = 1.4

MATRIX = 2048
"""Side of the matrices whose product is taken for the machine's best."""


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, help="keep the checkpoint here (1 GB), and take it from here the next time")
    ask.add_argument("--threads", type=int, default=torch.get_num_threads())
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--tokens", type=int, default=48, help="the most of a description, where stages are measured")
    ask.add_argument("--described", type=int, default=200, help="tokens that each way writes for a window")
    ask.add_argument("--tiny", action="store_true", help="a tiny model: for trying this program, not for judging")
    wanted = ask.parse_args()
    with tempfile.TemporaryDirectory() as temporary, torch.inference_mode():
        folder: Path = wanted.folder or Path(temporary)
        checkpoint_in(folder, wanted.tiny)
        torch.set_num_threads(wanted.threads)
        print(f"{os.cpu_count()} processors, {wanted.threads} threads, load {os.getloadavg()[0]:.1f} before this began")
        full, half = Bench(folder, torch.float32), Bench(folder, torch.bfloat16)
        print(*stages(full, wanted), sep="\n", flush=True)
        print(*stages(half, wanted), sep="\n", flush=True)
        print(*ratios(full, wanted.rounds, wanted.described), sep="\n", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(Line("peak memory, with both number formats loaded", f"{peak:.0f} MB"))
    return 0


def checkpoint_in(folder: Path, tiny: bool) -> None:
    """Random weights in the folder, made unless they are there."""
    if not (folder / "config.json").exists():
        make_checkpoint(folder, TINY if tiny else M500, dtype=torch.bfloat16)


class Bench:
    """One model, in one number format, and one window."""

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        geometry = read_geometry(folder)
        self.dtype = dtype
        self.layout = Layout(load_tokenizer(folder), geometry.per_picture, geometry.image_id)
        self.frames = Frames.from_folder(folder, geometry.side, geometry.patch)
        self.model: Any = load_model(folder, torch.device("cpu"), dtype, lambda *_: None)
        self.engine = Engine(self.model, self.layout.image_id, self.layout.end_id, lambda: None)
        self.text = self.layout.pictures([float(second) for second in range(PICTURES)], PICTURES)
        self.question = Sheet(
            self.layout.question(rating_question().text),
            tuple((token,) for level in rating_question().levels for token in self.layout.spellings(level)),
        )
        self.names = Sheet(
            self.layout.question(NAME_EXERCISE), tuple(self.layout.answer(label) for label in with_none(EXERCISES))
        )

    def pixels(self, pictures: tuple[Picture, ...] | None = None) -> torch.Tensor:
        return self.frames.normalise(self.frames.resize(pictures or window()))

    def look(self) -> Past:
        return self.read(self.engine.see(self.pixels()))

    def read(self, meaning: torch.Tensor) -> Past:
        return self.engine.read([self.text], [meaning.flatten(0, 1)])[0]

    def tell(self, pasts: Sequence[Past], tokens: int) -> list[Told]:
        told: list[Told] = []
        wanted = Telling(self.layout.question(DESCRIBE_MOMENT), tokens, 600.0)
        self.engine.tell(pasts, [wanted] * len(pasts), lambda _, one: told.append(one))
        return told

    def described(self, windows: int, tokens: int) -> None:
        """So many windows looked at one by one, and a text of so many tokens for each, all of them together: as the
        service describes. Random weights soon go in circles, where trained ones seldom do: nothing stops them here."""
        pasts = [self.look() for _ in range(windows)]
        with patch("vision.engine.looping", lambda said: 0):
            self.tell(pasts, tokens)

    def straight(self, tokens: int, pictures: tuple[Picture, ...] | None = None) -> None:
        """Everything anew for a window, and a text of so many tokens."""
        ids = torch.tensor([[*self.text, *self.layout.question(DESCRIBE_MOMENT)]])
        self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=self.pixels(pictures)[None],
            do_sample=False,
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            use_cache=True,
            pad_token_id=0,
        )

    def tower_work(self) -> float:
        """Floating-point operations for a picture: of the layers' matrices and attention, two a multiplication."""
        vision = self.model.config.vision_config
        tokens, wide = (vision.image_size // vision.patch_size) ** 2, vision.hidden_size
        matrices = 4 * wide**2 + 2 * wide * vision.intermediate_size
        return float(vision.num_hidden_layers * 2 * (tokens * matrices + 2 * tokens**2 * wide))


def window() -> tuple[Picture, ...]:
    noise = np.random.default_rng(0).integers(0, 256, (PICTURES, 9, 16, 3), np.uint8)
    return tuple(noise.repeat(40, 1).repeat(40, 2))


def stages(bench: Bench, wanted: argparse.Namespace) -> list[Line]:
    """Where the time of a window goes."""
    name = str(bench.dtype).removeprefix("torch.")
    matrix = torch.randn(MATRIX, MATRIX, dtype=bench.dtype)
    best = 2 * MATRIX**3 / taken(lambda: matrix @ matrix, wanted.rounds)
    pixels = bench.pixels()
    tower = taken(lambda: bench.engine.see(pixels), wanted.rounds) / PICTURES
    meaning = bench.engine.see(pixels)
    past = bench.read(meaning)
    said = sum(len(one.ids) for one in bench.tell([past], wanted.tokens))
    four = sum(len(one.ids) for one in bench.tell([past] * 4, wanted.tokens))
    share = bench.tower_work() / tower / best
    lines = {
        f"best product of two matrices of {MATRIX}": f"{best / 1e9:.0f} GFLOP/s",
        "resizing, a picture": f"{taken(bench.pixels, wanted.rounds) / PICTURES * 1e3:.0f} ms",
        "vision tower, a picture": f"{tower * 1e3:.0f} ms, {share:.0%} of the best",
        f"reading {len(bench.text)} tokens": f"{taken(lambda: bench.read(meaning), wanted.rounds) * 1e3:.0f} ms",
        "rating": f"{taken(lambda: bench.engine.weigh([past], [bench.question]), wanted.rounds) * 1e3:.0f} ms",
        f"naming, of {len(bench.names.answers)}": (
            f"{taken(lambda: bench.engine.weigh([past], [bench.names]), wanted.rounds) * 1e3:.0f} ms"
        ),
        "describing, a token": f"{taken(lambda: bench.tell([past], wanted.tokens), 1) / max(said, 1) * 1e3:.0f} ms",
        "describing four together, a token of each": (
            f"{taken(lambda: bench.tell([past] * 4, wanted.tokens), 1) / max(four / 4, 1) * 1e3:.0f} ms"
        ),
    }
    return [Line(f"{name}: {what}", measured) for what, measured in lines.items()]


def bench_vision(room: Room) -> list[Line]:
    """For `make bench`: the ratio alone."""
    folder = weights_in(room)
    with torch.inference_mode():
        return ratios(Bench(folder, torch.float32), rounds=1, described=20 if room.quick else 200)


def weights_in(room: Room) -> Path:
    folder = room.footage / ("tiny" if room.quick else "weights")
    folder.mkdir(exist_ok=True)
    checkpoint_in(folder, room.quick)
    return folder


def ratios(full: Bench, rounds: int, described: int) -> list[Line]:
    """Ours in the reference's own number format, pictures and tokens, beside the straightforward way."""
    pair = in_turns(
        rounds,
        lambda: TOGETHER / taken(lambda: full.described(TOGETHER, described), 1),
        lambda: 1 / taken(lambda: full.straight(described), 1),
    )
    return [
        Line(
            f"float32, {PICTURES} pictures and {described} tokens for each window, ÷ the straightforward way",
            pair.told("windows a second", ".3f"),
            f"≥ {REFERENCE_BAR} ×",
            pair.ratio >= REFERENCE_BAR,
            Mark("window", pair.ratio),
        )
    ]


def taken(work: Callable[[], object], rounds: int) -> float:
    """Seconds, the middle of the rounds."""
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


if __name__ == "__main__":
    sys.exit(main())
