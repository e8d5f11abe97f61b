"""The ledger under fire: sequences of moves that hypothesis thinks of, and many threads at one session.

Longer: `STATE_MACHINE_EXAMPLES=2000 pytest tests/test_state_machine.py`. Every run draws the same examples.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from schemas import AnalysisType, Found, Session, Status
from session_manager import ENDED, NEXT, SessionManager
from stores.files import ROW, SessionFiles
from stores.memory import MemoryStore

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "25"))
TTL = timedelta(hours=2)
SHORT = settings(
    max_examples=EXAMPLES,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Expected:
    """What must be true of one session; None of a number means that nothing was seen yet."""

    status: Status = Status.QUEUED
    progress: int = 0
    attempt: int = 0
    worker: str | None = None
    ended_at: datetime | None = None
    revision: int = 0
    deleted: bool = False


class Ledger(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.now = datetime(2030, 1, 1, tzinfo=UTC)
        self.expected: dict[str, Expected] = {}
        self.workers = 0
        self.open()

    def open(self) -> None:
        self.store, self.files = MemoryStore(self.root), SessionFiles(self.root)
        self.sessions = SessionManager(self.store, self.files, ttl_hours=2, clock=lambda: self.now)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.root)

    @precondition(lambda self: len(self.expected) < 3)
    @rule(target=ids)
    def create(self) -> str:
        session_id = self.sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {})
        (self.root / session_id / "source.mp4").write_bytes(b"video")
        self.expected[session_id] = Expected()
        return session_id

    @rule(session_id=ids)
    def begin(self, session_id: str) -> None:
        one, self.workers = self.expected[session_id], self.workers + 1
        row = self.sessions.begin(session_id, f"w{self.workers}", max_attempts=100)
        assert (row is not None) == (one.status is Status.QUEUED and not one.deleted)
        if row:
            one.status, one.worker, one.attempt = Status.PROCESSING, f"w{self.workers}", one.attempt + 1

    @rule(session_id=ids, percents=st.lists(st.integers(-5, 120), min_size=2, max_size=4), late=st.booleans())
    def report(self, session_id: str, percents: list[int], late: bool) -> None:
        one = self.expected[session_id]
        worker = "somebody late" if late else one.worker or "nobody"
        for percent in percents:
            kept = self.sessions.update_session(session_id, worker=worker, progress=percent)
            assert kept == self.works(one, worker)
            if kept:
                one.progress = max(one.progress, min(99, percent))

    @rule(session_id=ids, late=st.booleans(), to=st.sampled_from([Status.COMPLETED, Status.FAILED]))
    def finish(self, session_id: str, late: bool, to: Status) -> None:
        one = self.expected[session_id]
        worker, works = "somebody late" if late else one.worker or "nobody", (self.root / session_id).exists()
        result = self.files.write_result(session_id, b"{}") if to is Status.COMPLETED and works else None
        kept = self.sessions.update_session(session_id, worker=worker, status=to, result=result)
        assert kept == self.works(one, worker)
        if kept:
            self.end(one, to)
            one.progress = 100 if to is Status.COMPLETED else one.progress
        elif result and one.status is not Status.COMPLETED:  # as a worker does that is refused
            self.files.discard(session_id, keep=["source.mp4"])

    @rule(session_id=ids)
    def cancel(self, session_id: str) -> None:
        one = self.expected[session_id]
        kept = self.sessions.update_session(session_id, status=Status.CANCELLED)
        assert kept == (not one.deleted and one.status in NEXT)
        if kept:
            self.files.discard(session_id)
            self.end(one, Status.CANCELLED)

    @rule(session_id=ids)
    def clean_up(self, session_id: str) -> None:
        one = self.expected[session_id]
        assert self.sessions.delete_session(session_id) == (self.row_stands(one))
        one.deleted = True
        assert not (self.root / session_id).exists()

    @rule(minutes=st.integers(1, 150), swept=st.booleans())
    def time_passes(self, minutes: int, swept: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if swept:
            self.sessions.cleanup_expired_sessions(2)
            for session_id, one in self.expected.items():
                one.deleted |= self.forgotten(one)
                if one.ended_at and self.now >= one.ended_at + TTL and not one.deleted:
                    assert [path.name for path in (self.root / session_id).iterdir()] == [ROW]

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.open()
        self.files.sweep()
        self.sessions.recover()
        for one in self.expected.values():
            if not one.deleted and one.status in NEXT:
                one.status, one.progress, one.worker = Status.QUEUED, 0, None

    @invariant()
    def every_session_is_as_expected(self) -> None:
        for session_id, one in self.expected.items():
            row = self.sessions.get_session(session_id)
            assert (row is None) == (one.deleted or self.forgotten(one))
            if row:
                expired = one.ended_at is not None and self.now >= one.ended_at + TTL
                assert row["status"] is (Status.EXPIRED if expired else one.status)
                assert (row["progress"], row["attempt"]) == (one.progress, one.attempt)
                assert row["revision"] >= one.revision
                one.revision = row["revision"]

    @invariant()
    def no_folder_is_there_without_a_row(self) -> None:
        folders = {path.name for path in self.root.iterdir() if path.name != ".lock"}
        assert folders == {session_id for session_id, one in self.expected.items() if self.row_stands(one)}

    def end(self, one: Expected, status: Status) -> None:
        one.status, one.ended_at = status, self.now

    def works(self, one: Expected, worker: str) -> bool:
        return not one.deleted and one.status is Status.PROCESSING and one.worker == worker

    def row_stands(self, one: Expected) -> bool:
        return not one.deleted

    def forgotten(self, one: Expected) -> bool:
        return one.ended_at is not None and self.now >= one.ended_at + 2 * TTL


def test_whatever_the_order_of_moves_the_rules_hold() -> None:
    run_state_machine_as_test(Ledger, settings=SHORT)


@dataclass
class Heard:
    """What a follower is told, in the order in which it is told."""

    rows: list[Session] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    gone: int = 0

    def __call__(self, session_id: str, news: Session | Found | None) -> None:
        if news is None:
            self.gone += 1
        elif isinstance(news, Found):
            self.revisions.append(news.revision)
        else:
            self.rows.append(news)
            self.revisions.append(news["revision"])


def moves_of(sessions: SessionManager, session_id: str, seed: int) -> list[Callable[[], Any]]:
    """Many moves in an order of this seed's own."""
    chance, name = random.Random(seed), f"w{seed}"

    def report() -> bool:
        row = sessions.get_session(session_id)
        worker = row["worker"] if row and chance.random() < 0.8 else name
        return sessions.update_session(session_id, worker=worker or name, progress=chance.randrange(100))

    ends: list[Status] = [Status.COMPLETED, Status.FAILED]
    return [
        chance.choice(
            [
                lambda: sessions.begin(session_id, name, 1000),
                report,
                report,
                lambda: sessions.give_back(session_id),
                lambda: (
                    chance.random() < 0.1
                    and sessions.update_session(session_id, worker=name, status=chance.choice(ends), result=None)
                ),
                lambda: chance.random() < 0.05 and sessions.update_session(session_id, status=Status.CANCELLED),
                lambda: chance.random() < 0.02 and sessions.delete_session(session_id),
            ]
        )
        for _ in range(60)
    ]


@pytest.mark.parametrize("seed", range(max(3, EXAMPLES // 10)))
def test_from_many_threads_each_session_ends_once_and_its_revisions_only_rise(tmp_path: Path, seed: int) -> None:
    store = MemoryStore(tmp_path)
    sessions, heard = SessionManager(store, SessionFiles(tmp_path)), Heard()
    session_id = sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {})
    sessions.watch(heard)
    together = threading.Barrier(6)

    def act(number: int) -> None:
        together.wait()
        for move in moves_of(sessions, session_id, 100 * seed + number):
            move()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(6)))
    store.close()
    assert heard.revisions == sorted(set(heard.revisions))
    assert sum(row["status"] in ENDED for row in heard.rows) <= 1
    assert all(row["status"] not in ENDED for row in heard.rows[:-1])
    for before, after in zip(heard.rows, heard.rows[1:], strict=False):
        assert after["progress"] >= before["progress"] or after["status"] is Status.QUEUED
    assert heard.gone <= 1
    assert (tmp_path / session_id).exists() == (heard.gone == 0)
