"""A multipart body to disk: one write a byte, memory that stays flat, disk work off the event loop."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.batches import Writer
from api.desk import Batch, Desk
from api.forms import refuse
from api.space import disk_full
from errors import UploadTooLarge
from stores.files import FULL_DISK

MAX_FIELD_BYTES = 64_000
MAX_PARTS = 32

MAX_HEADER_BYTES = 16_000
"""Of one line of a part's head. File names may be long: they are shown shortened."""

FLUSH_BYTES = 4 << 20
"""After so many the system is told to put them on disk."""

Data = bytes | memoryview

FORM_OVERHEAD_BYTES = 1 << 20
"""What a body may have beside the video: the other fields and the parts' headers."""


class Sink(Protocol):
    """Takes a file's bytes, in order, in a thread of its own choosing."""

    def write(self, data: Data) -> None: ...


class Hash(Protocol):
    def update(self, data: Data, /) -> None: ...

    def hexdigest(self) -> str: ...


def begin_flush(descriptor: int, start: int, end: int) -> None:
    """Have the system begin to put these bytes on disk, so that the sync at the end finds little left to do.

    Dirty pages begin to be written when they are declared unneeded, and stay in memory meanwhile; elsewhere than on
    Linux nothing happens.
    """
    if sys.platform == "linux":
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_DONTNEED)


@dataclass
class FileSink:
    """Writes to a new file and hashes on the way. Raises InsufficientStorage when the disk is, or gets, too full."""

    path: Path
    free_bytes: Callable[[], int]
    floor_bytes: int
    hasher: Callable[[], Hash] = hashlib.sha256
    flush: Callable[[int, int, int], None] = begin_flush
    sync: Callable[[int], None] = os.fsync

    def __post_init__(self) -> None:
        self._hash = self.hasher()
        self._file: BinaryIO = self.path.open("xb", buffering=0)
        self._written = self._flushed = 0

    def write(self, data: Data) -> None:
        if self.free_bytes() < self.floor_bytes:
            raise disk_full()
        self._hash.update(data)
        try:
            self._write(data)
        except OSError as error:
            raise (disk_full() if error.errno in FULL_DISK else error) from error

    def _write(self, data: Data) -> None:
        view = memoryview(data)
        while view:
            count = self._file.write(view)
            self._written += count
            view = view[count:]
        if self._written - self._flushed >= FLUSH_BYTES:
            self.flush(self._file.fileno(), self._flushed, self._written)
            self._flushed = self._written

    def finish(self) -> str:
        """Sync to disk; gives the content's sha256 in hex."""
        self.sync(self._file.fileno())
        self.abandon()
        return self._hash.hexdigest()

    def abandon(self) -> None:
        self._file.close()


class FormReader:
    """Feeds a multipart body's file to a sink and keeps its text fields.

    The first part named `file_field` is the file; parts with other file names are skipped. `on_file` is
    called with the fields seen before it, and may refuse by raising.
    """

    def __init__(
        self, content_type: str, file_field: str, max_file_bytes: int, on_file: Callable[[Mapping[str, str]], None]
    ) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.file_bytes = 0
        self._file_field = file_field
        self._max_file_bytes = max_file_bytes
        self._on_file = on_file
        self._body_bytes = 0
        self._batch: Batch  # from when reading begins
        self._header_name = b""
        self._header_value = b""
        self._parts = 0
        self._ended = False
        self._begin_part()
        self._parser = self._open_parser(content_type)

    async def read(self, body: AsyncIterable[bytes], sink: Sink, desk: Desk) -> None:
        """Raises InvalidRequest, UploadTooLarge, and what the sink raises."""
        writer = Writer(sink.write, desk)
        self._batch = writer.first()
        try:
            async for chunk in body:
                self._parse(chunk)
                del chunk  # while the next is waited for, and while a thread is behind, it is in the batch alone
                if self._batch.full:
                    self._batch = await writer.write(self._batch)
            await writer.write(self._batch)
            await writer.finish()
            if not self._ended:
                raise refuse("body", "ends in the middle; send it again")
        finally:
            # Whatever happens, no thread writes to the sink any more when this returns.
            await writer.leave()

    def _parse(self, chunk: bytes) -> None:
        self._body_bytes += len(chunk)
        if self._body_bytes > self._max_file_bytes + FORM_OVERHEAD_BYTES:
            raise too_large(self._max_file_bytes)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise refuse("body", _what_is_wrong(error)) from error

    def _open_parser(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise refuse("video", "is missing: send a multipart/form-data body with the video as a file in this field")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin_part,
                    "on_header_field": self._add_header_name,
                    "on_header_value": self._add_header_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._end_headers,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
                max_header_size=MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise refuse("body", "has too long a multipart boundary") from error

    def _begin_part(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._value = bytearray()
        self._is_file = False

    def _add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise refuse("body", f"has more than {MAX_PARTS} parts")
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" not in options:
            self._field = name
            if name == self._file_field:
                raise refuse(name, "must be a file, sent with a file name")
            if name in self.fields:
                raise refuse(name, "is given twice")
        elif name == self._file_field:
            if self.filename is not None:
                raise refuse(name, "is given twice")
            self.filename = options[b"filename"].decode(errors="replace")
            self._is_file = True
            self._on_file(self.fields)

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.file_bytes += end - start
            if self.file_bytes > self._max_file_bytes:
                raise too_large(self._max_file_bytes)
            self._batch.add(memoryview(data)[start:end])
        elif self._field is not None:
            self._value += data[start:end]
            if len(self._value) > MAX_FIELD_BYTES:
                raise refuse(self._field, f"is longer than {MAX_FIELD_BYTES} bytes")

    def _end_part(self) -> None:
        if self._field is None:
            return
        try:
            self.fields[self._field] = self._value.decode()
        except UnicodeDecodeError as error:
            raise refuse(self._field, "is not UTF-8 text") from error

    def _end(self) -> None:
        self._ended = True


def _what_is_wrong(error: FormParserError) -> str:
    if "header size" in str(error):
        return f"has a part with a header, such as a file name, longer than {MAX_HEADER_BYTES} bytes"
    return "is not a multipart form as its Content-Type says"


def too_large(max_bytes: int) -> UploadTooLarge:
    return UploadTooLarge(f"The video is larger than the {max_bytes >> 20} MB that are accepted", maxBytes=max_bytes)
