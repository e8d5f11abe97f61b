"""The front door: builds every part once, and keeps the endpoints that legacy clients call."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from socket import socket

from fastapi import FastAPI

import blas  # noqa: F401  # before numpy
import logs
from api import answers
from api.accepted import Accepting
from api.access import Door
from api.deadlines import Deadlines, Patience
from api.declared import declare_access
from api.desk import Turns
from api.files import FilesApi
from api.follow import FollowApi
from api.health import HealthApi
from api.keyed import KeyedApi
from api.keyring import Keyring
from api.legacy import LegacyApi
from api.limits import Limiter
from api.metrics import MetricsApi
from api.pages import PagesApi
from api.server import SWITCH_SECONDS, Server, drained_by_signals, listening, served_as
from api.tus import SESSION_ID, TOKEN, TusApi
from async_api import VideoApi, read_form
from config import VERSION, Settings
from errors import CannotStart, Draining, StoreAway
from logs import event
from stores import is_shared
from video import child
from wiring import House, build

logger = logging.getLogger(__name__)

EXPOSED_HEADERS = [
    *("Content-Disposition", "Content-Range", "ETag", "Location", "Retry-After", answers.REQUEST_ID, SESSION_ID, TOKEN),
    *("Tus-Extension", "Tus-Max-Size", "Tus-Resumable", "Tus-Version"),
    *("Upload-Expires", "Upload-Length", "Upload-Metadata", "Upload-Offset"),
]
"""What scripts of other origins may read of an answer's head."""

WAITING = 64
"""Threads for what waits for a store elsewhere, so that nothing else has to wait with it when that is slow."""

STARTUP_FAILURE = 3
"""The exit status by which a uvicorn worker tells its supervisor that starting it again is no use."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI app. Raises CannotStart.

    Without settings, as `uvicorn --factory app:create_app` calls it, they come from the environment, and
    what prevents the start is told in words instead of a traceback.
    """
    if settings is None:
        try:
            settings = Settings.from_env()
            logs.set_up(settings.log_level)
            return create_app(settings)
        except CannotStart as error:
            sys.stderr.write(f"Cannot start: {error}\n")
            sys.exit(STARTUP_FAILURE)
    return front(build(settings))


def front(house: House) -> FastAPI:
    """The ASGI app over parts that are built."""
    follow, own_troubles = FollowApi(house.followers), house.state.troubles
    app = FastAPI(
        title="SmolVLM2 Video Analysis API",
        version=VERSION,
        description="Upload a video, follow its analysis, get its moments back.",
        lifespan=lambda app: _open(house),
        redirect_slashes=False,
        # Given as they are and not included, because a request would then be matched twice over.
        routes=[
            *VideoApi(house.intake, house.sessions, house.tasks, house.files, follow).router().routes,
            *_tus(house).router().routes,
            *KeyedApi(house.sessions, house.followers.standings).router().routes,
            *FilesApi(house.sessions, house.files, house.previews).router().routes,
            *LegacyApi(house.intake, house.tasks, house.files, house.callers).router().routes,
            *HealthApi(house.tasks, house.store, house.files, house.settings, house.eyes, own_troubles).router().routes,
            *MetricsApi(house.metrics).router().routes,
            *PagesApi(house.settings.data_dir, house.files.link_origin).router().routes,
        ],
    )
    app.state.house = house
    answers.install(app)
    declare_access(app, keyed=bool(house.settings.api_keys))
    _add_middleware(app, house)
    return app


def _tus(house: House) -> TusApi:
    accepting = Accepting(house.sessions, house.tasks, house.intake.meter)
    most = house.settings.max_upload_mb << 20
    return TusApi(house.resumables, house.intake, house.sessions, accepting, read_form, most)


def _add_middleware(app: FastAPI, house: House) -> None:
    """From the inside out: the door, deadlines, guard, CORS, ids; so that even a crash or a refusal at the door has an
    id, is counted, and may be read by a page. Turns come first of all: until then a body costs next to nothing."""
    settings, board = house.settings, house.store.board if is_shared(house.store) else None
    limiter, meter = Limiter(settings, board), house.intake.meter
    app.add_middleware(Door, keyring=Keyring(settings.api_keys), limiter=limiter, meter=meter)
    app.add_middleware(Deadlines, patience=Patience.of(settings))
    app.add_middleware(answers.CrashGuard)
    app.add_middleware(
        answers.Cors,
        allow_origins=list(settings.cors_origins),
        allow_credentials="*" not in settings.cors_origins,
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED_HEADERS,
    )
    app.add_middleware(answers.RequestIds, requests=house.requests)
    app.add_middleware(Turns, turn=house.intake.turn)


@asynccontextmanager
async def _open(house: House) -> AsyncIterator[None]:
    """Take up what an earlier run left, serve, and give back what is unfinished."""
    if house.settings.storage_url:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(WAITING, thread_name_prefix="waits"))
    await asyncio.to_thread(child.prepare)
    await asyncio.to_thread(_take_up, house)
    house.eyes.open(partial(_give_up, house))
    house.watch_over()
    sweeper = asyncio.create_task(_sweep(house))
    try:
        with drained_by_signals(house.drain):
            yield
    finally:
        sweeper.cancel()
        await asyncio.to_thread(house.watch_no_more)
        await asyncio.to_thread(house.previews.close)
        await asyncio.to_thread(house.tasks.close)
        await asyncio.to_thread(house.eyes.close)
        house.intake.close()
        house.store.close()


def _take_up(house: House) -> None:
    swept = house.files.sweep(lambda session_id: house.store.get(session_id) is not None)
    house.resumables.open(lambda session_id: house.sessions.get_session(session_id) is not None)
    waiting = house.sessions.recover(keep_source=house.settings.keep_source)
    with suppress(Draining):  # told to stop already: they wait for the next start
        for session_id in waiting:
            house.tasks.submit(session_id, bounded=False)
    event(logger, "opened", version=VERSION, data=house.settings.data_dir, resumed=len(waiting), swept=swept)
    if not house.settings.api_keys:
        logger.warning("no API_KEYS are set: the service is open to whoever reaches it")


def _give_up(house: House) -> None:
    """The model that was asked for cannot be loaded after all: end as if told to, so that no session is lost."""
    house.tasks.drain()
    os.kill(os.getpid(), signal.SIGTERM)


async def _sweep(house: House) -> None:
    """Clean up after expired sessions, often enough that none outlives its time by more than a tenth."""
    shortest = min(house.settings.session_ttl_hours, house.settings.resumable_ttl_hours)
    pause = min(60.0, max(0.05, shortest * 3600 / 10))
    while True:
        await asyncio.sleep(pause)
        try:
            await asyncio.to_thread(_clean_up, house, pause)
        except StoreAway:
            logger.warning("the sweep waits until the store is there again")
        except Exception:
            logger.exception("the sweep failed; it will be tried again")


def _clean_up(house: House, pause: float) -> None:
    """Of those who share a store, one cleans up after sessions at a time: whose turn comes first after a pause."""
    if not is_shared(house.store) or house.store.board.turn("sweep", pause * 0.9):
        house.sessions.cleanup_expired_sessions(house.settings.session_ttl_hours)
    house.resumables.sweep()
    house.files.tidy()


def main() -> int:
    """Serve until told to stop; gives the exit status."""
    # Until uvicorn listens to signals itself, there is nothing to give back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.from_env()
        logs.set_up(settings.log_level)
        listener = _listen(settings)
        app = create_app(settings)
    except CannotStart as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        return 1
    _lift_open_files()
    sys.setswitchinterval(SWITCH_SECONDS)
    # What stands by now stands till the end: the collector need not walk through it again and again.
    gc.freeze()
    house: House = app.state.house
    server = Server(
        served_as(app),
        drain=house.drain,
        idle=lambda: house.tasks.idle() and not house.intake.under_way,
        abandon=house.intake.abandon,
    )
    server.run([listener])
    if house.eyes.error:
        sys.stderr.write(f"Cannot start: {house.eyes.error}\n")
        return 1
    return 0


def _lift_open_files() -> None:
    """To what the system allows: the usual 1,024 are fewer than clients that do nothing but hold a connection."""
    with suppress(OSError, ValueError):  # macOS calls a limit unlimited that it does not give
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(settings: Settings) -> socket:
    """Raises CannotStart, naming the address."""
    try:
        return listening(settings.host, settings.port)
    except OSError as error:
        raise CannotStart(f"cannot listen on HOST={settings.host} PORT={settings.port}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
