"""Whether this machine's FFmpeg reads and writes what the service does: tried with a drawn video, and looked up."""

from __future__ import annotations

from pathlib import Path

from av.codec import Codec
from av.codec.codec import UnknownCodecError

from schemas import Clip, Limits, Reel
from video.draw import draw_video
from video.reel import render
from video.scan import scan
from video.source import AUDIO_CODECS, VIDEO_CODECS

SECONDS = 1.0


def tried(folder: Path, limits: Limits) -> None:
    """Draw a short video (H.264 and AAC), read all of it, and render a reel of it: by children, as sessions are. Leaves
    its files in the folder. Raises AnalysisFailed."""
    drawn = draw_video(folder / "tried.mp4", SECONDS)
    for _ in scan(drawn.path, limits):
        pass
    for _ in render(drawn.path, Reel((Clip(0.0, SECONDS),)), limits):
        pass


def missing() -> list[str]:
    """The codecs that are read as far as the FFmpeg at hand has them, and that it has not."""
    return sorted(name for name in VIDEO_CODECS | AUDIO_CODECS if not _has_decoder(name))


def _has_decoder(name: str) -> bool:
    try:
        Codec(name, "r")
    except UnknownCodecError:
        return False
    return True
