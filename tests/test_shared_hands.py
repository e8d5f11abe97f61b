"""Hands of several processes over one store: each works on what it was given, and takes up what others left."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from caretaker import Caretaker, unheld
from carrying import Terms
from config import Settings
from crews import Ledger, State, Watch, crew_elsewhere, crew_of, watches_of
from progress import Progress
from schemas import AnalysisType, Session, Status, unknown_metadata
from sending import Sender
from session_manager import SessionManager
from shared_roster import SharedRoster
from stores.files import SessionFiles
from stores.redis import RedisStore
from task_manager import BackgroundTaskManager, Crew
from tests.redis_server import RedisServer
from tests.service import until
from vision.eyes import Eyes

LEASE_SECONDS = 0.3
SOON = 10.0


class Found(BaseModel):
    by: str


@dataclass
class Analysis:
    """Waits at its gate; one that is deaf does not ask meanwhile whether to stop."""

    name: str
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    left: threading.Event = field(default_factory=threading.Event)
    deaf: bool = False

    def __call__(self, video_path: str, progress_callback: Progress, **_: object) -> Found:
        try:
            progress_callback(50, "Analyzing segment 2/4")
            self.begun.release()
            while not self.gate.wait(0.005):
                if not self.deaf:
                    progress_callback.check()
            return Found(by=self.name)
        finally:
            self.left.set()


@dataclass
class Process:
    """All that a process has for its work."""

    sessions: SessionManager
    files: SessionFiles
    crew: Crew
    tasks: BackgroundTaskManager
    analysis: Analysis
    watches: tuple[Watch, ...]

    def start(self) -> None:
        for one in self.watches:
            one.start()

    def session(self) -> str:
        metadata = unknown_metadata()
        metadata["video"] = {"duration_seconds": 10.0}
        session_id = self.sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {}, metadata=metadata)
        self.files.folder(session_id).mkdir(exist_ok=True)
        (self.files.folder(session_id) / "source.mp4").write_bytes(b"video")
        return session_id

    def begun(self) -> str:
        """A session whose work waits at the gate."""
        session_id = self.session()
        self.tasks.submit(session_id)
        assert self.analysis.begun.acquire(timeout=SOON)
        return session_id

    def row(self, session_id: str) -> Session:
        row = self.sessions.get_session(session_id)
        assert row
        return row

    def completed(self, session_id: str) -> bytes:
        until(lambda: self.row(session_id)["status"] is Status.COMPLETED)
        return self.files.read_result(session_id, self.row(session_id)["result"] or "")


Opened = Callable[..., Process]


@pytest.fixture
def opened(redis_server: RedisServer, tmp_path: Path) -> Iterator[Opened]:
    """Processes over one Redis and one folder. What they watch is still to be started."""
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path, max_concurrent_jobs=1, task_queue="threads")
    settings = settings.model_copy(update={"lease_seconds": LEASE_SECONDS})
    open_ones: list[tuple[Process, RedisStore]] = []

    def open_one(name: str, man: Callable[[Settings, Ledger, Terms], Crew] = crew_of) -> Process:
        store, files = RedisStore(redis_server.url, tmp_path, LEASE_SECONDS), SessionFiles(tmp_path)
        ledger, terms, analysis = Ledger(store, SessionManager(store, files)), Terms(max_workers=1), Analysis(name)
        crew = man(settings, ledger, terms)
        tasks = BackgroundTaskManager(ledger.sessions, files, {AnalysisType.HIGHLIGHTS: analysis}, terms, crew=crew)
        watches = watches_of(settings, ledger, crew, tasks.hand_over, State(Eyes(), files.free_bytes, 0))
        open_ones.append((Process(ledger.sessions, files, crew, tasks, analysis, watches), store))
        return open_ones[-1][0]

    yield open_one
    for process, store in open_ones:
        process.analysis.gate.set()
        for one in process.watches:
            one.close()
        process.tasks.close()
        store.close()


def test_what_nobody_works_on_any_more_is_taken_over_and_the_late_result_refused(opened: Opened) -> None:
    gone, other = opened("gone"), opened("other")
    gone.analysis.deaf = other.analysis.deaf = True
    session_id = gone.begun()
    gone.crew.lines.close()  # as if all of the process stood still
    other.start()
    assert other.analysis.begun.acquire(timeout=SOON)
    gone.analysis.gate.set()
    until(gone.tasks.idle)
    assert other.row(session_id)["status"] is Status.PROCESSING
    other.analysis.gate.set()
    assert other.completed(session_id) == b'{"by":"other"}'
    assert other.row(session_id)["attempt"] == 2


def test_what_waits_for_a_process_that_is_gone_is_taken_up_by_another(opened: Opened) -> None:
    gone, other = opened("gone"), opened("other")
    gone.begun()
    waiting = gone.session()
    gone.tasks.submit(waiting)
    other.analysis.gate.set()
    other.start()
    assert other.completed(waiting) == b'{"by":"other"}'
    assert other.row(waiting)["attempt"] == 1


def test_what_waits_for_a_process_that_lives_is_left_to_it(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    one.begun()
    waiting = one.session()
    one.tasks.submit(waiting)
    one.start()
    other.analysis.gate.set()
    other.start()
    assert not other.analysis.begun.acquire(timeout=3 * LEASE_SECONDS)
    one.analysis.gate.set()
    assert one.completed(waiting) == b'{"by":"one"}'


def test_what_was_only_just_taken_in_is_left_to_who_took_it_in(opened: Opened) -> None:
    one = opened("one")
    roster = one.crew.roster
    assert isinstance(roster, SharedRoster)
    store, taken_in = roster._store, one.session()
    assert unheld(store, roster, 30) == []
    assert until(lambda: unheld(store, roster, LEASE_SECONDS)) == [taken_in]


def test_a_clock_that_was_put_back_keeps_nothing_from_being_taken_up(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = opened("one")
    roster = one.crew.roster
    assert isinstance(roster, SharedRoster)
    store, taken_in = roster._store, one.session()
    monkeypatch.setattr(store, "now", lambda: datetime.now(UTC) - timedelta(hours=1))
    assert unheld(store, roster, 30) == [taken_in]


def test_a_cancel_elsewhere_stops_the_work_here(opened: Opened) -> None:
    here, elsewhere = opened("here"), opened("elsewhere")
    session_id = here.begun()
    assert elsewhere.tasks.cancel_task(session_id)
    assert here.analysis.left.wait(SOON)
    until(here.tasks.idle)
    assert here.row(session_id)["status"] is Status.CANCELLED
    assert not list(here.files.folder(session_id).iterdir())


def test_an_end_while_redis_is_away_is_written_when_it_is_back(opened: Opened, redis_server: RedisServer) -> None:
    process = opened("patient")
    session_id = process.begun()
    redis_server.kill()
    process.analysis.gate.set()
    assert process.analysis.left.wait(SOON)
    redis_server.start()
    until(process.tasks.idle)
    assert process.completed(session_id) == b'{"by":"patient"}'
    assert process.row(session_id)["attempt"] == 1


def test_how_long_a_turn_is_away_is_known_to_every_process(opened: Opened) -> None:
    one, other = opened("one"), opened("other")
    one.begun()
    waiting = one.session()
    one.tasks.submit(waiting)
    one.start()
    one.crew.roster.learn(20.0, 10.0)  # two seconds for one of video
    assert other.tasks.queue_position(waiting) == 1
    # Half of one video is still to be done by the only hand, and then the other one.
    assert until(lambda: other.tasks.eta_seconds(other.row(waiting))) == pytest.approx(30.0)


def test_a_function_cannot_leave_its_process(opened: Opened) -> None:
    def elsewhere(settings: Settings, ledger: Ledger, terms: Terms) -> Crew:
        return crew_elsewhere(settings, ledger, terms, Sender(settings))

    process = opened("door", elsewhere)
    session_id = process.session()
    with pytest.raises(ValueError, match="cannot leave this process"):
        process.tasks.submit_task(session_id, process.analysis, "a.mp4")
    assert process.tasks.get_task_status(session_id) == {"state": "waiting", "queue_position": 1}
    assert not process.tasks.is_taken(AnalysisType.HIGHLIGHTS)


def test_two_who_notice_a_lapse_at_once_give_the_session_back_once(opened: Opened) -> None:
    gone, other, third = opened("gone"), opened("other"), opened("third")
    gone.analysis.deaf = True
    session_id = gone.begun()
    gone.crew.lines.close()
    store = other.crew.roster._store  # type: ignore[attr-defined]
    until(store.lapsed)
    takers = [Caretaker(one.sessions, store, 30, lost=list, hand_over=one.tasks.hand_over) for one in (other, third)]
    takers[0].go_round()
    assert other.analysis.begun.acquire(timeout=SOON)
    noticed = [session_id]  # by the other, a moment before
    store.lapsed, taken_over = lambda: noticed, other.row(session_id)
    takers[1].go_round()
    assert (other.row(session_id)["worker"], other.row(session_id)["attempt"]) == (taken_over["worker"], 2)
