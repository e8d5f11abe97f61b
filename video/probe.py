"""Is it a video, how long, how big: answered before anything is analysed, by the packets and one decoded picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from errors import DecoderCrashed, VideoTooLarge
from schemas import Limits, VideoInfo
from video.child import never, read_video
from video.footage import Footage, examine

WALL_SECONDS = 60.0
"""Reading the packets of a gigabyte takes less than one; a slow disk may take dozens."""


def probe(path: str | Path, limits: Limits, stopped: Callable[[], bool] = never) -> VideoInfo:
    """What a video is. Duration, rate and number of pictures are counted, not read from headers.

    Raises UnsupportedVideo saying what the file is instead, or what of it cannot be read; VideoTooLarge; and what
    `video.child.run` raises.
    """
    for info in read_video(examined, path, limits, expect=VideoInfo, wall_seconds=WALL_SECONDS, stopped=stopped):
        return info
    raise DecoderCrashed("The video's decoder ended without an answer.")


def examined(path: str, limits: Limits) -> Iterator[VideoInfo]:
    """For the child: the one answer."""
    footage = examine(path, limits)
    check(footage, limits)
    yield VideoInfo(
        duration_seconds=footage.duration,
        fps=len(footage.times) / footage.duration,
        width=footage.width,
        height=footage.height,
        codec=footage.codec,
        container=footage.container,
        has_audio=footage.audio is not None,
        size_bytes=footage.size_bytes,
        pictures=len(footage.times),
        plays=footage.plays,
    )


def check(footage: Footage, limits: Limits) -> None:
    """Raise VideoTooLarge for a video that lasts too long, or shows too many pictures a second."""
    if footage.duration > limits.max_duration_seconds:
        minutes, allowed = footage.duration / 60, limits.max_duration_seconds / 60
        raise VideoTooLarge(f"The video lasts {minutes:.1f} minutes: more than the {allowed:.1f} that are allowed.")
    # Fewer pictures than one second may have cannot make a high rate into much work.
    if len(footage.times) > max(limits.max_fps, limits.max_fps * footage.duration):
        rate = len(footage.times) / footage.duration
        raise VideoTooLarge(
            f"The video shows {rate:.0f} pictures a second: more than the {limits.max_fps:.0f} that are allowed."
        )
