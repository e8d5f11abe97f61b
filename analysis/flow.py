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

    @property
    def end(self) -> float:
        return self.start + len(self.values) / RATE


class FlowTrack:
    """Takes the flow between samples in time order: 290 bytes a sample, 31 MB for three hours at ten a second, less
    what is forgotten."""

    def __init__(self) -> None:
        self.columns = 16
        self._from = array("d")
        self._to = array("d")
        self._kept: list[NDArray[np.int8]] = []

    def add(self, before: float, time: float, flow: NDArray[np.float32]) -> None:
        """`flow` (rows, columns, 2) in picture widths, from the sample at `before` to that at `time`."""
        coded = np.sign(flow) * np.minimum(127, np.sqrt(np.abs(flow) / FINEST)).round()
        self.columns = flow.shape[1]
        self._from.append(before)
        self._to.append(time)
        self._kept.append(coded.reshape(-1, 2).astype(np.int8))

    @property
    def end(self) -> float:
        """Time of the last sample; 0 before the first."""
        return self._to[-1] if self._to else 0.0

    def forget(self, before: float) -> None:
        """Drop what was over at that time."""
        number = int(np.searchsorted(np.array(self._to), before))
        del self._from[:number], self._to[:number], self._kept[:number]

    def read(self, start: float, until: float | None = None) -> Flow:
        """Everything kept from `start` on, to `until` if given. What moved between two samples is spread evenly over
        the time between."""
        number = len(self._to) if until is None else int(np.searchsorted(np.array(self._to), until, side="right"))
        if not number:
            return Flow(start, np.zeros((0, self.columns, 2), np.float32), self.columns)
        begin, end = np.array(self._from[:number]), np.array(self._to[:number])
        coded = np.stack(self._kept[:number]).astype(np.float32)
        values = np.sign(coded) * coded**2 * FINEST
        values[end - begin > LONGEST_GAP] = 0
        return Flow(start, _even(begin, end, values, start), self.columns)


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
