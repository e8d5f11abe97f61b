"""A small MP4 of a whole video that not every browser plays as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from schemas import Clip, Limits, Reel, Written
from video.child import never, read_video
from video.reel import rendered

WHOLE = Reel((Clip(0.0, float("inf")),), longer_side=854, shorter_side=480, quality=26)

NICENESS = 10
"""Analyses go first: somebody only wants to look."""


def preview(path: str | Path, limits: Limits, stopped: Callable[[], bool] = never) -> Generator[Written, None, None]:
    """The file in pieces, to be written in their order. Raises what `video.scan.scan` raises."""
    return read_video(previewed, path, limits, expect=Written, stopped=stopped)


def previewed(path: str, limits: Limits) -> Iterator[Written]:
    """For the child: the pieces."""
    os.nice(NICENESS)
    yield from rendered(path, limits, WHOLE)
