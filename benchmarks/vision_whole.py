"""How long a whole video takes with eyes, beside the plain way: every window cut out, decoded anew, described.

Weights are random, in the geometry of SmolVLM2-500M-Video-Instruct. The straightforward way is measured on a few of the
windows, in float32, with a text of so many tokens for each, and taken for all of them.

Of a longer video, `--seconds 1128` say, the model looks at more moments, though not at more than the service looks at
by itself.

python -m benchmarks.vision_whole [--folder FOLDER] [--seconds 60] [--windows 1] [--rounds 1] [--tokens 200] [--tiny]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch

from benchmarks.speed.footage import footage_of
from benchmarks.speed.report import Line, Mark, Pair, Room
from benchmarks.vision import PICTURES, Bench, checkpoint_in, weights_in
from config import Settings
from railway_video_generator import RailwayVideoGenerator
from schemas import HighlightsParams
from video.draw import Style
from vision import Picture
from vision.eyes import Eyes
from vision.opening import eyes_of

WINDOW_SECONDS = HighlightsParams().segment_duration

STRAIGHT_BAR, MEMORY_BAR = 7.0, 3000

STYLE = Style(width=1280, height=720, rate=30)


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, help="keep the checkpoint (1 GB) and the video here for the next time")
    ask.add_argument("--seconds", type=float, default=60)
    ask.add_argument("--windows", type=int, default=1, help="of the straightforward way that are measured")
    ask.add_argument("--rounds", type=int, default=1)
    ask.add_argument("--tokens", type=int, default=200)
    ask.add_argument("--tiny", action="store_true", help="a tiny model: for trying this program, not for judging")
    wanted = ask.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder: Path = wanted.folder or Path(temporary)
        checkpoint_in(folder, wanted.tiny)
        video = footage_of(folder, f"drawn-{wanted.seconds:.0f}.mp4", STYLE, wanted.seconds)
        print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began", flush=True)
        print(*measured(folder, video, wanted), sep="\n")
    return 0


def bench_whole(room: Room) -> list[Line]:
    """For `make bench`: a minute, and one window of the straightforward way."""
    seconds, tokens = (20.0, 20) if room.quick else (60.0, 200)
    video = footage_of(room.footage, "drawn", STYLE, seconds)
    return measured(weights_in(room), video, argparse.Namespace(seconds=seconds, windows=1, rounds=1, tokens=tokens))


def measured(folder: Path, video: Path, wanted: argparse.Namespace) -> list[Line]:
    eyes = eyes_of(Settings(vision_model=str(folder)))
    eyes.open(lambda: None)
    eyes.wait(lambda _: None)
    ours, looked = [], 0.0
    for _ in range(wanted.rounds):
        seconds, looked = _with_eyes(eyes, video)
        ours.append(wanted.seconds / seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    eyes.close()
    straight = [wanted.seconds / _straight(folder, video, wanted) for _ in range(wanted.rounds)]
    pair = Pair(tuple(ours), tuple(straight))
    return [
        Line(
            "seconds of video a second, highlights with eyes, beside the straightforward way",
            pair.told("× real time", ".2f"),
            f"≥ {STRAIGHT_BAR} ×",
            pair.ratio >= STRAIGHT_BAR,
            Mark("whole", pair.ratio),
        ),
        Line("share of the video that the model looked at", f"{looked:.0%}"),
        Line("peak memory with eyes", f"{peak:.0f} MB", f"≤ {MEMORY_BAR} MB", peak <= MEMORY_BAR),
    ]


def _with_eyes(eyes: Eyes, video: Path) -> tuple[float, float]:
    """Seconds that the service's own road takes, and the share of the video that the model looked at."""
    began = time.perf_counter()
    result = RailwayVideoGenerator(eyes=eyes).generate_highlights(str(video))
    return time.perf_counter() - began, result.eyes_coverage or 0.0


def _straight(folder: Path, video: Path, wanted: argparse.Namespace) -> float:
    """Seconds for all windows, from the middle one of those that are measured."""
    bench = Bench(folder, torch.float32)
    took = []
    with torch.inference_mode():
        for number in range(wanted.windows):
            began = time.perf_counter()
            bench.straight(wanted.tokens, cut_out(video, number * WINDOW_SECONDS))
            took.append(time.perf_counter() - began)
    return statistics.median(took) * float(np.ceil(wanted.seconds / WINDOW_SECONDS))


def cut_out(video: Path, start: float) -> tuple[Picture, ...]:
    """PICTURES pictures of the window that begins at `start`: sought, and decoded up to its end."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        container.seek(int(start * 1_000_000))
        seen: list[Picture] = []
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= start + WINDOW_SECONDS:
                break
            if frame.time is not None and frame.time >= start + len(seen) * WINDOW_SECONDS / PICTURES:
                seen.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
    return tuple(seen)


if __name__ == "__main__":
    sys.exit(main())
