"""What a decoder may do to the process it runs in. These run in child processes: nothing of a test may be imported."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import numpy as np

from errors import UnsupportedVideo
from schemas import Sound

MOST_FILES = 1024


def counts(most: int) -> Iterator[int]:
    yield from range(most)


def hums(seconds: int) -> Iterator[Sound]:
    for second in range(seconds):
        yield Sound(float(second), np.full(16_000, 0.5, np.float32))


def names_its_niceness() -> Iterator[int]:
    yield os.nice(0)


def says_who_it_is_and_hangs() -> Iterator[int]:
    yield os.getpid()
    threading.Event().wait()


def loops_in_native_code() -> Iterator[int]:
    yield os.getpid()
    ctypes.PyDLL(None).sleep(3600)  # keeps the interpreter to itself, as a stuck decoder does


def crashes() -> Iterator[int]:
    yield 1
    ctypes.string_at(0)


def kills_itself(number: int) -> Iterator[int]:
    yield 1
    os.kill(os.getpid(), number)
    signal.pause()


def swells() -> Iterator[int]:
    held = []
    while True:
        held.append(bytearray(64 << 20))
        yield len(held)


def holds(size: int) -> Iterator[int]:
    held = bytearray(size)
    yield len(held)
    signal.pause()


def refuses() -> Iterator[int]:
    yield 1
    raise UnsupportedVideo("It is a cake.")


def stumbles() -> Iterator[int]:
    yield 1
    raise LookupError("deep inside")


def leaves_quietly() -> Iterator[int]:
    yield 1
    os._exit(0)


def sends(raw: bytes, then_hangs: bool) -> Iterator[int]:
    """Bytes of its own on the pipe, as a decoder would that a hostile file has taken over."""
    os.write(_pipe(), raw)
    if then_hangs:
        threading.Event().wait()
    os._exit(0)
    yield 1


def names_its_modules() -> Iterator[tuple[str, ...]]:
    yield tuple(sys.modules)


def names_its_limits() -> Iterator[tuple[int, ...]]:
    which = (resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_CPU)
    yield tuple(resource.getrlimit(limit)[0] for limit in which)


def counts_its_files() -> Iterator[int]:
    yield sum(map(_is_open, range(MOST_FILES)))


def writes_a_file(path: str) -> Iterator[int]:
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123
        yield file.write(b"x")


def tries(deed: str, path: str) -> Iterator[str]:
    """What the system says to a deed that is none of a decoder's business; nothing where it lets it happen."""
    deeds: dict[str, Callable[[], object]] = {
        "read": lambda: open(path, "rb").read(),  # noqa: PTH123, SIM115
        "list": lambda: os.listdir(path),  # noqa: PTH208
        "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
        "run": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
        "fork": os.fork,
        "kill": lambda: os.kill(os.getppid(), 0),
        "remove": lambda: os.unlink(path),  # noqa: PTH108
        "rename": lambda: os.rename(path, f"{path}.gone"),  # noqa: PTH104
        "truncate": lambda: os.truncate(path, 0),
        "append": lambda: os.open(path, os.O_WRONLY | os.O_APPEND),
        "link": lambda: os.symlink(path, f"{path}.link"),  # noqa: PTH211
        "raise its limits": lambda: resource.prlimit(os.getppid(), resource.RLIMIT_AS),
    }
    try:
        deeds[deed]()
    except OSError as error:
        yield error.strerror or type(error).__name__
    else:
        yield ""


def tells_its_environment() -> Iterator[tuple[str, ...]]:
    yield tuple(sorted(os.environ))


def _pipe() -> int:
    return max(filter(_is_open, range(MOST_FILES)))


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False
