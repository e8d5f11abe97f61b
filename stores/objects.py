"""Sessions' files in an object store: S3, Google Cloud Storage, Azure, or a folder that is used like one.

The work itself is done in a folder on this machine's disk, in copies.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from pydantic_core import from_json

from config import Settings
from errors import AnalysisFailed, InsufficientStorage, StorageUnavailable
from logs import event, kept
from stores.bucket import PART_BYTES, Bucket
from stores.files import MARK, PART, ROW, SOURCE, SessionFiles, is_session_id, own_name
from stores.links import Links
from stores.scratch import Scratch
from stores.shown import Method, Shown, StoredFile
from stores.signing import Keys
from stores.unfinished import Unfinished, UnfinishedFiles, UnfinishedUploads

logger = logging.getLogger(__name__)

AT_ONCE = 6
"""Small files on their way to the store."""

PIECE_BYTES = 2 << 20
"""Asked of the store at once for a client that reads through the service."""

ORPHAN_AGE = timedelta(hours=2)
"""Objects of a session that nobody knows are older than this before they are deleted: an upload is in the store before
its row is."""

SWEEP_SECONDS = 6 * 3600.0
"""Between two searches of the whole store for what nobody knows."""

MOST_EMPTY = 10_000
"""Sessions of which is remembered that nothing of them is in the store."""


def open_object_files(settings: Settings) -> ObjectFiles:
    """Raises CannotStart, in words, where the store cannot be written, read and deleted from."""
    bucket = Bucket(settings.storage_url)
    bucket.try_out(settings.storage_url)
    keys = Keys.of(os.environ) if bucket.kind == "s3" else None
    links = Links(bucket, keys)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    unfinished: Unfinished | None = UnfinishedUploads(links.bucket_address, bucket.prefix, keys) if keys else None
    if bucket.kind == "file":
        unfinished = UnfinishedFiles(Path(urlsplit(settings.storage_url).path))
    shared = bool(settings.redis_url)
    return ObjectFiles(settings.data_dir, bucket, links if settings.storage_links else None, unfinished, shared=shared)


class ObjectFiles(SessionFiles):
    """Objects are named by the session's id and the file's name. Raises StorageUnavailable or InsufficientStorage
    wherever OSError is promised, too."""

    def __init__(
        self,
        root: Path,
        bucket: Bucket,
        links: Links | None = None,
        unfinished: Unfinished | None = None,
        *,
        shared: bool = False,
    ) -> None:
        super().__init__(root, shared=shared)
        self._bucket = bucket
        self._links = links
        self.link_origin = links.origin if links else None
        self._unfinished = unfinished
        self._scratch = Scratch(root)
        self.lingering = self._scratch.lingering
        self._guard = threading.Lock()
        self._empty: dict[str, None] = {}
        self._owed: set[str] = set()
        """Sessions whose objects are still to be deleted, because the store could not do it when it was asked to."""
        self._broken: set[str] = set()
        """Sessions of which a large file did not get to the store, and something of it may lie there."""
        self._known: Callable[[str], bool] | None = None
        self._swept_at = monotonic() - SWEEP_SECONDS

    @property
    def trouble(self) -> str:
        return self._bucket.trouble

    def reserve(self, session_id: str) -> Path:
        folder = super().reserve(session_id)
        self._scratch.hold(session_id)
        return folder

    # ── To the store ──────────────────────────────────────────────────────────────────────────────

    def keep(self, session_id: str, path: Path) -> None:
        self._put_file(session_id, path)

    def publish(self, session_id: str) -> None:
        """Raises FileNotFoundError when the session's folder is gone."""
        files = self.folder(session_id).iterdir()
        made = [path for path in files if path.suffix != PART and not path.name.startswith((ROW, SOURCE))]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="publish") as pool:
            try:
                for done in [pool.submit(kept(self._put_file), session_id, path) for path in made]:
                    done.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)  # what one could not be brought to, others need not try

    def write_result(self, session_id: str, data: bytes) -> str:
        name = own_name()
        try:
            self._bucket.put(f"{session_id}/{name}", data)
        finally:
            self._is_filled(session_id)
        return name

    def _put_file(self, session_id: str, path: Path) -> None:
        try:
            self._bucket.put_file(f"{session_id}/{path.name}", path)
        except (StorageUnavailable, InsufficientStorage):
            if path.stat().st_size > PART_BYTES:
                self._broken.add(session_id)
            raise
        finally:
            self._is_filled(session_id)

    # ── From the store ────────────────────────────────────────────────────────────────────────────

    def has_result(self, session_id: str, name: str) -> bool:
        """Also where the store cannot be asked: what it was given it has."""
        try:
            return self._bucket.stat(f"{session_id}/{name}").size > 1
        except FileNotFoundError:
            return False
        except StorageUnavailable:
            return True

    def read_result(self, session_id: str, name: str) -> bytes:
        data = self._bucket.read(f"{session_id}/{name}")
        if not isinstance(from_json(data), dict):
            raise ValueError(f"the result of session {session_id} is no object")
        return data

    def open(self, session_id: str, name: str) -> StoredFile:
        key = f"{session_id}/{name}"
        found = self._bucket.stat(key)

        def read(offset: int, most: int) -> bytes:
            return self._bucket.read_stretch(key, offset, most)

        return StoredFile(found.size, found.etag, found.modified.timestamp(), read, lambda: None, PIECE_BYTES)

    def link(self, session_id: str, name: str, shown: Shown, method: Method = "GET") -> str | None:
        return self._links.link(f"{session_id}/{name}", shown, method) if self._links else None

    def fetch(self, session_id: str, video_path: str, stopped: Callable[[], bool] = lambda: False) -> Path:
        """Raises AnalysisFailed where it is in the store no more. To be let go whether it succeeds or not."""
        path = self._scratch.hold(session_id) / Path(video_path).name
        if not path.exists():
            try:
                self._bucket.fetch(f"{session_id}/{path.name}", path, stopped)
            except FileNotFoundError as error:
                raise AnalysisFailed("The session's video is not in the store for files any more") from error
        return path

    def let_go(self, session_id: str, *, wanted_soon: bool = False) -> None:
        if wanted_soon:
            self._scratch.let_linger(session_id)
        else:
            self._scratch.let_go(session_id)
        self._make_up()

    def drop(self, session_id: str) -> None:
        self._scratch.drop(session_id)

    # ── Deleting ──────────────────────────────────────────────────────────────────────────────────

    def discard(self, session_id: str, *, keep: Collection[str] = ()) -> int:
        return super().discard(session_id, keep=keep) + self._delete_objects(session_id, keep)

    def discard_source(self, session_id: str, video_path: str) -> None:
        super().discard_source(session_id, video_path)
        try:
            self._bucket.delete([f"{session_id}/{Path(video_path).name}"])
        except StorageUnavailable:
            logger.exception("the video of session %s cannot be deleted", session_id)

    def remove(self, session_id: str) -> None:
        super().remove(session_id)
        self._scratch.forget(session_id)
        with self._guard:
            self._empty.pop(session_id, None)
        self._delete_objects(session_id)

    def _delete_objects(self, session_id: str, keep: Collection[str] = ()) -> int:
        """Those that cannot be deleted now are tried again, if the session has ended with it."""
        if session_id in self._empty:
            return 0
        try:
            self._give_up_uploads(session_id)
            doomed = [one.key for one in self._bucket.listed(session_id) if one.key.rsplit("/", 1)[-1] not in keep]
            self._bucket.delete(doomed)
        except StorageUnavailable:
            logger.warning("the files of session %s cannot be deleted now", session_id)
            if not keep:
                self._owed.add(session_id)
            return 0
        if not keep:
            with self._guard:
                self._empty[session_id] = None
                if len(self._empty) > MOST_EMPTY:
                    del self._empty[next(iter(self._empty))]
        return len(doomed)

    def _give_up_uploads(self, session_id: str) -> None:
        if session_id in self._broken and self._unfinished:
            self._unfinished.give_up(session_id)
        self._broken.discard(session_id)

    def _is_filled(self, session_id: str) -> None:
        with self._guard:
            self._empty.pop(session_id, None)

    # ── Now and then ──────────────────────────────────────────────────────────────────────────────

    def sweep(self, known: Callable[[str], bool] | None = None) -> int:
        """On this machine's disk at once; in the store when it is tidied."""
        self._known = known
        swept = super().sweep(known)
        for folder in self._root.iterdir():
            if is_session_id(folder.name):
                self._scratch.leave(folder.name)
        return swept

    def used_bytes(self) -> int:
        """In the store. Asks it for all that it has, a thousand to a call."""
        return sum(one.size for one in self._bucket.listed())

    def marked(self, text: str) -> str:
        self._bucket.create(MARK, text.encode())
        return self._bucket.read(MARK).decode()

    def tidy(self) -> None:
        """Drop copies that nobody came for, delete what could not be deleted, and now and then what nobody knows."""
        super().tidy()
        self._make_up()
        with suppress(StorageUnavailable):
            if self._known and monotonic() - self._swept_at >= SWEEP_SECONDS:
                self._swept_at = monotonic()
                self._sweep_store(self._known)

    def _make_up(self) -> None:
        """For what could not be done when it was due, in processes that only work, too."""
        self._scratch.tidy()
        for session_id in list(self._owed):
            self._owed.discard(session_id)
            self._delete_objects(session_id)
        with suppress(StorageUnavailable):
            for session_id in list(self._broken):
                self._give_up_uploads(session_id)

    def _sweep_store(self, known: Callable[[str], bool]) -> None:
        if self._unfinished:
            self._unfinished.sweep()
        for session_id in filter(is_session_id, self._bucket.folders()):
            if known(session_id):
                continue
            newest = max((one.modified for one in self._bucket.listed(session_id)), default=None)
            if newest and datetime.now(UTC) - newest > ORPHAN_AGE and not known(session_id):
                event(logger, "orphan deleted", session=session_id)
                self._delete_objects(session_id)
