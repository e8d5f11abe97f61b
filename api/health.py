"""What platforms and people ask first: is it alive, can it take work, what is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from fastapi import APIRouter

from api import PREFIX
from config import VERSION, Settings
from errors import NotReady, StoreAway
from schemas import AnalysisType, ErrorBody, Status, Told
from stores import SessionStore
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager
from video import child
from vision.eyes import Eyes


class Alive(Told):
    status: str
    """`alive`, or `ready`."""


class Ready(Alive):
    eyes: str
    """Who looks, or how far loading the model is, for a person."""


class WorkerBody(Told):
    takes: list[str]
    """The kinds of analysis that it works on."""
    eyes: str
    """Who looks there, for a person."""
    version: str
    """Of the service there."""
    hands: int
    """Sessions that it works on at a time."""


class QueueBody(Told):
    waiting: int
    """Sessions that wait for their turn."""
    capacity: int
    """Sessions that may wait."""


class DiskBody(Told):
    free_bytes: int
    """Free on the disk of `DATA_DIR`."""
    floor_bytes: int
    """What uploads leave free of it."""


class Health(Told):
    status: str
    """Always `healthy`."""
    analyzer_initialized: bool
    """Whether it is settled who looks."""
    ready: bool
    """What `/readyz` says."""
    analyzer: str
    """Who looks, for a program: `signals`, `smolvlm2` or `remote`."""
    eyes: str
    """The same for a person, or how far loading the model is."""
    version: str
    """Of the service."""
    keys: bool
    """Whether the session endpoints ask for a key."""
    decoders_sealed: bool
    """Whether decoders are shut in fully on this machine."""
    store: str
    """Where sessions are kept, and whether that can be reached."""
    workers: list[WorkerBody]
    """Who works now, where that is not this process alone."""
    queue: QueueBody | None
    """Null while it cannot be looked at."""
    disk: DiskBody | None
    """Null while it cannot be looked at."""
    troubles: list[str]
    """What is wrong, a sentence each; empty where nothing is."""


class Welcome(Told):
    message: str
    """What this is."""
    status: str
    """Always `healthy`."""
    version: str
    """Of the service."""
    endpoints: dict[str, str]
    """Where to go on, by name."""


class HealthApi:
    def __init__(
        self,
        tasks: BackgroundTaskManager,
        store: SessionStore,
        files: SessionFiles,
        settings: Settings,
        eyes: Eyes,
        own_troubles: Callable[[], list[str]],
    ) -> None:
        """`own_troubles` are what this process would tell others of itself."""
        self._tasks = tasks
        self._store = store
        self._files = files
        self._eyes, self._own_troubles = eyes, own_troubles
        self._keys = bool(settings.api_keys)
        self._capacity = settings.max_queued
        self._elsewhere = settings.task_queue == "celery"
        self._floor_bytes = settings.min_free_disk_mb << 20

    def router(self) -> APIRouter:
        router = APIRouter(tags=["health"])
        not_ready: dict[int | str, dict[str, Any]] = {503: {"model": ErrorBody, "description": "The reason says why"}}
        router.get("/livez")(self.livez)
        router.get("/readyz", responses=not_ready)(self.readyz)
        # Some balancers ask by HEAD.
        router.head("/livez", include_in_schema=False)(self.livez)
        router.head("/readyz", include_in_schema=False)(self.readyz)
        router.get("/health")(self.health)
        router.get("/")(self.root)
        return router

    async def livez(self) -> Alive:
        """Whether the process answers at all."""
        return Alive(status="alive")

    async def readyz(self) -> Ready:
        """Whether it can take work now. It can while a model is still being loaded: who needs it waits in a session.
        `eyes` says how far that is."""
        if obstacle := self._obstacle():
            raise obstacle
        return Ready(status="ready", eyes=self._eyes.words)

    async def health(self) -> Health:
        """For people, and for legacy clients: always healthy while it answers."""
        return await asyncio.to_thread(self._look_around)

    def _look_around(self) -> Health:
        facts, workers, queue, disk = self._eyes.facts, self._workers(), self._queue(), self._disk()
        return Health(
            status="healthy",
            analyzer_initialized=self._eyes.settled,
            ready=self._obstacle() is None,
            analyzer=facts.name if facts else "signals",
            eyes=self._eyes.words,
            version=VERSION,
            keys=self._keys,
            decoders_sealed=child.sealed().fully,
            store=self._where_rows_are(),
            workers=workers,
            queue=queue,
            disk=disk,
            troubles=list(self._troubles(workers, queue, disk)),
        )

    def _troubles(self, workers: list[WorkerBody], queue: QueueBody | None, disk: DiskBody | None) -> Iterator[str]:
        if self._tasks.draining:
            yield "The service is about to stop"
        if self._store.trouble:
            yield "The store of sessions cannot be reached: what needs it is answered 503, and the log says where"
        elif self._elsewhere:
            yield from _untaken(workers)
        yield from self._told_by_workers()
        if disk is None:
            yield "The folder for videos cannot be read"
        elif disk.free_bytes < disk.floor_bytes:
            free, floor = disk.free_bytes >> 20, disk.floor_bytes >> 20
            yield f"The disk is nearly full: {free} MiB are free, and uploads have to leave {floor}; they are refused"
        if trouble := self._files.trouble:
            yield f"{trouble}, when it was last needed: the log says why"
        if queue and queue.waiting >= queue.capacity:
            yield f"The queue is full: {queue.waiting} of {queue.capacity} sessions wait, and more are refused"
        if self._eyes.error or self._eyes.warning:
            yield self._eyes.words
        if stuck := self._tasks.stuck:
            yield f"Analyses that were given up do not end ({stuck}); a restart frees what they hold"
        if not child.sealed().fully:
            yield "Decoders are not shut in fully on this machine"

    def _told_by_workers(self) -> Iterator[str]:
        """But for what is told of this process anyway, which may be one of them."""
        with suppress(StoreAway):
            own = self._own_troubles()
            yield from (f"A worker says: {words}" for words in self._tasks.troubles_elsewhere() if words not in own)

    def _queue(self) -> QueueBody | None:
        try:
            return QueueBody(waiting=self._store.counts().get(Status.QUEUED, 0), capacity=self._capacity)
        except StoreAway:
            return None

    def _disk(self) -> DiskBody | None:
        try:
            return DiskBody(free_bytes=self._files.free_bytes(), floor_bytes=self._floor_bytes)
        except OSError:
            return None

    async def root(self) -> Welcome:
        """What is here."""
        endpoints = {
            "analyze_highlights": "/analyze/highlights",
            "analyze_workout": "/analyze/workout",
            "health": "/health",
            "async_api": PREFIX,
            "docs": "/docs",
            "page": "/app/",
        }
        return Welcome(message="SmolVLM2 Video Analysis API", status="healthy", version=VERSION, endpoints=endpoints)

    def _workers(self) -> list[WorkerBody]:
        try:
            # Not by their names, which are of machines.
            return [WorkerBody.model_validate(vars(worker)) for worker in self._tasks.workers()]
        except StoreAway:
            return []  # `store` says why none is known

    def _where_rows_are(self) -> str:
        if not self._store.shared:
            return "memory"
        return "shared, but away: what needs it answers 503" if self._store.trouble else "shared"

    def _obstacle(self) -> NotReady | None:
        if self._tasks.draining:
            return NotReady("The service is about to stop", reason="draining")
        if self._store.trouble:
            return NotReady("The service cannot reach its store", reason="store_unavailable")
        try:
            free = self._files.free_bytes()
        except OSError:
            return NotReady("The folder for videos cannot be read", reason="storage_unavailable")
        if free < self._floor_bytes:
            return NotReady("The service's disk is nearly full", reason="insufficient_storage")
        return None


def _untaken(workers: list[WorkerBody]) -> Iterator[str]:
    if not workers:
        yield "No worker is there; sessions wait"
        return
    for kind in AnalysisType:
        if not any(kind in worker.takes for worker in workers):
            yield f"No worker takes {kind} analyses; they wait"
