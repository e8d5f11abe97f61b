"""What a decoder may do to the process it runs in. These run in child processes: nothing of a test may be imported."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
from collections.abc import Iterator

import numpy as np

from errors import UnsupportedVideo
from schemas import Sound


def counts(most: int) -> Iterator[int]:
    yield from range(most)


def hums(seconds: int) -> Iterator[Sound]:
    for second in range(seconds):
        yield Sound(float(second), np.full(16_000, 0.5, np.float32))


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
    yield len(os.listdir("/dev/fd")) - 1  # noqa: PTH208


def writes_a_file(path: str) -> Iterator[int]:
    with open(path, "wb", buffering=0) as file:  # noqa: PTH123
        yield file.write(b"x")


def _pipe() -> int:
    return max(int(name) for name in os.listdir("/dev/fd") if os.path.exists(f"/dev/fd/{name}"))  # noqa: PTH208, PTH110
