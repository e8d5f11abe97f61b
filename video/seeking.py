"""Goes to the pictures of a video by their times, forwards: by a jump where the container allows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError

from schemas import Limits
from video.clock import PictureClock
from video.footage import Footage
from video.source import JUMPING, Decoder, packets, prepare, refuse_size

SEEK_SECONDS = 5.0
"""From here to a picture so far ahead it is quicker to begin at the key picture before it. Encoders set one every ten
seconds or sooner, so that five are decoded in vain on average."""

RUN_UP_SECONDS = (0.0, 10.0)
"""How much earlier a seek begins, and begins again where the picture that was meant did not come: one that is refreshed
stripe by stripe is whole some time after the place that counts as its key picture, and so comes out late."""

MISSED_SECONDS = 1.0
"""A picture that comes so late after a seek was missed, and the video is read from its beginning instead."""

TRIFLE = 1e-4
"""Seconds by which two ways to reckon the same time may differ."""


class Seeker:
    """The pictures of a footage, at times that rise."""

    def __init__(self, container: InputContainer, footage: Footage, limits: Limits) -> None:
        self._container, self._footage, self._limits = container, footage, limits
        self._stream = next(s for s in container.streams.video if s.index == footage.video)
        prepare(self._stream, limits)
        self._seeks = container.format.name not in JUMPING
        self._coming = self._pictures()
        self.shown = -np.inf
        """Seconds at which the newest decoded picture is shown."""
        self.picture: VideoFrame | None = None
        """The newest decoded picture; None before the first."""

    def beginning(self, time: float) -> float:
        """Seconds at which the picture that is seen at a time begins to be shown."""
        times = self._footage.times
        return float(times[max(0, int(np.searchsorted(times, time + TRIFLE, side="right")) - 1)])

    def go_to(self, time: float) -> None:
        """Make the first picture from the `beginning` of a time on the newest one, or the last there is."""
        begins = self.beginning(time) - TRIFLE
        if self._seeks and begins - self.shown > SEEK_SECONDS:
            for earlier in RUN_UP_SECONDS:
                self._coming = self._from(begins - earlier)
                self._decode_until(begins)
                if self.shown < begins + 2 * TRIFLE:
                    break
            if self.picture is None or not begins <= self.shown < begins + MISSED_SECONDS:
                self._seeks, self.shown = False, -np.inf
                self._coming = self._from(0.0)
        self._decode_until(begins)

    def _decode_until(self, time: float) -> None:
        while self.shown < time and (found := next(self._coming, None)):
            self.shown, self.picture = found

    def _from(self, time: float) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures from the key picture before a time on."""
        self.shown = -np.inf
        try:
            seconds = self._footage.zero + max(0.0, time)
            self._container.seek(round(seconds / self._footage.tick), stream=self._stream)
        except FFmpegError:
            return iter(())
        return self._pictures()

    def _pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their times, from where the container stands."""
        clock, decoder = PictureClock(self._footage.tick), Decoder(self._stream.decode)
        for packet in packets(self._container, self._stream):
            yield from self._timed(decoder.frames(packet), clock)
        yield from self._timed(decoder.frames(None), clock)

    def _timed(self, pictures: list[VideoFrame], clock: PictureClock) -> Iterator[tuple[float, VideoFrame]]:
        for picture in pictures:
            if picture.width * picture.height > self._limits.max_pixels:
                refuse_size(picture.width, picture.height, self._limits)
            time = clock.time(picture.pts, picture.dts)
            if time is not None:
                yield time - self._footage.zero, picture
