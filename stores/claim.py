"""A folder for sessions, made and claimed: for one process alone, or for all those that share their rows."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from errors import CannotStart
from stores.files import FULL_DISK

OTHERS_MEMORY = (
    "Sessions live in one process's memory: start the service with one worker process, give each service a DATA_DIR of "
    "its own, or have them share their rows by REDIS_URL"
)


class Claim:
    """Holds a flock; the system lets go of it when the process dies, however it dies."""

    def __init__(self, root: Path, *, shared: bool = False) -> None:
        """Raises CannotStart where the folder cannot be used, or is somebody else's."""
        self._descriptor = -1
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            _check_writable(root)
        except BlockingIOError as error:
            self.close()
            raise CannotStart(f"another process already works in DATA_DIR={root}. {OTHERS_MEMORY}") from error
        except OSError as error:
            self.close()
            raise CannotStart(f"DATA_DIR={root} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Let others have the folder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _check_writable(root: Path) -> None:
    """Raises OSError where nothing can be found or kept; a disk that is full now may have room later."""
    tried = root / ".writable"
    try:
        os.scandir(root).close()
        tried.touch(0o600)
        tried.unlink(missing_ok=True)  # others may try at the same time
    except OSError as error:
        if error.errno not in FULL_DISK:
            raise
