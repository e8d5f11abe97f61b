"""Runs a generator function in a limited child process; the child's death is one caller's error, never the server's.

Children come from a fork server that holds PyAV and nothing of the web service: starting one costs milliseconds.
"""

from __future__ import annotations

import fcntl
import json
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from errors import (
    AnalysisFailed,
    AnalysisStopped,
    DecoderCrashed,
    DecoderUnavailable,
    DecodeTimeout,
    OutOfMemory,
    ServiceError,
    UnsupportedVideo,
    VideoTooLarge,
)
from schemas import Limits
from video.cell import FRAME, OUT_OF_MEMORY, Kind, serve
from video.wire import decode

T = TypeVar("T")

PRELOADED = ["av", "numpy", "video.cell", "video.preview", "video.probe", "video.reel", "video.scan", "video.stills"]
"""Imported once by the fork server, so that no child has to."""

KILLED_SECONDS = 1.0
"""How long a killed child is waited for. One that hangs in the kernel is left to it: others wait for the lock."""

SLICE_SECONDS = 0.05
"""How often a waiting server asks whether to go on."""

PIPE_BYTES = 1 << 20
"""Room in the pipe, so that the child decodes on while the server thinks: some ten seconds of samples."""

MOST_BYTES = 32 << 20
"""Of one message. A piece of a scan has a hundredth of that."""

FORK_SERVERS = 3
"""How many of them may die before it is an error."""

REFUSALS: dict[str, type[ServiceError]] = {
    refusal.__name__: refusal
    for refusal in (UnsupportedVideo, VideoTooLarge, AnalysisFailed, DecoderCrashed, DecodeTimeout, OutOfMemory)
}
"""The errors that a child may raise in the server."""

ROOT = Path(__file__).parent.parent

_context = multiprocessing.get_context("forkserver")
_lock = threading.RLock()
"""Held whenever a process object is touched: multiprocessing polls all of them whenever it starts one, and two
threads that poll the same one read its exit code twice. Reentrant: the collector may close a `run` inside."""


def never() -> bool:
    return False


@cache
def start() -> None:
    """Start the fork server, which outlives its children and ends with this process. To be called early: it inherits
    nothing that is loaded later. `run` calls it too."""
    # Python 3.11's fork server does not look where this process looks for modules; and a process
    # with threads of its own, which numpy's algebra would start, is not safe to fork.
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    with _lock, _environment(PYTHONPATH=path, OPENBLAS_NUM_THREADS="1"):
        _context.set_forkserver_preload(PRELOADED)
        # Started apart, because it unblocks signals when it starts, and the fork server would start it.
        resource_tracker.ensure_running()
        with _signals_blocked():
            forkserver.ensure_running()


def run(
    function: Callable[..., Iterable[T]],
    *arguments: object,
    expect: type[T],
    limits: Limits,
    silence_seconds: float,
    wall_seconds: float,
    stopped: Callable[[], bool] = never,
) -> Generator[T, None, None]:
    """The messages of `function(*arguments)`, each an `expect`, made in a child process.

    `function` must be importable by name and its arguments must pickle; messages are limited to what `video.wire`
    carries. Seconds count while this waits, not while its consumer thinks. However the consumer leaves, the child is
    killed. Raises what the child raised on purpose; AnalysisStopped within 0.1 s once `stopped()`; DecodeTimeout after
    `silence_seconds` without a message or `wall_seconds` in all; OutOfMemory; DecoderCrashed for any other death.
    """
    start()
    process, pipe = _begin(function, arguments, limits, math.ceil(wall_seconds * 4))
    try:
        inbox = _Inbox(pipe)
        waited = 0.0
        while True:
            began = time.monotonic()
            frame = _next(inbox, min(silence_seconds, wall_seconds - waited), stopped)
            waited += time.monotonic() - began
            if frame is None:
                raise _verdict(process)
            kind, body = frame
            if kind == Kind.END:
                return
            yield _message(kind, body, expect)
    finally:
        _end(process, pipe)


def _next(inbox: _Inbox, patience: float, stopped: Callable[[], bool]) -> tuple[str, bytes] | None:
    """The next frame, or None once the child is gone."""
    deadline = time.monotonic() + patience
    while not stopped():
        try:
            frame = inbox.read(SLICE_SECONDS)
        except EOFError:
            return None
        if frame is not None:
            return frame
        if time.monotonic() > deadline:
            raise DecodeTimeout("Decoding this video took longer than the service allows.")
    raise AnalysisStopped


def _message(kind: str, body: bytes, expect: type[T]) -> T:
    try:
        if kind == Kind.MESSAGE:
            message = decode(body)
            if isinstance(message, expect):
                return message
        if kind == Kind.REFUSAL:
            name, words = json.loads(body)
            raise REFUSALS[name](str(words)[:1000])
    except (ValueError, KeyError, TypeError) as error:
        raise DecoderCrashed("The video's decoder answered with nonsense.") from error
    if kind == Kind.FAILURE:
        cause = RuntimeError(body.decode(errors="replace")[-10_000:])
        raise DecoderCrashed("The video's decoder failed on this file.") from cause
    raise DecoderCrashed("The video's decoder answered with nonsense.")


class _Inbox:
    """Frames out of a pipe. It never blocks longer than asked: not even on half a frame."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._bytes = bytearray()
        os.set_blocking(pipe.fileno(), False)

    def read(self, seconds: float) -> tuple[str, bytes] | None:
        """One frame, or None when none was complete in time. Raises EOFError where the pipe ends."""
        deadline = time.monotonic() + seconds
        while (frame := self._complete()) is None:
            if not self._pipe.poll(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(self._pipe.fileno(), PIPE_BYTES // 4)
            if not piece:
                raise EOFError
            self._bytes += piece
        return frame

    def _complete(self) -> tuple[str, bytes] | None:
        if len(self._bytes) < FRAME.size:
            return None
        kind, length = FRAME.unpack_from(self._bytes)
        if length > MOST_BYTES:
            raise DecoderCrashed("The video's decoder answered with nonsense.")
        if len(self._bytes) < FRAME.size + length:
            return None
        body = bytes(self._bytes[FRAME.size : FRAME.size + length])
        del self._bytes[: FRAME.size + length]
        return kind.decode("latin-1"), body


def _begin(
    function: Callable[..., Iterable[object]], arguments: tuple[object, ...], limits: Limits, cpu_seconds: int
) -> tuple[ForkServerProcess, Connection]:
    ours, theirs = _context.Pipe(duplex=False)
    with suppress(OSError, AttributeError):  # a wish; macOS has no such call
        fcntl.fcntl(ours.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        with _lock, _no_main_module():
            process = _started((function, arguments, limits, cpu_seconds, theirs))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return process, ours


def _started(arguments: tuple[object, ...]) -> ForkServerProcess:
    for _ in range(FORK_SERVERS):
        process = _context.Process(target=serve, args=arguments, daemon=True)
        with suppress(EOFError, ConnectionError):
            process.start()
            return process
        time.sleep(SLICE_SECONDS)  # it is dying: once it is dead, the next attempt starts another
    raise DecoderUnavailable("The video's decoder cannot be started.")


def _end(process: ForkServerProcess, pipe: Connection) -> None:
    pipe.close()
    with _lock:
        if process.exitcode is None:
            process.kill()
        process.join(KILLED_SECONDS)
        if process.exitcode is not None:
            process.close()


def _verdict(process: ForkServerProcess) -> AnalysisFailed:
    """Why a child died that said nothing."""
    wait([process.sentinel], timeout=1.0)  # its pipe closed a moment before
    with _lock:
        code = process.exitcode or 0
    if code in (
        OUT_OF_MEMORY,
        -signal.SIGKILL,
    ):  # the kernel kills for want of memory
        return OutOfMemory("Decoding this video needs more memory than the service allows.")
    if code == -signal.SIGXCPU:
        return DecodeTimeout("Decoding this video took longer than the service allows.")
    how = f" ({signal.Signals(-code).name})" if code < 0 else ""
    return DecoderCrashed(f"The video's decoder crashed on this file{how}.")


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
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
