"""What a child gives up before it opens a stranger's file: system calls, all other files, the environment.

Whoever takes over a decoder holds a process that can compute, and talk to the server in a format that is checked.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from video.calls import give_up_calls

_ROOT = Path(__file__).parent.parent

_NO_NEW_PRIVILEGES = 38
"""PR_SET_NO_NEW_PRIVS of prctl(2): without it, nobody but root may give anything up for good."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""System calls of landlock(7), the same numbers on every machine."""

_ASK_VERSION, _BENEATH = 1, 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_ACCESSES = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""What may be forbidden to do to files and folders, by the version of Landlock since when: Linux 5.13 to 6.10."""


@dataclass(frozen=True)
class Sealed:
    """What holds in a child."""

    calls: bool
    """No network, no other program or process, no change to a file: by seccomp."""
    files: bool
    """No file but the video and Python's own packages: by Landlock."""

    @property
    def fully(self) -> bool:
        return self.calls and self.files


def seal(reads: str | None) -> None:
    """For the only thread of a child, before it starts others; never to be undone. `reads` is the path of the video.

    What this machine's kernel knows nothing of is left out: `holds` tells.
    """
    os.environ.clear()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        _give_up_files(libc, [*([reads] if reads else []), *_packages()])
        give_up_calls()


def holds() -> Iterator[tuple[bool, bool]]:
    """For a child that nothing is left to read: whether its seal holds, by trying what it forbids."""
    yield _refused(lambda: socket.socket().close()), _refused(lambda: Path(__file__).read_bytes())


def _refused(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except OSError:
        return True
    return False


def _give_up_files(libc: ctypes.CDLL, kept: list[str]) -> None:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    forbidden = sum(accesses for since, accesses in _ACCESSES.items() if since <= version)
    rules = libc.syscall(_CREATE_RULESET, struct.pack("=Q", forbidden), ctypes.c_size_t(8), 0)
    if rules < 0:
        return
    for path in kept:
        with suppress(OSError):  # what does not exist needs no leave
            place = os.open(path, os.O_PATH)
            allowed = _READ_FILE | _READ_FOLDER if os.path.isdir(path) else _READ_FILE  # noqa: PTH112
            libc.syscall(_ADD_RULE, rules, _BENEATH, struct.pack("=Qi", allowed, place), 0)
            os.close(place)
    libc.syscall(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _packages() -> list[str]:
    """Where modules lie that may be imported late. Not the service's own: videos may lie among those."""
    return [path for path in sys.path if path and not _ROOT.is_relative_to(path)]
