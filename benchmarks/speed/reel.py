"""A reel beside a bare decode and encode of as much; and what stills add to an analysis."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import av
from av.video.stream import VideoStream

from benchmarks.speed.bare import in_child
from benchmarks.speed.footage import HD, footage_of
from benchmarks.speed.report import Line, Mark, Room, in_turns
from railway_video_generator import RailwayVideoGenerator
from schemas import Clip, Limits, Outlet, Reel
from stores.files import write_pieces
from video.reel import render
from video.source import prepare

REAL_TIME_BAR, BARE_BAR, STILLS_BAR = 2.5, 1.3, 1.05

CLIPS, CLIP_SECONDS = 5, 4.0


def recoded(path: str, limits: Limits, seconds: float) -> Iterator[int]:
    """For the child: decodes the first seconds and encodes them, pictures alone, without a thought for anything."""
    with av.open(path) as container, av.open(io.BytesIO(), "w", format="mp4") as target:
        source = container.streams.video[0]
        prepare(source, limits)
        options = {"crf": "23", "preset": "veryfast", "profile": "high", "threads": "2"}
        stream = target.add_stream("libx264", rate=30, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = source.width, source.height, "yuv420p"
        for frame in container.decode(source):
            if (frame.time or 0) >= seconds:
                break
            frame.pict_type = 0
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
        yield 1


def seconds_to_recode(path: Path, seconds: float) -> float:
    began = time.perf_counter()
    in_child(recoded, path, Limits(), seconds)
    return time.perf_counter() - began


def seconds_to_render(path: Path, reel: Reel) -> float:
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        pieces = ((piece.offset, piece.data) for piece in render(path, reel, Limits()))
        write_pieces(Path(folder) / "reel.mp4", pieces, 1 << 30)
    return time.perf_counter() - began


def seconds_to_analyse(path: Path, stills: bool) -> float:
    began = time.perf_counter()
    with TemporaryDirectory() as folder:
        outlet = Outlet(Path(folder), "/files") if stills else None
        RailwayVideoGenerator().generate_highlights(str(path), outlet=outlet, reel=False)
    return time.perf_counter() - began


def bench_reel(room: Room) -> list[Line]:
    rounds, seconds = (2, 20.0) if room.quick else (5, 60.0)
    video = footage_of(room.footage, "hd", HD, seconds)
    gap = seconds / CLIPS
    clips = tuple(Clip(number * gap + 1, number * gap + 1 + min(CLIP_SECONDS, gap - 2)) for number in range(CLIPS))
    wanted = Reel(clips)
    pair = in_turns(
        rounds,
        lambda: wanted.seconds / seconds_to_render(video, wanted),
        lambda: wanted.seconds / seconds_to_recode(video, wanted.seconds),
    )
    stills = in_turns(
        rounds, lambda: seconds / seconds_to_analyse(video, True), lambda: seconds / seconds_to_analyse(video, False)
    )
    return [
        Line(
            f"a reel ÷ decode and encode, {wanted.seconds:.0f} s of 720p30 in {CLIPS} clips",
            pair.told("× real time", ".1f", turned=True),
            f"≤ {BARE_BAR} ×",
            1 / pair.ratio <= BARE_BAR,
            Mark("reel", 1 / pair.ratio, less_is_better=True),
        ),
        Line("  × real time", f"{max(pair.ours):.1f} at best", f"≥ {REAL_TIME_BAR}", max(pair.ours) >= REAL_TIME_BAR),
        Line(
            f"an analysis with stills ÷ without, {seconds:.0f} s of 720p30",
            stills.told("× real time", ".1f", turned=True),
            f"≤ {STILLS_BAR} ×",
            1 / stills.ratio <= STILLS_BAR,
            Mark("stills", 1 / stills.ratio, less_is_better=True),
        ),
    ]
