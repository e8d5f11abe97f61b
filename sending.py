"""Hands that are elsewhere: sends ids of sessions to Celery's workers.

A message is a hint, the session's row the truth. One that is lost is sent again; one that comes twice finds nothing to
do.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import TypeVar

from celery import Celery
from kombu.entity import Queue
from kombu.exceptions import OperationalError

from config import Settings
from schemas import AnalysisType, Session

logger = logging.getLogger(__name__)

G = TypeVar("G")
T = TypeVar("T")

TASK = "carry"
"""The task's name: it takes a session's id."""

NAMED = "."
"""Follows the session's id in the name of a message."""

PREFIX = "video:celery:"
"""Of Celery's keys in Redis."""

ANSWER_SECONDS = 1.0
"""How long who sends waits for Redis to take a message."""

REST_SECONDS = 2.0
"""How long nothing is sent after Redis did not take a message: what waits meanwhile is sent again anyway."""

REDELIVERED_SECONDS = 24 * 3600
"""When Redis hands out a message again that a worker took and never acknowledged. Leases notice that far earlier."""


def queue_of(analysis_type: AnalysisType | str) -> str:
    """Each kind of work has a queue of its own, so that a worker takes only what it can do."""
    return f"{AnalysisType(analysis_type)}"


def celery_app(settings: Settings, takes: tuple[str, ...] = tuple(AnalysisType), *, wait_seconds: float) -> Celery:
    """Celery as it is used here, with the queues of what it `takes`. Nothing waits longer than so many seconds for an
    answer of Redis."""
    app = Celery("video", broker=settings.redis_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,  # the row says where the result is
        task_serializer="json",
        accept_content=["json"],
        task_queues=[Queue(queue_of(kind), routing_key=queue_of(kind)) for kind in takes],
        broker_transport_options={
            "global_keyprefix": PREFIX,
            "visibility_timeout": REDELIVERED_SECONDS,
            "socket_connect_timeout": wait_seconds,
            "socket_timeout": wait_seconds,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class Sender:
    """Hands of a process in which nobody works. For any number of threads."""

    elsewhere = True
    stuck = 0

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        self._app = celery_app(settings, wait_seconds=ANSWER_SECONDS)
        connection = self._app.connection_for_write()  # which connects to nothing yet
        self._away = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
        self._clock = clock
        self._rests_until = 0.0

    def take(self, row: Session, work: Callable[[], None]) -> Future[None]:
        """Send the session's id. One that cannot be sent is sent again by a caretaker: nothing is raised."""
        if self._clock() >= self._rests_until:
            self._try(self._send, row)
        done = Future[None]()
        done.set_result(None)
        return done

    def messages(self, kind: AnalysisType) -> int | None:
        """How many messages wait for workers that take it; None when that cannot be known now."""
        return self._try(self._counted, kind)

    def write_off(self, thread: threading.Thread) -> bool:
        return False

    def shutdown(self) -> None:
        """Whether more is taken is the roster's matter; what was given back is sent on even now."""

    def close(self, wait_seconds: float) -> None:
        self._app.close()

    def _send(self, row: Session) -> None:
        queue, session_id = queue_of(row["analysis_type"]), row["session_id"]
        # What Celery says of a message names its session, and each message has a name of its own.
        name = f"{session_id}{NAMED}{uuid.uuid4().hex[:8]}"
        self._app.send_task(TASK, (session_id,), task_id=name, queue=queue, retry=False, ignore_result=True)

    def _counted(self, kind: AnalysisType) -> int:
        with self._app.pool.acquire(block=True) as connection:
            count: int = connection.default_channel.queue_declare(queue_of(kind), passive=False).message_count
        return count

    def _try(self, call: Callable[[G], T], given: G) -> T | None:
        """Twice, since a connection that waited in the pool over a restart of Redis fails once."""
        for last in (False, True):
            try:
                return call(given)
            except self._away as error:
                if last:
                    self._rests_until = self._clock() + REST_SECONDS
                    logger.warning("no message can be sent to workers; it will be tried again: %s", error)
        return None
