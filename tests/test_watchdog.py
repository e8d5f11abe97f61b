"""Work that does not advance is given up, its place freed, and what it brings later refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from hands import MOST_WRITTEN_OFF, Hands
from progress import Progress
from schemas import AnalysisType, Status
from session_manager import SessionManager
from stores.files import SessionFiles
from stores.memory import MemoryStore
from task_manager import BackgroundTaskManager, Terms
from tests.service import until
from watchdog import Watchdog, Watched

LIMIT_SECONDS = 0.3


class Answer(BaseModel):
    text: str = "an analysis"


class Bench:
    """A dispatcher with one place, whose analyses are told what to do."""

    def __init__(self, folder: Path) -> None:
        self.files = SessionFiles(folder)
        self.store = MemoryStore(folder)
        self.sessions = SessionManager(self.store, self.files)
        self.tasks = BackgroundTaskManager(
            self.sessions, self.files, {}, Terms(max_workers=1, stalled_minutes=LIMIT_SECONDS / 60)
        )

    def queue(self, work: Callable[..., Answer]) -> str:
        session_id = self.sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {})
        self.tasks.submit_task(session_id, work)
        return session_id

    def status(self, session_id: str) -> tuple[Status, str | None]:
        row = self.sessions.get_session(session_id)
        assert row is not None
        return row["status"], row["reason"]

    def becomes(self, session_id: str, status: Status, reason: str | None = None) -> None:
        until(lambda: self.status(session_id) == (status, reason), timeout=10)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.tasks.close()
    bench.store.close()


def quick(progress_callback: Progress) -> Answer:
    progress_callback(50, "Working")
    return Answer()


def test_a_stuck_analysis_fails_in_words_and_the_next_one_runs(bench: Bench) -> None:
    freed, threads = threading.Event(), list[threading.Thread]()

    def stuck(progress_callback: Progress) -> Answer:
        threads.append(threading.current_thread())
        progress_callback(20, "Working")
        freed.wait(20)
        return Answer(text="late")

    first, second = bench.queue(stuck), bench.queue(quick)
    bench.becomes(first, Status.FAILED, "stalled")
    bench.becomes(second, Status.COMPLETED)
    row = bench.sessions.get_session(first)
    assert row is not None
    assert "did not advance" in str(row["error"])
    assert bench.tasks.idle()
    # What it brings in the end is refused, and what it wrote is gone.
    freed.set()
    until(lambda: not threads[0].is_alive())
    assert bench.status(first) == (Status.FAILED, "stalled")
    assert [path.name for path in bench.files.folder(first).iterdir()] == ["session.json"]
    bench.becomes(bench.queue(quick), Status.COMPLETED)


def test_a_cancelled_analysis_that_does_not_notice_gives_its_place_up_too(bench: Bench) -> None:
    freed = threading.Event()

    def stuck(progress_callback: Progress) -> Answer:
        freed.wait(20)
        return Answer()

    first = bench.queue(stuck)
    bench.becomes(first, Status.PROCESSING)
    assert bench.tasks.cancel_task(first)
    second = bench.queue(quick)
    bench.becomes(second, Status.COMPLETED)
    assert bench.status(first) == (Status.CANCELLED, None)
    freed.set()


def test_slow_work_that_advances_is_left_alone(bench: Bench) -> None:
    def slow(progress_callback: Progress) -> Answer:
        for _ in range(8):
            time.sleep(LIMIT_SECONDS / 3)
            progress_callback.advance()
        return Answer()

    session_id = bench.queue(slow)
    bench.becomes(session_id, Status.COMPLETED)


def test_a_stuck_analysis_does_not_keep_the_service_from_ending(tmp_path: Path) -> None:
    freed = threading.Event()

    def stuck(progress_callback: Progress) -> Answer:
        freed.wait(20)
        return Answer()

    bench = Bench(tmp_path)
    session_id = bench.queue(stuck)
    bench.becomes(session_id, Status.PROCESSING)
    began = time.monotonic()
    bench.tasks.close()
    assert time.monotonic() - began < 4
    bench.store.close()
    freed.set()


def test_a_service_that_was_stopped_for_an_hour_finds_nothing_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    stalled: list[Watched] = []
    slept = [0.0]
    monkeypatch.setattr("watchdog.monotonic", lambda: time.monotonic() + slept[0])
    watchdog = Watchdog(4.0, stalled.append)
    with watchdog.over("a", "b", Progress()):
        time.sleep(0.5)
        slept[0] = 3600.0
        time.sleep(0.9)
    watchdog.close()
    assert stalled == []


def test_the_number_of_stuck_threads_has_an_end() -> None:
    hands, freed = Hands(1, "hand"), threading.Event()
    stuck: list[threading.Thread] = []

    def hang() -> None:
        stuck.append(threading.current_thread())
        freed.wait(20)

    for number in range(MOST_WRITTEN_OFF + 1):
        hands.submit(hang)
        until(lambda: len(stuck) == number + 1)  # noqa: B023
        assert hands.write_off(stuck[-1]) is (number < MOST_WRITTEN_OFF)
    freed.set()
    done = threading.Event()
    hands.submit(done.set)
    assert done.wait(10)
    hands.shutdown(5)
    with pytest.raises(RuntimeError):
        hands.submit(done.set)


def test_hands_take_turns_and_never_more_at_a_time_than_there_are() -> None:
    hands, lock = Hands(2, "hand"), threading.Lock()
    at_work, most, order = [0], [0], []

    def work(number: int) -> None:
        with lock:
            order.append(number)
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.002)
        with lock:
            at_work[0] -= 1

    futures = [hands.submit(lambda number=number: work(number)) for number in range(40)]  # type: ignore[misc]
    dropped = futures[-1].cancel()
    for future in futures[:-1]:
        future.result(10)
    hands.shutdown(5)
    assert most == [2]
    assert sorted(order) == list(range(40 - dropped))
    assert sum(abs(place - number) for place, number in enumerate(order)) <= 40
