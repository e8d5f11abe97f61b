"""One place in an object store, or in a folder that is used like one: what is asked of it, by obstore.

Nothing whole is held in memory but what is asked for whole, and nothing waits for ever.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from errors import AnalysisStopped, CannotStart, InsufficientStorage, StorageUnavailable
from stores.connecting import ANSWERING, WORKING, first_line, opened, wrong_with
from stores.files import PART
from stores.shown import BYTES, MEDIA_TYPES, Method

logger = logging.getLogger(__name__)

PART_BYTES = 8 << 20
"""Sent and fetched in one request."""

PARTS_AT_ONCE = 2

BATCH = 1000
"""Objects that are deleted by one request."""

LOOK_SECONDS = 0.05
"""How often somebody who waits for a piece asks whether to go on waiting."""

FULL = ("StorageFull", "QuotaExceeded", "No space left", "507 Insufficient Storage", "Disk quota exceeded")
"""What stores say when they have no room, in the words of MinIO, Ceph and the file system."""

RESPITE_SECONDS = 2.0
"""For so long nobody who has a client waiting asks a store again that just did not answer."""

AWAY = "The store for files cannot be reached; try again later"


@dataclass(frozen=True)
class Stored:
    """What is known of an object. `key` is its name below the place."""

    key: str
    size: int
    modified: datetime
    etag: str


class Bucket:
    """Safe from any thread. Raises StorageUnavailable, or InsufficientStorage, where a call cannot be done, whatever
    the reason, and FileNotFoundError where there is no such object."""

    def __init__(self, address: str, environ: Mapping[str, str] = os.environ) -> None:
        """Credentials and endpoint are those that the environment has for its kind of store."""
        url = urlsplit(address)
        self.kind = url.scheme
        self.prefix = "" if url.scheme == "file" else url.path.strip("/")
        self._patient = opened(url, self.prefix, WORKING, environ)
        self._quick = opened(url, self.prefix, ANSWERING, environ)
        self._away_until = 0.0
        self.trouble = ""
        """What was wrong when it was last asked for anything, in words."""

    def put_file(self, key: str, path: Path) -> None:
        """In parts, if it is large. There is all of it in the end, or nothing."""
        with self._told(f"put {key}"):
            obstore.put(
                self._patient,
                key,
                path,
                attributes=self._attributes(key),
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )

    def put(self, key: str, data: bytes) -> None:
        with self._told(f"put {key}"):
            obstore.put(self._patient, key, data, attributes=self._attributes(key), use_multipart=False)

    def create(self, key: str, data: bytes) -> bool:
        """Put what is not there; False where it is."""
        with self._asked(f"create {key}"):
            try:
                obstore.put(self._quick, key, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def stat(self, key: str) -> Stored:
        with self._asked(f"look at {key}", missing=key):
            return _stored(obstore.head(self._quick, key))

    def read(self, key: str) -> bytes:
        with self._asked(f"read {key}", missing=key):
            return bytes(obstore.get(self._quick, key).bytes())

    def read_stretch(self, key: str, start: int, length: int) -> bytes:
        with self._asked(f"read {key}", missing=key):
            return bytes(obstore.get_range(self._quick, key, start=start, length=length))

    @contextmanager
    def _asked(self, what: str, missing: str | None = None) -> Iterator[None]:
        """For a client that waits: while the store is away, each is told so at once, and few find it out."""
        if monotonic() < self._away_until:
            raise StorageUnavailable(AWAY)
        try:
            with self._told(what, missing):
                yield
        except StorageUnavailable:
            self._away_until = monotonic() + RESPITE_SECONDS
            raise

    @contextmanager
    def _told(self, what: str, missing: str | None = None) -> Iterator[None]:
        """What the store cannot do, in words for a client, and for an operator until it can do anything again; the log
        has the store's own. `missing` where an object that is not there is nothing odd."""
        try:
            yield
        except FileNotFoundError as error:
            if missing is None:
                raise self._failed(what, error) from error
            raise FileNotFoundError(errno.ENOENT, "no such object", missing) from None
        except (OSError, ValueError, BaseError) as error:
            raise self._failed(what, error) from error
        self.trouble = ""

    def _failed(self, what: str, error: Exception) -> StorageUnavailable | InsufficientStorage:
        refusal = _trouble(what, error)
        self.trouble = str(refusal).partition(";")[0]
        return refusal

    def fetch(self, key: str, path: Path, stopped: Callable[[], bool]) -> None:
        """Into a file that is there once it is complete. Raises AnalysisStopped, and OSError."""
        with self._told(f"look at {key}", missing=key):
            size = obstore.head(self._patient, key)["size"]
        if shutil.disk_usage(path.parent).free < size:
            raise OSError(errno.ENOSPC, "no room for the copy")
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}{PART}")
        try:
            with part.open("xb") as file:
                for data in self.pieces(key, size, stopped):
                    file.write(data)
            if part.stat().st_size != size:
                raise StorageUnavailable(AWAY)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def pieces(self, key: str, size: int, stopped: Callable[[], bool]) -> Iterator[bytes]:
        """One is on its way while the one before is written."""

        def begun(start: int) -> Future[bytes]:
            length = min(PART_BYTES, size - start)
            return _in_background(lambda: self._piece(key, start, length))

        starts = range(0, size, PART_BYTES)
        coming = begun(0) if size else None
        for start in starts:
            assert coming is not None
            data = _waited_for(coming, stopped)
            coming = begun(start + PART_BYTES) if start + PART_BYTES < size else None
            yield data

    def _piece(self, key: str, start: int, length: int) -> bytes:
        with self._told(f"fetch {key}", missing=key):
            return bytes(obstore.get_range(self._patient, key, start=start, length=length))

    def listed(self, folder: str | None = None) -> Iterator[Stored]:
        """All objects below the folder, or below the place, in no order."""
        with self._asked(f"list {folder or 'all'}"):
            for some in obstore.list(self._quick, folder, chunk_size=BATCH):
                yield from map(_stored, some)

    def folders(self, folder: str | None = None) -> list[str]:
        """The names of the folders right below this one, or below the place."""
        with self._asked("list folders"):
            found = obstore.list_with_delimiter(self._quick, folder)["common_prefixes"]
        return [name.rstrip("/").rsplit("/", 1)[-1] for name in found]

    def delete(self, keys: Sequence[str]) -> None:
        """Those that are there."""
        with self._asked("delete"):
            if self.kind == "s3":  # which alone says nothing of those that are not
                for start in range(0, len(keys), BATCH):
                    obstore.delete(self._quick, keys[start : start + BATCH])
                return
            for key in keys:
                with suppress(FileNotFoundError):
                    obstore.delete(self._quick, key)

    def signed(self, method: Method, key: str, seconds: int) -> str | None:
        """The object's address with obstore's signature; None where it makes none."""
        if not isinstance(self._quick, S3Store | GCSStore | AzureStore):
            return None
        with suppress(BaseError):
            return obstore.sign(self._quick, method, key, timedelta(seconds=seconds))
        return None

    def try_out(self, address: str) -> None:
        """Write, read and delete a small object. Raises CannotStart, in words."""
        key, data = f".tried-{uuid.uuid4().hex}", b"to see whether it can be kept"
        try:
            obstore.put(self._quick, key, data)
            same = bytes(obstore.get(self._quick, key).bytes()) == data
            obstore.delete(self._quick, key)
        except (OSError, ValueError, NotImplementedError, BaseError) as error:
            raise CannotStart(f"STORAGE_URL={address}: {wrong_with(error)}") from error
        if not same:
            raise CannotStart(f"STORAGE_URL={address}: what was written there is not what is read there")

    def _attributes(self, key: str) -> dict[str, str] | None:
        if self.kind == "file":
            return None
        return {"Content-Type": MEDIA_TYPES.get(Path(key).suffix.lower(), BYTES)}


def _trouble(what: str, error: Exception) -> StorageUnavailable | InsufficientStorage:
    logger.warning("the store for files cannot %s: %s", what, first_line(error))
    if any(words in str(error) for words in FULL):
        return InsufficientStorage("The store for files is full; try again later")
    return StorageUnavailable(AWAY)


def _stored(found: obstore.ObjectMeta) -> Stored:
    return Stored(found["path"], found["size"], found["last_modified"], found["e_tag"] or "")


def _in_background(work: Callable[[], bytes]) -> Future[bytes]:
    """In a thread of its own, which nobody has to wait for: it ends by the store's own limits."""
    future: Future[bytes] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as error:  # noqa: BLE001 it is raised where the piece is waited for
            future.set_exception(error)

    threading.Thread(target=run, name="piece", daemon=True).start()
    return future


def _waited_for(piece: Future[bytes], stopped: Callable[[], bool]) -> bytes:
    while True:
        if stopped():
            raise AnalysisStopped
        with suppress(TimeoutError):
            return piece.result(LOOK_SECONDS)
