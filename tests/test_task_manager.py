"""The dispatcher: a fixed pool, a bounded queue, a cancel that stops, a drain that gives back."""

from __future__ import annotations

import asyncio
import errno
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import pytest
from pydantic import BaseModel

from errors import DecoderCrashed, Draining, QueueFull, SessionNotFound, UnsupportedVideo
from progress import Progress
from schemas import AnalysisType, Metadata, Session, Status
from session_manager import SessionManager
from stores.files import SessionFiles
from stores.memory import MemoryStore
from task_manager import BackgroundTaskManager, Terms, crew_of_threads

SOON = 5.0


class Found(BaseModel):
    words: str


@dataclass
class Analysis:
    """Reports 50 %, waits at its gate asking whether to stop, then finds what it was told to."""

    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    calls: list[str] = field(default_factory=list)
    error: Exception | None = None
    at_work: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, video_path: str, progress_callback: Progress, *, filename: str | None = None, **params: object
    ) -> Found:
        self.calls.append(video_path)
        with self.lock:
            self.at_work += 1
            self.most_at_once = max(self.most_at_once, self.at_work)
        try:
            return self.look(progress_callback, f"{params} in {filename}")
        finally:
            with self.lock:
                self.at_work -= 1

    def look(self, progress: Progress, words: str) -> Found:
        progress(50, "Analyzing segment 2/4")
        self.begun.release()
        while not self.gate.wait(0.005):
            progress.check()
        if self.error:
            raise self.error
        return Found(words=words)


@dataclass
class Bench:
    """A dispatcher with all it needs, over one folder."""

    folder: Path
    analysis: Analysis
    sessions: SessionManager
    files: SessionFiles
    tasks: BackgroundTaskManager

    def session(self, **params: object) -> str:
        metadata = Metadata(
            filename="shown.mp4",
            sha256="",
            video={"duration_seconds": 10.0},
            request_id=None,
            legacy=False,
            owner=None,
            token_hash=None,
        )
        session_id = self.sessions.create_session("source.mp4", AnalysisType.HIGHLIGHTS, params, metadata=metadata)
        (self.folder / session_id / "source.mp4").write_bytes(b"video")
        return session_id

    def row(self, session_id: str) -> Session:
        row = self.sessions.get_session(session_id)
        assert row
        return row

    def left_in(self, session_id: str) -> set[str]:
        return {path.name for path in (self.folder / session_id).iterdir()}


Build = Callable[..., Bench]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    benches: list[Bench] = []
    store = MemoryStore(tmp_path)

    def build_one(*, clock: Callable[[], float] = monotonic, **settings: int) -> Bench:
        analysis, files = Analysis(), SessionFiles(tmp_path)
        sessions, terms = SessionManager(store, files), Terms(**settings)  # type: ignore[arg-type]
        crew = crew_of_threads(sessions, terms, clock)
        tasks = BackgroundTaskManager(sessions, files, {AnalysisType.HIGHLIGHTS: analysis}, terms, crew=crew)
        benches.append(Bench(tmp_path, analysis, sessions, files, tasks))
        return benches[-1]

    yield build_one
    for bench in benches:
        bench.tasks.close()
    store.close()


@pytest.fixture
def bench(build: Build) -> Bench:
    return build(max_workers=1, max_queued=2)


def started(bench: Bench) -> str:
    """A session whose analysis has reported 50 % and waits at its gate."""
    session_id = bench.session()
    bench.tasks.submit(session_id)
    assert bench.analysis.begun.acquire(timeout=SOON)
    return session_id


def test_work_ends_with_its_result_on_disk_and_the_session_completed(bench: Bench) -> None:
    bench.analysis.gate.set()
    session_id = bench.session(max_highlights=3)
    bench.tasks.submit(session_id).result(SOON)
    row = bench.row(session_id)
    assert (row["status"], row["progress"], row["attempt"]) == (Status.COMPLETED, 100, 1)
    assert b"{'max_highlights': 3} in shown.mp4" in bench.files.read_result(session_id, row["result"] or "")


def test_any_function_can_be_submitted_for_a_session(bench: Bench) -> None:
    def other(path: str, progress_callback: Progress, **kwargs: object) -> Found:
        return Found(words=f"{path} {kwargs}")

    session_id = bench.session()
    bench.tasks.submit_task(session_id, other, "a.mp4", depth=2).result(SOON)
    assert bench.files.read_result(session_id, "result.json") == b'{"words":"a.mp4 {\'depth\': 2}"}'


def test_progress_reaches_the_ledger_as_it_is_made(bench: Bench) -> None:
    row = bench.row(started(bench))
    assert (row["status"], row["progress"], row["message"]) == (Status.PROCESSING, 50, "Analyzing segment 2/4")


def test_those_waiting_know_their_place(bench: Bench) -> None:
    running = started(bench)
    first, second = bench.session(), bench.session()
    bench.tasks.submit(first)
    bench.tasks.submit(second)
    assert [bench.tasks.queue_position(s) for s in (running, first, second)] == [None, 1, 2]
    bench.tasks.cancel_task(first)
    assert bench.tasks.queue_position(second) == 1
    assert bench.tasks.get_task_status(running)["state"] == "running"
    assert bench.tasks.get_task_status("nobody")["state"] == "none"


def test_a_full_queue_refuses_and_leaves_the_session_as_it_was(bench: Bench) -> None:
    started(bench)
    for _ in range(2):
        bench.tasks.submit(bench.session())
    refused = bench.session()
    with pytest.raises(QueueFull):
        bench.tasks.submit(refused)
    assert bench.row(refused)["status"] is Status.QUEUED
    with pytest.raises(QueueFull):
        bench.tasks.check_room()


def test_what_was_accepted_before_a_restart_is_queued_whatever_the_bound(bench: Bench) -> None:
    started(bench)
    for _ in range(5):
        bench.tasks.submit(bench.session(), bounded=False)


def test_no_more_than_the_pool_runs_at_once(build: Build) -> None:
    bench = build(max_workers=2)
    futures = [bench.tasks.submit(bench.session()) for _ in range(5)]
    for _ in range(2):
        assert bench.analysis.begun.acquire(timeout=SOON)
    bench.analysis.gate.set()
    assert not wait(futures, SOON).not_done
    assert (len(bench.analysis.calls), bench.analysis.most_at_once) == (5, 2)


def test_cancelling_a_running_session_stops_it_and_deletes_its_files(bench: Bench) -> None:
    session_id = started(bench)
    assert bench.tasks.cancel_task(session_id)
    following = bench.session()
    bench.analysis.gate.clear()
    bench.tasks.submit(following)
    assert bench.analysis.begun.acquire(timeout=SOON), "its slot was not freed"
    assert bench.row(session_id)["status"] is Status.CANCELLED
    assert bench.left_in(session_id) == {"session.json"}


def test_cancelling_a_waiting_session_keeps_it_from_starting(bench: Bench) -> None:
    started(bench)
    waiting = bench.session()
    future = bench.tasks.submit(waiting)
    assert bench.tasks.cancel_task(waiting)
    assert future.cancelled()
    assert bench.left_in(waiting) == {"session.json"}


def test_cancelling_twice_is_refused_the_second_time(bench: Bench) -> None:
    session_id = started(bench)
    assert [bench.tasks.cancel_task(session_id), bench.tasks.cancel_task(session_id)] == [True, False]


def test_a_result_that_comes_after_the_cancel_is_refused_and_deleted(bench: Bench) -> None:
    def deaf(path: str, progress_callback: Progress, **params: object) -> Found:
        bench.tasks.cancel_task(session_id)
        return Found(words="too late")

    session_id = bench.session()
    bench.tasks.submit_task(session_id, deaf, "a.mp4").result(SOON)
    assert bench.row(session_id)["status"] is Status.CANCELLED
    assert bench.left_in(session_id) == {"session.json"}


def test_removing_a_running_session_leaves_no_folder(bench: Bench) -> None:
    session_id = started(bench)
    assert bench.tasks.remove(session_id)
    assert bench.sessions.get_session(session_id) is None
    assert not (bench.folder / session_id).exists()


def test_work_that_outstays_its_removal_cleans_up_behind_itself(bench: Bench) -> None:
    leave = threading.Event()
    entered = threading.Event()

    def slow(path: str, progress_callback: Progress, **params: object) -> Found:
        entered.set()
        leave.wait(SOON)
        (bench.folder / session_id).mkdir(exist_ok=True)
        (bench.folder / session_id / "scratch").write_bytes(b"left behind")
        return Found(words="too late")

    session_id = bench.session()
    future = bench.tasks.submit_task(session_id, slow, "a.mp4")
    assert entered.wait(SOON)
    bench.tasks.remove(session_id, timeout=0)
    leave.set()
    future.result(SOON)
    assert not (bench.folder / session_id).exists()


@pytest.mark.parametrize(
    ("error", "reason", "words"),
    [
        (UnsupportedVideo("It holds no picture"), "internal", "It holds no picture"),
        (DecoderCrashed("The decoder crashed"), "decoder_crashed", "The decoder crashed"),
        (MemoryError(), "out_of_memory", "more memory"),
        (OSError(errno.ENOSPC, "No space"), "insufficient_storage", "disk filled up"),
        (ZeroDivisionError("secret detail"), "internal", "unexpected error"),
    ],
)
def test_work_that_breaks_fails_its_session_in_words(bench: Bench, error: Exception, reason: str, words: str) -> None:
    bench.analysis.error = error
    bench.analysis.gate.set()
    session_id = bench.session()
    bench.tasks.submit(session_id).result(SOON)
    row = bench.row(session_id)
    assert (row["status"], row["reason"], row["progress"]) == (Status.FAILED, reason, 50)
    assert words in (row["error"] or "")
    assert "secret" not in (row["error"] or "")


def test_the_source_goes_at_the_end_where_it_is_not_to_be_kept(build: Build) -> None:
    bench = build(max_workers=1, keep_source=False)
    bench.analysis.gate.set()
    session_id = bench.session()
    bench.tasks.submit(session_id).result(SOON)
    assert bench.left_in(session_id) == {"session.json", "result.json"}


def test_a_drain_takes_nothing_new_and_gives_back_what_runs_uncounted(bench: Bench) -> None:
    running, waiting = started(bench), bench.session()
    bench.tasks.submit(waiting)
    bench.tasks.close()
    assert [bench.row(s)["status"] for s in (running, waiting)] == [Status.QUEUED, Status.QUEUED]
    assert bench.row(running)["attempt"] == 0
    assert bench.left_in(running) == {"session.json", "source.mp4"}
    with pytest.raises(Draining):
        bench.tasks.submit(bench.session())


def test_a_session_out_of_attempts_fails_with_the_reason(build: Build) -> None:
    bench = build(max_workers=1, max_attempts=1, keep_source=False)
    session_id = bench.session()
    bench.sessions.begin(session_id, "killed", max_attempts=1)
    bench.sessions.give_back(session_id, counted=True)
    bench.tasks.submit(session_id).result(SOON)
    row = bench.row(session_id)
    assert (row["status"], row["reason"]) == (Status.FAILED, "too_many_attempts")
    assert bench.left_in(session_id) == {"session.json"}


def test_a_session_is_submitted_once(bench: Bench) -> None:
    running, waiting = started(bench), bench.session()
    bench.tasks.submit(waiting)
    for session_id in (running, waiting):
        with pytest.raises(ValueError, match="submitted already"):
            bench.tasks.submit(session_id)


def test_a_drain_stops_the_work_even_when_nothing_can_be_written(bench: Bench) -> None:
    session_id = started(bench)
    folder = bench.folder / session_id
    (folder / "session.json").unlink()
    (folder / "session.json").mkdir()
    bench.tasks.close()
    assert bench.tasks.idle()
    assert (folder / "source.mp4").exists()


def test_work_that_cannot_begin_fails_its_session(bench: Bench) -> None:
    started(bench)
    waiting = bench.session()
    future = bench.tasks.submit(waiting)
    shutil.rmtree(bench.folder / waiting)
    bench.analysis.gate.set()
    future.result(SOON)
    assert bench.row(waiting)["status"] is Status.FAILED


def test_a_file_that_cannot_be_deleted_keeps_no_session_from_its_end(bench: Bench) -> None:
    bench.analysis.error = DecoderCrashed("The decoder crashed")
    bench.analysis.gate.set()
    session_id = bench.session()
    (bench.folder / session_id / "undeletable").mkdir()
    bench.tasks.submit(session_id).result(SOON)
    assert bench.row(session_id)["status"] is Status.FAILED


def test_a_failure_that_only_comes_of_a_drain_leaves_the_source(build: Build) -> None:
    bench = build(max_workers=1, keep_source=False)

    def killed(path: str, progress_callback: Progress, **params: object) -> Found:
        bench.tasks.drain()
        raise DecoderCrashed("killed with its whole group")

    session_id = bench.session()
    bench.tasks.submit_task(session_id, killed, "a.mp4").result(SOON)
    assert bench.row(session_id)["status"] is Status.QUEUED
    assert bench.left_in(session_id) == {"session.json", "source.mp4"}


def test_a_session_nobody_knows_cannot_be_submitted(bench: Bench) -> None:
    with pytest.raises(SessionNotFound):
        bench.tasks.submit("nobody")


async def test_waiting_for_an_analysis_gives_the_session_as_it_ended(bench: Bench) -> None:
    bench.analysis.gate.set()
    session_id = bench.session()
    row = await bench.tasks.process_video_async(session_id, "a.mp4", "highlights", {})
    assert row
    assert row["status"] is Status.COMPLETED


async def test_waiting_ends_when_the_session_is_cancelled_in_the_queue(bench: Bench) -> None:
    started(bench)
    session_id = bench.session()
    waiting = asyncio.ensure_future(bench.tasks.process_video_async(session_id, "a.mp4", "highlights", {}))
    await asyncio.sleep(0)
    bench.tasks.cancel_task(session_id)
    row = await asyncio.wait_for(waiting, SOON)
    assert row
    assert row["status"] is Status.CANCELLED


def test_the_time_left_is_told_once_it_can_be_known(build: Build) -> None:
    now = [0.0]
    bench = build(max_workers=1, clock=lambda: now[0])
    running, waiting = started(bench), bench.session()
    now[0] = 60
    done = bench.tasks.submit(waiting)
    assert bench.tasks.eta_seconds(bench.row(waiting)) is None, "nothing is known of the pace yet"
    assert bench.tasks.eta_seconds(bench.row(running)) == 60, "the first half took as long"
    bench.analysis.gate.set()
    done.result(SOON)
    assert bench.analysis.begun.acquire(timeout=SOON)
    bench.analysis.gate.clear()
    started(bench)
    another = bench.session()
    bench.tasks.submit(another)
    # 10 seconds of video take 60; half of those that run are left, then come its own.
    assert bench.tasks.eta_seconds(bench.row(another)) == 90
    assert bench.tasks.eta_seconds(bench.row(waiting)) is None, "it has ended"
    assert bench.tasks.eta_seconds(bench.row(bench.session())) is None, "it waits for nothing"
