"""The honest videos that mutations begin from: small ones, over the containers and codecs that are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from video.draw import Style, draw_video

SECONDS = 1.2

FORMS = {
    "h264.mp4": Style(96, 64, 15, options={"g": "6"}),
    "hevc.mp4": Style(96, 64, 15, "libx265", options={"x265-params": "log-level=none"}),
    "mjpeg.mov": Style(96, 64, 15, "mjpeg", "yuvj420p"),
    "prores.mov": Style(96, 64, 15, "prores", "yuv422p10le"),
    "mpeg4.3gp": Style(96, 64, 15, "mpeg4"),
    "h264.mkv": Style(96, 64, 15, options={"g": "6"}),
    "vp9.webm": Style(96, 64, 15, "libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
    "mpeg4.avi": Style(96, 64, 15, "mpeg4"),
    "h264.ts": Style(96, 64, 15, options={"g": "6"}),
    "mpeg2.mpg": Style(96, 64, 25, "mpeg2video"),
    "flv1.flv": Style(96, 64, 15, "flv", sound_rate=44_100),
    "wmv2.wmv": Style(96, 64, 15, "wmv2"),
    "mpeg2.mxf": Style(96, 64, 25, "mpeg2video"),
}
"""Names of files, and how they are written."""

SILENT = (".mxf", ".3gp")
"""Containers that take no sound in the codecs at hand, or in which it would only hide the pictures."""


@dataclass(frozen=True)
class Seed:
    """A whole video, as the bytes of its file."""

    name: str
    data: bytes


def draw(folder: Path) -> list[Seed]:
    """Every form once, written to a folder and read again."""
    seeds = []
    for name, style in FORMS.items():
        path = folder / name
        draw_video(path, SECONDS, style=style, sound=path.suffix not in SILENT)
        seeds.append(Seed(name, path.read_bytes()))
    return seeds
