"""Uploads that come in parts, in an object store: an object for each stretch of bytes, and one for the record.

A stretch is named by where it begins. One that was sent and not counted is replaced by what is sent from there anew.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from config import Settings
from errors import StorageUnavailable
from stores.bucket import AWAY, Bucket
from stores.files import PART
from stores.parts import FOLDER, RECORD, Writer


def open_object_parts(settings: Settings) -> ObjectParts:
    return ObjectParts(Bucket(settings.storage_url), settings.data_dir)


class ObjectParts:
    """Objects are below `uploads/<id>/`. What is not sent yet, and what is joined again, is in files in `root`."""

    def __init__(self, bucket: Bucket, root: Path) -> None:
        self._bucket = bucket
        self._root = root / FOLDER

    def ids(self) -> list[str]:
        return self._bucket.folders(FOLDER)

    def begin(self, upload_id: str, record: bytes) -> None:
        self._bucket.put(_key(upload_id, RECORD), record)

    def record(self, upload_id: str) -> bytes | None:
        with suppress(FileNotFoundError):
            return self._bucket.read(_key(upload_id, RECORD))
        return None

    def keep_record(self, upload_id: str, record: bytes) -> None:
        self._bucket.stat(_key(upload_id, RECORD))
        self._bucket.put(_key(upload_id, RECORD), record)

    def has(self, upload_id: str, size: int) -> bool:
        return True  # nothing is counted that is not there

    def writer(self, upload_id: str, offset: int) -> Writer:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _ObjectWriter(self._bucket, upload_id, offset, self._root / f"{upload_id}.{uuid.uuid4().hex[:8]}{PART}")

    def whole(self, upload_id: str, size: int) -> Path:
        sizes = {one.key: one.size for one in self._bucket.listed(_key(upload_id, ""))}
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._root / f"{upload_id}.{uuid.uuid4().hex[:8]}{PART}"
        try:
            with path.open("xb") as file:
                while (at := file.tell()) < size:
                    key = _stretch(upload_id, at)
                    if not sizes.get(key):
                        raise StorageUnavailable(AWAY)
                    for piece in self._bucket.pieces(key, sizes[key], _never):
                        file.write(piece)
        except BaseException:
            self.let_go(path)
            raise
        return path

    def let_go(self, whole: Path) -> None:
        whole.unlink(missing_ok=True)
        with suppress(OSError):
            self._root.rmdir()  # where it is empty

    def remove(self, upload_id: str) -> None:
        """The record first: without it there is no upload."""
        with suppress(StorageUnavailable):  # the next sweep finds it
            self._bucket.delete([_key(upload_id, RECORD)])
            self._bucket.delete([one.key for one in self._bucket.listed(_key(upload_id, ""))])


class _ObjectWriter:
    """Collects in a file what becomes one object at each `sync`."""

    def __init__(self, bucket: Bucket, upload_id: str, offset: int, path: Path) -> None:
        self._bucket = bucket
        self._upload_id = upload_id
        self._offset = offset
        self._path = path
        self._file = path.open("xb", buffering=0)

    def write(self, data: memoryview) -> int:
        return self._file.write(data)

    def sync(self) -> None:
        size = self._file.tell()
        self._bucket.put_file(_stretch(self._upload_id, self._offset), self._path)
        self._offset += size
        self._file.seek(0)
        self._file.truncate()

    def close(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


def _key(upload_id: str, name: str) -> str:
    return f"{FOLDER}/{upload_id}/{name}".rstrip("/")


def _stretch(upload_id: str, offset: int) -> str:
    return _key(upload_id, f"part-{offset:016}")


def _never() -> bool:
    return False
