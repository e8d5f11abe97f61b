"""Work that hangs: its session fails in words, its slot is freed, and what it still brings is refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import BaseModel

from progress import Progress
from schemas import AnalysisType, Session, Status
from session_manager import SessionManager
from stores.files import SessionFiles
from stores.memory import MemoryStore
from task_manager import BackgroundTaskManager
from tests.service import until
from workers import Workers

STALLED_SECONDS = 0.2


class Done(BaseModel):
    words: str = "done"


@dataclass
class House:
    folder: Path
    sessions: SessionManager
    tasks: BackgroundTaskManager

    def session(self) -> str:
        return self.sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {})

    def row(self, session_id: str) -> Session:
        row = self.sessions.get_session(session_id)
        assert row
        return row


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    store, files = MemoryStore(tmp_path), SessionFiles(tmp_path)
    sessions = SessionManager(store, files)
    tasks = BackgroundTaskManager(sessions, files, {}, max_workers=1, stalled_seconds=STALLED_SECONDS)
    yield House(tmp_path, sessions, tasks)
    tasks.close()
    store.close()


def quick(progress_callback: Progress) -> Done:
    return Done()


def test_work_that_hangs_fails_in_words_and_another_takes_its_slot(house: House) -> None:
    free = threading.Event()

    def hangs(progress_callback: Progress) -> Done:
        free.wait()
        return Done(words="too late")

    stuck, following = house.session(), house.session()
    late = house.tasks.submit_task(stuck, hangs)
    house.tasks.submit_task(following, quick).result(5)
    row = house.row(stuck)
    assert (row["status"], row["reason"]) == (Status.FAILED, "stalled")
    assert "made no progress" in (row["error"] or "")
    assert house.tasks.idle()
    free.set()
    late.result(5)
    assert house.row(stuck) == row
    assert [path.name for path in (house.folder / stuck).iterdir()] == ["session.json"]


def test_work_that_waits_and_asks_whether_to_stop_is_alive(house: House) -> None:
    def waits(progress_callback: Progress) -> Done:
        for _ in range(40):
            progress_callback.check()
            threading.Event().wait(STALLED_SECONDS / 20)
        return Done()

    patient = house.session()
    house.tasks.submit_task(patient, waits).result(5)
    assert house.row(patient)["status"] is Status.COMPLETED


def test_a_stop_does_not_wait_for_work_that_was_given_up(house: House) -> None:
    free = threading.Event()

    def hangs(progress_callback: Progress) -> Done:
        free.wait()
        return Done()

    stuck = house.session()
    late = house.tasks.submit_task(stuck, hangs)
    until(lambda: house.row(stuck)["status"] is Status.FAILED)
    until(house.tasks.idle)
    house.tasks.close()
    assert not late.done()
    free.set()
    late.result(5)


def test_a_thread_that_was_given_up_takes_no_more_work() -> None:
    workers, free = Workers(1, "test"), threading.Event()
    hung: list[threading.Thread] = []

    def hangs() -> None:
        hung.append(threading.current_thread())
        free.wait()

    workers.submit(hangs)
    until(lambda: hung)
    assert workers.give_up(hung[0])
    assert not workers.give_up(hung[0])
    free.set()
    hung[0].join(5)
    assert not hung[0].is_alive()
    workers.submit(lambda: None).result(5)
    workers.close()
    assert workers.wait(5)
