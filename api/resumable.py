"""Uploads that arrive in parts: what has come of each, on disk, so that a restart takes them up where they were.

Each has a folder below `uploads/`, named by its id, which will be its session's: `source.part`, the bytes, and
`upload.json`, which says how many of them are synced to disk. Only those count.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from pydantic import AwareDatetime, BaseModel, Field

from api.space import Claim, Space, disk_full
from errors import HttpRefusal
from logs import event
from session_manager import new_session_id
from stores.files import PART, is_session_id, sync_folder, write_atomically
from stores.rows import read_plain

logger = logging.getLogger(__name__)

FOLDER = "uploads"
RECORD = "upload.json"

MOST_RECORD_BYTES = 1 << 20
"""A record is a few kB, of the head of a request."""

SYNC_BYTES = 16 << 20
"""After so many bytes they are synced and counted: what a crash has sent again at most."""

MOST_BYTES = 10**15
"""As many as a head can announce: a record that says more was damaged, and would take all room there is."""


class Record(BaseModel):
    """What is known of an upload, as its file has it. `metadata` is as the client wrote it."""

    length: int = Field(ge=1, le=MOST_BYTES)
    offset: int
    metadata: str
    owner: str
    token_hash: str | None = None
    expires_at: AwareDatetime


@dataclass
class Resumable:
    """One upload. Used by one request at a time, which has it `held`."""

    id: str
    folder: Path
    record: Record
    claim: Claim
    busy: bool = False
    gone: bool = False

    @property
    def path(self) -> Path:
        return self.folder / f"source{PART}"

    @property
    def complete(self) -> bool:
        return self.record.offset == self.record.length

    @contextmanager
    def held(self) -> Iterator[None]:
        if self.busy:
            raise HttpRefusal("Another request is at this upload; try again in a moment", 423, "upload_locked")
        self.busy = True
        try:
            yield
        finally:
            self.busy = False


class Sink:
    """Writes on at the upload's offset. What was written and not counted before is written again."""

    def __init__(self, upload: Resumable, ttl: timedelta, floor_bytes: int) -> None:
        self._upload = upload
        self._ttl = ttl
        self._floor_bytes = floor_bytes
        self._file: BinaryIO = upload.path.open("r+b", buffering=0)
        self._file.truncate(upload.record.offset)
        self._file.seek(upload.record.offset)
        self._uncounted = 0

    def write(self, data: bytes | bytearray) -> None:
        """Raises InsufficientStorage."""
        if self._upload.claim.free_bytes() < self._floor_bytes:
            raise disk_full()
        view = memoryview(data)
        while view:
            count = self._file.write(view)
            view = view[count:]
            self._uncounted += count
            self._upload.claim.wrote(count)
        if self._uncounted >= SYNC_BYTES:
            self._count()

    def close(self) -> None:
        """What came is counted, whatever ended the coming."""
        try:
            if self._uncounted:
                self._count()
        finally:
            self._file.close()

    def _count(self) -> None:
        if self._upload.gone:
            return
        os.fsync(self._file.fileno())
        record = self._upload.record
        changed = {"offset": record.offset + self._uncounted, "expires_at": datetime.now(UTC) + self._ttl}
        self._upload.record = record.model_copy(update=changed)
        self._uncounted = 0
        _keep(self._upload)


class Resumables:
    """All uploads that are not complete, or complete and not yet looked at. Safe from any thread."""

    def __init__(self, root: Path, space: Space, *, ttl_hours: float, most: int) -> None:
        self._root = root / FOLDER
        self._space = space
        self._ttl = timedelta(hours=ttl_hours)
        self._most = most
        self._guard = threading.Lock()
        self._uploads: dict[str, Resumable] = {}

    def open(self, is_session: Callable[[str], bool]) -> None:
        """Take up what an earlier run left; what became a session meanwhile is one."""
        folders = [path for path in self._root.iterdir() if path.is_dir()] if self._root.is_dir() else []
        for folder in folders:
            upload = None if is_session(folder.name) else self._read(folder)
            if upload is None:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                self._uploads[upload.id] = upload
        self._tidy()

    def create(self, length: int, metadata: str, owner: str, token_hash: str | None = None) -> Resumable:
        """Raises InsufficientStorage, and HttpRefusal when there are too many."""
        self.sweep()
        until = datetime.now(UTC) + self._ttl
        record = Record(
            length=length, offset=0, metadata=metadata, owner=owner, token_hash=token_hash, expires_at=until
        )
        upload = self._admit(record)
        try:
            upload.folder.mkdir(mode=0o700, parents=True)
            upload.path.touch()
            _keep(upload)
            sync_folder(self._root)
            sync_folder(self._root.parent)
        except BaseException:
            self.remove(upload)
            raise
        return upload

    def _admit(self, record: Record) -> Resumable:
        with self._guard:
            if len(self._uploads) >= self._most:
                words = f"{self._most} uploads have begun and not ended; try again later"
                raise HttpRefusal(words, 429, "too_many_uploads")
            upload_id, claim = new_session_id(), self._space.claim(record.length)
            upload = self._uploads[upload_id] = Resumable(upload_id, self._root / upload_id, record, claim)
            return upload

    def get(self, upload_id: str, owner: str) -> Resumable | None:
        upload = self._uploads.get(upload_id)
        return upload if upload and upload.record.owner == owner and not self._expired(upload) else None

    def sink(self, upload: Resumable) -> Sink:
        return Sink(upload, self._ttl, self._space.floor_bytes)

    def remove(self, upload: Resumable) -> None:
        upload.gone = True
        if self._uploads.pop(upload.id, None):
            upload.claim.release()
        shutil.rmtree(upload.folder, ignore_errors=True)
        self._tidy()

    def sweep(self) -> None:
        """Remove those that expired."""
        for upload in list(self._uploads.values()):
            if self._expired(upload):
                event(logger, "upload expired", upload=upload.id, bytes=upload.record.offset)
                self.remove(upload)

    def _expired(self, upload: Resumable) -> bool:
        return not upload.busy and datetime.now(UTC) >= upload.record.expires_at

    def _read(self, folder: Path) -> Resumable | None:
        try:
            record = Record.model_validate_json(read_plain(folder / RECORD, MOST_RECORD_BYTES))
            size = (folder / f"source{PART}").stat().st_size
        except (OSError, ValueError):
            return None  # it was being made, or deleted, or was damaged
        if not is_session_id(folder.name) or not 0 <= record.offset <= min(size, record.length):
            return None
        return Resumable(folder.name, folder, record, self._space.reclaim(record.length - record.offset))

    def _tidy(self) -> None:
        with suppress(OSError):
            self._root.rmdir()  # where it is empty


def _keep(upload: Resumable) -> None:
    write_atomically(upload.folder / RECORD, upload.record.model_dump_json().encode())
