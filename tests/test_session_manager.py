"""The ledger's rules: which status may follow which, who may write, and when a session is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from errors import TooManyAttempts
from schemas import AnalysisType, Metadata, Session, Stage, Status
from session_manager import SessionManager
from stores import SessionStore
from stores.files import SessionFiles
from stores.memory import MemoryStore
from stores.redis import RedisStore


@dataclass
class Clock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2030, 1, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


Open = Callable[[], SessionStore]


@pytest.fixture(params=["memory", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Open:
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    return lambda: RedisStore(url, tmp_path, 30) if url else MemoryStore(tmp_path)


@pytest.fixture
def store(open_store: Open) -> Iterator[SessionStore]:
    store = open_store()
    yield store
    store.close()


@pytest.fixture
def sessions(store: SessionStore, tmp_path: Path, clock: Clock) -> SessionManager:
    return SessionManager(store, SessionFiles(tmp_path), ttl_hours=2, clock=clock)


after_a_start_alone = pytest.mark.parametrize("kind", ["memory"])
"""Where rows are shared, a start finds others at work, and recovers nothing."""


def create(sessions: SessionManager) -> str:
    return sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, {"max_highlights": 3})


def put_video(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "source.mp4").write_bytes(b"video")


def left(folder: Path) -> list[str]:
    """Files in it, but the row where that is one."""
    return [path.name for path in folder.iterdir() if path.name != "session.json"]


def get(sessions: SessionManager, session_id: str) -> Session:
    row = sessions.get_session(session_id)
    assert row
    return row


def in_status(sessions: SessionManager, status: Status) -> str:
    """A new session, led to the status by the ledger's own moves."""
    session_id = create(sessions)
    if status is not Status.QUEUED:
        sessions.begin(session_id, "worker", max_attempts=3)
    if status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
        assert sessions.update_session(session_id, status=status)
    return session_id


ALLOWED = {
    (Status.QUEUED, Status.PROCESSING),
    (Status.QUEUED, Status.FAILED),
    (Status.QUEUED, Status.CANCELLED),
    (Status.PROCESSING, Status.QUEUED),
    (Status.PROCESSING, Status.COMPLETED),
    (Status.PROCESSING, Status.FAILED),
    (Status.PROCESSING, Status.CANCELLED),
}
STORED = [status for status in Status if status is not Status.EXPIRED]


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(STORED, STORED) if pair[0] != pair[1]])
def test_only_the_allowed_moves_are_made(sessions: SessionManager, before: Status, after: Status) -> None:
    session_id = in_status(sessions, before)
    assert sessions.update_session(session_id, status=after) == ((before, after) in ALLOWED)
    assert get(sessions, session_id)["status"] is (after if (before, after) in ALLOWED else before)


def test_a_new_session_waits_with_the_plans_keys(sessions: SessionManager) -> None:
    row = get(sessions, create(sessions))
    plan = {
        "status",
        "progress",
        "video_path",
        "analysis_type",
        "params",
        "result",
        "error",
        "created_at",
        "updated_at",
    }
    assert plan | {"metadata"} <= row.keys()
    assert (row["status"], row["progress"], row["expires_at"]) == (Status.QUEUED, 0, None)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_an_ended_session_takes_no_more_progress(sessions: SessionManager, status: Status) -> None:
    session_id = in_status(sessions, status)
    before = get(sessions, session_id)
    assert not sessions.update_session(session_id, progress=99, message="late")
    assert get(sessions, session_id) == before


def test_progress_never_falls_and_is_100_only_at_the_end(sessions: SessionManager) -> None:
    session_id = in_status(sessions, Status.PROCESSING)
    seen = []
    for percent in (10, 60, 30, 100):
        sessions.update_session(session_id, progress=percent)
        seen.append(get(sessions, session_id)["progress"])
    sessions.update_session(session_id, status=Status.COMPLETED)
    assert [*seen, get(sessions, session_id)["progress"]] == [10, 60, 60, 99, 100]


def test_cancelled_and_failed_keep_their_progress(sessions: SessionManager) -> None:
    for status in (Status.CANCELLED, Status.FAILED):
        session_id = in_status(sessions, Status.PROCESSING)
        sessions.update_session(session_id, progress=42)
        sessions.update_session(session_id, status=status)
        assert get(sessions, session_id)["progress"] == 42


def test_a_worker_that_lost_the_session_may_not_write(sessions: SessionManager) -> None:
    session_id = create(sessions)
    sessions.begin(session_id, "first", max_attempts=3)
    sessions.give_back(session_id)
    sessions.begin(session_id, "second", max_attempts=3)
    assert not sessions.update_session(session_id, worker="first", status=Status.COMPLETED)
    assert sessions.update_session(session_id, worker="second", progress=5)


def test_an_unknown_session_refuses_everything(sessions: SessionManager) -> None:
    assert sessions.get_session("nobody") is None
    assert not sessions.update_session("nobody", progress=1)
    assert not sessions.delete_session("nobody")
    assert sessions.begin("nobody", "worker", 3) is None


def test_a_misspelt_column_is_a_mistake_of_ours(sessions: SessionManager) -> None:
    with pytest.raises(TypeError, match="progres"):
        sessions.update_session(create(sessions), progres=5)


def test_an_attempt_is_counted_before_work_starts(sessions: SessionManager) -> None:
    session_id = create(sessions)
    row = sessions.begin(session_id, "worker", max_attempts=3)
    assert row
    assert (row["attempt"], row["worker"], row["stage"]) == (1, "worker", Stage.LOADING)


def test_work_is_begun_once(sessions: SessionManager) -> None:
    session_id = create(sessions)
    assert sessions.begin(session_id, "first", max_attempts=3)
    assert sessions.begin(session_id, "second", max_attempts=3) is None


def test_a_session_out_of_attempts_is_begun_no_more(sessions: SessionManager) -> None:
    session_id = create(sessions)
    for _ in range(3):
        sessions.begin(session_id, "worker", max_attempts=3)
        sessions.give_back(session_id, counted=True)
    with pytest.raises(TooManyAttempts, match="stopped 3 times"):
        sessions.begin(session_id, "worker", max_attempts=3)


def test_given_back_work_is_uncounted_and_starts_from_nothing(sessions: SessionManager) -> None:
    session_id = in_status(sessions, Status.PROCESSING)
    sessions.update_session(session_id, progress=50, segments_done=3, segments_total=6)
    assert sessions.give_back(session_id)
    row = get(sessions, session_id)
    assert (row["attempt"], row["progress"], row["segments_done"], row["worker"]) == (0, 0, None, None)


def test_work_is_given_back_once(sessions: SessionManager) -> None:
    session_id = create(sessions)
    for _ in range(2):
        sessions.begin(session_id, "worker", max_attempts=9)
        sessions.give_back(session_id, counted=True)
    sessions.begin(session_id, "worker", max_attempts=9)
    assert [sessions.give_back(session_id), sessions.give_back(session_id)] == [True, False]
    assert get(sessions, session_id)["attempt"] == 2


@after_a_start_alone
def test_recovery_finishes_what_a_cancel_had_begun(sessions: SessionManager, tmp_path: Path) -> None:
    session_id = in_status(sessions, Status.CANCELLED)
    put_video(tmp_path / session_id)
    sessions.recover()
    assert left(tmp_path / session_id) == []


def test_a_session_expires_at_its_time_without_any_sweep(sessions: SessionManager, clock: Clock) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    assert get(sessions, session_id)["expires_at"] == clock.now + timedelta(hours=2)
    clock.forward(hours=2, seconds=-1)
    assert get(sessions, session_id)["status"] is Status.COMPLETED
    clock.forward(seconds=1)
    assert get(sessions, session_id)["status"] is Status.EXPIRED


def test_waiting_and_running_sessions_do_not_expire(sessions: SessionManager, clock: Clock) -> None:
    waiting, running = in_status(sessions, Status.QUEUED), in_status(sessions, Status.PROCESSING)
    clock.forward(days=30)
    sessions.cleanup_expired_sessions(2)
    assert get(sessions, waiting)["status"] is Status.QUEUED
    assert get(sessions, running)["status"] is Status.PROCESSING


def test_an_expired_session_loses_its_files_and_keeps_a_tombstone(
    sessions: SessionManager, clock: Clock, tmp_path: Path
) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    put_video(tmp_path / session_id)
    clock.forward(hours=2)
    assert sessions.cleanup_expired_sessions(2) == 1
    assert left(tmp_path / session_id) == []
    assert get(sessions, session_id)["status"] is Status.EXPIRED


def test_a_tombstone_is_kept_for_as_long_again(sessions: SessionManager, clock: Clock, tmp_path: Path) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    clock.forward(hours=4)
    assert sessions.get_session(session_id) is None
    sessions.cleanup_expired_sessions(2)
    assert not (tmp_path / session_id).exists()


def test_a_tombstone_outlives_a_restart(
    sessions: SessionManager, store: SessionStore, open_store: Open, clock: Clock, tmp_path: Path
) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    clock.forward(hours=3)
    sessions.cleanup_expired_sessions(2)
    store.close()
    reopened = open_store()
    again = SessionManager(reopened, SessionFiles(tmp_path), ttl_hours=2, clock=clock)
    assert get(again, session_id)["status"] is Status.EXPIRED
    reopened.close()


def test_a_stricter_cleanup_expires_sessions_early(sessions: SessionManager, clock: Clock) -> None:
    session_id = in_status(sessions, Status.FAILED)
    clock.forward(hours=0.75)
    assert sessions.cleanup_expired_sessions(max_age_hours=0.5) == 0
    assert get(sessions, session_id)["status"] is Status.EXPIRED


def test_deleting_takes_row_and_files(sessions: SessionManager, tmp_path: Path) -> None:
    session_id = create(sessions)
    assert sessions.delete_session(session_id)
    assert sessions.get_session(session_id) is None
    assert not (tmp_path / session_id).exists()


@after_a_start_alone
def test_recovery_deletes_sources_that_are_not_to_be_kept(sessions: SessionManager, tmp_path: Path) -> None:
    done = in_status(sessions, Status.FAILED)
    put_video(tmp_path / done)
    sessions.recover()
    assert (tmp_path / done / "source.mp4").exists()
    sessions.recover(keep_source=False)
    assert not (tmp_path / done / "source.mp4").exists()


@after_a_start_alone
def test_recovery_gives_back_what_ran_and_counts_it(sessions: SessionManager) -> None:
    waiting, running = in_status(sessions, Status.QUEUED), in_status(sessions, Status.PROCESSING)
    done = in_status(sessions, Status.COMPLETED)
    assert sessions.recover() == [waiting, running]
    row = get(sessions, running)
    assert (row["status"], row["attempt"]) == (Status.QUEUED, 1)
    assert get(sessions, done)["status"] is Status.COMPLETED


@after_a_start_alone
def test_recovery_drops_what_only_a_legacy_client_waited_for(sessions: SessionManager) -> None:
    metadata = Metadata(filename="", sha256="", video={}, request_id=None, legacy=True, owner=None, token_hash=None)
    session_id = sessions.create_session("source.mp4", "highlights", {}, metadata=metadata)
    assert sessions.recover() == []
    assert sessions.get_session(session_id) is None


def test_all_sessions_are_listed_with_their_status_as_of_now(sessions: SessionManager, clock: Clock) -> None:
    in_status(sessions, Status.COMPLETED)
    clock.forward(hours=2)
    create(sessions)
    assert [row["status"] for row in sessions.list_sessions()] == [Status.EXPIRED, Status.QUEUED]


@after_a_start_alone
def test_a_completed_session_whose_result_is_lost_fails_in_words_at_the_next_start(
    sessions: SessionManager, tmp_path: Path
) -> None:
    session_id = create(sessions)
    sessions.begin(session_id, "worker", max_attempts=3)
    name = SessionFiles(tmp_path).write_result(session_id, b"{}")
    sessions.update_session(session_id, status=Status.COMPLETED, result=name)
    sessions.recover()
    assert get(sessions, session_id)["status"] is Status.COMPLETED
    (tmp_path / session_id / name).unlink()
    sessions.recover()
    row = get(sessions, session_id)
    assert (row["status"], row["error"]) == (Status.FAILED, "The session's result on disk was lost")


def test_no_jump_of_the_clock_expires_what_still_runs(sessions: SessionManager, clock: Clock) -> None:
    waiting, running = in_status(sessions, Status.QUEUED), in_status(sessions, Status.PROCESSING)
    for hours in (365 * 24, -2 * 365 * 24):
        clock.forward(hours=hours)
        assert sessions.cleanup_expired_sessions(2) == 0
        assert get(sessions, waiting)["status"] is Status.QUEUED
        assert get(sessions, running)["status"] is Status.PROCESSING


def test_no_age_is_negative_once_the_clock_was_put_back(sessions: SessionManager, clock: Clock) -> None:
    session_id = in_status(sessions, Status.PROCESSING)
    clock.forward(hours=-24)
    sessions.update_session(session_id, progress=50)
    row = get(sessions, session_id)
    assert row["created_at"] == row["started_at"] == row["updated_at"] == clock.now
    sessions.update_session(session_id, status=Status.COMPLETED)
    assert get(sessions, session_id)["expires_at"] == clock.now + timedelta(hours=2)


@pytest.mark.parametrize("swept", [True, False])
def test_what_was_expired_stays_so_when_the_clock_is_put_back(
    sessions: SessionManager, store: SessionStore, open_store: Open, clock: Clock, tmp_path: Path, swept: bool
) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    clock.forward(hours=3)
    before = get(sessions, session_id)
    if swept:
        sessions.cleanup_expired_sessions(2)
    clock.forward(hours=-24)
    assert get(sessions, session_id) | {"updated_at": None} == before | {"updated_at": None}
    sessions.cleanup_expired_sessions(2)
    store.close()
    reopened = open_store()
    again = SessionManager(reopened, SessionFiles(tmp_path), ttl_hours=2, clock=clock)
    assert get(again, session_id)["status"] is Status.EXPIRED
    clock.forward(hours=48)
    assert again.cleanup_expired_sessions(2) == 1
    assert reopened.all() == []
    reopened.close()


def test_sweeps_at_once_write_an_expiry_down_once(sessions: SessionManager, clock: Clock) -> None:
    session_id = in_status(sessions, Status.COMPLETED)
    clock.forward(hours=3)
    expired = get(sessions, session_id)["revision"]
    for _ in range(3):
        sessions.cleanup_expired_sessions(2)
    assert get(sessions, session_id)["revision"] == expired
