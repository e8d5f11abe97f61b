"""Runs a generator function in a limited child process; the child's death is one caller's error, never the server's.

Children come from `video.forking`: starting one costs milliseconds.
"""

from __future__ import annotations

import fcntl
import json
import logging
import math
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import TypeVar

from errors import (
    AnalysisFailed,
    AnalysisStopped,
    DecoderCrashed,
    DecodeTimeout,
    OutOfMemory,
    ServiceError,
    UnsupportedVideo,
    VideoTooLarge,
)
from schemas import Limits
from video import forking
from video.cell import FRAME, OUT_OF_MEMORY, Kind, serve
from video.seal import Sealed, holds
from video.wire import decode

logger = logging.getLogger(__name__)

T = TypeVar("T")

KILLED_SECONDS = 1.0
"""How long a killed child is waited for. One that hangs in the kernel is left to it: others wait for the lock."""

START_SECONDS = 30.0
"""A fork server may take this long to be there, on a machine that is busy."""

SLICE_SECONDS = 0.05
"""How often a waiting server asks whether to go on."""

PIPE_BYTES = 1 << 20
"""Room in the pipe, so that the child decodes on while the server thinks: some ten seconds of samples."""

MOST_BYTES = 32 << 20
"""Of one message. A piece of a scan has a hundredth of that."""

MOST_LINES, LINE_BYTES = 32, 4096
"""That one child may have logged. A decoder that was taken over must not flood the log."""

REFUSALS: dict[str, type[ServiceError]] = {
    refusal.__name__: refusal
    for refusal in (UnsupportedVideo, VideoTooLarge, AnalysisFailed, DecoderCrashed, DecodeTimeout, OutOfMemory)
}
"""The errors that a child may raise in the server."""


def never() -> bool:
    return False


def run(
    function: Callable[..., Iterable[T]],
    *arguments: object,
    expect: type[T],
    limits: Limits,
    reads: str | None = None,
    silence_seconds: float,
    wall_seconds: float,
    stopped: Callable[[], bool] = never,
) -> Generator[T, None, None]:
    """The messages of `function(*arguments)`, each an `expect`, made in a child process.

    `function` must be importable by name and its arguments must pickle; messages are limited to what `video.wire`
    carries. `reads` is the one file that it may open. Seconds count while this waits, not while its consumer thinks.
    However the consumer leaves, the child is killed. Raises what the child raised on purpose; AnalysisStopped within
    0.1 s once `stopped()`; DecodeTimeout after `silence_seconds` without a message or `wall_seconds` in all;
    OutOfMemory; DecoderCrashed for any other death.
    """
    process, pipe = _begin(function, arguments, reads, limits, math.ceil(wall_seconds * 4))
    try:
        inbox = _Inbox(pipe)
        waited, lines = 0.0, 0
        while True:
            began = time.monotonic()
            frame = _next(inbox, min(silence_seconds, wall_seconds - waited), stopped)
            waited += time.monotonic() - began
            if frame is None:
                raise _verdict(process)
            kind, body = frame
            if kind == Kind.END:
                return
            if kind == Kind.LINE and lines < MOST_LINES:
                lines += 1
                _log(body)
                continue
            yield _message(kind, body, expect)
    finally:
        _end(process, pipe)


def read_video(
    function: Callable[..., Iterable[T]],
    path: str | Path,
    limits: Limits,
    *rest: object,
    expect: type[T],
    silence_seconds: float | None = None,
    wall_seconds: float | None = None,
    stopped: Callable[[], bool] = never,
) -> Generator[T, None, None]:
    """`run` for a function whose first arguments are a video's absolute path, the one file that it may open, and the
    limits. If nothing is said, it may take as long as decoding may, and be as long silent."""
    most = most_seconds(limits.max_duration_seconds) if wall_seconds is None else wall_seconds
    absolute = str(Path(path).absolute())
    return run(
        function,
        absolute,
        limits,
        *rest,
        expect=expect,
        limits=limits,
        reads=absolute,
        silence_seconds=most if silence_seconds is None else silence_seconds,
        wall_seconds=most,
        stopped=stopped,
    )


def most_seconds(duration: float) -> float:
    """Seconds of processor time that decoding may take. The worst honest video measured, noise in 8192 × 4320 VP9 at 25
    pictures a second, took some 40 a second of video."""
    return 300 + 60 * duration


@cache
def sealed() -> Sealed:
    """What holds in children here, as one of them tried. The first call starts the fork server; it answers for all."""
    (told,) = run(holds, expect=tuple, limits=Limits(), silence_seconds=START_SECONDS, wall_seconds=START_SECONDS)
    return Sealed(*told)


def prepare() -> None:
    """First thing in a process that reads videos: before other threads, which could not be forked. Tells once where a
    machine cannot shut decoders in."""
    here = sealed()
    if not here.fully:
        logger.warning("decoders are not shut in fully on this machine", extra={"facts": asdict(here)})


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


def _log(body: bytes) -> None:
    """A line of the child's, with the ids of whoever waits for it. Nothing in it is believed."""
    try:
        if len(body) > LINE_BYTES:
            raise ValueError("no line is so long")
        level, said, facts = json.loads(body)
        told = {str(name): value if isinstance(value, int) else str(value) for name, value in facts.items()}
        logger.log(min(int(level), logging.WARNING), "%s", said, extra={"facts": told})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DecoderCrashed("The video's decoder answered with nonsense.") from error


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
    function: Callable[..., Iterable[object]],
    arguments: tuple[object, ...],
    reads: str | None,
    limits: Limits,
    cpu_seconds: int,
) -> tuple[ForkServerProcess, Connection]:
    process, pipe = forking.started(serve, function, arguments, reads, limits, cpu_seconds)
    with suppress(OSError, AttributeError):  # a wish; macOS has no such call
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return process, pipe


def _end(process: ForkServerProcess, pipe: Connection) -> None:
    pipe.close()
    with forking.lock:
        if process.exitcode is None:
            process.kill()
        process.join(KILLED_SECONDS)
        if process.exitcode is not None:
            process.close()


def _verdict(process: ForkServerProcess) -> AnalysisFailed:
    """Why a child died that said nothing."""
    wait([process.sentinel], timeout=1.0)  # its pipe closed a moment before
    with forking.lock:
        code = process.exitcode or 0
    if code in (
        OUT_OF_MEMORY,
        -signal.SIGKILL,
    ):  # the kernel kills for want of memory
        return OutOfMemory("Decoding this video needs more memory than the service allows.")
    if code in (-signal.SIGXCPU, -signal.SIGPROF):
        return DecodeTimeout("Decoding this video took longer than the service allows.")
    how = f" ({signal.Signals(-code).name})" if code < 0 else ""
    return DecoderCrashed(f"The video's decoder crashed on this file{how}.")
