"""Room on the disk: what is free, less what uploads under way said they will still take."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from errors import InsufficientStorage, NotReady
from stores.files import FULL_DISK

logger = logging.getLogger(__name__)


class Space:
    """Safe from any thread."""

    def __init__(self, free_bytes: Callable[[], int], floor_bytes: int) -> None:
        self._free_bytes = free_bytes
        self._guard = threading.Lock()
        self._claimed = 0
        self.floor_bytes = floor_bytes

    @property
    def claimed(self) -> int:
        """Bytes that were announced and have not come yet."""
        return self._claimed

    def claim(self, size: int) -> Claim:
        """Room for so many bytes; 0 for an upload that does not say how large it is. Raises InsufficientStorage when
        they would leave less free than the floor."""
        with self._guard:
            if self._free_bytes() - self._claimed - size < self.floor_bytes:
                raise InsufficientStorage("The service's disk has no room for this video; try again later")
            self._claimed += size
        return Claim(self, size)

    def reclaim(self, size: int) -> Claim:
        """Room that was promised before a restart, whatever is free now."""
        with self._guard:
            self._claimed += size
        return Claim(self, size)

    def free_bytes(self, announced: bool) -> int:
        """What an upload may find free: what others announced is only in the way of one that announced nothing."""
        free = self._free_bytes()
        return free if announced else free - self._claimed

    def _give_back(self, claim: Claim, size: int) -> None:
        with self._guard:
            part = min(size, claim.left)
            claim.left -= part
            self._claimed -= part


class Claim:
    """What one upload has still to write."""

    def __init__(self, space: Space, size: int) -> None:
        self._space = space
        self.left = size
        self._announced = size > 0

    def wrote(self, size: int) -> None:
        self._space._give_back(self, size)

    def release(self) -> None:
        self.wrote(self.left)

    def free_bytes(self) -> int:
        return self._space.free_bytes(self._announced)


def disk_full() -> InsufficientStorage:
    return InsufficientStorage("The service's disk is full; try again later")


@contextmanager
def storage_trouble_in_words() -> Iterator[None]:
    """Whichever write it is that the disk does not take."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise disk_full() from error
        logger.exception("the folder for videos cannot be used")
        words = "The service cannot store videos at the moment; try again later"
        raise NotReady(words, reason="storage_unavailable") from error
