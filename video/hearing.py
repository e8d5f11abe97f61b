"""The sound of a video while it is scanned: mono, at the house's rate, on the clock of its pictures."""

from __future__ import annotations

import numpy as np
from av import Packet
from av.audio.stream import AudioStream
from av.stream import Stream
from numpy.typing import NDArray

from schemas import SOUND_RATE, Sound
from video.footage import Footage
from video.resampling import Resampled

JOIN_SECONDS = 0.02
"""Pieces that lie no further apart than this are one stretch: containers round times, to milliseconds at best."""


class Hearing:
    """Decodes sound packet by packet. What lies before the first picture or after the last is cut off."""

    def __init__(self, stream: AudioStream, footage: Footage) -> None:
        self.stream = stream
        self._resampled = Resampled(stream, "mono", SOUND_RATE)
        self._tick = float(stream.time_base or 0)
        self._zero = footage.zero
        self._end = footage.duration
        self._next = 0.0
        self._pieces: list[Sound] = []
        self.waiting_seconds = 0.0
        """How much sound `take` would give."""

    def over(self, packet: Packet[Stream]) -> bool:
        """Whether a packet lies past the last picture."""
        return packet.pts is not None and packet.pts * self._tick - self._zero > self._end

    def hear(self, packet: Packet[Stream] | None) -> None:
        """One packet more; None after the last."""
        for time, pcm in self._resampled.hear(packet):
            self._keep(time, pcm.ravel())

    def take(self) -> tuple[Sound, ...]:
        """What was heard since the last time, in stretches without gaps."""
        pieces, self._pieces, self.waiting_seconds = self._pieces, [], 0.0
        stretches: list[list[Sound]] = []
        for piece in pieces:
            if stretches and abs(_end(stretches[-1][-1]) - piece.start) < JOIN_SECONDS:
                stretches[-1].append(piece)
            else:
                stretches.append([piece])
        return tuple(_joined(parts) for parts in stretches)

    def _keep(self, time: float | None, pcm: NDArray[np.generic]) -> None:
        start = self._next if time is None else time - self._zero
        self._next = start + len(pcm) / SOUND_RATE
        first = max(0, round(-start * SOUND_RATE))
        last = max(0, min(len(pcm), round((self._end - start) * SOUND_RATE)))
        if first < last:
            self._pieces.append(Sound(max(0.0, start + first / SOUND_RATE), pcm[first:last].astype(np.float32)))
            self.waiting_seconds += (last - first) / SOUND_RATE


def _joined(pieces: list[Sound]) -> Sound:
    pcm = np.concatenate([piece.pcm for piece in pieces])
    # A damaged packet may decode to anything.
    return Sound(pieces[0].start, np.nan_to_num(pcm, posinf=1, neginf=-1).clip(-1, 1))


def _end(sound: Sound) -> float:
    return sound.start + len(sound.pcm) / SOUND_RATE
