"""Analyses a video in this process, by the parts that a service has, in a folder that is gone afterwards."""

from __future__ import annotations

import json
import logging
import os
import queue
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import blas  # noqa: F401  # before numpy
import logs
from analysis.results import measured
from api.forms import display_name, read_params
from commands.ending import Stopped, scratch
from commands.job import Done, Job
from commands.showing import Report
from config import Settings
from errors import HttpRefusal, NotReady
from schemas import AnalysisType, Found, Metadata, Params, Session, Status, VideoInfo
from session_manager import ENDED, new_session_id
from stores.files import RESULT, ROW, SOURCE
from video import child, lair
from video.probe import probe
from wiring import Workshop, build_workshop, limits_of

REPORT_SECONDS = 0.5
"""Between two looks at how long it may still take, where nothing else is told."""

LEAVE_SECONDS = 0.3
"""For the work to leave when the program is told to stop. It usually takes a third of that."""

News = queue.SimpleQueue[Session | None]


def analyse(job: Job, place: Path | None) -> Done:
    """Files go to the place, if there is one. Raises ServiceError where the video is refused or its analysis fails,
    and CannotStart."""
    kind = AnalysisType(job.kind)
    params = read_params(kind, job.params)
    with scratch(job.stopping, "video-analysis") as folder:
        settings = _own_settings(folder)
        _log(settings)
        try:
            child.prepare()
            info = probe(job.video, limits_of(settings))
            shop = build_workshop(settings)
            with _open(shop, job):
                return _carried(shop, job, _begin(shop, job.video, info, kind, params), place)
        finally:
            lair.leave()


def _own_settings(data_dir: Path) -> Settings:
    """Those of the environment, but for what several processes share and what is kept for later. Raises CannotStart."""
    alone = {"data_dir": data_dir, "redis_url": "", "storage_url": "", "task_queue": "threads", "api_keys": ()}
    return Settings.from_env().model_copy(update={**alone, "keep_source": False, "max_concurrent_jobs": 1})


def _log(settings: Settings) -> None:
    """What goes wrong is told anyhow: the log speaks only where a level is asked for."""
    logs.set_up(settings.log_level)
    if not os.environ.get("LOG_LEVEL"):
        logging.disable()


@contextmanager
def _open(shop: Workshop, job: Job) -> Iterator[None]:
    """However this is left, the work has stopped then."""
    shop.eyes.open(_nothing)  # a session that needs a model which cannot be had fails, and says why
    told_to_stop = False
    try:
        yield
    except Stopped:
        told_to_stop = True
        raise
    finally:
        with job.stopping.undisturbed():
            if told_to_stop:  # then the program ends soon, whatever is being loaded or computed
                _wait_until_idle(shop)
            else:
                shop.tasks.close()
                shop.eyes.close()
            shop.store.close()


def _nothing() -> None:
    pass


def _wait_until_idle(shop: Workshop) -> None:
    shop.tasks.drain()
    deadline = time.monotonic() + LEAVE_SECONDS
    while not shop.tasks.idle() and time.monotonic() < deadline:
        time.sleep(0.01)


def _begin(shop: Workshop, video: Path, info: VideoInfo, kind: AnalysisType, params: Params) -> str:
    """A session of the video where it lies: only a link to it is in the session's folder."""
    session_id = new_session_id()
    link = shop.files.reserve(session_id) / f"{SOURCE}.{info.container}"
    link.symlink_to(video.absolute())
    metadata = Metadata(
        filename=display_name(video.name),
        sha256="",
        video=measured(info),
        request_id=None,
        legacy=False,
        owner=None,
        token_hash=None,
    )
    return shop.sessions.create_session(str(link), kind, params.model_dump(), session_id=session_id, metadata=metadata)


def _carried(shop: Workshop, job: Job, session_id: str, place: Path | None) -> Done:
    news: News = queue.SimpleQueue()
    shop.sessions.watch(partial(_pass_on, news))
    shop.tasks.submit(session_id)
    try:
        row = _ended(shop, job, news)
    except BaseException:
        shop.tasks.cancel_task(session_id)
        raise
    if row["status"] is not Status.COMPLETED or row["result"] is None:
        raise HttpRefusal(row["error"] or f"the analysis ended as {row['status']}", 500, row["reason"] or "internal")
    data = json.loads(shop.files.read_result(session_id, row["result"]))
    return Done(data, _collected(shop.files.folder(session_id), place))


def _pass_on(news: News, session_id: str, row: Session | Found | None) -> None:
    if not isinstance(row, Found):
        news.put(row)


def _ended(shop: Workshop, job: Job, news: News) -> Session:
    """The session's row in the end."""
    row: Session | None = None
    while row is None or row["status"] not in ENDED:
        try:
            row = news.get(timeout=REPORT_SECONDS)
        except queue.Empty:
            if row is None:
                continue
        if row is None:
            raise NotReady("the session is gone")
        job.report(Report(row["progress"], row["message"], shop.tasks.eta_seconds(row)))
    return row


def _collected(folder: Path, place: Path | None) -> frozenset[str]:
    """The names of the files that were made, once they are at the place."""
    if place is None:
        return frozenset()
    made = [file for file in folder.iterdir() if file.name not in (ROW, RESULT) and not file.is_symlink()]
    for file in made:
        shutil.copyfile(file, place / file.name)
    return frozenset(file.name for file in made)
