"""Draws the curves of a video, and the moments chosen from them, as a picture for the guides.

python -m benchmarks.pictures [FOLDER]    writes the pictures of guides/highlights.md, from two videos of the test bed
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.highlights import find_highlights
from analysis.signals import SignalCollector
from analysis.significance import evidence, score
from benchmarks.drawn.highlights import drawings
from schemas import Highlights, HighlightsParams, Limits, Signals
from video.probe import probe
from video.scan import scan

SHOWN = {
    "highlights-visitors.svg": (
        "visitors-100003",
        "A fixed camera: a dog stays a while, another runs, someone walks past",
    ),
    "highlights-sport.svg": ("sport-100202", "Players who never stand still; three times all of them run"),
}
"""Files, each with the drawing it shows and its title."""

WIDTH, LEFT, PANEL, GAP = 860, 92, 74, 26
"""Pixels: of the picture, of the names beside the curves, of a curve's height, and between two."""


def measured(path: Path) -> Signals:
    """The signals of a video, as the service measures them."""
    info, collector = probe(path, Limits()), SignalCollector()
    for piece in scan(path, Limits()):
        collector.add(piece.samples, piece.sounds)
    return collector.finish(max(info.duration_seconds, collector.seen_seconds))


def picture(signals: Signals, found: Highlights, title: str) -> str:
    """An SVG: a panel a curve, moments shaded and numbered by rank, cuts as dashed lines."""
    significance = np.array([score(value) for value in evidence(signals).total])
    panels = [("motion", "widths a second", signals.motion, 0.0, max(0.3, float(signals.motion.max())))]
    if signals.presence is not None:
        panels.append(("presence", "share of the picture", signals.presence, 0.0, max(0.1, signals.presence.max())))
    if signals.loudness is not None:
        panels.append(("loudness", "dB below full scale", signals.loudness, -60.0, 0.0))
    panels.append(("significance", "1 to 10", significance, 1.0, 10.0))
    height = 40 + len(panels) * (PANEL + GAP) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" fill="#222222">{title}</text>',
    ]
    bottom = 40 + len(panels) * (PANEL + GAP) - GAP
    parts += _moments(found, signals.duration_seconds, bottom)
    parts += [
        f'<line x1="{_x(cut, signals):.1f}" x2="{_x(cut, signals):.1f}" y1="40" y2="{bottom}" stroke="#999999" '
        'stroke-dasharray="3 3"/>'
        for cut in signals.cuts
    ]
    for row, (name, unit, curve, low, high) in enumerate(panels):
        parts += _panel(40 + row * (PANEL + GAP), name, unit, np.asarray(curve), (low, high), signals)
    parts += _clock(signals, bottom)
    return "\n".join([*parts, "</svg>", ""])


def _x(seconds: float, signals: Signals) -> float:
    return LEFT + (WIDTH - LEFT - 14) * seconds / signals.duration_seconds


def _moments(found: Highlights, duration: float, bottom: int) -> list[str]:
    parts = []
    for rank, moment in enumerate(found.moments, 1):
        scale = (WIDTH - LEFT - 14) / duration
        x, width = LEFT + moment.start * scale, (moment.end - moment.start) * scale
        parts.append(f'<rect x="{x:.1f}" y="40" width="{width:.1f}" height="{bottom - 40}" fill="#ffe3a3"/>')
        parts.append(f'<text x="{x + 3:.1f}" y="35" fill="#8a5a00">{rank}: {moment.score:g}</text>')
    return parts


def _panel(
    top: int, name: str, unit: str, curve: NDArray[np.float64], limits: tuple[float, float], signals: Signals
) -> list[str]:
    low, high = limits
    times = (np.arange(len(curve)) + 0.5) * signals.step_seconds
    heights = top + PANEL - PANEL * np.clip((curve - low) / (high - low), 0, 1)
    points = " ".join(f"{_x(time, signals):.1f},{y:.1f}" for time, y in zip(times, heights, strict=True))
    return [
        f'<text x="{LEFT - 8}" y="{top + PANEL / 2}" text-anchor="end" fill="#222222">{name}</text>',
        f'<text x="{LEFT - 8}" y="{top + PANEL / 2 + 14}" text-anchor="end" font-size="8" fill="#777777">{unit}</text>',
        f'<line x1="{LEFT}" x2="{WIDTH - 14}" y1="{top + PANEL}" y2="{top + PANEL}" stroke="#cccccc"/>',
        f'<polyline points="{points}" fill="none" stroke="#20557a" stroke-width="1.4"/>',
    ]


def _clock(signals: Signals, bottom: int) -> list[str]:
    every = next(
        seconds for seconds in (1, 2, 5, 10, 20, 60, 300, 600, 1800) if signals.duration_seconds < 20 * seconds
    )
    return [
        f'<text x="{_x(at, signals):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#777777">{at} s</text>'
        for at in range(0, int(signals.duration_seconds) + 1, every)
    ]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder", nargs="?", type=Path, default=Path("guides"))
    folder = ask.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    bed = {drawing.name: drawing for drawing in drawings("tuning")}
    for file, (name, title) in SHOWN.items():
        with tempfile.TemporaryDirectory() as drawn:
            video = Path(drawn) / "clip.mp4"
            bed[name].clip().write(video)
            signals = measured(video)
        (folder / file).write_text(picture(signals, find_highlights(signals, HighlightsParams()), title))
        print(folder / file)


if __name__ == "__main__":
    main()
