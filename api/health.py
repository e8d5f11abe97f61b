"""What platforms and people ask first: is it alive, can it take work, what is here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api import PREFIX
from config import VERSION, Settings
from errors import NotReady, StoreAway
from schemas import AnalysisType, ErrorBody, Status
from stores import SessionStore
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager
from video import child
from vision.eyes import Eyes


class Alive(BaseModel):
    status: str


class Ready(Alive):
    eyes: str


class WorkerBody(BaseModel):
    takes: list[str]
    eyes: str
    version: str
    hands: int


class QueueBody(BaseModel):
    waiting: int
    capacity: int


class DiskBody(BaseModel):
    free_bytes: int
    floor_bytes: int


class Health(BaseModel):
    status: str
    analyzer_initialized: bool
    ready: bool
    analyzer: str
    eyes: str
    version: str
    keys: bool
    decoders_sealed: bool
    store: str
    workers: list[WorkerBody]
    queue: QueueBody | None
    disk: DiskBody | None
    troubles: list[str]


class Welcome(BaseModel):
    message: str
    status: str
    version: str
    endpoints: dict[str, str]


class HealthApi:
    def __init__(
        self, tasks: BackgroundTaskManager, store: SessionStore, files: SessionFiles, settings: Settings, eyes: Eyes
    ) -> None:
        self._tasks = tasks
        self._store = store
        self._files = files
        self._eyes = eyes
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
        """For legacy clients: always healthy while it answers; `ready` is what `/readyz` says. `analyzer_initialized`
        once it is settled who looks, which `analyzer` names and `eyes` says in words. `keys` tells whether the session
        endpoints ask for one, `decoders_sealed` whether decoders are shut in fully on this machine, `store` where
        sessions are kept and whether that can be reached, and `workers` who works now, where that is not this process
        alone. `queue` and `disk` are null while they cannot be looked at. `troubles` says what is wrong, a sentence
        each, and is empty where nothing is."""
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
        if disk is None:
            yield "The folder for videos cannot be read"
        elif disk.free_bytes < disk.floor_bytes:
            free, floor = disk.free_bytes >> 20, disk.floor_bytes >> 20
            yield f"The disk is nearly full: {free} MiB are free, and uploads have to leave {floor}; they are refused"
        if queue and queue.waiting >= queue.capacity:
            yield f"The queue is full: {queue.waiting} sessions wait, and more are refused"
        if self._eyes.error or self._eyes.warning:
            yield self._eyes.words
        if stuck := self._tasks.stuck:
            yield f"{stuck} analyses were given up and do not end; a restart frees what they hold"
        if not child.sealed().fully:
            yield "Decoders are not shut in fully on this machine"

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
