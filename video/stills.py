"""Single pictures out of a video at given times, large enough for a model to look at."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from errors import AnalysisFailed
from schemas import Limits, Still
from video.child import never, read_video
from video.footage import examine
from video.probe import check
from video.seeking import Seeker
from video.source import open_container
from video.upright import Shrinker

LONGER_SIDE = 1024
"""Pixels of a still's longer side at most: SmolVLM2 looks at squares of 512, and a pipe carries no more."""


def stills(
    path: str | Path, times: Sequence[float], limits: Limits, stopped: Callable[[], bool] = never
) -> Generator[Still, None, None]:
    """The picture that is seen at each of the times, seconds that rise. Where none can be decoded, the next one that
    can, or the last.

    Raises what `video.scan.scan` raises.
    """
    wanted = tuple(float(time) for time in times)
    # Silent for long where seeking does not help, and a whole video may have to be decoded for one picture.
    return read_video(pictured, path, limits, wanted, expect=Still, stopped=stopped)


def pictured(path: str, limits: Limits, times: tuple[float, ...]) -> Iterator[Still]:
    """For the child: the stills."""
    footage = examine(path, limits)
    check(footage, limits)
    with open_container(path) as container:
        seeker, shrinker = Seeker(container, footage, limits), Shrinker(footage, LONGER_SIDE)
        for time in times:
            seeker.go_to(time)
            if seeker.picture is None:
                raise AnalysisFailed("Not one picture of the video could be decoded.")
            yield Still(max(0.0, seeker.shown), shrinker.rgb(seeker.picture))
