"""Uploads that arrive in parts: what has come of each, kept so that a restart takes them up where they were.

Each is named by an id, which will be its session's. Its record says how many of its bytes are there for good. Only
those count.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from api.bodies import to_its_end
from api.space import Claim, Space, disk_full
from errors import HttpRefusal
from logs import event
from session_manager import new_session_id
from stores.files import is_session_id
from stores.parts import Parts

logger = logging.getLogger(__name__)

SYNC_BYTES = 16 << 20
"""After so many bytes they are synced and counted: what a crash has sent again at most."""

MOST_BYTES = 10**15
"""As many as a head can announce: a record that says more was damaged, and would take all room there is."""


class Record(BaseModel):
    """What is known of an upload. `metadata` is as the client wrote it."""

    length: int = Field(ge=1, le=MOST_BYTES)
    offset: int
    metadata: str
    owner: str
    token_hash: str | None = None
    expires_at: AwareDatetime

    @property
    def complete(self) -> bool:
        return self.offset == self.length

    @property
    def expired(self) -> bool:
        return datetime.now(UTC) >= self.expires_at

    def encoded(self) -> bytes:
        return self.model_dump_json().encode()


@dataclass
class Resumable:
    """One upload. Used by one request at a time, which has it held."""

    id: str
    record: Record
    claim: Claim
    busy: bool = False
    gone: bool = False
    """Whether it was given up meanwhile: what still comes is nobody's."""
    held_until: float = math.inf
    """From then on, by a clock that is never set, another request may have it."""

    @property
    def lost(self) -> bool:
        """Whether another request may have it meanwhile."""
        return monotonic() >= self.held_until

    @property
    def complete(self) -> bool:
        return self.record.complete


@dataclass(frozen=True)
class Begun:
    """What a client says of an upload when it begins."""

    length: int
    metadata: str
    owner: str
    token_hash: str | None = None

    def record(self, ttl: timedelta) -> Record:
        return Record(
            length=self.length,
            offset=0,
            metadata=self.metadata,
            owner=self.owner,
            token_hash=self.token_hash,
            expires_at=datetime.now(UTC) + ttl,
        )


class Sink:
    """Writes on at the upload's offset. What was written and not counted before is written again."""

    def __init__(self, upload: Resumable, parts: Parts, ttl: timedelta, floor_bytes: int) -> None:
        self._upload = upload
        self._parts = parts
        self._ttl = ttl
        self._floor_bytes = floor_bytes
        self._writer = parts.writer(upload.id, upload.record.offset)
        self._uncounted = 0

    def write(self, data: bytes | bytearray) -> None:
        """Raises InsufficientStorage."""
        if self._upload.claim.free_bytes() < self._floor_bytes:
            raise disk_full()
        view = memoryview(data)
        while view:
            count = self._writer.write(view)
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
            self._writer.close()

    def _count(self) -> None:
        if self._upload.gone or self._upload.lost:
            return
        self._writer.sync()
        record = self._upload.record
        changed = {"offset": record.offset + self._uncounted, "expires_at": datetime.now(UTC) + self._ttl}
        self._upload.record = record.model_copy(update=changed)
        self._uncounted = 0
        try:
            self._parts.keep_record(self._upload.id, self._upload.record.encoded())
        except FileNotFoundError:
            self._upload.gone = True  # given up by a request that another process answered
            self._parts.remove(self._upload.id)


class Resumables(Protocol):
    """All uploads that are not complete, or complete and not yet looked at. Safe from any thread."""

    def open(self, is_session: Callable[[str], bool]) -> None:
        """Take up what an earlier run left; what became a session meanwhile is one."""

    def create(self, begun: Begun) -> Resumable:
        """Raises InsufficientStorage, and HttpRefusal when there are too many."""

    def get(self, upload_id: str, owner: str) -> Resumable | None: ...

    def held(self, upload: Resumable) -> AbstractAsyncContextManager[None]:
        """For this request alone, and as it stands now. Raises HttpRefusal."""

    def sink(self, upload: Resumable) -> Sink: ...

    def whole(self, upload: Resumable) -> AbstractAsyncContextManager[Path]:
        """A complete one, in one file on this machine's disk."""

    def remove(self, upload: Resumable) -> None: ...

    def sweep(self) -> None:
        """Remove those that expired."""


class KeptInParts:
    """What both kinds have in common: where parts are kept, and what bounds them."""

    def __init__(self, parts: Parts, space: Space, *, ttl_hours: float, most: int) -> None:
        self._parts = parts
        self._space = space
        self._ttl = timedelta(hours=ttl_hours)
        self._most = most

    def sink(self, upload: Resumable) -> Sink:
        return Sink(upload, self._parts, self._ttl, self._space.floor_bytes)

    @asynccontextmanager
    async def whole(self, upload: Resumable) -> AsyncIterator[Path]:
        path = await to_its_end(self._parts.whole, upload.id, upload.record.length)
        try:
            yield path
        finally:
            await to_its_end(self._parts.let_go, path)


class OwnResumables(KeptInParts):
    """Those of one process: what it holds in memory is how they stand."""

    def __init__(self, parts: Parts, space: Space, *, ttl_hours: float, most: int) -> None:
        super().__init__(parts, space, ttl_hours=ttl_hours, most=most)
        self._guard = threading.Lock()
        self._uploads: dict[str, Resumable] = {}

    def open(self, is_session: Callable[[str], bool]) -> None:
        for upload_id in self._parts.ids():
            record = None if is_session(upload_id) else read_record(self._parts, upload_id)
            if record is None:
                self._parts.remove(upload_id)
            else:
                claim = self._space.reclaim(record.length - record.offset)
                self._uploads[upload_id] = Resumable(upload_id, record, claim)

    def create(self, begun: Begun) -> Resumable:
        self.sweep()
        upload = self._admit(begun)
        try:
            self._parts.begin(upload.id, upload.record.encoded())
        except BaseException:
            self.remove(upload)
            raise
        return upload

    def _admit(self, begun: Begun) -> Resumable:
        with self._guard:
            if len(self._uploads) >= self._most:
                raise too_many(self._most)
            upload_id, claim = new_session_id(), self._space.claim(begun.length)
            upload = self._uploads[upload_id] = Resumable(upload_id, begun.record(self._ttl), claim)
            return upload

    def get(self, upload_id: str, owner: str) -> Resumable | None:
        upload = self._uploads.get(upload_id)
        return upload if upload and upload.record.owner == owner and not self._expired(upload) else None

    @asynccontextmanager
    async def held(self, upload: Resumable) -> AsyncIterator[None]:
        if upload.busy:
            raise locked()
        upload.busy = True
        try:
            yield
        finally:
            upload.busy = False

    def remove(self, upload: Resumable) -> None:
        upload.gone = True
        if self._uploads.pop(upload.id, None):
            upload.claim.release()
        self._parts.remove(upload.id)

    def sweep(self) -> None:
        for upload in list(self._uploads.values()):
            if self._expired(upload):
                event(logger, "upload expired", upload=upload.id, bytes=upload.record.offset)
                self.remove(upload)

    def _expired(self, upload: Resumable) -> bool:
        return not upload.busy and upload.record.expired


def read_record(parts: Parts, upload_id: str) -> Record | None:
    """None where there is no such upload, or what is there of it cannot be true: it was being made, or deleted."""
    text = parts.record(upload_id) if is_session_id(upload_id) else None
    with suppress(ValidationError):
        record = Record.model_validate_json(text) if text else None
        if record and 0 <= record.offset <= record.length and parts.has(upload_id, record.offset):
            return record
    return None


def too_many(most: int) -> HttpRefusal:
    return HttpRefusal(f"{most} uploads have begun and not ended; try again later", 429, "too_many_uploads")


def locked() -> HttpRefusal:
    return HttpRefusal("Another request is at this upload; try again in a moment", 423, "upload_locked")
