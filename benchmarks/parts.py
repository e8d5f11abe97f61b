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
    """A group of lines: the heading above them; the module and function that measure them, loaded where they run."""

    about: str
    module: str
    function: str

    def __call__(self, room: Room) -> list[Line]:
        measure: Callable[[Room], list[Line]] = getattr(importlib.import_module(self.module), self.function)
        return measure(room)


PARTS = {
    "upload": Part("One upload", "benchmarks.speed.upload", "one"),
    "ten": Part("Ten uploads at once", "benchmarks.speed.upload", "ten"),
    "status": Part("Polls", "benchmarks.speed.status", "status"),
    "follow": Part("Followers", "benchmarks.speed.follow", "follow"),
    "scan": Part("The look at every second", "benchmarks.speed.scan", "looking"),
    "reel": Part("The reel, and stills", "benchmarks.speed.reel", "reel"),
    "session": Part("A session", "benchmarks.speed.session", "session"),
    "length": Part("Long videos", "benchmarks.speed.length", "length"),
    "highlights": Part("How well moments are found", "benchmarks.highlights", "graded"),
    "workout": Part("How well repetitions are counted", "benchmarks.workout", "graded"),
    "vision": Part("The eyes: a window", "benchmarks.vision", "compared"),
    "whole": Part("The eyes: a whole video", "benchmarks.vision_whole", "compared"),
    "together": Part("The eyes: two sessions at once", "benchmarks.vision_together", "compared"),
}
"""By the names that `--only` takes, in the order of the table."""


def measured(name: str, footage: Path, *, quick: bool) -> list[Line]:
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(PARTS[name], Room(footage, Path(folder), quick)).result()
