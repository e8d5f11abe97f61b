"""How things stand, read when Prometheus asks: of this process, and by one process of all who share their rows."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic

import figures
from config import VERSION, Settings
from errors import ServiceError, StoreAway
from metrics import Reading
from processes import Family, began_at
from schemas import Status
from session_manager import ENDED
from stores import SessionStore, is_shared
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager
from vision.eyes import Eyes

TELLER = "metrics"
"""What is held by the one process that tells of all."""

SCRAPES, LEAST_SECONDS, MOST_SECONDS = 3, 5.0, 90.0
"""The one that tells goes on while it is asked, and leaves it to another once it was not for as long as that many
times it usually is asked in; so sums over all processes count everything once."""

LOOK_SECONDS = {True: 3600.0, False: 60.0}
"""Between two looks at how much room files take: where a store elsewhere keeps them, each thousand of them is a request
that costs; on this machine's disk it is a matter of milliseconds."""

MOST_SHARE = 0.02
"""Of its time that looking may take: where it takes long, it is done more seldom."""

WAIT_SECONDS = 0.25
"""How long whoever asks waits for a look that is under way."""


class ThisProcess:
    """What it takes of the machine, and whether it reaches the rows."""

    def __init__(self, store: SessionStore) -> None:
        self._store = store
        self._family = Family()
        self._began = began_at()

    def readings(self) -> Iterator[Reading]:
        yield Reading(figures.BUILD, 1, (VERSION,))
        yield Reading(figures.STORE_UP, 0 if self._store.trouble else 1)
        yield Reading(figures.PROCESS_START, self._began)
        taken = self._family.taken()
        yield Reading(figures.PROCESS_CPU, taken.own_seconds, ("self",))
        yield Reading(figures.PROCESS_CPU, taken.children_seconds, ("children",))
        if taken.own_bytes is not None and taken.children_bytes is not None:
            yield Reading(figures.PROCESS_MEMORY, taken.own_bytes, ("self",))
            yield Reading(figures.PROCESS_MEMORY, taken.children_bytes, ("children",))


def of_work(tasks: BackgroundTaskManager) -> Iterator[Reading]:
    """Of the threads of this process."""
    yield Reading(figures.WORKER_SLOTS, tasks.slots)
    busy = tasks.busy()
    yield Reading(figures.WORKERS_BUSY, busy)
    yield Reading(figures.WORKERS_STOPPING, min(busy, tasks.stopping()))


def of_children(at_work: Callable[[], list[str]], slots: int, store: SessionStore) -> Iterator[Reading]:
    """Of a worker's children; `at_work` gives the sessions that they work on."""
    ids = at_work()
    yield Reading(figures.WORKER_SLOTS, slots)
    yield Reading(figures.WORKERS_BUSY, len(ids))
    going_on = sum(row["status"] not in ENDED for row in map(store.get, ids) if row)
    yield Reading(figures.WORKERS_STOPPING, len(ids) - going_on)


def of_place(files: SessionFiles, eyes: Eyes, settings: Settings) -> Iterator[Reading]:
    """Of this machine's disk, and of who looks here."""
    yield Reading(figures.MODEL_LOADED, 1 if eyes.facts else 0)
    yield Reading(figures.STORAGE_FLOOR, settings.min_free_disk_mb << 20)
    yield Reading(figures.STORAGE_FREE, files.free_bytes())


class Together:
    """Of all who share their rows, or of the one process that has its own. Close it to let another tell at once."""

    def __init__(
        self, store: SessionStore, files: SessionFiles, settings: Settings, clock: Callable[[], float] = monotonic
    ) -> None:
        self._store, self._capacity = store, settings.max_queued
        self._used = Looking(files.used_bytes, LOOK_SECONDS[bool(settings.storage_url)])
        self._name = uuid.uuid4().hex
        self._clock, self._asked, self._usual = clock, -MOST_SECONDS, 0.0

    def readings(self) -> Iterator[Reading]:
        if is_shared(self._store) and not self._store.board.hold(TELLER, self._name, self._seconds_to_hold()):
            return
        counts = self._store.counts()
        for status in Status:
            yield Reading(figures.SESSIONS, counts.get(status, 0), (status,))
        yield Reading(figures.QUEUE_DEPTH, counts.get(Status.QUEUED, 0))
        yield Reading(figures.QUEUE_CAPACITY, self._capacity)
        used = self._used.newest()
        if used is not None:
            yield Reading(figures.STORAGE_USED, used)

    def _seconds_to_hold(self) -> float:
        """Somebody who looks by hand between two scrapes makes it hardly shorter."""
        since, self._asked = self._clock() - self._asked, self._clock()
        self._usual = max(since, self._usual / 2)
        return min(MOST_SECONDS, max(LEAST_SECONDS, SCRAPES * self._usual))

    def start(self) -> None:
        """Nothing is done before somebody asks."""

    def close(self) -> None:
        if is_shared(self._store):
            with suppress(StoreAway):
                self._store.board.free(TELLER, self._name)


class Looking:
    """Something that takes its time to find out: looked at in a thread, now and then, when somebody asks."""

    def __init__(self, look: Callable[[], int], seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._look, self._seconds, self._clock = look, seconds, clock
        self._lock = threading.Lock()
        self._seen = threading.Event()
        self._next = 0.0
        self._newest: int | None = None

    def newest(self) -> int | None:
        """None before it was seen."""
        with self._lock:
            if self._clock() >= self._next:
                self._next = float("inf")
                self._seen.clear()
                threading.Thread(target=self._go, name="looking", daemon=True).start()
        self._seen.wait(WAIT_SECONDS)
        return self._newest

    def _go(self) -> None:
        began = self._clock()
        try:
            with suppress(OSError, ServiceError):  # what cannot be seen now is looked at again
                self._newest = self._look()
        finally:
            took = self._clock() - began
            self._next = self._clock() + max(self._seconds, took / MOST_SHARE)
            self._seen.set()
