"""What platforms and people ask first: is it alive, can it take work, what is here."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from api import PREFIX
from config import VERSION, Settings
from errors import NotReady, StoreAway
from schemas import ErrorBody
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
        alone."""
        facts = self._eyes.facts
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
            workers=await asyncio.to_thread(self._workers),
        )

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
