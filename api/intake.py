"""Takes a video in: its body to disk, its format checked, a session for it. A refusal leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

import logs
from analysis.results import measured
from api.desk import Desk
from api.forms import display_name, refuse
from api.multipart import FORM_OVERHEAD_BYTES, FileSink, FormReader, disk_full, too_large
from config import Settings
from errors import (
    AnalysisFailed,
    DecoderUnavailable,
    Draining,
    InsufficientStorage,
    NotReady,
    ServiceError,
    UnsupportedVideo,
)
from logs import event
from schemas import AnalysisType, Limits, Metadata, Params, VideoInfo
from session_manager import SessionManager, new_session_id
from stores.files import FULL_DISK, PART, SessionFiles, sync_folder
from task_manager import BackgroundTaskManager
from video.probe import probe

logger = logging.getLogger(__name__)

T = TypeVar("T")

PROBES = 4
"""Probes at a time, in threads of their own: however slow they are, nothing else waits for them."""

READ_ON_BYTES = 2 << 20
READ_ON_SECONDS = 2.0
"""How long a refused body is read on, so that a browser that is still sending sees the answer and not a reset."""


@dataclass(frozen=True)
class Wanted:
    """What a form asks for, as its fields say."""

    analysis_type: AnalysisType
    params: Params


ReadForm = Callable[[Mapping[str, str], bool], Wanted | None]
"""(fields, whether they are all there) to what they ask for; None while that cannot be told. Raises InvalidRequest."""


@dataclass(frozen=True)
class Upload:
    """A video that was taken in, its session queued in the ledger and not yet submitted."""

    session_id: str
    path: Path
    wanted: Wanted
    metadata: Metadata


class Intake:
    def __init__(
        self,
        sessions: SessionManager,
        tasks: BackgroundTaskManager,
        files: SessionFiles,
        settings: Settings,
        open_sink: Callable[[Path, Callable[[], int], int], FileSink] = FileSink,
    ) -> None:
        self._sessions = sessions
        self._tasks = tasks
        self._files = files
        self._open_sink = open_sink
        self._max_bytes = settings.max_upload_mb << 20
        self._floor_bytes = settings.min_free_disk_mb << 20
        self._limits = Limits(max_duration_seconds=settings.max_duration_minutes * 60)
        self._desk = Desk()
        self._probing = ThreadPoolExecutor(PROBES, thread_name_prefix="probe")
        self._under_way: set[asyncio.Task[Any]] = set()
        self._abandoned = False

    @property
    def under_way(self) -> int:
        """How many uploads are arriving or being probed now."""
        return len(self._under_way)

    def abandon(self) -> None:
        """Give up what is still under way: its clients are told that the service stops."""
        self._abandoned = True
        for task in self._under_way:
            task.cancel()

    def close(self) -> None:
        self._desk.close()
        self._probing.shutdown(wait=False, cancel_futures=True)

    async def take(self, request: Request, read_form: ReadForm, *, legacy: bool = False) -> Upload:
        """Raises a ServiceError for each way to be refused, ClientDisconnect when the client goes away."""
        session_id, body, task = new_session_id(), _Body(request), asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            with _storage_trouble_in_words():
                self._check_before_reading(request)
                return await self._take(request, body, read_form, session_id, legacy)
        except ServiceError:
            await asyncio.to_thread(self._files.remove, session_id)
            await body.read_on()
            request.state.body_left_unread = not body.ended
            raise
        except BaseException:
            # The client is gone, or the service stops: nothing may stay.
            await asyncio.shield(asyncio.to_thread(self._forget, session_id))
            if self._abandoned and task.cancelling():
                task.uncancel()
                request.state.body_left_unread = not body.ended
                raise Draining("The service stopped before the upload was there; send it again soon") from None
            raise
        finally:
            self._under_way.discard(task)

    def _check_before_reading(self, request: Request) -> None:
        self._tasks.check_room()
        length = int(request.headers.get("content-length", 0))
        if length > self._max_bytes + FORM_OVERHEAD_BYTES:
            raise too_large(self._max_bytes)
        if self._files.free_bytes() - length < self._floor_bytes:
            raise InsufficientStorage("The service's disk has no room for this video; try again later")

    async def _take(self, request: Request, body: _Body, read_form: ReadForm, session_id: str, legacy: bool) -> Upload:
        content_type = request.headers.get("content-type", "")
        reader = FormReader(content_type, "video", self._max_bytes, lambda fields: _check_early(read_form, fields))
        part = await _to_its_end(self._files.reserve, session_id) / f"source{PART}"
        sha256 = await self._receive(body, reader, part)
        wanted = read_form(reader.fields, True)
        if wanted is None or reader.filename is None:
            raise refuse("video", "is missing: send the video as a file in this field")
        if reader.file_bytes == 0:
            raise refuse("video", "is an empty file")
        path, info = await self._accept(request, part)
        filename = display_name(reader.filename)
        metadata = Metadata(
            filename=filename, sha256=sha256, video=measured(info), request_id=logs.request_id.get(), legacy=legacy
        )
        await _to_its_end(self._create, session_id, path, wanted, metadata)
        event(logger, "uploaded", session=session_id, file=filename, bytes=info.size_bytes)
        return Upload(session_id, path, wanted, metadata)

    async def _receive(self, body: _Body, reader: FormReader, part: Path) -> str:
        sink = await _to_its_end(self._open_sink, part, self._files.free_bytes, self._floor_bytes)
        try:
            await reader.read(body, sink, self._desk)
            return await _to_its_end(sink.finish)
        except BaseException:
            sink.abandon()
            raise

    async def _accept(self, request: Request, part: Path) -> tuple[Path, VideoInfo]:
        """Rename the part once a picture of it could be decoded. Stops at once when the client goes away."""
        stop = threading.Event()
        probing = asyncio.get_running_loop().run_in_executor(self._probing, self._probe, part, stop.is_set)
        leaving = asyncio.ensure_future(until_gone(request))
        both: set[asyncio.Future[Any]] = {probing, leaving}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not probing.done():
                raise ClientDisconnect
            return probing.result()
        finally:
            stop.set()
            leaving.cancel()
            # The file is being read until the probe has stopped; what it says then is nobody's concern.
            await asyncio.gather(probing, return_exceptions=True)

    def _probe(self, part: Path, stopped: Callable[[], bool]) -> tuple[Path, VideoInfo]:
        try:
            info = probe(part, self._limits, stopped)
        except DecoderUnavailable:
            raise
        except OSError as error:
            raise DecoderUnavailable("No decoder can be started at the moment; try again later") from error
        except AnalysisFailed as error:
            logger.warning("a decoder died over an upload", extra={"facts": {"error": str(error)}})
            raise UnsupportedVideo(f"The video could not be read: {error}") from error
        path = part.rename(part.with_name(f"source.{info.container}"))
        sync_folder(path.parent)
        return path, info

    def _forget(self, session_id: str) -> None:
        """The row too, where it was written already: nobody was told of it."""
        if not self._sessions.delete_session(session_id):
            self._files.remove(session_id)

    def _create(self, session_id: str, path: Path, wanted: Wanted, metadata: Metadata) -> None:
        self._sessions.create_session(
            str(path), wanted.analysis_type, wanted.params.model_dump(), session_id=session_id, metadata=metadata
        )


@contextmanager
def _storage_trouble_in_words() -> Iterator[None]:
    """Whichever write it is that the disk does not take."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise disk_full() from error
        logger.exception("the folder for videos cannot be used")
        words = "The service cannot store videos at the moment; try again later"
        raise NotReady(words, reason="storage_unavailable") from error


def _check_early(read_form: ReadForm, fields: Mapping[str, str]) -> None:
    """Refuse before the video arrives what is wrong already."""
    read_form(fields, False)


async def _to_its_end(function: Callable[..., T], *arguments: Any) -> T:
    """Run it in a thread. A cancel waits until it is done, so that nothing is still written behind a clean-up."""
    work = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def until_gone(request: Request) -> None:
    """Returns when the client has closed its connection. To be called once the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Body:
    """A request's body, piece by piece, that knows whether it has been read to its end."""

    def __init__(self, request: Request) -> None:
        self._receive = request.receive
        self.ended = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not self.ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self.ended = not message.get("more_body", False)
            yield message.get("body", b"")

    async def read_on(self) -> None:
        """Read what is left of a refused body, up to a limit."""
        left = READ_ON_BYTES
        with suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(READ_ON_SECONDS):
                async for piece in self:
                    left -= len(piece)
                    if left < 0:
                        return
