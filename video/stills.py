"""Single pictures out of a video at given times, large enough for a model to look at."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import numpy as np
from av import VideoFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from errors import AnalysisFailed
from schemas import Limits, Still
from video.child import never, run
from video.clock import PictureClock
from video.footage import Footage, examine, quarter_turns
from video.probe import check
from video.scan import most_seconds
from video.source import JUMPING, Decoder, open_container, packets, prepare, refuse_size

LONGER_SIDE = 1024
"""Pixels of a still's longer side at most: SmolVLM2 looks at squares of 512, and a pipe carries no more."""

SEEK_SECONDS = 5.0
"""From here to a picture so far ahead it is quicker to begin at the key picture before it. Encoders set one every ten
seconds or sooner, so that five are decoded in vain on average."""

MISSED_SECONDS = 1.0
"""A picture that comes so late after a seek was missed, and the video is read from its beginning instead."""


TRIFLE = 1e-4
"""Seconds by which two ways to reckon the same time may differ."""


def stills(
    path: str | Path, times: Sequence[float], limits: Limits, stopped: Callable[[], bool] = never
) -> Generator[Still, None, None]:
    """The picture that is seen at each of the times, seconds that rise. Where none can be decoded, the next one that
    can, or the last.

    Raises what `video.scan.scan` raises.
    """
    seconds = most_seconds(limits.max_duration_seconds)
    return run(
        pictured,
        str(Path(path).absolute()),
        limits,
        tuple(float(time) for time in times),
        expect=Still,
        limits=limits,
        silence_seconds=seconds,  # where seeking does not help, a whole video may have to be decoded for one picture
        wall_seconds=seconds,
        stopped=stopped,
    )


def pictured(path: str, limits: Limits, times: tuple[float, ...]) -> Iterator[Still]:
    """For the child: the stills."""
    footage = examine(path, limits)
    check(footage, limits)
    with open_container(path) as container:
        yield from _Search(container, footage, limits).at(times)


class _Search:
    def __init__(self, container: InputContainer, footage: Footage, limits: Limits) -> None:
        self._container, self._footage, self._limits = container, footage, limits
        self._stream = next(s for s in container.streams.video if s.index == footage.video)
        self._convert = VideoReformatter()
        self._seeks = container.format.name not in JUMPING
        self._coming = self._pictures()
        self._shown = -np.inf
        """Seconds of the newest decoded picture."""
        self._picture: VideoFrame | None = None

    def at(self, times: tuple[float, ...]) -> Iterator[Still]:
        prepare(self._stream, self._limits)
        for time in times:
            self._go_to(self._beginning(time))
            if self._picture is None:
                raise AnalysisFailed("Not one picture of the video could be decoded.")
            yield self._still(self._picture)

    def _beginning(self, time: float) -> float:
        """Seconds at which the picture that is seen at a time begins to be shown, less a trifle."""
        times = self._footage.times
        return float(times[max(0, int(np.searchsorted(times, time + TRIFLE, side="right")) - 1)]) - TRIFLE

    def _go_to(self, time: float) -> None:
        """Make the first picture from `time` on the newest one, or the last there is."""
        if self._seeks and time - self._shown > SEEK_SECONDS:
            self._coming = self._from(time)
            self._decode_until(time)
            if self._picture is None or not time <= self._shown < time + MISSED_SECONDS:
                self._seeks, self._shown = False, -np.inf
                self._coming = self._from(0.0)
        self._decode_until(time)

    def _decode_until(self, time: float) -> None:
        while self._shown < time and (found := next(self._coming, None)):
            self._shown, self._picture = found

    def _from(self, time: float) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures from the key picture before a time on."""
        self._shown = -np.inf
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

    def _still(self, picture: VideoFrame) -> Still:
        turns = quarter_turns(picture)
        scale = min(1.0, LONGER_SIDE / max(self._footage.width, self._footage.height))
        width, height = (max(1, round(side * scale)) for side in (self._footage.width, self._footage.height))
        if turns % 2:
            width, height = height, width
        rgb = self._convert.reformat(picture, width, height, "rgb24", interpolation="AREA", threads=1)
        upright = np.ascontiguousarray(np.rot90(rgb.to_ndarray(), turns), np.uint8)
        return Still(max(0.0, self._shown), upright)
