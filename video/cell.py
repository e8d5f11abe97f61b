"""What happens inside a child process: it gives up what it does not need, then works and sends what it makes."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path

from errors import ServiceError
from schemas import Limits
from video.seal import seal
from video.wire import encode

logger = logging.getLogger(__name__)

FRAME = struct.Struct("!cI")
"""A frame on the pipe: its kind, the length of its body, then the body."""

OUT_OF_MEMORY = 75
"""Exit code of a child that was refused memory: it may not have enough left to say so in words."""

OPEN_FILES = 32
"""Ends of the pipe, the video, modules that are imported late: ten would do."""

NICENESS = 5
"""However many are at work, who asks for something is answered first. Not more, or other programs would starve them."""

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""


class Kind(StrEnum):
    """What a frame holds."""

    MESSAGE = "m"
    END = "e"
    REFUSAL = "r"
    """An error raised on purpose: its class and its words."""
    FAILURE = "f"
    """Any other: its traceback."""
    LINE = "l"
    """For the log, where it gets the ids of the work that it belongs to: level, event, facts."""


def serve(
    function: Callable[..., Iterable[object]],
    arguments: tuple[object, ...],
    reads: str | None,
    limits: Limits,
    cpu_seconds: int,
    pipe: Connection,
) -> None:
    """Send every message of `function(*arguments)`, then leave without tidying up: there is nothing to tidy."""
    code = 0
    try:
        _shut(limits, cpu_seconds, pipe.fileno())
        seal(reads)
        _log_into(pipe)
        _say("child begun", function)
        last = _work(function, arguments, pipe)
        _say("child done", function, **_taken())
        _send(pipe, *last)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BrokenPipeError:
        pass  # nobody listens any more
    finally:
        os._exit(code)


def _work(
    function: Callable[..., Iterable[object]], arguments: tuple[object, ...], pipe: Connection
) -> tuple[Kind, bytes]:
    """Sends every message; the last frame is the caller's to send."""
    try:
        for message in function(*arguments):
            _send(pipe, Kind.MESSAGE, encode(message))
    except (MemoryError, BrokenPipeError):
        raise
    except ServiceError as error:
        return Kind.REFUSAL, json.dumps([type(error).__name__, str(error)]).encode()
    except Exception:  # noqa: BLE001  the server raises it again, with this traceback
        return Kind.FAILURE, traceback.format_exc().encode()
    return Kind.END, b""


class _Lines(logging.Handler):
    """Into the pipe: the log itself is the server's."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        facts = getattr(record, "facts", {})
        _send(self._pipe, Kind.LINE, json.dumps([record.levelno, record.getMessage(), facts], default=str).encode())


def _log_into(pipe: Connection) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_Lines(pipe)]
    root.setLevel(logging.DEBUG)


def _say(what: str, function: Callable[..., object], **facts: int) -> None:
    logger.debug(what, extra={"facts": {"step": function.__name__, "pid": os.getpid(), **facts}})


def _taken() -> dict[str, int]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"cpu_ms": round(1000 * time.process_time()), "peak_mb": peak >> 20}


def _send(pipe: Connection, kind: Kind, body: bytes) -> None:
    rest = memoryview(FRAME.pack(kind.encode(), len(body)) + body)
    while rest:
        rest = rest[os.write(pipe.fileno(), rest) :]


def _shut(limits: Limits, cpu_seconds: int, pipe: int) -> None:
    _die_with_the_server()
    os.nice(NICENESS)
    _close_all_but(pipe)
    _limit(resource.RLIMIT_AS, _mapped_bytes() + limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)


def _die_with_the_server() -> None:
    """The fork server ends with the server, whose children hold no end of its pipe; this child ends with the fork
    server. Elsewhere than on Linux it ends when it next sends something."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _close_all_but(pipe: int) -> None:
    """The three that every program has lead nowhere: what a library says there is nobody's, and not the log's."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for usual in range(3):
        os.dup2(nowhere, usual)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208  names are all that is wanted
        if int(name) > 2 and int(name) != pipe:
            with suppress(OSError):  # the listing's own, closed by now
                os.close(int(name))


def _limit(which: int, most: int) -> None:
    """Lower a limit where the system knows it; macOS refuses to limit the address space."""
    with suppress(OSError, ValueError):
        _, hard = resource.getrlimit(which)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (allowed, hard if which == resource.RLIMIT_CPU else allowed))


def _mapped_bytes() -> int:
    """Address space in use before any video is opened: libraries, mostly."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0
