"""Folds samples and sound, as they stream in, into the few curves that significance is judged by."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.flow import FlowTrack
from analysis.lookback import Lookback
from analysis.motion import Comparer
from analysis.novelty import novelty
from analysis.presence import presence
from analysis.sharpness import sharpness
from analysis.shots import Cut, Track, find_cuts, hard_cuts
from analysis.sound import SoundMeter
from schemas import Samples, Signals, Sound

STEP_SECONDS = 0.25
"""A step of the curves: two or three samples, and short enough for events of half a second."""

LEAST_STEPS = 4
"""Steps of the shortest video: curves of fewer points have no middle."""

LAYOUT = 6
"""Cells a side of the layout kept of each sample: 108 bytes, 14 MB for three hours at 12 a second."""

NOVELTY_PICTURES = 20_000
"""Pictures whose novelty is measured at most: one in half a second of the longest video."""

THUMB_SECONDS, THUMB_SIDE = 0.4, 32
"""A small picture of at most so many pixels a side is kept this often to tell who is present: 16 MB for three hours."""

GAP_SECONDS, GAP_SAMPLES = 0.6, 2.5
"""Pictures are missing where samples lie further apart than both this and so many of the usual distances."""


class SignalCollector:
    """Takes pieces of a scan in time order, keeps some 400 bytes a sample, and answers once with `finish`."""

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
        self._camera = array("f")
        self._unexplained = array("f")
        self._sharpness = array("f")
        self._layouts = bytearray()
        self._lookback = Lookback()
        self._thumb_times = array("d")
        self._thumbs = bytearray()
        self._thumb_shape = (0, 0)

    @property
    def seen_seconds(self) -> float:
        """Time of the last sample so far; 0 before the first."""
        return self._times[-1] if self._times else 0.0

    def add(self, samples: Samples | None, sounds: tuple[Sound, ...]) -> None:
        """Samples whose time does not rise above those before, or of another size, are passed over: a damaged file may
        hold them."""
        for sound in sounds:
            self._sound.add(sound)
        if samples is not None:
            for time, grey, grid in zip(samples.times, samples.grey, samples.grid, strict=True):
                known = self._before is None or self._before.shape == grey.shape
                if known and np.isfinite(time) and time > (self._times[-1] if self._times else -1e-9):
                    self._add_sample(float(time), grey, grid)

    def finish(self, duration_seconds: float) -> Signals:
        """Everything measured. `duration_seconds` is stretched to the last sample where it falls short of it."""
        duration = max(duration_seconds, self.seen_seconds, 1e-3)
        step = min(STEP_SECONDS, duration / LEAST_STEPS)
        steps = max(LEAST_STEPS, int(np.ceil(duration / step - 1e-6)))
        self._lookback.finish()
        track = self._track(0)
        cuts = find_cuts(track) if len(track.times) > 1 else []
        moments = tuple(cut.time for cut in cuts)
        heard = self._sound.finish(steps, step)
        return Signals(
            duration_seconds=duration,
            step_seconds=step,
            motion=_motion_curve(track, _doubles(self._motion), cuts, steps, step),
            camera=_motion_curve(track, _doubles(self._camera), cuts, steps, step),
            novelty=_novelty_curve(track, steps, step),
            presence=self._presence(moments, steps, step),
            sharpness=_binned(track.times, _doubles(self._sharpness), steps, step),
            loudness=heard.loudness if heard else None,
            onsets=heard.onsets if heard else None,
            cuts=moments,
            coverage=_coverage(track.times, duration),
            apart=_apart(track.times, duration),
        )

    def hard_cuts(self, start: float) -> tuple[float, ...]:
        """Times of the hard cuts from `start` seconds on, as far as they can be told by now."""
        track = self._track(bisect_left(self._times, start))
        return tuple(cut.time for cut in hard_cuts(track)) if len(track.times) > 1 else ()

    def _track(self, first: int) -> Track:
        """What is kept of the samples from number `first` on, up to the last whose neighbours are known."""
        looks = self._lookback.noted(first)
        end = first + len(looks.likeness)
        cells = LAYOUT * LAYOUT * 3
        return Track(
            np.array(self._times[first:end], np.float64),
            np.array(self._unexplained[first:end], np.float64),
            np.frombuffer(self._layouts[first * cells : end * cells], np.uint8).reshape(-1, cells),
            looks,
        )

    def _add_sample(self, time: float, grey: NDArray[np.uint8], grid: NDArray[np.uint8]) -> None:
        motion, camera, unexplained = 0.0, 0.0, 0.0
        if self._before is not None:
            change = self._comparer.change(self._before, grey, signed=self._flow is not None)
            speed = 1 / grey.shape[1] / (time - self._times[-1])
            motion, camera = change.motion * speed, change.camera * speed
            unexplained = change.unexplained
            if self._flow is not None and change.flow is not None and change.grey is not None:
                self._flow.add(self._times[-1], time, change.flow / grey.shape[1], change.grey)
        self._before = grey.copy()
        self._times.append(time)
        self._motion.append(motion)
        self._camera.append(camera)
        self._unexplained.append(unexplained)
        self._sharpness.append(sharpness(grey))
        layout = np.asarray(cv2.resize(grid, (LAYOUT, LAYOUT), interpolation=cv2.INTER_AREA), np.uint8)
        self._layouts += layout.tobytes()
        self._lookback.add(time, grey, layout, unexplained)
        if not self._thumb_times or time - self._thumb_times[-1] >= THUMB_SECONDS - 1e-6:
            self._thumb_times.append(time)
            thumb = _thumb(grey)
            self._thumb_shape = thumb.shape
            self._thumbs += thumb.tobytes()

    def _presence(self, cuts: tuple[float, ...], steps: int, step: float) -> NDArray[np.float64] | None:
        times = np.frombuffer(self._thumb_times, np.float64)
        if not len(times):
            return None
        pictures = np.frombuffer(self._thumbs, np.uint8).reshape(-1, *self._thumb_shape)
        share = presence(times, pictures, cuts)
        return None if share is None else _binned(times, share, steps, step)


def _doubles(floats: array[float]) -> NDArray[np.float64]:
    return np.frombuffer(floats, np.float32).astype(np.float64)


def _thumb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = THUMB_SIDE / max(grey.shape)
    height, width = (max(2, round(side * scale)) for side in grey.shape)
    return np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


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
    every = max(1, round(step / float(np.median(np.diff(track.times)))), len(track.times) // NOVELTY_PICTURES)
    # The median of three leaves out what a single one shows: a flash is not a new picture.
    rare = np.pad(novelty(track.layouts[::every]), 1, mode="edge")
    return _binned(track.times[::every], np.median([rare[:-2], rare[1:-1], rare[2:]], axis=0), steps, step)


def _binned(times: NDArray[np.float64], values: NDArray[np.float64], steps: int, step: float) -> NDArray[np.float64]:
    """Means over the steps; steps without a value lie on the line between their neighbours."""
    place = np.minimum((times / step).astype(np.int64), steps - 1)
    count = np.bincount(place, minlength=steps)
    total = np.bincount(place, values, minlength=steps)
    known = np.flatnonzero(count)
    if not len(known):
        return np.zeros(steps)
    return np.interp(np.arange(steps), known, total[known] / count[known])


def _longest_gap(apart: NDArray[np.float64]) -> float:
    return max(GAP_SECONDS, GAP_SAMPLES * float(np.median(apart)))


def _apart(times: NDArray[np.float64], duration: float) -> float:
    if len(times) > 1:
        return float(np.median(np.diff(times)))
    return duration - float(times[0]) if len(times) else duration


def _coverage(times: NDArray[np.float64], duration: float) -> float:
    """Share of the time that lies near a sample: each stands for the usual distance to the next."""
    if not len(times):
        return 0.0
    apart = np.diff(np.append(times, duration))
    usual = float(np.median(apart[:-1])) if len(times) > 1 else min(duration, GAP_SECONDS)
    longest = max(GAP_SECONDS, GAP_SAMPLES * usual)
    covered = float(np.where(apart > longest, usual, apart).sum()) + float(times[0] if times[0] < longest else 0.0)
    return min(1.0, covered / duration)
