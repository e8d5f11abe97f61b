"""Brings what a worker's children count to their parent, by a pipe, one line for each amount.

So the counts of a child that ends are not lost with it, and Prometheus has one place to ask.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from figures import FIGURES, Figure

logger = logging.getLogger(__name__)

MOST_UNSENT = 10_000
"""Lines that a child keeps while its parent does not read; of more, the oldest are lost."""


class Relay:
    """Made in the parent. Lines are short enough that the pipe takes each whole or not at all, however many write."""

    def __init__(self) -> None:
        self._from, self._to = os.pipe()
        os.set_blocking(self._to, False)  # the work does not wait for whoever counts it
        self._lock = threading.Lock()
        self._unsent = deque[bytes](maxlen=MOST_UNSENT)

    def tell(self, figure: Figure, amount: float | None, *labels: str) -> None:
        """In a child."""
        with self._lock:
            self._unsent.append(json.dumps([figure.name, amount, *labels]).encode() + b"\n")
            with suppress(BlockingIOError, BrokenPipeError):
                while self._unsent:
                    os.write(self._to, self._unsent[0])
                    self._unsent.popleft()

    def listen(self, tell: Callable[..., None]) -> None:
        """In the parent, from now on."""
        threading.Thread(target=self._listen, args=(tell,), name="relay", daemon=True).start()

    def _listen(self, tell: Callable[..., None]) -> None:
        with open(self._from, "rb", closefd=False) as lines:
            for line in lines:
                try:
                    name, amount, *labels = json.loads(line)
                    tell(FIGURES[name], amount, *labels)
                except Exception:  # one that breaks must not end the others' count
                    logger.exception("a child's count cannot be read")
