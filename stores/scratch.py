"""Copies of sessions' files on this machine's disk: held by whoever works on them, dropped when nobody does.

Who holds a session's folder has a lock on it that the system takes back when the process dies, however it dies; so
several processes of one machine may share the place.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

from stores.files import ROW, deleted

LINGER_SECONDS = 600.0
"""How long a copy that will be wanted again soon is left after it was let go."""

LINGER_BYTES = 4 << 30
"""And how much of all copies together; nor more than as much again is free."""


class Scratch:
    """Safe from any thread, and beside other processes at the same place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._guard = threading.Lock()
        self._held: dict[str, list[int]] = {}
        self.lingering: dict[str, float] = {}
        """Session ids and when their copies go, the next first."""

    def hold(self, session_id: str) -> Path:
        """The session's folder, which nobody drops until it is let go as often as it was held."""
        folder = self._root / session_id
        while True:
            folder.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileNotFoundError):  # dropped in between
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                if _is_at(folder, descriptor):
                    break
                os.close(descriptor)
        with self._guard:
            self._held.setdefault(session_id, []).append(descriptor)
            self.lingering.pop(session_id, None)
        return folder

    def let_go(self, session_id: str) -> None:
        """Drop the copies, unless somebody else holds them."""
        self._release(session_id)
        self.drop(session_id)

    def let_linger(self, session_id: str) -> None:
        """Leave the copies for a while to whoever holds them next."""
        self._release(session_id)
        self.leave(session_id)

    def leave(self, session_id: str) -> None:
        with self._guard:
            if session_id not in self._held:
                self.lingering.setdefault(session_id, monotonic() + LINGER_SECONDS)

    def forget(self, session_id: str) -> None:
        """The folder is gone, whoever held it."""
        with self._guard:
            self.lingering.pop(session_id, None)
            for descriptor in self._held.pop(session_id, ()):
                os.close(descriptor)

    def tidy(self) -> None:
        """Drop the copies whose time is up, and the oldest where they are too many."""
        with self._guard:
            lingering = dict(self.lingering)
        if not lingering:
            return
        sizes = {session_id: _bytes_in(self._root / session_id) for session_id in lingering}
        most = min(LINGER_BYTES, shutil.disk_usage(self._root).free)
        for session_id, until in lingering.items():
            if monotonic() >= until or sum(sizes.values()) > most:
                del sizes[session_id]
                self.drop(session_id)

    def _release(self, session_id: str) -> None:
        with self._guard:
            if descriptors := self._held.get(session_id):
                os.close(descriptors.pop())
            if not descriptors:
                self._held.pop(session_id, None)

    def drop(self, session_id: str) -> None:
        """Delete the copies unless somebody holds them; not the session's row, where rows are kept here as well."""
        with self._guard:
            self.lingering.pop(session_id, None)
        folder = self._root / session_id
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for entry in list(folder.iterdir()):
                if not entry.name.startswith(ROW):
                    deleted(entry)
            with suppress(OSError):
                folder.rmdir()
        except (BlockingIOError, FileNotFoundError):
            return  # whoever holds it drops it, or it is gone
        finally:
            os.close(descriptor)


def _is_at(folder: Path, descriptor: int) -> bool:
    """Whether the open folder is still the one by that name."""
    try:
        return os.path.samestat(folder.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _bytes_in(folder: Path) -> int:
    with suppress(FileNotFoundError):
        return sum(entry.stat().st_size for entry in folder.iterdir())
    return 0
