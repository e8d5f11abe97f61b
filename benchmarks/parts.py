"""The parts of `make bench`, and how one is measured: in a process of its own, so that none leaves memory or threads to
the next."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import blas  # noqa: F401  # before numpy, as the service has it
from benchmarks.speed.report import Line, Room


@dataclass(frozen=True)
class Part:
    """A group of lines: the heading above them; the module whose `bench_…` measures them, loaded where it runs."""

    about: str
    module: str


PARTS = {
    "upload": Part("One upload", "benchmarks.speed.upload"),
    "ten": Part("Ten uploads at once", "benchmarks.speed.upload"),
    "status": Part("Polls", "benchmarks.speed.status"),
    "follow": Part("Followers", "benchmarks.speed.follow"),
    "scan": Part("The look at every second", "benchmarks.speed.scan"),
    "reel": Part("The reel, and stills", "benchmarks.speed.reel"),
    "session": Part("A session", "benchmarks.speed.session"),
    "length": Part("Long videos", "benchmarks.speed.length"),
    "highlights": Part("How well moments are found", "benchmarks.highlights"),
    "workout": Part("How well repetitions are counted", "benchmarks.workout"),
    "vision": Part("The eyes: a window", "benchmarks.vision"),
    "whole": Part("The eyes: a whole video", "benchmarks.vision_whole"),
    "together": Part("The eyes: two sessions at once", "benchmarks.vision_together"),
}
"""By the names that `--only` takes, in the order of the table."""


def measured(name: str, footage: Path, *, quick: bool) -> list[Line]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(_measure, name, Room(footage, Path(folder), quick)).result()


def _measure(name: str, room: Room) -> list[Line]:
    measure: Callable[[Room], list[Line]] = getattr(importlib.import_module(PARTS[name].module), f"bench_{name}")
    return measure(room)
