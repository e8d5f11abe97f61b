"""The sound of stretches of a video, to the sample on the clock of its pictures; silence where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from video.footage import Footage
from video.resampling import Resampled
from video.source import JUMPING, packets

TRACK_RATE = 48_000
"""Samples a second: the rate of video sound, which every browser plays."""

RUN_UP_SECONDS = 0.5
"""Decoding begins so much earlier: MP3, AAC and Opus need what came before to be exact."""

SKIP_SECONDS = 5.0
"""A stretch so far ahead is jumped to, rather than decoded up to."""

JOIN_SECONDS = 0.02
"""Pieces that lie no further apart than this follow each other: containers round times, to milliseconds at best."""

Stereo = NDArray[np.float32]
"""(2, n), -1 to 1."""


class Soundtrack:
    """Stretches in time order, out of a container of its own: sound and pictures are jumped to apart."""

    def __init__(self, container: InputContainer, footage: Footage) -> None:
        self._container, self._zero = container, footage.zero
        self._stream = next(s for s in container.streams.audio if s.index == footage.audio)
        self._tick = self._stream.time_base or Fraction(1, TRACK_RATE)
        self._seeks = container.format.name not in JUMPING
        self._coming = self._pieces()
        self._held: list[tuple[int, Stereo]] = []
        self._reached = 0

    def between(self, first: int, last: int) -> Stereo:
        """The samples from number `first` to before `last`; number 0 is heard with the first picture."""
        if self._seeks and first - self._reached > SKIP_SECONDS * TRACK_RATE:
            self._jump(first)
        while self._reached < last and (piece := next(self._coming, None)):
            self._held.append(piece)
            self._reached = piece[0] + piece[1].shape[1]
        stretch = np.zeros((2, last - first), np.float32)
        for at, pcm in self._held:
            begin, end = max(first, at), min(last, at + pcm.shape[1])
            if begin < end:
                stretch[:, begin - first : end - first] = pcm[:, begin - at : end - at]
        self._held = [(at, pcm) for at, pcm in self._held if at + pcm.shape[1] > last]
        return stretch

    def _jump(self, first: int) -> None:
        seconds = self._zero + first / TRACK_RATE - RUN_UP_SECONDS
        with suppress(FFmpegError):  # then it is decoded up to
            self._container.seek(round(seconds / self._tick), stream=self._stream)
            self._coming, self._held = self._pieces(), []

    def _pieces(self) -> Iterator[tuple[int, Stereo]]:
        """Sound from where the container stands, each piece with the number of its first sample."""
        # Spread over two channels by the resampler, a single one would be 3 dB quieter.
        single = self._stream.codec_context.channels == 1
        resampled = Resampled(self._stream, "mono" if single else "stereo", TRACK_RATE)
        follows = 0
        for packet in chain(packets(self._container, self._stream), [None]):
            for time, pcm in resampled.hear(packet):
                at = follows if time is None else round((time - self._zero) * TRACK_RATE)
                if abs(at - follows) < JOIN_SECONDS * TRACK_RATE:
                    at = follows
                follows = at + pcm.shape[1]
                # A damaged packet may decode to anything.
                sane = np.nan_to_num(pcm.astype(np.float32), posinf=1, neginf=-1).clip(-1, 1)
                yield at, np.broadcast_to(sane, (2, pcm.shape[1]))
