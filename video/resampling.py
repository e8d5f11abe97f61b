"""Sound out of packets, in the one form that is asked for whatever form the file has, and changes to in mid-stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from av import AudioFrame, Packet
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.stream import Stream
from numpy.typing import NDArray

from video.source import Decoder

Heard = tuple[float | None, NDArray[Any]]
"""Seconds of the stream's clock, None where they follow what came before; (channels, n) samples, -1 to 1."""


class Resampled:
    """Decodes sound packet by packet. What is damaged is passed over."""

    def __init__(self, stream: AudioStream, layout: Literal["mono", "stereo"], rate: int) -> None:
        self._stream, self._layout, self._rate = stream, layout, rate
        self._decoder = Decoder(stream.decode)
        self._resampler: AudioResampler | None = None
        self._form: tuple[str, str, int] | None = None

    def hear(self, packet: Packet[Stream] | None) -> Iterator[Heard]:
        """What a packet completes; with None, what is still held."""
        for frame in self._decoder.frames(packet):
            frame.time_base = self._stream.time_base  # those that the decoder gives at the end bear none
            yield from self._resample(frame)
        if packet is None:
            yield from self._flush()

    def _resample(self, frame: AudioFrame) -> Iterator[Heard]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:  # a broadcast may change it in mid-stream, and a resampler takes one form only
            yield from self._flush()
            self._form = form
            self._resampler = AudioResampler("fltp", self._layout, self._rate)
        yield from self._push(frame)

    def _flush(self) -> Iterator[Heard]:
        if self._resampler is not None:
            yield from self._push(None)
            self._resampler = None

    def _push(self, frame: AudioFrame | None) -> Iterator[Heard]:
        assert self._resampler is not None
        try:
            made = self._resampler.resample(frame)
        except (FFmpegError, ValueError):
            self._resampler = self._form = None
            return
        for part in made:
            yield part.time, part.to_ndarray()
