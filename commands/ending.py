"""How the program ends: by which status, and what becomes of it when it is told to stop."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

DONE, FAILED, MISUSED, UNANSWERED = 0, 1, 2, 3
"""Exit statuses: it was done; it was refused, or failed; it was asked for wrongly, as argparse has it; no service
answers. What is stopped by a signal ends by that signal, which shells show as 128 and its number: 130 for Ctrl-C, 143
for SIGTERM, 141 where nobody reads on."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SAME_SECONDS = 1.0
"""Signals that come so soon after the first mean the same: terminals, shells and supervisors send some each."""

TRIES = 3
"""To delete a folder."""


class Stopped(BaseException):
    """The program was told to stop. Not an `Exception`: no library's `except Exception` may swallow it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Stopping:
    """Once it listens, the first signal raises Stopped in the main thread, once; one that comes later ends the program
    at once, whatever it leaves."""

    def __init__(self) -> None:
        self._heard: int | None = None
        self._heard_at = 0.0
        self._told = False
        self._undisturbed = 0

    def listen(self) -> None:
        """To all but what whoever started the program has it ignore, as nohup does."""
        for one in SIGNALS:
            if signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, self._hear)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """A signal that comes meanwhile raises Stopped afterwards: for what must not be left half done."""
        self._undisturbed += 1
        try:
            yield
        finally:
            self._undisturbed -= 1
        self._tell()

    def check(self) -> None:
        """Raise Stopped once the program was told to stop: the first may have been raised where none comes through, as
        in what is run when something is deleted."""
        if self._heard is not None:
            raise Stopped(self._heard)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._heard is None:
            self._heard, self._heard_at = number, now
        elif now - self._heard_at > SAME_SECONDS:
            os._exit(128 + number)
        self._tell()

    def _tell(self) -> None:
        if self._heard is not None and not self._told and not self._undisturbed:
            self._told = True
            raise Stopped(self._heard)


@contextmanager
def scratch(stopping: Stopping, name: str, within: Path | None = None) -> Iterator[Path]:
    """A folder that is gone afterwards, whenever a signal comes."""
    folder: Path | None = None
    try:
        with stopping.undisturbed():
            folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=within))
        yield folder
    finally:
        if folder:
            with stopping.undisturbed():
                for _ in range(TRIES):
                    shutil.rmtree(folder, ignore_errors=True)  # a thread that is late may write meanwhile
                    if not folder.exists():
                        break


def die_by(number: int) -> NoReturn:
    """End as a program does that never heard of the signal, so that shells and supervisors see why; and at once,
    whatever threads are in."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with suppress(OSError, ValueError):
            stream.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    os._exit(128 + number)  # the first process of a container is not ended by its own signal
