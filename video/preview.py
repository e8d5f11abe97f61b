"""A small MP4 of a whole video that not every browser plays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from schemas import Clip, Limits, Reel, Written
from video.child import never, run
from video.reel import rendered
from video.scan import most_seconds

WHOLE = Reel((Clip(0.0, float("inf")),), longer_side=854, shorter_side=480, quality=26)

NICENESS = 10
"""Analyses go first: somebody only wants to look."""


def preview(path: str | Path, limits: Limits, stopped: Callable[[], bool] = never) -> Generator[Written, None, None]:
    """The file in pieces, to be written in their order. Raises what `video.scan.scan` raises."""
    absolute = str(Path(path).absolute())
    seconds = most_seconds(limits.max_duration_seconds)
    return run(
        previewed,
        absolute,
        limits,
        expect=Written,
        limits=limits,
        reads=absolute,
        silence_seconds=seconds,
        wall_seconds=seconds,
        stopped=stopped,
    )


def previewed(path: str, limits: Limits) -> Iterator[Written]:
    """For the child: the pieces."""
    os.nice(NICENESS)
    yield from rendered(path, limits, WHOLE)
