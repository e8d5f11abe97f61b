"""A bare decoder as reference: in a child as the service's own, so that both pay for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from schemas import Limits
from video.child import run

PATIENCE_SECONDS = 600.0


def in_child(function: Callable[..., Iterable[int]], video: Path, limits: Limits, asked: object) -> list[int]:
    """What `function(path, limits, asked)` gives, with no file open to it but the video."""
    given = run(
        function,
        str(video),
        limits,
        asked,
        expect=int,
        limits=limits,
        reads=str(video),
        silence_seconds=PATIENCE_SECONDS,
        wall_seconds=PATIENCE_SECONDS,
    )
    return list(given)
