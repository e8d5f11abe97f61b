"""Takes a video in: its body to disk, its format checked, a session for it. A refusal leaves nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request

import logs
from analysis.results import measured
from api.access import caller
from api.bodies import Body, to_its_end, unless_gone
from api.desk import Desk
from api.forms import display_name, refuse
from api.idempotency import IdempotencyKeys, content_of, key_of
from api.keyring import new_token, token_hash
from api.multipart import FORM_OVERHEAD_BYTES, FileSink, FormReader, too_large
from api.refusals import refusals_counted
from api.resumable import locked
from api.space import Claim, Space, storage_trouble_in_words
from config import Settings
from errors import AnalysisFailed, DecoderUnavailable, Draining, NotReady, ServiceError, UnsupportedVideo
from logs import event
from metrics import Meter
from schemas import AnalysisType, Idempotency, Limits, Metadata, Params, Session, VideoInfo
from session_manager import SessionManager, new_session_id
from stores.files import PART, SOURCE, SessionFiles, sync_folder
from task_manager import BackgroundTaskManager
from video.probe import probe

logger = logging.getLogger(__name__)

PROBES = 4
"""Probes at a time, in threads of their own: however slow they are, nothing else waits for them."""


@dataclass(frozen=True)
class Wanted:
    """What a form asks for, as its fields say."""

    analysis_type: AnalysisType
    params: Params
    token: bool = False
    """Whether nobody is to see the session without the token that is answered."""


@dataclass(frozen=True)
class Whole:
    """A video that is on this disk already, in a file that stays what it is, whatever comes of it."""

    source: Path
    filename: str
    lost: Callable[[], bool]
    """Whether another request may be at the same one by now."""

    def check(self) -> None:
        """Raises HttpRefusal where that is so."""
        if self.lost():
            raise locked()


ReadForm = Callable[[Mapping[str, str], bool], Wanted | None]
"""(fields, whether they are all there) to what they ask for; None while that cannot be told. Raises InvalidRequest."""


@dataclass(frozen=True)
class Upload:
    """A video that was taken in, its session queued in the ledger and not yet submitted."""

    session_id: str
    path: Path
    wanted: Wanted
    metadata: Metadata
    token: str | None = None
    """What its client needs from now on, where it asked for that; kept nowhere."""
    again: bool = False
    """Whether it was taken in before, and its session is as far as it is."""


@dataclass(frozen=True)
class Owned:
    """By whom: the name of a key, the hash of a token, both or neither."""

    owner: str | None
    token_hash: str | None


class Intake:
    def __init__(
        self,
        sessions: SessionManager,
        tasks: BackgroundTaskManager,
        files: SessionFiles,
        space: Space,
        settings: Settings,
        meter: Meter | None = None,
        open_sink: Callable[[Path, Callable[[], int], int], FileSink] = FileSink,
    ) -> None:
        self._sessions = sessions
        self._tasks = tasks
        self._files = files
        self._open_sink = open_sink
        self.meter = meter or Meter()
        """Is told of uploads, of those that come in parts too."""
        self._max_bytes = settings.max_upload_mb << 20
        self._works_here = settings.task_queue == "threads"
        self._max_queued = settings.max_queued
        self._space = space
        self._keys = IdempotencyKeys(sessions)
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

    async def turn(self) -> None:
        """Wait until one more upload may begin, or read on: beside those that are under way."""
        await self._desk.turn()

    def check_room(self) -> None:
        """Raises Draining or QueueFull."""
        self._tasks.check_room()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts the current task as under way. Raises Draining where it is abandoned meanwhile."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self._abandoned and task.cancelling():
                task.uncancel()
                raise Draining("The service stopped before the upload was there; send it again soon") from None
            raise
        finally:
            self._under_way.discard(task)

    async def take(self, request: Request, read_form: ReadForm, *, legacy: bool = False) -> Upload:
        """Raises a ServiceError for each way to be refused, ClientDisconnect when the client goes away."""
        session_id, body = new_session_id(), Body(request, self._desk.turn)
        body.arrived = partial(self.meter.upload_arrived, "form")
        try:
            with logs.about(session_id, logs.request_id.get()), refusals_counted(self.meter), self.counted():
                event(logger, "upload begun", bytes=int(request.headers.get("content-length", 0)) or None)
                return await self._take_or_leave_nothing(request, body, read_form, session_id, legacy)
        finally:
            request.state.body_left_unread = not body.ended

    async def _take_or_leave_nothing(
        self, request: Request, body: Body, read_form: ReadForm, session_id: str, legacy: bool
    ) -> Upload:
        try:
            with storage_trouble_in_words():
                claim = self._check_before_reading(request)
                body.arrived = _both(claim.wrote, body.arrived)
                try:
                    return await self._take(request, body, read_form, session_id, claim, legacy)
                finally:
                    claim.release()
        except ServiceError:
            await asyncio.to_thread(self._files.remove, session_id)
            await body.read_on()
            raise
        except BaseException:
            # The client is gone, or the service stops: nothing may stay.
            await asyncio.shield(asyncio.to_thread(self._forget, session_id))
            raise

    def _check_before_reading(self, request: Request) -> Claim:
        self._tasks.check_room()
        length = int(request.headers.get("content-length", 0))
        if length > self._max_bytes + FORM_OVERHEAD_BYTES:
            raise too_large(self._max_bytes)
        return self._space.claim(length)

    async def _take(
        self, request: Request, body: Body, read_form: ReadForm, session_id: str, claim: Claim, legacy: bool
    ) -> Upload:
        key = None if legacy else key_of(request)
        content_type = request.headers.get("content-type", "")
        reader = FormReader(content_type, "video", self._max_bytes, lambda fields: _check_early(read_form, fields))
        part = await to_its_end(self._files.reserve, session_id) / f"{SOURCE}{PART}"
        sha256 = await self._receive(body, reader, part, claim)
        wanted = read_form(reader.fields, True)
        if wanted is None or reader.filename is None:
            raise refuse("video", "is missing: send the video as a file in this field")
        if reader.file_bytes == 0:
            raise refuse("video", "is an empty file")
        content = content_of(sha256, wanted.analysis_type, wanted.params)
        token = new_token() if wanted.token else None
        async with self._keys.held(key):
            if made := self._keys.session(key, content):
                return await self._again(made, session_id, wanted, token)
            info = await self._probed(request, part)
            path = await to_its_end(_named, part, info)
            owned = Owned(caller.get().owner, token and token_hash(token))
            metadata = _metadata(reader.filename, sha256, info, owned, legacy)
            if key is not None:
                metadata["idempotency"] = Idempotency(key=key, content=content)
            upload = Upload(session_id, path, wanted, metadata, token)
            if await self._made(upload, "form", self._max_queued):
                return upload
            if made := self._keys.session(key, content):  # another process was quicker
                return await self._again(made, session_id, wanted, token)
            raise NotReady("The session that this upload made was deleted meanwhile; send it again")

    async def _again(self, made: Session, session_id: str, wanted: Wanted, token: str | None) -> Upload:
        """The session that was made before; of this one nothing stays."""
        await to_its_end(self._files.remove, session_id)
        if token:  # the one before may have been lost with its answer, and only its hash was kept
            await to_its_end(self._sessions.change_token, made["session_id"], token_hash(token))
        return Upload(made["session_id"], Path(made["video_path"]), wanted, made["metadata"], token, again=True)

    async def adopt(self, request: Request, session_id: str, whole: Whole, wanted: Wanted, owned: Owned) -> Upload:
        """Take it in; in the session's folder its file gets another name. Raises as `take` does."""
        with storage_trouble_in_words():
            self._tasks.check_room()
            info = await self._probed(request, whole.source)
            sha256 = await to_its_end(_sha256, whole.source)
            whole.check()
            try:
                if self._files.folder(session_id).exists():  # whoever tried before was killed before its row was there
                    await to_its_end(self._files.remove, session_id)
                folder = await to_its_end(self._files.reserve, session_id)
                path = folder / f"{SOURCE}.{info.container}"
                await to_its_end(_link, whole.source, path)
                metadata = _metadata(whole.filename, sha256, info, owned, legacy=False)
                upload = Upload(session_id, path, wanted, metadata)
                whole.check()
                await self._made(upload, "resumable")
                return upload
            except BaseException:
                await asyncio.shield(asyncio.to_thread(self._give_up, session_id, whole))
                raise

    async def _receive(self, body: Body, reader: FormReader, part: Path, claim: Claim) -> str:
        sink = await to_its_end(self._open_sink, part, claim.free_bytes, self._space.floor_bytes)
        try:
            await reader.read(body, sink, self._desk)
            return await to_its_end(sink.finish)
        except BaseException:
            sink.abandon()
            raise

    async def _probed(self, request: Request, part: Path) -> VideoInfo:
        """What it is, once a picture of it could be decoded. Stops at once when the client goes away."""
        stop = threading.Event()
        probe = logs.kept(self._probe)
        probing = asyncio.get_running_loop().run_in_executor(self._probing, probe, part, stop.is_set)
        try:
            return await unless_gone(request, probing)
        finally:
            stop.set()
            # The file is being read until the probe has stopped; what it says then is nobody's concern.
            await asyncio.gather(probing, return_exceptions=True)

    def _probe(self, part: Path, stopped: Callable[[], bool]) -> VideoInfo:
        try:
            return probe(part, self._limits, stopped)
        except (DecoderUnavailable, OSError) as error:
            words = "No decoder can be started at the moment; try again later"
            raise DecoderUnavailable(words, reason="decoder_unavailable") from error
        except AnalysisFailed as error:
            logger.warning("a decoder died over an upload", extra={"facts": {"error": str(error)}})
            raise UnsupportedVideo(f"The video could not be read: {error}") from error

    async def _made(self, upload: Upload, way: str, most_waiting: int | None = None) -> bool:
        """Once its session is in the ledger, and its video where whoever works on it finds it. False where its key made
        another meanwhile. Raises QueueFull."""
        await to_its_end(self._files.keep, upload.session_id, upload.path)
        made = await to_its_end(self._create, upload, most_waiting)
        facts, size = upload.metadata, upload.metadata["video"]["size_bytes"]
        await to_its_end(partial(self._files.let_go, wanted_soon=made and self._works_here), upload.session_id)
        if made:
            self.meter.uploaded(way)
            event(logger, "uploaded", session=upload.session_id, file=facts["filename"], bytes=size)
        return made

    def _forget(self, session_id: str) -> None:
        """The row too, where it was written already: nobody was told of it."""
        try:
            self._sessions.forget(session_id)
        finally:
            self._files.remove(session_id)

    def _give_up(self, session_id: str, whole: Whole) -> None:
        """As `_forget`, unless another request made it a session meanwhile."""
        if whole.lost():
            self._files.let_go(session_id)
        else:
            self._forget(session_id)

    def _create(self, upload: Upload, most_waiting: int | None) -> bool:
        made = self._sessions.create_session(
            str(upload.path),
            upload.wanted.analysis_type,
            upload.wanted.params.model_dump(),
            session_id=upload.session_id,
            metadata=upload.metadata,
            most_waiting=most_waiting,
        )
        return made == upload.session_id


def _both(first: Callable[[int], None], second: Callable[[int], None]) -> Callable[[int], None]:
    def told(size: int) -> None:
        first(size)
        second(size)

    return told


def _check_early(read_form: ReadForm, fields: Mapping[str, str]) -> None:
    """Refuse before the video arrives what is wrong already."""
    read_form(fields, False)


def _named(part: Path, info: VideoInfo) -> Path:
    path = part.rename(part.with_name(f"{SOURCE}.{info.container}"))
    sync_folder(path.parent)
    return path


def _link(source: Path, path: Path) -> None:
    """The same file under another name: until the session's row is written, either name may be all that a crash
    leaves."""
    os.link(source, path)
    sync_folder(path.parent)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _metadata(filename: str, sha256: str, info: VideoInfo, owned: Owned, legacy: bool) -> Metadata:
    return Metadata(
        filename=display_name(filename),
        sha256=sha256,
        video=measured(info),
        request_id=logs.request_id.get(),
        legacy=legacy,
        owner=owned.owner,
        token_hash=owned.token_hash,
    )
