"""Folds samples and sound, as they stream in, into the few curves that significance is judged by."""

from __future__ import annotations

from array import array

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.flow import FlowTrack
from analysis.motion import Comparer
from analysis.novelty import novelty
from analysis.shots import Cut, Track, find_cuts, hard_cuts
from analysis.sound import SoundMeter
from schemas import Samples, Signals, Sound

STEP_SECONDS = 0.25
"""A step of the curves: two or three samples, and short enough for events of half a second."""

LEAST_STEPS = 4
"""Steps of the shortest video: curves of fewer points have no middle."""

LAYOUT = 6
"""Cells a side of the layout kept of each sample: 108 bytes, 14 MB for three hours at 12 a second."""

GAP_SECONDS, GAP_SAMPLES = 0.6, 2.5
"""Pictures are missing where samples lie further apart than both this and so many of the usual distances."""


class SignalCollector:
    """Takes pieces of a scan in time order, keeps some 120 bytes a sample, and answers once with `finish`."""

    def __init__(self, flow: FlowTrack | None = None) -> None:
        """`flow` is given the signed flow of every sample, for who wants more than how strong motion is."""
        # Pictures this small gain nothing from OpenCV's threads, which cost half as much again.
        cv2.setNumThreads(1)
        self._flow = flow
        self._comparer = Comparer()
        self._sound = SoundMeter()
        self._before: NDArray[np.uint8] | None = None
        self._times = array("d")
        self._motion = array("f")
        self._unexplained = array("f")
        self._layouts = bytearray()

    @property
    def seen_seconds(self) -> float:
        """Time of the last sample so far; 0 before the first."""
        return self._times[-1] if self._times else 0.0

    def add(self, samples: Samples | None, sounds: tuple[Sound, ...]) -> None:
        """Samples whose time does not rise above those before are passed over: a damaged file may hold them."""
        for sound in sounds:
            self._sound.add(sound)
        if samples is not None:
            for time, grey, grid in zip(samples.times, samples.grey, samples.grid, strict=True):
                if np.isfinite(time) and (not self._times or time > self._times[-1]):
                    self._add_sample(float(time), grey, grid)

    def finish(self, duration_seconds: float) -> Signals:
        """Everything measured. `duration_seconds` is stretched to the last sample where it falls short of it."""
        duration = max(duration_seconds, self.seen_seconds, 1e-3)
        step = min(STEP_SECONDS, duration / LEAST_STEPS)
        steps = max(LEAST_STEPS, int(np.ceil(duration / step - 1e-6)))
        track = self._track(0)
        cuts = find_cuts(track) if len(track.times) > 1 else []
        heard = self._sound.finish(steps, step)
        return Signals(
            duration_seconds=duration,
            step_seconds=step,
            motion=_motion_curve(track, np.frombuffer(self._motion, np.float32).astype(np.float64), cuts, steps, step),
            novelty=_novelty_curve(track, steps, step),
            loudness=heard.loudness if heard else None,
            onsets=heard.onsets if heard else None,
            cuts=tuple(cut.time for cut in cuts),
            coverage=_coverage(track.times, duration),
        )

    def hard_cuts(self, start: float) -> tuple[float, ...]:
        """Times of the hard cuts from `start` seconds on, as far as they can be told by now."""
        track = self._track(int(np.searchsorted(np.array(self._times), start)))
        return tuple(cut.time for cut in hard_cuts(track)) if len(track.times) > 1 else ()

    def _track(self, first: int) -> Track:
        """What is kept of the samples from number `first` on."""
        return Track(
            np.array(self._times[first:], np.float64),
            np.array(self._unexplained[first:], np.float64),
            np.frombuffer(self._layouts[first * LAYOUT * LAYOUT * 3 :], np.uint8).reshape(-1, LAYOUT * LAYOUT * 3),
        )

    def _add_sample(self, time: float, grey: NDArray[np.uint8], grid: NDArray[np.uint8]) -> None:
        motion, unexplained = 0.0, 0.0
        if self._before is not None and self._before.shape == grey.shape:
            change = self._comparer.change(self._before, grey)
            motion = change.motion / grey.shape[1] / (time - self._times[-1])
            unexplained = change.unexplained
            if self._flow is not None and change.flow is not None:
                self._flow.add(self._times[-1], time, change.flow / grey.shape[1])
        self._before = grey.copy()
        self._times.append(time)
        self._motion.append(motion)
        self._unexplained.append(unexplained)
        self._layouts += cv2.resize(grid, (LAYOUT, LAYOUT), interpolation=cv2.INTER_AREA).tobytes()


def _motion_curve(
    track: Track, motion: NDArray[np.float64], cuts: list[Cut], steps: int, step: float
) -> NDArray[np.float64]:
    """(steps,) widths a second: what happened between two samples counts where it happened; cuts and gaps are none."""
    if len(track.times) < 2:
        return np.zeros(steps)
    apart = np.diff(track.times)
    nothing = apart > _longest_gap(apart)
    for cut in cuts:
        first, end = np.searchsorted(track.times, [cut.start, cut.end])
        nothing[first:end] = True
    known = ~nothing
    if not known.any():
        return np.zeros(steps)
    middles = (track.times[1:] - apart / 2)[known]
    return _binned(middles, motion[1:][known], steps, step)


def _novelty_curve(track: Track, steps: int, step: float) -> NDArray[np.float64]:
    if len(track.times) < 2:
        return np.zeros(steps)
    # The median of three samples leaves out what a single one shows: a flash is not a new picture.
    rare = np.pad(novelty(track.layouts), 1, mode="edge")
    return _binned(track.times, np.median([rare[:-2], rare[1:-1], rare[2:]], axis=0), steps, step)


def _binned(times: NDArray[np.float64], values: NDArray[np.float64], steps: int, step: float) -> NDArray[np.float64]:
    """Means over the steps; steps without a value lie on the line between their neighbours."""
    place = np.minimum((times / step).astype(np.int64), steps - 1)
    count = np.bincount(place, minlength=steps)
    total = np.bincount(place, values, minlength=steps)
    known = np.flatnonzero(count)
    return np.interp(np.arange(steps), known, total[known] / count[known])


def _longest_gap(apart: NDArray[np.float64]) -> float:
    return max(GAP_SECONDS, GAP_SAMPLES * float(np.median(apart)))


def _coverage(times: NDArray[np.float64], duration: float) -> float:
    """Share of the time that lies near a sample: each stands for the usual distance to the next."""
    if not len(times):
        return 0.0
    apart = np.diff(np.append(times, duration))
    usual = float(np.median(apart[:-1])) if len(times) > 1 else min(duration, GAP_SECONDS)
    longest = max(GAP_SECONDS, GAP_SAMPLES * usual)
    covered = float(np.where(apart > longest, usual, apart).sum()) + float(times[0] if times[0] < longest else 0.0)
    return min(1.0, covered / duration)
