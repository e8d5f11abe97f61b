"""Writes an MP4 that every browser plays, as pieces to be kept by whoever may write files: a child may not."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av import AudioFrame, Packet, VideoFrame
from av.audio.stream import AudioStream
from av.stream import Stream
from av.video.frame import PictureType
from av.video.stream import VideoStream

from schemas import Written
from video.soundtrack import TRACK_RATE, Stereo

PICTURE_BYTES, SOUND_BYTES, HEAD_BYTES = 40, 28, 16_384
"""What the table of contents needs at most for each picture, each packet of sound, and itself. Room for it is left at
the file's beginning, where a browser looks first: nothing written must be read again."""

SOUND_PACKET = 1024
"""Samples in a packet of AAC."""

SOUND_BITS = 128_000

MPEG_RANGE = 1
BT709, BT601 = 1, 6
"""Numbers of ITU-T H.273: the colours of high definition, and of what came before."""

UNTOLD = (0, 2)
"""Colours that a file does not tell; 0 would be RGB."""

_THREADS = "2"


@dataclass(frozen=True)
class Form:
    """How an MP4 is written. `quality` is x264's constant rate factor: less is better."""

    width: int
    height: int
    rate: Fraction
    quality: int
    sound: bool
    pictures: int


class Mp4:
    """H.264 and AAC. What `take` gives is to be written in its order: the file's beginning comes last."""

    def __init__(self, form: Form, like: VideoFrame) -> None:
        """`like` is a picture whose colours the others share."""
        self._outbox = _Outbox()
        packets = form.sound * (form.pictures / form.rate * TRACK_RATE / SOUND_PACKET + 2)
        room = HEAD_BYTES + PICTURE_BYTES * form.pictures + SOUND_BYTES * int(packets)
        options = {"moov_size": str(room)}
        self._container = av.open(self._outbox, "w", format="mp4", options=options)
        video = self._container.add_stream("libx264", rate=form.rate, options=_x264(form))
        assert isinstance(video, VideoStream)
        video.width, video.height, video.pix_fmt = form.width, form.height, "yuv420p"
        video.time_base = video.codec_context.time_base = 1 / form.rate
        _colour(video, like)
        self._video, self._tick = video, 1 / form.rate
        self._audio = self._sound_stream() if form.sound else None
        self._pictures = self._samples = 0

    def picture(self, picture: VideoFrame, *, cut: bool) -> None:
        """The next one; `cut` where a clip begins, so that a player can jump there."""
        picture.pts, picture.time_base = self._pictures, self._tick
        picture.pict_type = PictureType.I if cut else PictureType.NONE
        self._pictures += 1
        self._mux(self._video.encode(picture))

    def sound(self, pcm: Stereo) -> None:
        if self._audio is not None and pcm.shape[1]:
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(pcm), "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = TRACK_RATE, self._samples, Fraction(1, TRACK_RATE)
            self._samples += pcm.shape[1]
            self._mux(self._audio.encode(frame))

    def finish(self) -> None:
        self._mux(self._video.encode(None))
        if self._audio is not None:
            self._mux(self._audio.encode(None))
        self._container.close()

    def take(self) -> Iterator[Written]:
        """What was written since the last time; one empty piece where nothing was."""
        seconds = float(self._pictures * self._tick)
        for offset, data in self._outbox.take() or [(0, b"")]:
            yield Written(offset, data, seconds)

    def _sound_stream(self) -> AudioStream:
        audio = self._container.add_stream("aac", rate=TRACK_RATE, layout="stereo")
        assert isinstance(audio, AudioStream)
        audio.bit_rate = SOUND_BITS
        return audio

    def _mux(self, packets: Iterable[Packet[Stream]]) -> None:
        for packet in packets:
            self._container.mux(packet)


class _Outbox:
    """A file that is written to and never read: pieces with their places."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, bytearray]] = []
        self._position = self._end = 0

    def take(self) -> list[tuple[int, bytes]]:
        pieces, self._pieces = self._pieces, []
        return [(offset, bytes(data)) for offset, data in pieces]

    def write(self, data: bytes) -> int:
        if self._pieces and self._pieces[-1][0] + len(self._pieces[-1][1]) == self._position:
            self._pieces[-1][1].extend(data)
        else:
            self._pieces.append((self._position, bytearray(data)))
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._end}[whence]
        return self._position

    def tell(self) -> int:
        return self._position


def _x264(form: Form) -> dict[str, str]:
    return {"crf": str(form.quality), "preset": "veryfast", "profile": "high", "threads": _THREADS}


def _colour(video: VideoStream, like: VideoFrame) -> None:
    """Say which colours are meant: browsers guess by the size, which may be another than the source's."""
    guess = BT709 if min(like.width, like.height) >= 720 else BT601
    context = video.codec_context
    context.color_range = MPEG_RANGE
    context.colorspace = guess if like.colorspace in UNTOLD else like.colorspace
    context.color_primaries = guess if like.color_primaries in UNTOLD else like.color_primaries
    context.color_trc = guess if like.color_trc in UNTOLD else like.color_trc
