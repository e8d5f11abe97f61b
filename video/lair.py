"""The folder in which the fork server's socket lies: gone with this process, or with the next one's start."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

PREFIX = "vdec-"
"""Short, because the whole path of a socket may have about a hundred characters."""


LONGEST = 60
"""Bytes of the path of the folder for temporary files, so that what multiprocessing puts below still fits."""


@cache
def folder() -> str:
    """This process's own, made when first asked for. What processes left that were killed is removed."""
    place = tempfile.gettempdir()
    if len(os.fsencode(place)) > LONGEST:
        place = "/tmp"
    for left in Path(place).glob(f"{PREFIX}*"):
        if (lock := _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB)) is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    while True:
        made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        lock = _locked(made, fcntl.LOCK_EX)
        if lock is not None and made.is_dir():  # another that starts may have taken it for one that was left
            break
    atexit.register(leave)
    return str(made)


def leave() -> None:
    """Remove it, as a process does that ends by itself: for one that ends otherwise. No child is started from then
    on."""
    if folder.cache_info().currsize:
        shutil.rmtree(folder(), ignore_errors=True)


def _locked(path: Path, how: int) -> int | None:
    """A descriptor that holds the folder, for as long as it is open and its process lives; None where it is held, or
    somebody else's."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, how)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor
    return None
