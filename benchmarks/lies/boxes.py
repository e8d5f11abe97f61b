"""MP4, Matroska and transport streams by hand: what no honest program would write."""

from __future__ import annotations

import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path

from benchmarks.lies.seeds import FORMS
from video.draw import draw_video

EBML = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282886d6174726f736b614287810442858102")
UNKNOWN_SEGMENT = bytes.fromhex("1853806701ffffffffffffff")


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


FTYP = box(b"ftyp", b"isom\0\0\2\0isomavc1mp41")


@cache
def drawn(codec: str) -> bytes:
    """An honest video: `h264` in MP4, `mpeg4` in AVI, `mjpeg` in QuickTime."""
    name = {"h264": "h264.mp4", "mpeg4": "mpeg4.avi", "mjpeg": "mjpeg.mov"}[codec]
    with tempfile.TemporaryDirectory() as folder:
        draw_video(Path(folder) / name, 1.0, style=FORMS[name])
        return (Path(folder) / name).read_bytes()


def lie(data: bytes, path: Path, name: bytes, field: int, said: bytes) -> None:
    """Every box of a name says something else, `field` bytes behind the beginning of its name."""
    changed, start = bytearray(data), 0
    while (at := changed.find(name, start)) >= 0:
        changed[at + field : at + field + len(said)] = said
        start = at + len(name)
    path.write_bytes(changed)


def told(path: Path, lies: dict[bytes, tuple[int, bytes]]) -> None:
    """An honest MP4 but for some boxes: of each, a field and what it says."""
    path.write_bytes(drawn("h264"))
    for name, (field, said) in lies.items():
        lie(path.read_bytes(), path, name, field, said)


def nested(name: bytes, depth: int) -> bytes:
    """A box in a box in a box."""
    heads = (struct.pack(">I", 8 * (depth - level)) + name for level in range(depth))
    return b"".join(heads)


def _full(name: bytes, *parts: bytes) -> bytes:
    return box(name, bytes(4) + b"".join(parts))


def _track(stts: bytes, stsz: bytes, *, edits: bytes = b"", dref: bytes = b"") -> bytes:
    """A track of JPEG pictures of 64 × 36, whose samples would lie from byte 0 on."""
    entry = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HHIIIH", 64, 36, 72 << 16, 72 << 16, 0, 1)
    entry += bytes(32) + struct.pack(">Hh", 24, -1)
    tables = b"".join(
        (
            _full(b"stsd", struct.pack(">I", 1), box(b"jpeg", entry)),
            _full(b"stts", stts),
            _full(b"stsc", struct.pack(">IIII", 1, 1, 1, 1)),
            _full(b"stsz", stsz),
            _full(b"stco", struct.pack(">II", 1, 0)),
        )
    )
    here = dref or box(b"url ", b"\0\0\0\1")
    inside = _full(b"vmhd", bytes(8)) + box(b"dinf", _full(b"dref", struct.pack(">I", 1), here)) + box(b"stbl", tables)
    times = struct.pack(">IIIIHH", 0, 0, 1000, 10_000, 0x55C4, 0)
    handler = _full(b"hdlr", b"mhlrvide", bytes(13))
    media = box(b"mdia", _full(b"mdhd", times) + handler + box(b"minf", inside))
    head = struct.pack(">IIIII", 0, 0, 1, 0, 10_000) + bytes(52) + struct.pack(">II", 64 << 16, 36 << 16)
    return box(b"trak", box(b"tkhd", b"\0\0\0\3" + head) + edits + media)


def _movie(*tracks: bytes) -> bytes:
    head = _full(b"mvhd", struct.pack(">IIII", 0, 0, 1000, 10_000), bytes(76), struct.pack(">I", 2))
    return FTYP + box(b"moov", head + b"".join(tracks))


_ONE_TIME, _ONE_SIZE = struct.pack(">III", 1, 1, 40), struct.pack(">III", 0, 1, 32)


def with_tracks(count: int) -> bytes:
    return _movie(_track(_ONE_TIME, _ONE_SIZE) * count)


def with_fragments(count: int) -> bytes:
    fragment = box(b"moof", _full(b"mfhd", bytes(4)) + box(b"traf", _full(b"tfhd", struct.pack(">I", 1))))
    return _movie(_track(_ONE_TIME, _ONE_SIZE)) + fragment * count


def with_edits(count: int, back: bool = False) -> bytes:
    """An edit list of one picture after the other, or of the whole over and over."""
    edit = struct.pack(">IiI", 10_000 if back else 1, 0, 1 << 16)
    edits = box(b"edts", _full(b"elst", struct.pack(">I", count), edit * count))
    return _movie(_track(struct.pack(">III", 1, 1000, 10), struct.pack(">II", 1, 1000), edits=edits))


def with_samples(count: int) -> bytes:
    return _movie(_track(struct.pack(">III", 1, count, 1), struct.pack(">II", 1, count)))


def with_data_elsewhere(url: bytes) -> bytes:
    """A QuickTime film whose pictures lie in another file, by URL and by alias."""
    return _movie(_track(_ONE_TIME, _ONE_SIZE, dref=_full(b"url ", url + b"\0")))


def with_programs(count: int) -> bytes:
    """A transport stream that announces a stream of its own in every packet."""
    packets = []
    for number in range(count):
        head = struct.pack(">BHB", 0x47, 0x4000 | (0x20 + number % 8000), 0x10)
        packets.append(head + b"\0\0\1\xe0\0\0\x80\x80\5!\0\1\0\1" + b"\0\0\1\xb3" + bytes(166))
    return b"".join(packets)


def squeezed(size: int) -> bytes:
    """A QuickTime film whose table of contents is compressed, and unfolds to `size` bytes."""
    packed = zlib.compress(bytes(size), 9)
    inside = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", size) + packed)
    return box(b"moov", box(b"cmov", inside))
