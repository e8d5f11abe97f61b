"""Draws the guide's picture: the way gone in a drawn workout, with its sets and repetitions.

python -m benchmarks.drawn_workouts.picture guides/workout.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.flow import RATE
from benchmarks.drawn_workouts.footage import Watched, watch
from benchmarks.workout import count
from schemas import WorkoutSet

WIDTH, HEIGHT, EDGE = 1000, 260, 24
INK, WORK, TURN = (60, 60, 60), (235, 214, 190), (40, 90, 200)
"""Blue, green, red."""

Picture = NDArray[np.uint8]


def draw(watched: Watched, sets: list[WorkoutSet]) -> Picture:
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    scale = (WIDTH - 2 * EDGE) / watched.seconds
    for one in sets:
        left, right = (int(EDGE + time * scale) for time in (one.start, one.end))
        cv2.rectangle(picture, (left, 36), (right, HEIGHT - 40), WORK, -1)
        name = "hold" if one.method == "hold" else f"{one.count} reps, {one.confidence:.2f}"
        _write(picture, name, (left + 4, 28))
    way = _way(watched)
    points = np.stack([EDGE + np.arange(len(way)) / RATE * scale, HEIGHT - 60 - way * (HEIGHT - 120)], 1)
    cv2.polylines(picture, [np.int32(points * 16)], False, INK, 1, cv2.LINE_AA, 4)  # type: ignore[list-item]
    for one in sets:
        for rep in one.reps:
            place = points[min(len(points) - 1, int(rep.turn * RATE))].astype(int)
            cv2.circle(picture, (int(place[0]), int(place[1])), 4, TURN, -1, cv2.LINE_AA)
    for true in watched.sets:
        for turn in true.turns:
            cv2.drawMarker(picture, (int(EDGE + turn * scale), HEIGHT - 48), INK, cv2.MARKER_TILTED_CROSS, 6)
    for second in range(0, int(watched.seconds) + 1, 10):
        _write(picture, f"{second} s", (int(EDGE + second * scale), HEIGHT - 14))
    return picture


def _way(watched: Watched) -> NDArray[np.float64]:
    """How far all cells together have moved down, 0-1, what drifts slowly taken out."""
    gone = np.cumsum(watched.flow.values[:, :, 1].sum(axis=1, dtype=np.float64))
    size = int(6 * RATE)
    padded = np.pad(gone, (size // 2, size - size // 2 - 1), mode="edge")
    steady = gone - np.convolve(padded, np.ones(size) / size, "valid")
    return np.asarray((steady - steady.min()) / (steady.max() - steady.min()))


def _write(picture: Picture, words: str, place: tuple[int, int]) -> None:
    cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)


def main() -> None:
    watched = watch("tuning", "clean", 11)
    cv2.imwrite(str(Path(sys.argv[1])), draw(watched, count(watched)))


if __name__ == "__main__":
    main()
