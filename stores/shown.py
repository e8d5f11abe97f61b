"""A session's file as it is read and handed out, wherever it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

CHUNK_BYTES = 256 << 10
"""Read from a disk in one go: about a thousand turns for a quarter of a gigabyte."""

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".edl": "text/plain; charset=utf-8",
    ".json": "application/json",
}
"""What a file is, by its ending. What is not here is bytes without a meaning."""

Method = Literal["GET", "HEAD"]

BYTES = "application/octet-stream"


@dataclass(frozen=True)
class StoredFile:
    """A file that is open for reading, wherever it is kept."""

    size: int
    etag: str
    modified: float
    """Seconds since 1970."""
    read: Callable[[int, int], bytes]
    """(offset, most bytes) to what lies there. Raises OSError or StorageUnavailable."""
    close: Callable[[], None]
    piece_bytes: int = CHUNK_BYTES
    """How much to ask for at once."""


@dataclass(frozen=True)
class Shown:
    """As what a file is handed out: its type, and what a client is to do with it and call it."""

    media_type: str
    disposition: str
