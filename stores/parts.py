"""Uploads that come in parts: what has come of each, and a record of it, in a folder or in an object store.

Each is named by its id, below `uploads/`. Of the record, only that it is bytes is known here.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from stores.files import PART, SOURCE, sync_folder, write_atomically
from stores.rows import NoPlainFile, read_plain

FOLDER = "uploads"
RECORD = "upload.json"

MOST_RECORD_BYTES = 1 << 20
"""A record is a few kB, of the head of a request."""


class Writer(Protocol):
    """Writes on from an offset."""

    def write(self, data: memoryview) -> int: ...

    def sync(self) -> None:
        """What was written is there for good, and for others."""

    def close(self) -> None: ...


class Parts(Protocol):
    """Whatever is called may raise OSError or StorageUnavailable."""

    def ids(self) -> list[str]: ...

    def begin(self, upload_id: str, record: bytes) -> None: ...

    def record(self, upload_id: str) -> bytes | None:
        """None where there is no such upload."""

    def keep_record(self, upload_id: str, record: bytes) -> None:
        """Raises FileNotFoundError where there is no such upload any more."""

    def has(self, upload_id: str, size: int) -> bool:
        """Whether so many bytes came."""

    def writer(self, upload_id: str, offset: int) -> Writer:
        """What was written beyond the offset is written again."""

    def whole(self, upload_id: str, size: int) -> Path:
        """All of it in one file on this machine's disk, until that is let go."""

    def let_go(self, whole: Path) -> None: ...

    def remove(self, upload_id: str) -> None: ...


class FolderParts:
    """A folder for each, with `source.part` and the record in it."""

    def __init__(self, root: Path) -> None:
        self._root = root / FOLDER

    def ids(self) -> list[str]:
        with suppress(FileNotFoundError):
            return [path.name for path in self._root.iterdir() if path.is_dir()]
        return []

    def begin(self, upload_id: str, record: bytes) -> None:
        folder = self._root / upload_id
        folder.mkdir(mode=0o700, parents=True)
        self._file(upload_id).touch()
        write_atomically(folder / RECORD, record)
        sync_folder(self._root)
        sync_folder(self._root.parent)

    def record(self, upload_id: str) -> bytes | None:
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, NoPlainFile, ValueError):
            return read_plain(self._root / upload_id / RECORD, MOST_RECORD_BYTES)
        return None

    def keep_record(self, upload_id: str, record: bytes) -> None:
        write_atomically(self._root / upload_id / RECORD, record)

    def has(self, upload_id: str, size: int) -> bool:
        with suppress(FileNotFoundError, NotADirectoryError):
            return self._file(upload_id).stat().st_size >= size
        return False

    def writer(self, upload_id: str, offset: int) -> Writer:
        return _FileWriter(self._file(upload_id), offset)

    def whole(self, upload_id: str, size: int) -> Path:
        return self._file(upload_id)

    def let_go(self, whole: Path) -> None:
        """It lies where it is kept."""

    def remove(self, upload_id: str) -> None:
        shutil.rmtree(self._root / upload_id, ignore_errors=True)
        with suppress(OSError):
            self._root.rmdir()  # where it is empty

    def _file(self, upload_id: str) -> Path:
        return self._root / upload_id / f"{SOURCE}{PART}"


class _FileWriter:
    def __init__(self, path: Path, offset: int) -> None:
        self._file: BinaryIO = path.open("r+b", buffering=0)
        self._file.truncate(offset)
        self._file.seek(offset)

    def write(self, data: memoryview) -> int:
        return self._file.write(data)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()
