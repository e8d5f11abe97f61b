"""Keeps how every part of the picture moves against the camera, sample by sample, in few bytes."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 10.0
"""Steps a second of the even clock that flow is read on: half a jumping jack, the shortest phase counted, takes
0.35 s."""

FINEST = 1e-5
"""Picture widths that the smallest kept flow stands for. Flow is kept as its square root, so that 127 levels reach from
a thousandth of a pixel to 20 pixels of 128, each at most 13 % apart from 1 % of that on."""

FINEST_GREY = 0.01
"""Grey levels that the smallest kept change of a cell stands for: 127 levels reach to 161."""

LONGEST_GAP = 0.65
"""Seconds between two samples beyond which nothing is known of the motion between them."""


@dataclass(frozen=True)
class Flow:
    """Flow on an even clock: `values` (n, cells, 2) in picture widths a step to the right and down, over the step that
    begins at `start` + i / RATE seconds."""

    start: float
    values: NDArray[np.float32]
    columns: int
    """Cells in a row of the picture."""
    grey: NDArray[np.float32]
    """(n, cells) grey levels a step by which each cell becomes brighter."""

    @property
    def end(self) -> float:
        return self.start + len(self.values) / RATE


class FlowTrack:
    """Takes the flow between samples in time order: 430 bytes a sample, 47 MB for three hours at ten a second, less
    what is forgotten."""

    def __init__(self) -> None:
        self.columns = 16
        self._from = array("d")
        self._to = array("d")
        self._kept: list[NDArray[np.int8]] = []
        self._grey: list[NDArray[np.int8]] = []

    def add(self, before: float, time: float, flow: NDArray[np.float32], grey: NDArray[np.float32]) -> None:
        """`flow` (rows, columns, 2) in picture widths and `grey` (rows, columns) the levels by which each block became
        brighter, from the sample at `before` to that at `time`."""
        self.columns = flow.shape[1]
        self._from.append(before)
        self._to.append(time)
        self._kept.append(_coded(flow, FINEST).reshape(-1, 2))
        self._grey.append(_coded(grey, FINEST_GREY).ravel())

    @property
    def end(self) -> float:
        """Time of the last sample; 0 before the first."""
        return self._to[-1] if self._to else 0.0

    def forget(self, before: float) -> None:
        """Drop what was over at that time."""
        number = int(np.searchsorted(np.array(self._to), before))
        del self._from[:number], self._to[:number], self._kept[:number], self._grey[:number]

    def read(self, start: float, until: float | None = None) -> Flow:
        """Everything kept from `start` on, to `until` if given. What moved between two samples is spread evenly over
        the time between."""
        number = len(self._to) if until is None else int(np.searchsorted(np.array(self._to), until, side="right"))
        if not number:
            nothing = np.zeros((0, self.columns, 3), np.float32)
            return Flow(start, nothing[..., :2], self.columns, nothing[..., 2])
        begin, end = np.array(self._from[:number]), np.array(self._to[:number])
        values = _decoded(np.stack(self._kept[:number]), FINEST)
        values[end - begin > LONGEST_GAP] = 0
        grey = _decoded(np.stack(self._grey[:number]), FINEST_GREY)
        grey[end - begin > LONGEST_GAP] = 0
        evenly = _even(begin, end, np.concatenate([values, grey[..., None]], axis=2), start)
        return Flow(start, evenly[..., :2], self.columns, evenly[..., 2])


def _coded(values: NDArray[np.float32], finest: float) -> NDArray[np.int8]:
    return np.asarray(np.sign(values) * np.minimum(127, np.sqrt(np.abs(values) / finest)).round(), np.int8)


def _decoded(coded: NDArray[np.int8], finest: float) -> NDArray[np.float32]:
    wide = coded.astype(np.float32)
    return np.asarray(np.sign(wide) * wide**2 * finest, np.float32)


def _even(
    begin: NDArray[np.float64], end: NDArray[np.float64], values: NDArray[np.float32], start: float
) -> NDArray[np.float32]:
    """The way gone by the end of each step less that gone by its beginning, read off the straight lines between."""
    steps = max(0, int((end[-1] - start) * RATE + 0.5))
    ticks = start + np.arange(steps + 1) / RATE
    gone = np.concatenate([np.zeros_like(values[:1]), np.cumsum(values, axis=0, dtype=np.float64)])
    # Between the end of one sample and the beginning of the next nothing is known, and nothing moved.
    place = np.clip(np.searchsorted(end, ticks), 0, len(end) - 1)
    share = np.clip((ticks - begin[place]) / (end[place] - begin[place]), 0, 1)[:, None, None]
    at = gone[place] + share * values[place]
    return np.diff(at, axis=0).astype(np.float32)
