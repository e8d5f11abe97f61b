"""One pass over a whole video: small samples of its pictures and all of its sound, each with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from av import Packet
from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

from errors import AnalysisFailed, DecodeTimeout, VideoTooLarge
from schemas import Limits, Scanned
from video.child import most_seconds, never, read_video
from video.footage import Footage, examine
from video.hearing import Hearing
from video.picking import Picker
from video.pictures import STANDING_SECONDS, Sample, Sampler, stacked
from video.probe import check
from video.source import Decoder, open_container, packets, prepare, refuse_size

SAMPLES_PER_SECOND = 10.0

PIECE_SECONDS = 0.5
"""Of video, of which a piece tells."""

PIECE_SOUND_SECONDS, PIECE_SAMPLES, PIECE_WALL_SECONDS = 4.0, 64, 1.0
"""What else makes a piece: much sound without pictures, a picture that stands for minutes, a slow decoder."""

SILENCE_SECONDS = 60.0
"""Pieces come every second; only reading the packets of a huge file on a slow disk takes longer."""

SKIPPING_CODECS = {"h264", "hevc", "mpeg2video", "mpeg4"}
"""Those whose decoders save work by leaving out pictures that no other refers to."""

FEW_PICTURES = 100
"""Of so few, all are decoded."""

DENSE_SECONDS = 0.15
"""Pictures may be left out while the others lie no further apart: 7 a second at least."""


def scan(
    path: str | Path,
    limits: Limits,
    stopped: Callable[[], bool] = never,
    *,
    samples_per_second: float = SAMPLES_PER_SECOND,
    stills: bool = False,
) -> Generator[Scanned, None, None]:
    """Pieces of a video in time order. After the last, `position` is where the last picture that was decoded ends.

    All samples are of one size. Two of them lie further apart than 0.6 s, and than 2.5 times the usual distance of the
    pictures, only where pictures could not be decoded. A video slower than `samples_per_second` gives every
    picture; one too short for 16 samples gives more of them a second. Sound lies within the pictures' time.
    With `stills`, the sharpest picture of about every second comes along, `video.picking` says how large.
    Raises what `probe` raises, and AnalysisFailed when not one picture could be decoded.
    """
    rest = (samples_per_second, stills)
    return read_video(scanned, path, limits, *rest, expect=Scanned, silence_seconds=SILENCE_SECONDS, stopped=stopped)


def scanned(path: str, limits: Limits, samples_per_second: float, stills: bool) -> Iterator[Scanned]:
    """For the child: the pieces."""
    footage = examine(path, limits)
    check(footage, limits)
    with open_container(path) as container:
        picker = Picker(footage) if stills else None
        yield from _Pass(container, footage, limits, samples_per_second, picker).pieces()


class _Pass:
    def __init__(
        self,
        container: InputContainer,
        footage: Footage,
        limits: Limits,
        samples_per_second: float,
        picker: Picker | None,
    ) -> None:
        self._container = container
        self._footage = footage
        self._limits = limits
        self._stream = next(s for s in container.streams.video if s.index == footage.video)
        self._decoder = Decoder(self._stream.decode)
        sound = next((s for s in container.streams.audio if s.index == footage.audio), None)
        self._hearing = Hearing(sound, footage) if sound else None
        self._sampler = Sampler(footage, samples_per_second)
        self._picker = picker
        self._skipping = _Skipping(self._stream, footage)
        self._samples: list[Sample] = []
        self._pictures = 0
        self._sent_position, self._sent_at = 0.0, time.monotonic()

    def pieces(self) -> Iterator[Scanned]:
        prepare(self._stream, self._limits)
        for packet in self._packets():
            if packet.stream_index == self._footage.video:
                self._skipping.before(packet)
                yield from self._look(packet)
            elif self._hearing is not None and not self._hearing.over(packet):
                self._hearing.hear(packet)
            if self._due():
                yield self._piece()
        yield from self._look(None)
        yield from self._keep(self._sampler.finish())
        if self._hearing is not None:
            self._hearing.hear(None)
        if self._picker is not None:
            self._picker.finish()
        if not self._pictures:
            raise AnalysisFailed("Not one picture of the video could be decoded.")
        yield self._piece()

    def _packets(self) -> Iterator[Packet[Stream]]:
        if self._hearing is None:
            return packets(self._container, self._stream)
        return packets(self._container, self._stream, self._hearing.stream)

    def _look(self, packet: Packet[Stream] | None) -> Iterator[Scanned]:
        for picture in self._decoder.frames(packet):
            self._pictures += 1
            self._hold_to_limits(picture.width, picture.height)
            yield from self._keep(self._sampler.add(picture))
            if self._picker is not None:
                self._picker.shown(self._sampler.shown, picture)
            self._skipping.after(self._sampler.shown)

    def _keep(self, samples: Iterator[Sample]) -> Iterator[Scanned]:
        for sample in samples:
            self._samples.append(sample)
            if self._picker is not None:
                self._picker.sampled(sample.time, sample.grey)
            if len(self._samples) >= PIECE_SAMPLES:
                yield self._piece()

    def _hold_to_limits(self, width: int, height: int) -> None:
        if width * height > self._limits.max_pixels:
            refuse_size(width, height, self._limits)
        if self._pictures > self._limits.max_fps * self._limits.max_duration_seconds:
            raise VideoTooLarge("The video has more pictures than are allowed.")

    def _due(self) -> bool:
        waiting = self._hearing.waiting_seconds if self._hearing else 0.0
        return (
            self._sampler.end - self._sent_position >= PIECE_SECONDS
            or waiting >= PIECE_SOUND_SECONDS
            or time.monotonic() - self._sent_at >= PIECE_WALL_SECONDS
        )

    def _piece(self) -> Scanned:
        if time.process_time() > most_seconds(self._footage.duration):
            raise DecodeTimeout("Decoding this video took longer than the service allows.")
        samples, self._samples = self._samples, []
        sounds = self._hearing.take() if self._hearing else ()
        self._sent_position, self._sent_at = self._sampler.end, time.monotonic()
        stills = self._picker.take() if self._picker else ()
        return Scanned(self._sampler.end, self._pictures, stacked(samples), sounds, stills)


class _Skipping:
    """Leaves out pictures that no other refers to, as long as those that remain lie close enough together."""

    def __init__(self, stream: VideoStream, footage: Footage) -> None:
        self._context = stream.codec_context
        self._last = 0.0
        # The last pictures are all decoded: they tell where the video ends.
        self._until = (footage.zero + footage.duration - 1.0) / footage.tick
        dense = footage.usual_gap <= DENSE_SECONDS / 2 and footage.longest_gap <= STANDING_SECONDS
        self._on = dense and len(footage.times) >= FEW_PICTURES and footage.codec in SKIPPING_CODECS
        self._context.skip_frame = "NONREF" if self._on else "DEFAULT"

    def before(self, packet: Packet[Stream]) -> None:
        if self._on and (packet.pts is None or packet.pts > self._until):
            self._stop()

    def after(self, shown: float) -> None:
        """A picture came out, to be shown at so many seconds. If too much was left out before it, never again."""
        if self._on and shown - self._last > DENSE_SECONDS:
            self._stop()
        self._last = shown

    def _stop(self) -> None:
        self._on = False
        self._context.skip_frame = "DEFAULT"
