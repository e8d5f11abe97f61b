"""A worker: takes sessions by Celery's messages and carries them to their end, each in a child process of its own.

The parent holds no model and no video. It starts the children, replaces those that die, and sees to sessions that
nobody sees to. Told to end, it tells its children, which give their sessions back; so it is gone within seconds.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import threading
import time
import uuid
import warnings
from contextlib import suppress
from functools import partial
from types import FrameType

from billiard.util import get_logger
from celery import signals
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning
from celery.worker import state

import blas  # noqa: F401  # before numpy
import logs
from caretaker import Caretaker, unsent
from celery_child import MOST_WORDS, Child
from config import VERSION, Settings
from errors import CannotStart
from gauges import ThisProcess, of_children
from logs import event
from metrics import Meter, Metrics
from relay import Relay
from scraped import Scraped
from sending import NAMED, TASK, Sender, celery_app
from session_manager import SessionManager
from stores import SharedStore, is_shared, open_session_store
from stores.files import SessionFiles
from video import lair
from vision.opening import eyes_of

logger = logging.getLogger(__name__)

KILL_SECONDS = 4.0
"""After which a child that was told to end is killed."""

UP_SECONDS = 60.0
"""For a child to be ready."""

SILENCE_SECONDS = 10.0
"""How long a worker waits for an answer of Redis before it takes the connection for lost."""

END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)

QUIET = ("celery", "kombu", "multiprocessing")
"""Loggers that say of each message what the ledger says of its session."""

CONFIGURATION = {
    "worker_pool": "prefork",
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,  # nothing waits behind work here that others could begin
    "worker_proc_alive_timeout": UP_SECONDS,
    "worker_enable_remote_control": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure_or_timeout": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
}
"""Of Celery. What matters of a session is in its row: a message that is lost, or comes twice, does no harm."""


class Parent(Worker):  # type: ignore[misc]
    """Celery's worker, with one way to end. Its own lets children finish first, for hours; or else kills them."""

    def install_platform_tweaks(self, worker: object) -> None:
        for ending in END_SIGNALS:
            signal.signal(ending, self._end)

    def _end(self, sent: int, frame: FrameType | None) -> None:
        if state.should_stop is None:
            threading.Thread(target=self._see_them_out, name="ending", daemon=True).start()
        state.should_stop = 0
        self._send_all(signal.SIGTERM)

    def _see_them_out(self) -> None:
        time.sleep(KILL_SECONDS)
        self._send_all(signal.SIGKILL)

    def _send_all(self, sent: signal.Signals) -> None:
        with suppress(AttributeError):  # there are none yet
            for pid in self.pool.info["processes"]:
                with suppress(ProcessLookupError):
                    os.kill(pid, sent)


def work(settings: Settings) -> int:
    """Until told to end; gives the exit status. Raises CannotStart."""
    heard, told = os.pipe()
    relay, metrics, store = Relay(), Metrics(), _shared_rows(settings)
    child = Child(settings, told, relay)
    app = celery_app(settings, settings.worker_takes, wait_seconds=SILENCE_SECONDS)
    app.conf.update(**CONFIGURATION, worker_concurrency=settings.max_concurrent_jobs)

    @app.task(name=TASK)  # type: ignore[untyped-decorator]
    def carry(session_id: str) -> None:
        child.carry(session_id)

    caretaker = _caretaker(settings, store, Meter(metrics.tell))
    metrics.ask(ThisProcess(store).readings)
    metrics.ask(partial(of_children, _at_work, settings.max_concurrent_jobs, store))
    scraped = Scraped(metrics, settings) if settings.metrics_port else None
    # A child that is forked in the midst of a round would have half of it.
    lock = caretaker.rounds.under_way
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    signals.setup_logging.connect(_log_as_we_do)
    signals.worker_process_init.connect(child.open)
    signals.worker_process_shutdown.connect(_clear_up)
    signals.worker_ready.connect(ready := partial(_ready, settings, child))  # which holds it weakly
    name = f"{uuid.uuid4().hex[:8]}@{socket.gethostname()}"
    worker = Parent(
        app=app, hostname=name, quiet=True, without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    if scraped:
        os.register_at_fork(after_in_child=scraped.socket.close)  # or it stays taken when the parent is gone
        scraped.start()
    relay.listen(metrics.tell)
    caretaker.rounds.start()
    worker.start()
    caretaker.rounds.close()
    if scraped:
        scraped.close()
    del ready
    if select.select([heard], [], [], 0)[0]:
        words, _, _ = os.read(heard, MOST_WORDS + 1).partition(b"\0")  # each child has the same to say
        raise CannotStart(words.decode(errors="replace"))
    return worker.exitcode or 0


def _shared_rows(settings: Settings) -> SharedStore:
    """Raises CannotStart when the rows cannot be had."""
    store = open_session_store(settings)
    if not is_shared(store):
        raise CannotStart("a worker needs REDIS_URL: it finds sessions there, and nowhere else")
    return store


def _at_work() -> list[str]:
    """The sessions that children work on now, by the names of the messages that they have."""
    while True:
        with suppress(RuntimeError):  # one came in between
            return [request.id.partition(NAMED)[0] for request in list(state.active_requests)]


def _caretaker(settings: Settings, store: SharedStore, meter: Meter) -> Caretaker:
    sender = Sender(settings)
    # It makes moves in the ledger alone, and no files.
    sessions = SessionManager(store, SessionFiles(settings.data_dir), meter=meter)

    def hand_over(session_id: str) -> None:
        if row := sessions.get_session(session_id):
            sender.take(row, _nothing)

    lost = partial(unsent, store, sender.messages, settings.lease_seconds / 3)
    return Caretaker(sessions, store, settings.lease_seconds, lost=lost, hand_over=hand_over)


def _nothing() -> None:
    pass


def _log_as_we_do(**_: object) -> None:
    """Connected, it keeps Celery from setting up logging of its own."""
    get_logger().propagate = True  # what befalls the children


def _clear_up(**_: object) -> None:
    """In a child that the parent ends before it does so itself."""
    lair.leave()


def _quieten() -> None:
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Of a setting that CONFIGURATION has, whenever Redis was lost.
    warnings.simplefilter("ignore", CPendingDeprecationWarning)


def _ready(settings: Settings, child: Child, **_: object) -> None:
    child.replaces = True
    event(logger, "ready", version=VERSION, takes=",".join(settings.worker_takes), hands=settings.max_concurrent_jobs)
    sys.stdout.write(f"Working on {', '.join(settings.worker_takes)}\n")
    sys.stdout.flush()


def main() -> int:
    """Work until told to end; gives the exit status."""
    # Until Celery listens to signals itself, there is nothing to give back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        settings = Settings.from_env()
        logs.set_up(settings.log_level)
        logging.captureWarnings(True)
        _quieten()
        if settings.task_queue != "celery":
            raise CannotStart("a worker takes sessions by TASK_QUEUE=celery; else the service does the work itself")
        eyes_of(settings)  # what can be told of the model without loading it
        return work(settings)
    except CannotStart as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
