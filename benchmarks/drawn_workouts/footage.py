"""What the service sees of a drawn workout: filmed, encoded, scanned and measured once, then kept."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analysis.flow import Flow, FlowTrack
from analysis.signals import SignalCollector
from benchmarks.drawn_workouts.filming import film
from benchmarks.drawn_workouts.places import HEIGHT, WIDTH
from benchmarks.drawn_workouts.plans import Drawn, plan
from benchmarks.drawn_workouts.scripts import RATE, TrueSet
from schemas import Limits
from video.draw import Style, encode
from video.scan import scan

STYLE = Style(width=WIDTH, height=HEIGHT, rate=RATE, options={"crf": "26"})


@dataclass(frozen=True)
class Watched:
    """A drawn workout: what is true of it, and what was measured."""

    name: str
    condition: str
    seconds: float
    sets: tuple[TrueSet, ...]
    flow: Flow
    cuts: tuple[float, ...]


def watch(half: str, condition: str, number: int, keep: Path | None = None) -> Watched:
    """Number `number` of a condition; what was measured is kept in the folder `keep`, if given, for the next time."""
    drawn = plan(half, condition, number)
    kept = keep / f"{drawn.name}.npz" if keep else None
    if kept is None or not kept.exists():
        flow, cuts = measure(drawn)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            values, grey = flow.values.astype(np.float16), flow.grey.astype(np.float16)
            np.savez_compressed(kept, values=values, grey=grey, columns=flow.columns, cuts=np.array(cuts))
    if kept:
        with np.load(kept) as found:
            grey = found["grey"].astype(np.float32)
            flow = Flow(0.0, found["values"].astype(np.float32), int(found["columns"]), grey)
            cuts = tuple(float(cut) for cut in found["cuts"])
    return Watched(drawn.name, condition, len(drawn.script.poses) / RATE, tuple(drawn.script.sets), flow, cuts)


def code_hash() -> str:
    """Of everything that decides what is drawn, and what is measured of it."""
    here = Path(__file__).parent
    rooms = (here, here.parent.parent / "video", here.parent.parent / "analysis")
    files = [file for room in rooms for file in sorted(room.glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def measure(drawn: Drawn) -> tuple[Flow, tuple[float, ...]]:
    """By the service's own road: a video file, its scan, its signals."""
    track = FlowTrack()
    collector = SignalCollector(track)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workout.mp4"
        encode(path, film(drawn.script, drawn.setting, drawn.seed), STYLE)
        for piece in scan(path, Limits()):
            collector.add(piece.samples, piece.sounds)
    return track.read(0.0), collector.hard_cuts(0.0)
