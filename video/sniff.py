"""Tells from a file's first bytes what it is instead of a video, and what a video's container is called."""

from __future__ import annotations

HEAD_BYTES = 4096
"""Enough for every mark below, and for eight packets of a transport stream from any of its places."""

INCOMPLETE = "The video is incomplete or damaged: its table of contents is missing. Was it saved or sent to the end?"

_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF87a": "a GIF picture",
    b"GIF89a": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"BM": "a BMP picture",
}
_SOUNDS = {b"ID3": "an MP3", b"fLaC": "a FLAC", b"#!AMR": "an AMR", b"\xff\xf1": "an AAC", b"\xff\xf9": "an AAC"}
_SOUNDS |= dict.fromkeys((b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2"), "an MP3")
_PAPERS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_MARKS = {
    **{mark: f"The file is {what}, not a video." for mark, what in (_PICTURES | _PAPERS).items()},
    **{
        mark: f"The file is {what} sound recording: there are no moving pictures in it."
        for mark, what in _SOUNDS.items()
    },
}
_PLAYLISTS = (b"#extm3u", b"ffconcat version", b"[playlist]", b"[reference]")
_PICTURE_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif"}

_MXF, _PACK = bytes.fromhex("060e2b34020501010d010201"), b"\0\0\1\xba"
_CONTAINERS = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"FLV\1": "flv",
    b"OggS": "ogg",
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"): "asf",
    _PACK: "mpeg",
    _MXF: "mxf",
}
_BOXES = {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx"}
"""What an MP4 or QuickTime file may begin with."""
_NO_SIZES = range(2, 8)
"""Of a box: 0 is to the end of the file, 1 that its size follows, and less than its own head is nonsense."""

_SYNC, _STRIDES, _PACKETS = 0x47, (188, 192, 204), 8
"""Every packet of a transport stream begins with a G: bare, with a time before it, or with its repair behind it. Of so
many in a row one may be damaged."""


def not_a_video(head: bytes) -> str | None:
    """Words for a file that is surely something else, or None. `head` is its first HEAD_BYTES."""
    if not head:
        return "The file is empty."
    if (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS):
        return "The file is a still picture, not a video."
    if head[:4] in (b"RIFF", b"FORM") and head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):
        return "The file is a sound recording: there are no moving pictures in it."
    for mark, words in _MARKS.items():
        if head.startswith(mark):
            return words
    return _as_text(head)


def reader_of(head: bytes) -> str | None:
    """FFmpeg's name of the one reader that a file is for, by what no other kind of file begins with; None where it
    is not read here, or damaged at its very beginning."""
    for mark, reader in _CONTAINERS.items():
        if head.startswith(mark):
            return reader
    if head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"AVIX"):
        return "avi"
    if head[4:8] in _BOXES and int.from_bytes(head[:4], "big") not in _NO_SIZES:
        return "mov"
    if any(_in_step(head, stride, first) for stride in _STRIDES for first in range(stride)):
        return "mpegts"
    # A sharing device or an editor may have written something before it.
    return "mxf" if _MXF in head else "mpeg" if _PACK in head else None


def _in_step(head: bytes, stride: int, first: int) -> bool:
    marks = head[first : first + _PACKETS * stride : stride]
    return len(marks) == _PACKETS and marks.count(_SYNC) >= _PACKETS - 1


def why_unreadable(head: bytes) -> str:
    """Words for a file that no reader takes, once `not_a_video` had none."""
    if head[4:8] == b"ftyp":
        return INCOMPLETE
    if not any(head):
        return "The file holds nothing but zeros."
    return "The file is not a video in a format this service reads, or its beginning is damaged."


def extension(reader: str, head: bytes) -> str:
    """The file extension that suits a container. `reader` is FFmpeg's name for its format."""
    if reader.startswith("mov"):
        brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
        return "mov" if brand == b"qt  " else "3gp" if brand.startswith(b"3g") else "mp4"
    if reader.startswith("matroska"):
        return "webm" if b"webm" in head[:64] else "mkv"
    return {"mpegts": "ts", "mpeg": "mpg", "asf": "wmv", "ogg": "ogv"}.get(reader, reader)


_PLAYED = {"mp4": {"h264", "av1", "vp9"}, "mov": {"h264"}, "webm": {"vp8", "vp9", "av1"}}
_PLAYED_SOUND = {"mp4": {"aac", "mp3", "opus", "flac"}, "mov": {"aac", "mp3"}, "webm": {"vorbis", "opus"}}
_PLAYED_PIXELS = {"yuv420p", "yuvj420p"}


def browsers_play(container: str, codec: str, pixels: str, sound: str | None) -> bool:
    """Whether today's Chrome, Firefox, Safari and Edge play a file, by FFmpeg's names of what is in it."""
    played = codec in _PLAYED.get(container, ()) and pixels in _PLAYED_PIXELS
    return played and (sound is None or sound in _PLAYED_SOUND[container])


def _as_text(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PLAYLISTS) or (text.startswith(b"<?xml") and b"<mpd" in text):
        return "The file is a playlist: it names videos and holds none."
    if text.startswith((b"<!doctype html", b"<html")):
        return "The file is a web page, not a video. Was the page saved instead of the video?"
    if text.startswith((b"<svg", b"<?xml")):
        return "The file is text (XML), not a video."
    # Seven-bit text without control characters, or UTF-8; the last character may be cut in two.
    if any(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in head):
        return None
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if len(head) < HEAD_BYTES or error.start < len(head) - 3:
            return None
    return "The file is text, not a video."
