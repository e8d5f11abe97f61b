"""Opens a video file for the children: which of its streams is the video, its packets, and pictures out of packets."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

import av
from av import AudioFrame, Packet, VideoFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from errors import AnalysisFailed, UnsupportedVideo, VideoTooLarge
from schemas import Limits
from video.clock import StreamClock
from video.sniff import HEAD_BYTES, INCOMPLETE, not_a_video, reader_of, why_unreadable

FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mxf"
"""FFmpeg's names of the containers that are read: those of cameras, phones, editors and the web. Neither playlists nor
scripts, which could open other files, nor pictures."""

_VIDEO = """
h264 hevc av1 vp8 vp9 mpeg4 mpeg2video mpeg1video mjpeg prores theora h263 flv1 msmpeg4v1 msmpeg4v2 msmpeg4v3
wmv1 wmv2 wmv3 vc1 dnxhd ffv1 dvvideo svq3 cinepak rawvideo huffyuv vp6 vp6f
"""
_AUDIO = """
aac aac_latm mp3 mp2 mp1 ac3 eac3 dts truehd opus vorbis flac alac wmav1 wmav2 wmapro wmavoice amr_nb amr_wb speex
nellymoser adpcm_ms adpcm_ima_wav adpcm_ima_qt adpcm_swf gsm gsm_ms qdm2 qcelp pcm_s16le pcm_s16be pcm_s24le pcm_s24be
pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_u8 pcm_s8 pcm_alaw pcm_mulaw pcm_bluray pcm_dvd
"""
_OTHER_NAMES = "libdav1d mp3float mp2float mp1float dca amrnb amrwb libspeex"
"""Decoders that bear another name than their codec."""

VIDEO_CODECS, AUDIO_CODECS = frozenset(_VIDEO.split()), frozenset(_AUDIO.split())

MOST_STREAMS = 100
"""Of those in a file, the first so many are known: more than a film in all its languages has."""

_OPTIONS = {
    "format_whitelist": FORMATS,
    "max_streams": str(MOST_STREAMS),
    "protocol_whitelist": "none",  # of which there is none: what a file names is not opened
    "fflags": "+genpts",  # AVI has times for the order of decoding only
    # Here too, because FFmpeg decodes a little of every stream merely to open a file.
    "codec_whitelist": ",".join([*sorted(VIDEO_CODECS | AUDIO_CODECS), *_OTHER_NAMES.split()]),
}

_STILLS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
JUMPING = {"mpegts", "mpeg"}
"""Containers in which the clock of a recording may start anew in mid-file."""

_BROKEN_READS = 20
"""Failed reads in a row after which a file counts as ended."""

_STARVED_PACKETS = 10

_FRUITLESS_BYTES = 32 << 20
"""Read without a packet: then a file counts as ended. The index of three hours takes ten; gigabytes of zeros are not
looked through."""

_OPENING_SECONDS = 1.8
"""Of the processor: honest files take hundredths, and noise of 8192 × 4320, of which FFmpeg decodes a picture to open
it, 1.6."""

_SQUEEZED = b"dcomzlib"
"""Stands in every compressed table of contents that FFmpeg would unfold, to gigabytes if it says so. QuickTime wrote
such films until about 2005."""

_DECODER_THREADS = "2"

F = TypeVar("F", VideoFrame, AudioFrame)


def open_container(path: str) -> InputContainer:
    """Raises UnsupportedVideo, saying what the file is instead of a video."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise AnalysisFailed("The video's file is missing or cannot be read.") from error
    if words := not_a_video(head):
        raise UnsupportedVideo(words)
    reader = reader_of(head)
    if reader is None:
        raise UnsupportedVideo(why_unreadable(head))
    source = _File(path, refused=_SQUEEZED if reader == "mov" else b"")
    try:
        with _in_time():
            # A damaged title must not make a video unreadable: hence metadata_errors.
            container = av.open(source, "r", reader, options=_OPTIONS, metadata_errors="ignore")
    except (FFmpegError, ValueError) as error:
        raise UnsupportedVideo(why_unreadable(head)) from error
    _files[id(container)] = source
    return container


class _File:
    """A file that ends where reading on leads nowhere. FFmpeg is given no name, with which it might open another."""

    def __init__(self, path: str, refused: bytes) -> None:
        """`refused`, where there is any, are bytes with which it is not read at all."""
        self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115  closed with the container
        self._left = _FRUITLESS_BYTES
        self._refused, self._tail = refused, b""
        self.tell = self._file.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new place, or a negative number for one before the beginning: FFmpeg's way to say that it cannot be."""
        try:
            return self._file.seek(offset, whence)
        except OSError:
            return -1

    def read(self, size: int) -> bytes:
        """Raises UnsupportedVideo."""
        piece = self._file.read(min(size, self._left)) or b""
        self._left -= len(piece)
        if self._refused:
            if self._refused in self._tail + piece:
                raise UnsupportedVideo("The film's table of contents is compressed, as it was long ago: save it anew.")
            self._tail = piece[1 - len(self._refused) :]
        return piece

    def bore_fruit(self) -> None:
        """A packet came."""
        self._left = _FRUITLESS_BYTES

    def close(self) -> None:
        self._file.close()


_files: dict[int, _File] = {}
"""By the id of the container that reads it, to which nothing can be tied. A child opens two or three."""


@contextmanager
def _in_time() -> Iterator[None]:
    """Whoever takes too much of the processor's time meanwhile is ended by the system: SIGPROF."""
    signal.setitimer(signal.ITIMER_PROF, _OPENING_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def video_streams(container: InputContainer, limits: Limits) -> list[VideoStream]:
    """The streams that may be the video, best first: largest picture, then the one that is marked as the default.

    Raises UnsupportedVideo or VideoTooLarge when there is none, by what the headers declare: nothing is decoded.
    """
    moving = [stream for stream in container.streams.video if not stream.disposition & _STILLS]
    known = [stream for stream in moving if codec_of(stream) in VIDEO_CODECS]
    fitting = [stream for stream in known if stream.width * stream.height <= limits.max_pixels]
    if not moving:
        _refuse_pictureless(container)
    if not known:
        name = codec_of(moving[0])
        raise UnsupportedVideo(f"The video is coded {f'as {name}' if name else 'in a way'} that is not read here.")
    if not fitting:
        refuse_size(known[0].width, known[0].height, limits)
    return sorted(fitting, key=_rank, reverse=True)


def sound_stream(container: InputContainer, video: VideoStream) -> AudioStream | None:
    """The sound that belongs to a video: the one FFmpeg takes for the best, or else the first that can be read."""
    readable = [stream for stream in container.streams.audio if codec_of(stream) in AUDIO_CODECS]
    best = container.streams.best("audio", related=video)
    return next((stream for stream in readable if stream is best), readable[0] if readable else None)


def codec_of(stream: Stream) -> str | None:
    """The codec's name, the same for every decoder of it; None for one that FFmpeg does not know."""
    return stream.codec_context.codec.canonical_name if stream.codec_context else None


def refuse_size(width: int, height: int, limits: Limits) -> NoReturn:
    allowed = f"{limits.max_pixels / 1e6:.1f} million"
    raise VideoTooLarge(f"The picture is {width} × {height} pixels: more than the {allowed} that are allowed.")


def prepare(stream: VideoStream, limits: Limits) -> None:
    """Make ready to decode. A picture that grows past the limits in mid-stream is not even allocated."""
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels), "threads": _DECODER_THREADS}
    stream.thread_type = "AUTO"


class Decoder(Generic[F]):
    """Pictures or sounds out of packets. What is damaged is passed over."""

    def __init__(self, decode: Callable[[Packet[Stream] | None], list[F]]) -> None:
        self._decode: Callable[[Packet[Stream] | None], list[F]] = decode
        self.starved = 0
        """How many packets in a row were refused memory. A damaged one may ask for any amount; many are in earnest."""

    def frames(self, packet: Packet[Stream] | None) -> list[F]:
        """What a packet completes; with None, what the decoder still holds. Raises MemoryError."""
        try:
            made = self._decode(packet)
        except FFmpegError as error:
            self.starved = self.starved + 1 if isinstance(error, MemoryError) else 0
            if self.starved >= _STARVED_PACKETS:
                raise
            return []
        self.starved = 0
        return made


def packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """The packets of some streams in the file's order, with clocks that do not jump. Broken places are passed over."""
    for stream in container.streams:
        stream.discard = Discard.default if stream in streams else Discard.all
    anew = container.format.name in JUMPING
    clocks = {stream.index: StreamClock(float(stream.time_base or 1), anew) for stream in streams}
    failures = 0
    while failures < _BROKEN_READS:
        try:
            for packet in container.demux(*streams):
                failures = 0
                _files[id(container)].bore_fruit()
                if packet.size:
                    clock = clocks[packet.stream_index]
                    packet.pts, packet.dts = clock.mend(packet.pts, packet.dts, max(0, packet.duration or 0))
                    yield packet
            return
        except (FFmpegError, IndexError):  # the latter for a stream that only begins here: PyAV knows it from now on
            failures += 1


def _rank(stream: VideoStream) -> tuple[bool, int, bool, int]:
    return (
        stream.frames != 1,  # a lone picture is a cover, whatever it claims to be
        stream.width * stream.height,
        bool(stream.disposition & Disposition.default),
        -stream.index,
    )


def _refuse_pictureless(container: InputContainer) -> NoReturn:
    if not len(container.streams):
        raise UnsupportedVideo(INCOMPLETE)
    if not container.streams.audio:
        raise UnsupportedVideo("There are no moving pictures in the file.")
    cover = " and a cover picture" if container.streams.video else ""
    raise UnsupportedVideo(f"The file is a sound recording{cover}: there are no moving pictures in it.")
