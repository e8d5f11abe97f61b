"""One thread feeds the model from all sessions: what several ask for at once is done together, and each has its turn.

Knows nothing of models: it takes tasks of one kind to a worker. A session that stops, or a task that fails, costs the
others in its batch nothing but time.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from errors import AnalysisFailed, AnalysisStopped
from vision import Stopped

T = TypeVar("T")

ASK_EVERY_SECONDS = 0.02
"""Pause between two questions to the same session whether it stopped."""


class Interrupted(BaseException):
    """Leaves a model in the middle of its work because a session of the batch stopped. Not an `Exception`: a library
    might swallow that."""


@dataclass(eq=False)
class Task(Generic[T]):
    """Something one session wants of the model, and in the end what came of it."""

    kind: Hashable
    wanted: Any
    stopped: Stopped
    result: T | None = None
    error: BaseException | None = None
    left: bool = False
    """Nobody waits for it any more."""
    done: threading.Event = field(default_factory=threading.Event)
    _asked: float = 0.0

    def gone(self) -> bool:
        """Whether to drop it. Asks the session, though not more often than makes sense."""
        now = time.monotonic()
        if not self.left and now - self._asked >= ASK_EVERY_SECONDS:
            self.left, self._asked = self.stopped(), now
        return self.left

    def finish(self, result: T | None, error: BaseException | None = None) -> None:
        self.result, self.error = result, error
        self.done.set()


class Batcher:
    """Runs `work(kind, tasks)` in a thread of its own; it fills in each task's result by `finish`, and calls `check` as
    often as it can.

    At most `most(kind)` tasks make a batch; where there are fewer, it waits `patience` seconds for more. A session may
    have `waiting` tasks in the queue; `submit` waits for a place.
    """

    def __init__(
        self,
        work: Callable[[Any, list[Task[Any]]], None],
        most: Callable[[Any], int],
        patience: float = 0.005,
        waiting: int = 8,
    ) -> None:
        self._work, self._most, self._patience, self._waiting = work, most, patience, waiting
        self._queues: dict[Hashable, deque[Task[Any]]] = {}  # by session, the next one's first
        self._changed = threading.Condition()
        self._running: list[Task[Any]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="eyes", daemon=True)
        self._thread.start()

    def submit(self, kind: Hashable, wanted: object, stopped: Stopped) -> Task[Any]:
        """Put a task at the end of its session's queue."""
        task: Task[Any] = Task(kind, wanted, stopped)
        with self._changed:
            while not self._closed and len(self._queues.get(stopped, ())) >= self._waiting:
                self._changed.wait(ASK_EVERY_SECONDS)
                if stopped():
                    raise AnalysisStopped
            if self._closed:
                raise AnalysisFailed("The model was put away before the analysis was done.")
            self._queues.setdefault(stopped, deque()).append(task)
            self._changed.notify_all()
        return task

    def wait(self, task: Task[T]) -> T:
        """What came of a task. Raises AnalysisStopped as soon as its session stops, whatever the model does."""
        while not task.done.wait(ASK_EVERY_SECONDS):
            if task.gone():
                raise AnalysisStopped
        if task.error is not None:
            raise task.error
        return task.result  # type: ignore[return-value]  # a task without an error has one

    def check(self) -> None:
        """To be called from within the work: raises Interrupted if one of the batch is gone."""
        if self._closed or any(task.gone() for task in self._running):
            raise Interrupted

    def close(self) -> None:
        """Ends the thread; what still waits fails in words."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _serve(self) -> None:
        while batch := self._next():
            self._run(batch)
        for task in [task for queue in self._queues.values() for task in queue]:
            task.finish(None, AnalysisFailed("The model was put away before the analysis was done."))

    def _next(self) -> list[Task[Any]]:
        """The next batch; empty once the batcher is closed."""
        with self._changed:
            while not self._closed and not self._queues:
                self._changed.wait()
            if not self._closed:
                self._changed.wait_for(lambda: self._closed or self._full(), self._patience)
            if self._closed:
                return []
            batch = self._take()
            self._changed.notify_all()
            return batch

    def _full(self) -> bool:
        """Whether as many tasks could go together now as may."""
        kind = next(iter(self._queues.values()))[0].kind
        return sum(_leading(queue, kind) for queue in self._queues.values()) >= self._most(kind)

    def _take(self) -> list[Task[Any]]:
        """Of the first session's kind, one task from each session in turn; who was served goes to the end."""
        kind = next(iter(self._queues.values()))[0].kind
        batch: list[Task[Any]] = []
        most = self._most(kind)
        while len(batch) < most:
            served = [session for session, queue in self._queues.items() if queue[0].kind == kind]
            for session in served[: most - len(batch)]:
                queue = self._queues.pop(session)
                batch.append(queue.popleft())
                if queue:
                    self._queues[session] = queue
            if not served:
                break
        return batch

    def _run(self, batch: list[Task[Any]]) -> None:
        """Work until every task of the batch is finished or gone."""
        while batch := [task for task in batch if not task.done.is_set() and not _dropped(task)]:
            self._running = batch
            try:
                self._work(batch[0].kind, batch)
            except Interrupted:
                if self._closed:
                    self._fail(batch, AnalysisFailed("The model was put away before the analysis was done."))
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to who asked
                if len(batch) > 1:
                    for task in batch:
                        self._run([task])  # alone, so that only the one at fault fails
                else:
                    self._fail(batch, error)
            finally:
                self._running = []

    @staticmethod
    def _fail(batch: Sequence[Task[Any]], error: Exception) -> None:
        for task in batch:
            if not task.done.is_set():
                task.finish(None, error)


def _leading(queue: deque[Task[Any]], kind: Hashable) -> int:
    count = 0
    for task in queue:
        if task.kind != kind:
            break
        count += 1
    return count


def _dropped(task: Task[Any]) -> bool:
    try:
        if not task.gone():
            return False
        task.finish(None, AnalysisStopped())
    except Exception as error:  # noqa: BLE001 - a session that cannot be asked is that session's trouble
        task.finish(None, error)
    return True
