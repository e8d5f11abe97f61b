"""The look at every second of a video, beside one pass that only decodes; and what counting adds to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import av

from analysis.signals import SignalCollector
from benchmarks.speed.bare import in_child
from benchmarks.speed.footage import HD, footage_of
from benchmarks.speed.report import Line, Mark, Pair, Room, in_turns
from railway_video_generator import RailwayVideoGenerator
from schemas import Limits
from video.probe import probe
from video.scan import scan
from video.source import prepare

Skip = Literal["NONREF", "DEFAULT"]

DECODE_BAR, REAL_TIME_BAR = 2.5, 15.0
COUNTING_BAR, COUNTING_REAL_TIME_BAR = 1.5, 10.0


def decoded(path: str, limits: Limits, skip: Skip) -> Iterator[int]:
    """For the child: how many pictures come out. Decoded in as many threads as the product's, and thrown away."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        prepare(stream, limits)
        stream.codec_context.skip_frame = skip
        yield sum(len(stream.decode(packet)) for packet in container.demux(stream))


def seconds_to_decode(path: Path, skip: Skip) -> float:
    began = time.perf_counter()
    if not all(in_child(decoded, path, Limits(), skip)):
        raise RuntimeError("nothing was decoded")
    return time.perf_counter() - began


def seconds_to_look(path: Path, duration: float) -> float:
    began = time.perf_counter()
    collector = SignalCollector()
    for piece in scan(path, Limits()):
        collector.add(piece.samples, piece.sounds)
    collector.finish(duration)
    return time.perf_counter() - began


def seconds_to_count(path: Path) -> float:
    began = time.perf_counter()
    RailwayVideoGenerator().analyze_workout_with_timestamps(str(path))
    return time.perf_counter() - began


def seconds_to_find(path: Path) -> float:
    began = time.perf_counter()
    RailwayVideoGenerator().generate_highlights(str(path))
    return time.perf_counter() - began


def bench_scan(room: Room) -> list[Line]:
    rounds, seconds = (2, 12.0) if room.quick else (5, 60.0)
    video = footage_of(room.footage, "hd", HD, seconds)
    duration = probe(video, Limits()).duration_seconds
    pair = in_turns(
        rounds,
        lambda: duration / seconds_to_look(video, duration),
        lambda: duration / seconds_to_decode(video, "NONREF"),
    )
    full = duration / seconds_to_decode(video, "DEFAULT")
    counting = in_turns(rounds, lambda: duration / seconds_to_count(video), lambda: duration / seconds_to_find(video))
    told = f"{pair.told('× real time', '.1f', turned=True)}; decoding every picture {full:.1f} × real time"
    return [
        Line(
            f"scan and signals ÷ decode, {seconds:.0f} s of 720p30",
            told,
            f"≤ {DECODE_BAR} ×",
            1 / pair.ratio <= DECODE_BAR,
            Mark("scan", 1 / pair.ratio, less_is_better=True),
        ),
        _in_real_time(pair, REAL_TIME_BAR),
        Line(
            "repetitions counted ÷ moments found, without files",
            counting.told("× real time", ".1f", turned=True),
            f"≤ {COUNTING_BAR} ×",
            1 / counting.ratio <= COUNTING_BAR,
            Mark("counting", 1 / counting.ratio, less_is_better=True),
        ),
        _in_real_time(counting, COUNTING_REAL_TIME_BAR),
    ]


def _in_real_time(pair: Pair, bar: float) -> Line:
    """Of ours, without a reference."""
    told = f"{max(pair.ours):.1f} at best, {sorted(pair.ours)[len(pair.ours) // 2]:.1f} in the middle"
    return Line("  × real time", told, f"≥ {bar:.0f} at best", max(pair.ours) >= bar)
