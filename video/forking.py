"""The fork server that children come from: it holds PyAV, nothing of the web service and none of its secrets."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.process import current_process
from pathlib import Path
from types import ModuleType

from errors import DecoderUnavailable
from video import lair

PRELOADED = ["av", "numpy", "video.cell", "video.preview", "video.probe", "video.reel", "video.scan", "video.stills"]
"""Imported once by the fork server, so that no child has to."""

ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONHOME")
"""Variables it is given, beside those set below: a decoder has no use for keys and addresses."""

FORK_SERVERS = 3
"""How many of them may die before it is an error."""

DYING_SECONDS = 0.05

ROOT = Path(__file__).parent.parent

_context = multiprocessing.get_context("forkserver")

_nobodys = multiprocessing.current_process()
"""This process, as multiprocessing knows one that nobody forked."""

lock = threading.RLock()
"""Held whenever a process object is touched: multiprocessing polls all of them whenever it starts one, and two
threads that poll the same one read its exit code twice. Reentrant: the collector may close a `run` inside."""


def begin_anew() -> None:
    """In a process that another library's pool forked: have it count as one that nobody forked. Else it could start
    none, since a pool lends its children its own kind of process, which may have no children and cannot be told of."""
    multiprocessing.process._current_process = _nobodys  # type: ignore[attr-defined]


@cache
def start() -> None:
    """Start the fork server, which outlives its children and ends with this process. To be called early: it inherits
    nothing that is loaded later. `started` calls it too."""
    with lock:
        # Where multiprocessing puts its socket; a folder of its own choosing would outlive a process that is killed.
        current_process()._config["tempdir"] = lair.folder()  # type: ignore[attr-defined]
        _context.set_forkserver_preload(PRELOADED)
        # It starts another by itself where one has died, but with all of this process's environment.
        forkserver._forkserver.ensure_running = _ensure_running  # type: ignore[method-assign]
        _ensure_running()


def started(target: Callable[..., None], *arguments: object) -> tuple[ForkServerProcess, Connection]:
    """A child that runs `target(*arguments, pipe)`, and the end of the pipe to read from. Raises DecoderUnavailable."""
    start()
    ours, theirs = _context.Pipe(duplex=False)
    try:
        with lock, _no_main_module():
            return _forked(target, (*arguments, theirs)), ours
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()


def _forked(target: Callable[..., None], arguments: tuple[object, ...]) -> ForkServerProcess:
    for _ in range(FORK_SERVERS):
        process = _context.Process(target=target, args=arguments, daemon=True)
        with suppress(EOFError, ConnectionError):
            process.start()
            return process
        time.sleep(DYING_SECONDS)  # once it is dead, the next attempt starts another
    raise DecoderUnavailable("The video's decoder cannot be started.")


def _ensure_running() -> None:
    """Start a fork server where none lives. multiprocessing calls it before each child."""
    if _alive():
        return
    # Python 3.11's fork server does not look where this process looks for modules; and a process
    # with threads of its own, which numpy's algebra would start, is not safe to fork.
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with _environment(PYTHONPATH=path, OPENBLAS_NUM_THREADS="1"):
        # Started apart, because it unblocks signals when it starts, and the fork server would start it.
        resource_tracker.ensure_running()
        with _signals_blocked():
            forkserver.ensure_running()


def _alive() -> bool:
    """Whether this process has a fork server that lives. One that is no child of it any more is forgotten."""
    pid = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    try:
        return pid is not None and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        _forget()
        return False


def _forget() -> None:
    """Another has read its exit code, or it is the child of the process that this one was forked from: multiprocessing
    would wait for it before it starts another, and fail each time."""
    server = forkserver._forkserver
    os.close(server._forkserver_alive_fd)  # type: ignore[attr-defined]
    server._forkserver_alive_fd = None  # type: ignore[attr-defined]
    server._forkserver_address = None  # type: ignore[attr-defined]
    server._forkserver_pid = None  # type: ignore[attr-defined]


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Let this process look as if it had been started from nothing.

    multiprocessing tells a child which script or module its parent runs, and the child runs it again to be able to
    unpickle what was defined there: each decoder would hold a web server. Nothing here is defined there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """What is started meanwhile never sees the signals that a supervisor sends to the server's whole group: it is the
    server's to answer them, and to end its children."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """What is started meanwhile knows these variables and the few that it may."""
    before = dict(os.environ)
    for name in before.keys() - {*ENVIRONMENT, *values}:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values.keys() - before:
            del os.environ[name]
        os.environ.update(before)
