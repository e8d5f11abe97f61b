"""The eyes of one service: its model, opened in a thread of its own while the service already answers.

Whoever wants the model waits for it, and is told meanwhile how far it is.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from errors import AnalysisFailed, CannotStart
from logs import event
from vision import Facts, VisionModel

logger = logging.getLogger(__name__)

ASK_EVERY_SECONDS = 0.05
"""How often who waits for the model looks whether it is there, and whether to wait on."""

LEAVE_SECONDS = 2.0
"""How long a model that is being loaded is waited for when the service ends: it looks after every tensor whether to."""

LOOK_SECONDS = {"cpu": 3.0, "cuda": 0.05}
OTHER_LOOK_SECONDS = 1.0
"""Of the 500M model, by device: as many pictures as it is shown there, and a question."""

NO_MODEL = "No model is asked for: signals alone look"

_FOLDERS = re.compile(r"(?<![\w./-])~?/(?:[^\s/]+/)+(?=[^\s/])")
"""What strangers are not told of a path: all but its last name. Addresses are no paths, nor are the hub's names."""

Tell = Callable[[str, float], None]
"""Told what is being done ("Downloading", "Loading", "Connecting") and how far that is, 0-1."""


class Opening(Protocol):
    """Opens a model. Takes seconds to minutes; raises CannotStart."""

    def __call__(self, tell: Tell) -> VisionModel: ...


class _Abandoned(BaseException):
    """Ends loading. Not an `Exception`: a library might swallow that."""


class Eyes:
    """Shut until `open` is called, and for ever where there is nothing to open.

    A model that is `needed` and cannot be opened is an error; any other leaves the service with signals alone.
    """

    def __init__(
        self,
        opening: Opening | None = None,
        *,
        needed: bool = False,
        whom: str = "SmolVLM2",
        see_all: bool = False,
        words: str = NO_MODEL,
    ) -> None:
        """`whom` is what is loaded, in words; with `see_all` it is to look at all of every video. `words` are said of
        there being nothing to open."""
        self.see_all = see_all
        self._whom = whom
        self._needed = needed
        self._thread = opening and threading.Thread(target=self._open, args=(opening,), name="opening", daemon=True)
        self._settled, self._closing = threading.Event(), False
        self._failed: Callable[[], None] = _ignore
        self._model: VisionModel | None = None
        self.words = "Looking for the model" if opening else words
        """What there is to be said of the model now, to anybody."""
        self.error: CannotStart | None = None
        """Why a needed model could not be opened."""
        self.warning: str | None = None
        """For each result: why no model looked, though one was to be had if possible."""
        if opening is None:
            self._settled.set()

    @property
    def settled(self) -> bool:
        """Whether it is known who looks."""
        return self._settled.is_set()

    @property
    def facts(self) -> Facts | None:
        """Who looks; None as long as no model does."""
        return self._model.facts if self._model else None

    @property
    def seconds_a_look(self) -> float:
        """About how long a stretch of video takes the model; as on a processor while nobody knows, nothing without a
        model. For shares of progress alone."""
        if self._model is None:
            return 0.0 if self.settled else LOOK_SECONDS["cpu"]
        return LOOK_SECONDS.get(self._model.facts.device, OTHER_LOOK_SECONDS)

    def open(self, failed: Callable[[], None]) -> None:
        """Begin. `failed` is called in another thread, before anybody who waits hears of it, if a needed model cannot
        be opened: the service cannot go on."""
        self._failed = failed
        if self._thread:
            self._thread.start()

    def wait(self, tell: Callable[[str], None]) -> VisionModel | None:
        """The model, once it is there; None if signals alone look. `tell` hears how far it is, and may raise."""
        while not self._settled.wait(ASK_EVERY_SECONDS):
            tell(self.words)
        if self.error:
            raise AnalysisFailed(f"The model could not be loaded: {self.error}")
        return self._model

    def at_once(self, tell: Callable[[str], None]) -> VisionModel | None:
        """The model if it looks at all of a video while that is read: waited for only where that was asked for."""
        model = self.wait(tell) if self.see_all else self._model
        return model if model and model.habits.sees_all else None

    def give_way(self) -> AbstractContextManager[None]:
        """While this is open others need the processor."""
        return self._model.give_way() if self._model else nullcontext()

    def close(self) -> None:
        self._closing = True
        if self._thread and self._thread.is_alive():
            self._thread.join(LEAVE_SECONDS)
        if self._model:
            self._model.close()

    def _open(self, opening: Opening) -> None:
        began = time.monotonic()
        try:
            self._see(opening(tell=self._tell), time.monotonic() - began)
        except _Abandoned:
            return
        except CannotStart as error:
            self._stay_shut(error)
        except Exception as error:  # whatever it is, those who wait must hear of it
            logger.exception("the model cannot be opened")
            self._stay_shut(CannotStart(f"the model cannot be opened: {error}"))
        self._settled.set()

    def _tell(self, doing: str, share: float) -> None:
        self.words = f"{doing} {self._whom} ({share * 100:.0f} %)"
        if self._closing:
            raise _Abandoned

    def _see(self, model: VisionModel, seconds: float) -> None:
        facts = model.facts
        where = f"on {facts.device} in {facts.dtype}" if facts.name == "smolvlm2" else "on a vision server"
        self.words = f"{facts.title} looks, {where}"
        self._model = model
        event(logger, "eyes open", **vars(facts), seconds=round(seconds, 1))
        if self._closing:  # nobody waits any more, so nobody else closes it
            model.close()

    def _stay_shut(self, error: CannotStart) -> None:
        why = _FOLDERS.sub("", str(error))
        self.words = f"No model looks: {why}"
        if self._needed:
            self.error = error
            logger.error("eyes needed", extra={"facts": {"error": str(error)}})
            self._failed()
        else:
            self.warning = f"No model looked at this video, signals alone did: {why}"
            logger.warning("eyes shut", extra={"facts": {"why": str(error)}})


def _ignore() -> None:
    pass
