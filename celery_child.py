"""One child of a worker: what it works with, how it carries a session to its end, and how it leaves."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import suppress

from carrying import Terms
from config import Settings
from crews import Announcer, Ledger, crew_elsewhere
from errors import CannotStart, StoreAway
from metrics import Meter
from relay import Relay
from sending import Sender
from task_manager import Crew
from video import child as decoder
from video import forking, lair
from wiring import Workshop, build_workshop

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 2.0
"""For the work in a child to leave by itself. Then its session is given back under its feet."""

LINGER_SECONDS = 3.0
"""How long a child whose work has left waits for the parent to end it, as it does when it ends itself."""

AGAIN_SECONDS = 1.0
"""After which what a child cannot do without is tried again."""

MOST_WORDS = 2000
"""Bytes of the words in which a child says why nothing can start."""


class Child:
    """What one child works with. Made in the parent, and furnished in the child."""

    def __init__(self, settings: Settings, told: int, relay: Relay) -> None:
        """`told` is a pipe's end, for the words by which a child ends all of the worker. What a child counts it tells
        by the relay."""
        self.replaces = False
        """Whether it takes the place of one that could be made ready with these settings."""
        self._settings, self._told = settings, told
        self._meter = Meter(relay.tell)
        self._shop: Workshop | None = None
        self._announcer: Announcer | None = None

    def open(self, **_: object) -> None:
        """In the child, before any message."""
        try:
            self._open()
        except BaseException:
            logger.exception("a child cannot be made ready; another will be tried")
            time.sleep(AGAIN_SECONDS)
            os._exit(1)  # Celery would have it work all the same

    def _open(self) -> None:
        """First what starts processes, then threads, then models."""
        forking.begin_anew()
        decoder.prepare()
        _leave_the_end_to_a_thread()
        threading.Thread(target=self._leave_when_told, name="leaving", daemon=True).start()
        self._shop = shop = self._furnished()
        if self._settings.storage_url:  # copies that a killed child left; else files are the door's
            shop.files.sweep(lambda session_id: shop.store.get(session_id) is not None)
        shop.eyes.open(self._give_up)
        self._announcer = Announcer(self._settings, shop.crew.roster, shop.state, self._settings.worker_takes, 1)
        self._announcer.start()

    def carry(self, session_id: str) -> None:
        """Carry a session to its end, in the child's main thread."""
        assert self._shop
        _leave_the_end_to_a_thread()
        tasks = self._shop.tasks
        if not tasks.draining:
            tasks.run(session_id)
            return
        time.sleep(AGAIN_SECONDS)  # it may come back to this very child
        with suppress(StoreAway):  # then it waits, and is sent again
            tasks.hand_over(session_id)

    def _furnished(self) -> Workshop:
        while True:
            try:
                return build_workshop(self._settings, man=self._crew, meter=self._meter)
            except CannotStart as error:
                if not self.replaces:
                    self._end_all(str(error))
                # Others could be made ready with these settings: it is away, and will be back.
                logger.warning("waiting: %s", error)
                time.sleep(AGAIN_SECONDS)

    def _crew(self, settings: Settings, ledger: Ledger, terms: Terms) -> Crew:
        return crew_elsewhere(settings, ledger, terms, ChildHands(settings, self))

    def _give_up(self) -> None:
        """The model that was asked for cannot be had."""
        assert self._shop
        self._end_all(str(self._shop.eyes.error))

    def _end_all(self, words: str) -> None:
        """The worker is to end, and say why."""
        os.write(self._told, words.encode()[:MOST_WORDS] + b"\0")
        os.kill(os.getppid(), signal.SIGTERM)

    def _leave_when_told(self) -> None:
        signal.sigwait({signal.SIGTERM})
        if self._shop:
            tasks, deadline = self._shop.tasks, time.monotonic() + LEAVE_SECONDS
            tasks.drain()
            while not tasks.idle() and time.monotonic() < deadline:
                time.sleep(0.02)
            if tasks.idle():
                lair.leave()
                time.sleep(LINGER_SECONDS)
            else:
                tasks.give_back()
        self.end(0)

    def end(self, status: int) -> None:
        """At once, whatever the main thread is in."""
        if self._announcer:
            self._announcer.close()
        lair.leave()
        os._exit(status)


def _leave_the_end_to_a_thread() -> None:
    """Keep SIGTERM from this thread, and from those it starts from now on: one that waits for it acts on it at once,
    however deep in a model the others are. Again before each work, since multiprocessing lets it through when it has
    to start its tracker anew."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


class ChildHands(Sender):
    """What is given back goes to others. A thread that is stuck is this child's only one: another child takes over."""

    def __init__(self, settings: Settings, child: Child) -> None:
        super().__init__(settings)
        self._child = child

    def write_off(self, thread: threading.Thread) -> bool:
        self._child.end(1)
        return True
