"""Hand-made files that promise, nest or unfold more than they are: each is a function from a folder to a path."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.lies import boxes
from benchmarks.lies.boxes import box, drawn, lie, told
from video.draw import Style, encode

Write = Callable[[Path], None]
"""Writes one file."""

HUGE = 2 << 30
"""Bytes that a file seems to have; the disk holds none of them."""


def bombs() -> dict[str, Write]:
    """All of them by name; the ending of a name is what the file calls itself."""
    return {**_pictures(), **_headers(), **_nested(), **_scripts(), **_archives(), **_sparse()}


def _pictures() -> dict[str, Write]:
    """Small files that unfold into large pictures, or very many."""
    return {
        "65000x65000.mov": lambda path: lie(drawn("mjpeg"), path, b"\xff\xc0\0\x11\x08", 5, b"\xfd\xe8" * 2),
        "8192x8192.webm": lambda path: _flat(path, 8192, 8192, "libvpx", "yuv420p", 1),
        "16383x64.webm": lambda path: _flat(path, 16_383, 64, "libvpx", "yuv420p", 3),
        "16x16380.mp4": lambda path: _flat(path, 16, 16_380, "libx264", "yuv420p", 3),
        "thousand-a-second.mp4": lambda path: _flat(path, 64, 64, "libx264", "yuv420p", 60_000, rate=1000),
        "grows.ts": _grows,
        "one-picture-a-day.mkv": lambda path: _apart(path, 86_400),
        "one-picture-a-year.mp4": lambda path: _apart(path, 86_400 * 365 // 100),
    }


def _headers() -> dict[str, Write]:
    """An honest MP4 or Matroska, one of whose headers lies."""
    top = b"\x7f\xff\xff\xff"
    return {
        "lasts-years.mp4": lambda path: told(path, {b"mvhd": (20, top), b"tkhd": (24, top), b"mdhd": (20, top)}),
        "lasts-less-than-nothing.mp4": lambda path: told(
            path, {b"mvhd": (20, b"\xff" * 4), b"mdhd": (20, b"\xff" * 4)}
        ),
        "no-ticks-a-second.mp4": lambda path: told(path, {b"mdhd": (16, bytes(4)), b"mvhd": (16, bytes(4))}),
        "billion-ticks-a-second.mp4": lambda path: told(path, {b"mdhd": (16, struct.pack(">I", 10**9))}),
        "no-tick-a-picture.mp4": lambda path: told(path, {b"stts": (16, bytes(4))}),
        "years-a-picture.mp4": lambda path: told(path, {b"stts": (16, top)}),
        "billions-of-samples.mp4": lambda path: told(path, {b"stsz": (12, top), b"stts": (12, top)}),
        "billions-of-equal-samples.mp4": lambda path: told(path, {b"stsz": (8, b"\0\0\0\1" + top), b"stts": (12, top)}),
        "billions-of-chunks.mp4": lambda path: told(path, {b"stco": (8, top), b"stsc": (8, top)}),
        "wide-as-can-be.mp4": lambda path: told(path, {b"avc1": (28, b"\xff\xff\xff\xff")}),
        "one-box-of-everything.mp4": lambda path: told(path, {b"moov": (-4 + 4 - 4, top)}),
        "hours-a-picture.avi": lambda path: lie(drawn("mpeg4"), path, b"avih", 4, b"\xff\xff\xff\xff"),
        "no-time-a-picture.avi": lambda path: lie(drawn("mpeg4"), path, b"strh", 24, bytes(8)),
    }


def _nested() -> dict[str, Write]:
    """Boxes in boxes, lists without end, streams by the thousand."""
    return {
        "boxes-in-boxes.mp4": lambda path: _write(path, boxes.FTYP + boxes.nested(b"moov", 20_000)),
        "tracks-in-tracks.mp4": lambda path: _write(path, boxes.FTYP + box(b"moov", boxes.nested(b"trak", 20_000))),
        "hundred-thousand-tracks.mp4": lambda path: _write(path, boxes.with_tracks(100_000)),
        "hundred-thousand-fragments.mp4": lambda path: _write(path, boxes.with_fragments(100_000)),
        "edits-by-the-million.mp4": lambda path: _write(path, boxes.with_edits(1_000_000)),
        "edits-that-go-back.mp4": lambda path: _write(path, boxes.with_edits(20_000, back=True)),
        "million-samples-of-nothing.mp4": lambda path: _write(path, boxes.with_samples(1_000_000)),
        "void-of-exabytes.mkv": lambda path: _write(path, boxes.EBML + b"\x18\x53\x80\x67\xff\xec\x01" + b"\xff" * 7),
        "voids-by-the-million.mkv": lambda path: _write(
            path, boxes.EBML + boxes.UNKNOWN_SEGMENT + b"\xec\x80" * 1_000_000
        ),
        "masters-in-masters.mkv": lambda path: _write(
            path, boxes.EBML + boxes.UNKNOWN_SEGMENT + b"\x11\x4d\x9b\x74\x01" * 50_000
        ),
        "ten-thousand-streams.ts": lambda path: _write(path, boxes.with_programs(8000)),
    }


def _scripts() -> dict[str, Write]:
    """What names other files, plain and behind the first bytes of a video."""
    texts = {
        "playlist.m3u8": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        "script.ffconcat": "ffconcat version 1.0\nfile 'file:///etc/passwd'\n" * 1000,
        "session.sdp": "v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "manifest.mpd": '<?xml version="1.0"?><MPD><Period><BaseURL>http://127.0.0.1:9/</BaseURL></Period></MPD>',
        "billion-laughs.ism": '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "' + "ha" * 9999 + '">]><l>&a;</l>',
    }
    writes: dict[str, Write] = {name: _saying(text) for name, text in texts.items()}
    writes["playlist-behind-a-sync-byte.ts"] = lambda path: _write(path, b"G" + texts["playlist.m3u8"].encode() * 50)
    writes["playlist-behind-a-box.mp4"] = lambda path: _write(path, boxes.FTYP + texts["playlist.m3u8"].encode())
    writes["elsewhere.mov"] = lambda path: _write(path, boxes.with_data_elsewhere(b"file:///etc/passwd"))
    return writes


def _archives() -> dict[str, Write]:
    """Archives and pictures that call themselves videos."""
    return {
        "zip-of-a-gigabyte.mp4": _zip,
        "gzip-of-a-gigabyte.mp4": lambda path: _write(path, gzip.compress(bytes(64 << 20))),
        "png-of-a-gigapixel.mp4": lambda path: _write(path, _png()),
        "gif-of-65535-squared.mp4": lambda path: _write(
            path, b"GIF89a" + b"\xff" * 4 + b"\xf7\0\0" + bytes(768) + b",;" * 99
        ),
        "box-squeezed.mov": lambda path: _write(path, boxes.squeezed(256 << 20)),
    }


def _sparse() -> dict[str, Write]:
    """Files of two gigabytes that hold next to nothing."""
    return {
        "zeros.mp4": lambda path: _sparse_after(path, b""),
        "zeros-behind-a-head.mp4": lambda path: _sparse_after(
            path, boxes.FTYP + b"\0\0\0\1mdat" + struct.pack(">Q", HUGE)
        ),
        "zeros-behind-a-head.mkv": lambda path: _sparse_after(path, boxes.EBML + boxes.UNKNOWN_SEGMENT),
        "zeros-behind-packets.ts": lambda path: _sparse_after(path, (b"G" + b"\x1f\xff\x10" + b"\xff" * 184) * 30),
        "zeros-behind-a-pack.mpg": lambda path: _sparse_after(path, b"\0\0\1\xba" + bytes(10) + b"\0\0\1\xbb"),
        "zeros-behind-a-page.ogv": lambda path: _sparse_after(path, b"OggS" + bytes(24)),
        "zeros-behind-a-tag.flv": lambda path: _sparse_after(path, b"FLV\1\5\0\0\0\x09\0\0\0\0"),
    }


def _saying(text: str) -> Write:
    return lambda path: _write(path, text.encode())


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _sparse_after(path: Path, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(HUGE)


def _flat(path: Path, width: int, height: int, codec: str, pixels: str, count: int, rate: int = 25) -> None:
    """Pictures of one grey, which every codec makes next to nothing of."""
    options = {"preset": "ultrafast", "g": "100000"} if codec == "libx264" else {}
    if codec.startswith("libvpx"):
        options = {"deadline": "realtime", "cpu-used": "8", "b": "10k"}
    picture = np.full((height, width, 3), 90, np.uint8)
    encode(path, ((number, picture) for number in range(count)), Style(width, height, rate, codec, pixels, options))


def _apart(path: Path, seconds: int) -> None:
    pictures = ((number * seconds, np.full((36, 64, 3), 90, np.uint8)) for number in range(100))
    encode(path, pictures, Style(64, 36, 1, options={"g": "1"}))


def _grows(path: Path) -> None:
    """A small video that goes on as one of 41 million pixels."""
    small, large = path.with_suffix(".small.ts"), path.with_suffix(".large.ts")
    _flat(small, 64, 64, "libx264", "yuv420p", 25)
    _flat(large, 8192, 5000, "libx264", "yuv420p", 1)
    _write(path, small.read_bytes() + large.read_bytes())
    small.unlink()
    large.unlink()


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("v.mp4", "w") as inside:
        for _ in range(64):
            inside.write(bytes(1 << 20))


def _png() -> bytes:
    head = struct.pack(">IIBBBBB", 32_768, 32_768, 8, 0, 0, 0, 0)
    chunks = io.BytesIO()
    for name, body in ((b"IHDR", head), (b"acTL", b"\xff" * 8), (b"IDAT", zlib.compress(bytes(1 << 20)))):
        chunks.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))
    return b"\x89PNG\r\n\x1a\n" + chunks.getvalue()


SLOW_TO_MAKE = {
    *("8192x8192.webm", "thousand-a-second.mp4", "grows.ts", "box-squeezed.mov", "hundred-thousand-tracks.mp4"),
    *("hundred-thousand-fragments.mp4", "edits-by-the-million.mp4", "zip-of-a-gigabyte.mp4", "gzip-of-a-gigabyte.mp4"),
}
"""Making these takes a second or more; a quick trial leaves them out."""
