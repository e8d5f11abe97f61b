"""Uploads that arrive in parts at several processes: how each stands is read anew by every request.

A request that writes has its upload held by a lock that all of them see, and prolongs it for as long as it writes.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol

from api.bodies import to_its_end
from api.resumable import Begun, KeptInParts, Resumable, locked, read_record, too_many
from api.space import Space
from errors import NotReady, StoreAway
from logs import event
from session_manager import new_session_id
from stores.parts import Parts

logger = logging.getLogger(__name__)

HELD_SECONDS = 9.0
"""How long an upload stays held by a process that was killed."""

ADMITTING_SECONDS = 5.0
"""How long a beginning waits for others that begin."""

SWEEP_SECONDS = 60.0
"""Between two sweeps, whoever does them."""


class Locks(Protocol):
    def hold(self, name: str, holder: str, seconds: float) -> bool:
        """Have it, or have it for longer; False where somebody else has it."""

    def free(self, name: str, holder: str) -> None:
        """Somebody else may have it."""

    def turn(self, name: str, seconds: float) -> bool:
        """Whether it is one's turn: True for one in so many seconds, of all who ask."""


class SharedResumables(KeptInParts):
    """`on_this_disk` where all parts take room on the disk that `space` is about."""

    def __init__(
        self, parts: Parts, locks: Locks, space: Space, *, ttl_hours: float, most: int, on_this_disk: bool
    ) -> None:
        super().__init__(parts, space, ttl_hours=ttl_hours, most=most)
        self._locks = locks
        self._on_this_disk = on_this_disk
        self._is_session: Callable[[str], bool] = lambda _: False
        self._odd: set[str] = set()
        """Uploads of which there was no record: being made or deleted, unless it is so once more."""

    def open(self, is_session: Callable[[str], bool]) -> None:
        self._is_session = is_session

    def create(self, begun: Begun) -> Resumable:
        with self._alone("uploads"):
            upload_id, record = new_session_id(), begun.record(self._ttl)
            self._check_room(begun.length)
            try:
                self._parts.begin(upload_id, record.encoded())
            except BaseException:
                self._parts.remove(upload_id)
                raise
        return Resumable(upload_id, record, self._space.reclaim(0))

    def _check_room(self, length: int) -> None:
        """What others announced counts against the disk, where their parts lie on it."""
        ids = self._parts.ids()
        if len(ids) >= self._most:
            self._remove_expired()
            ids = self._parts.ids()
        if len(ids) >= self._most:
            raise too_many(self._most)
        announced = 0
        if self._on_this_disk:
            records = [read_record(self._parts, upload_id) for upload_id in ids]
            announced = sum(record.length - record.offset for record in records if record)
        self._space.claim(announced + length).release()

    def get(self, upload_id: str, owner: str) -> Resumable | None:
        record = read_record(self._parts, upload_id)
        if record is None or record.owner != owner or record.expired:
            return None
        if record.complete and self._is_session(upload_id):
            self._parts.remove(upload_id)  # whoever made it one was killed before this
            return None
        return Resumable(upload_id, record, self._space.reclaim(0))

    @asynccontextmanager
    async def held(self, upload: Resumable) -> AsyncIterator[None]:
        name, holder, began = f"upload:{upload.id}", uuid.uuid4().hex, time.monotonic()
        if not await asyncio.to_thread(self._locks.hold, name, holder, HELD_SECONDS):
            raise locked()
        upload.held_until = began + HELD_SECONDS
        prolonging = asyncio.create_task(self._prolong(upload, name, holder))
        try:
            record = await asyncio.to_thread(read_record, self._parts, upload.id)
            if record is None:
                upload.gone = True
            else:
                upload.record = record
                upload.claim = self._space.claim(record.length - record.offset)
            yield
        finally:
            upload.claim.release()
            prolonging.cancel()
            await to_its_end(self._free, name, holder)

    async def _prolong(self, upload: Resumable, name: str, holder: str) -> None:
        """One that lapsed, since this process stood still, is not taken again: another may have had it."""
        while not upload.lost:
            await asyncio.sleep(HELD_SECONDS / 3)
            began = time.monotonic()
            with suppress(StoreAway):
                held = await asyncio.to_thread(self._locks.hold, name, holder, HELD_SECONDS)
                upload.held_until = began + HELD_SECONDS if held and not upload.lost else began

    def _free(self, name: str, holder: str) -> None:
        try:
            self._locks.free(name, holder)
        except StoreAway:
            logger.warning("%s stays held for some seconds", name)

    def remove(self, upload: Resumable) -> None:
        upload.gone = True
        self._parts.remove(upload.id)

    def sweep(self) -> None:
        if self._locks.turn("uploads", SWEEP_SECONDS):
            self._remove_expired()

    def _remove_expired(self) -> None:
        found = {upload_id: read_record(self._parts, upload_id) for upload_id in self._parts.ids()}
        for upload_id, record in found.items():
            if record and record.expired:
                event(logger, "upload expired", upload=upload_id, bytes=record.offset)
            if record.expired if record else upload_id in self._odd:
                self._parts.remove(upload_id)
        self._odd = {upload_id for upload_id, record in found.items() if record is None}

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Whoever else wants to waits. Raises NotReady when that takes too long."""
        holder, until = uuid.uuid4().hex, time.monotonic() + ADMITTING_SECONDS
        while not self._locks.hold(name, holder, ADMITTING_SECONDS):
            if time.monotonic() >= until:
                raise NotReady("Too many uploads begin at once; try again in a moment")
            time.sleep(0.01)
        try:
            yield
        finally:
            self._free(name, holder)
