"""Tasks of several sessions go to the worker together, in fair turns; one session's end is not another's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from errors import AnalysisFailed, AnalysisStopped
from vision import Stopped
from vision.batcher import Batcher, Task


class Worker:
    """Doubles numbers, when it is let; notes what came together."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.may_work = threading.Event()
        self.may_work.set()
        self.began = threading.Event()
        self.batcher: Batcher

    def work(self, kind: str, tasks: list[Task[Any]]) -> None:
        self.batches.append((kind, [task.wanted for task in tasks]))
        self.began.set()
        while not self.may_work.wait(0.005):
            self.batcher.check()
        if any(task.wanted < 0 for task in tasks):
            raise ArithmeticError("below zero")
        for task in tasks:
            task.finish(task.wanted * 2)


@contextmanager
def serving(**options: Any) -> Iterator[tuple[Worker, Batcher]]:
    worker, most = Worker(), options.pop("most", 4)
    worker.batcher = Batcher(worker.work, lambda _: most, **options)
    try:
        yield worker, worker.batcher
    finally:
        worker.batcher.close()


@contextmanager
def held(worker: Worker) -> Iterator[None]:
    """Keeps the worker at a first task while more are put in the queue."""
    worker.may_work.clear()
    first = worker.batcher.submit("first", 0, session())
    worker.began.wait(5)
    yield
    worker.may_work.set()
    worker.batcher.wait(first)


def session() -> Stopped:
    return lambda: False


def test_what_is_alike_goes_together() -> None:
    with serving(most=4) as (worker, batcher):
        with held(worker):
            tasks = [batcher.submit("a", number, session()) for number in range(6)]
        assert [batcher.wait(task) for task in tasks] == [0, 2, 4, 6, 8, 10]
        assert worker.batches[1:] == [("a", [0, 1, 2, 3]), ("a", [4, 5])]


def test_sessions_take_turns_whoever_asked_for_more() -> None:
    greedy, modest = session(), session()
    with serving(most=2, waiting=9) as (worker, batcher):
        with held(worker):
            tasks = [batcher.submit("a", number, greedy) for number in range(5)]
            tasks += [batcher.submit("a", 100 + number, modest) for number in range(2)]
        for task in tasks:
            batcher.wait(task)
        assert [sorted(batch) for _, batch in worker.batches[1:]] == [[0, 100], [1, 101], [2, 3], [4]]


def test_a_session_is_served_in_its_own_order() -> None:
    one, other = session(), session()
    with serving(most=4) as (worker, batcher):
        with held(worker):
            tasks = [batcher.submit(kind, number, one) for number, kind in enumerate("aab")]
            tasks += [batcher.submit(kind, 10 + number, other) for number, kind in enumerate("ba")]
        for task in tasks:
            batcher.wait(task)
        numbers = [number for _, batch in worker.batches[1:] for number in batch]
        assert [number for number in numbers if number < 10] == [0, 1, 2]
        assert [number for number in numbers if number >= 10] == [10, 11]
        assert {kind: len(batch) for kind, batch in worker.batches[1:]} == {"a": 1, "b": 2}


def test_a_stopped_session_leaves_at_once_and_the_others_go_on() -> None:
    stop = threading.Event()
    with serving(most=2) as (worker, batcher):
        with held(worker):
            leaving, staying = batcher.submit("a", 1, stop.is_set), batcher.submit("a", 2, session())
            worker.began.clear()
        worker.began.wait(5)
        worker.may_work.clear()
        again = batcher.submit("a", 3, stop.is_set), batcher.submit("a", 4, session())
        assert (batcher.wait(leaving), batcher.wait(staying)) == (2, 4)
        stop.set()
        began = time.monotonic()
        with pytest.raises(AnalysisStopped):
            batcher.wait(again[0])
        assert time.monotonic() - began < 0.2
        worker.may_work.set()
        assert batcher.wait(again[1]) == 8
        assert again[0].result is None


def test_what_fails_together_is_tried_alone() -> None:
    with serving(most=3) as (worker, batcher):
        with held(worker):
            tasks = [batcher.submit("a", number, session()) for number in (1, -1, 2)]
        assert (batcher.wait(tasks[0]), batcher.wait(tasks[2])) == (2, 4)
        with pytest.raises(ArithmeticError, match="below zero"):
            batcher.wait(tasks[1])


def test_the_queue_of_a_session_is_bounded() -> None:
    stop = threading.Event()
    with serving(waiting=2) as (worker, batcher), held(worker):
        for number in range(2):
            batcher.submit("a", number, stop.is_set)
        stop.set()
        with pytest.raises(AnalysisStopped):
            batcher.submit("a", 2, stop.is_set)


def test_a_session_that_cannot_be_asked_fails_alone() -> None:
    broken = threading.Event()

    def stopped() -> bool:
        if broken.is_set():
            raise ConnectionError("the ledger is away")
        return False

    with serving(most=2) as (worker, batcher):
        with held(worker):
            tasks = [batcher.submit("a", 1, stopped), batcher.submit("a", 2, session())]
            broken.set()
            time.sleep(0.03)
        assert batcher.wait(tasks[1]) == 4
        with pytest.raises(ConnectionError, match="away"):
            batcher.wait(tasks[0])


def test_closing_ends_what_runs_and_what_waits_in_words() -> None:
    worker = Worker()
    worker.batcher = batcher = Batcher(worker.work, lambda _: 4)
    worker.may_work.clear()
    running = batcher.submit("a", 1, session())
    worker.began.wait(5)
    waiting = batcher.submit("b", 2, session())
    batcher.close()
    for task in (running, waiting):
        with pytest.raises(AnalysisFailed, match="put away"):
            batcher.wait(task)
    with pytest.raises(AnalysisFailed, match="put away"):
        batcher.submit("a", 3, session())
