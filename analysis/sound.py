"""Measures sound: how loud it is and how suddenly it begins, hop by hop, however the stretches were split."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas import SOUND_RATE, Sound

HOP = SOUND_RATE // 20
"""Samples a hop: 50 ms, short enough to place an impact and long enough for a 50 Hz tone."""

HOP_SECONDS = HOP / SOUND_RATE

QUIETEST_DB = -90.0
"""Where the scale ends: about the least step of 16-bit sound."""

SILENCE_DB = -70.0
"""Sound that never rises above this is digital silence: an encoder's dither lies near -90 dB."""

BAND_EDGES_HZ = (60, 120, 240, 400, 600, 900, 1300, 1800, 2500, 3500, 5000, 7500)
"""Bands about as wide as the ear's, widened where a hop has too few bins."""

BAND_FLOOR_DB = -60.0
"""A band below this is not heard, so that rising out of it is no onset until it is passed."""

ONSET_BANDS = 4
"""An onset is the mean rise of this many bands that rise most: a tone rises in one or two, an impact in all."""

ONSET_NOISE_DB, ONSET_FULL_DB = 4.0, 20.0
"""White noise rises by 3.2 dB at most in 400 hops; a rise of 20 dB is heard as four times as loud (Stevens 1955)."""


@dataclass(frozen=True)
class Loudness:
    """What each step of a video sounds like: `loudness` (n,) in dB below full scale, `onsets` (n,) 0-1."""

    loudness: NDArray[np.float64]
    onsets: NDArray[np.float64]


class SoundMeter:
    """Takes stretches of sound in time order and keeps three numbers a hop: time, power and onset."""

    def __init__(self) -> None:
        self._times = array("d")
        self._powers = array("f")
        self._onsets = array("f")
        self._left = np.zeros(0, np.float32)
        self._left_start = 0.0
        self._past: NDArray[np.float64] | None = None

    def add(self, sound: Sound) -> None:
        pcm = np.nan_to_num(sound.pcm.astype(np.float32, copy=False), posinf=0.0, neginf=0.0)
        expected = self._left_start + len(self._left) / SOUND_RATE
        if abs(sound.start - expected) > HOP_SECONDS or not len(self._left):
            self._left, self._left_start = pcm, sound.start
        else:
            self._left = np.concatenate([self._left, pcm])
        whole = len(self._left) // HOP
        if whole:
            self._measure(self._left[: whole * HOP].reshape(whole, HOP))
            self._left = self._left[whole * HOP :].copy()
            self._left_start += whole * HOP_SECONDS

    def finish(self, steps: int, step_seconds: float) -> Loudness | None:
        """None without sound, or with digital silence."""
        powers = np.frombuffer(self._powers, np.float32).astype(np.float64)
        if not len(powers) or decibel(powers.max()) < SILENCE_DB:
            return None
        place = (np.frombuffer(self._times, np.float64) / step_seconds).astype(np.int64)
        inside = (place >= 0) & (place < steps)
        place, powers = place[inside], powers[inside]
        count = np.bincount(place, minlength=steps)
        power = np.bincount(place, powers, minlength=steps) / np.maximum(1, count)
        onsets = np.zeros(steps)
        np.maximum.at(onsets, place, np.frombuffer(self._onsets, np.float32)[inside])
        return _filled(decibel(power), onsets, count > 0, step_seconds)

    def _measure(self, hops: NDArray[np.float32]) -> None:
        bands = band_levels(hops)
        past = np.repeat(bands[:1], 3, axis=0) if self._past is None else self._past
        self._onsets.extend(onset_strengths(np.concatenate([past, bands])).tolist())
        self._past = np.concatenate([past, bands])[-3:]
        self._powers.extend(np.mean(hops.astype(np.float64) ** 2, axis=1).tolist())
        self._times.extend((self._left_start + (np.arange(len(hops)) + 0.5) * HOP_SECONDS).tolist())


def decibel(power: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Mean square (1 is full scale) to dB, -90 to 0."""
    return np.asarray(np.clip(10 * np.log10(np.maximum(power, 1e-12)), QUIETEST_DB, 0.0), np.float64)


def band_levels(hops: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, bands) level in dB of (n, HOP) samples, floored at BAND_FLOOR_DB."""
    window = np.hanning(HOP).astype(np.float32)
    power = np.abs(np.fft.rfft(hops * window, axis=1)) ** 2 / (HOP * float(np.sum(window**2)) / 2)
    edges = np.rint(np.array(BAND_EDGES_HZ) * HOP_SECONDS).astype(int)
    return np.maximum(BAND_FLOOR_DB, decibel(np.add.reduceat(power, edges, axis=1)))


def onset_strengths(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n - 3,) from (n, bands): how far each hop rises over the loudest of the three hops before it."""
    before = np.maximum(np.maximum(bands[:-3], bands[1:-2]), bands[2:-1])
    rise = np.sort(np.clip(bands[3:] - before, 0.0, 2 * ONSET_FULL_DB), axis=1)[:, -ONSET_BANDS:].mean(axis=1)
    return np.asarray(np.clip((rise - ONSET_NOISE_DB) / (ONSET_FULL_DB - ONSET_NOISE_DB), 0.0, 1.0), np.float64)


def _filled(
    level: NDArray[np.float64], onsets: NDArray[np.float64], known: NDArray[np.bool_], step_seconds: float
) -> Loudness | None:
    """Steps shorter than a hop take their neighbour's level; longer stretches without sound are silent."""
    if not known.any():
        return None
    where = np.flatnonzero(known)
    every = np.arange(len(level))
    nearest = np.interp(every, where, level[where])
    after = np.clip(np.searchsorted(where, every), 0, len(where) - 1)
    away = np.minimum(np.abs(where[after] - every), np.abs(every - where[np.maximum(0, after - 1)]))
    return Loudness(np.where(away * step_seconds <= HOP_SECONDS, nearest, QUIETEST_DB), onsets)
