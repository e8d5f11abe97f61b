"""The walk: upload, follow, fetch, cancel, clean up, over a real server."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.service import BASE, Service, decoders, until

Serve = Callable[..., Service]


def scanning(service: Service, session_id: str) -> list[psutil.Process]:
    """The decoders at work once segments are being analysed: no longer the one that only probed."""
    until(lambda: service.status(session_id)["segmentsDone"])
    running: list[psutil.Process] = until(lambda: decoders(os.getpid(), service.data_dir))
    assert service.status(session_id)["status"] == "processing"
    return running


def threads() -> int:
    """Those that a session may have left: pools keep their own."""
    return sum(not thread.name.startswith(("asyncio_", "probe_")) for thread in threading.enumerate())


def test_a_video_becomes_its_moments(service: Service, clip: Path) -> None:
    data = service.results(service.start(clip, max_highlights=3))
    assert 1 <= len(data["highlights"]) <= 3
    assert data["highlights_found"] == len(data["highlights"])
    assert [moment["rank"] for moment in data["highlights"]] == list(range(1, len(data["highlights"]) + 1))
    assert data["analyzer"]["name"] == "signals"
    assert data["coverage"] > 0.95


def test_progress_is_followed_from_start_to_end(service: Service, long_clip: Path) -> None:
    session_id = service.start(long_clip, segment_duration=10)
    seen: list[dict[str, Any]] = []

    def ended() -> bool:
        seen.append(service.status(session_id))
        return seen[-1]["status"] not in ("queued", "processing")

    until(ended, pause=0.01)
    percents = [status["progress"] for status in seen]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert len(set(percents)) > 10, "it followed the work"
    analysing = [status for status in seen if status["message"].startswith("Analyzing segment ")]
    assert {status["segmentsTotal"] for status in analysing} == {analysing[0]["segmentsTotal"]}
    assert all(f"{s['segmentsDone'] + 1}/{s['segmentsTotal']}" in s["message"] for s in analysing)
    assert any(status["etaSeconds"] is not None for status in analysing)


def test_100_percent_means_that_results_can_be_read(service: Service, clip: Path) -> None:
    session_id = service.start(clip)
    until(lambda: service.status(session_id)["progress"] == 100, pause=0)
    assert service.http.get(f"{BASE}/results/{session_id}").status_code == 200


@pytest.mark.embedded
def test_cancelling_a_running_analysis_stops_its_decoder(service: Service, long_clip: Path) -> None:
    session_id = service.start(long_clip)
    running = scanning(service, session_id)
    answer = service.http.post(f"{BASE}/cancel/{session_id}")
    assert answer.json()["status"] == "cancelled"
    gone, alive = psutil.wait_procs(running, timeout=1)
    assert (len(gone), alive) == (len(running), [])
    until(service.house.tasks.idle)
    assert [path.name for path in (service.data_dir / session_id).iterdir()] == ["session.json"]


def test_the_next_session_starts_when_one_is_cancelled(serve_with: Serve, long_clip: Path, clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1)
    first = service.start(long_clip)
    until(lambda: service.status(first)["status"] == "processing")
    second = service.start(clip)
    assert service.status(second)["queuePosition"] == 1
    service.http.post(f"{BASE}/cancel/{first}")
    assert service.ended(second)["status"] == "completed"


@pytest.mark.embedded
def test_cleaning_up_a_running_analysis_leaves_nothing(service: Service, long_clip: Path) -> None:
    session_id = service.start(long_clip)
    running = scanning(service, session_id)
    assert service.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
    assert service.folders() == []
    assert psutil.wait_procs(running, timeout=1)[1] == []
    assert service.status(session_id)["reason"] == "session_not_found"


def test_a_session_has_a_place_for_exactly_as_long_as_it_is_queued(serve_with: Serve, clip: Path) -> None:
    service = serve_with(max_concurrent_jobs=1)
    sessions = [service.start(clip) for _ in range(3)]
    seen: set[tuple[str, bool]] = set()

    def all_ended() -> bool:
        now = [service.status(session_id) for session_id in sessions]
        seen.update((status["status"], status["queuePosition"] is not None) for status in now)
        return all(status["status"] == "completed" for status in now)

    until(all_ended, pause=0.005)
    assert seen == {("queued", True), ("processing", False), ("completed", False)}


def test_cancelling_twice_at_once_is_fine(service: Service, long_clip: Path) -> None:
    session_id = service.start(long_clip)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: service.http.post(f"{BASE}/cancel/{session_id}"), range(4)))
    assert {answer.status_code for answer in answers} == {200}


@pytest.mark.embedded
def test_an_upload_that_was_submitted_already_is_told_as_accepted(
    service: Service, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a caretaker, in the moment before."""
    submit = service.house.tasks.submit

    def twice(session_id: str, *, bounded: bool = True) -> Future[None]:
        submit(session_id, bounded=bounded)
        return submit(session_id, bounded=bounded)

    monkeypatch.setattr(service.house.tasks, "submit", twice)
    assert service.ended(service.start(clip))["status"] == "completed"


@pytest.mark.embedded
def test_a_cancel_that_stopped_the_session_says_so_whatever_follows(
    service: Service, long_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = service.house.tasks
    cancel = tasks.cancel_task
    monkeypatch.setattr(tasks, "cancel_task", lambda session_id: cancel(session_id) and tasks.remove(session_id))
    answer = service.http.post(f"{BASE}/cancel/{service.start(long_clip)}")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


def test_uploads_at_once_are_all_analysed(service: Service, clip: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        sessions = list(pool.map(lambda _: service.start(clip), range(4)))
    assert {service.ended(session_id)["status"] for session_id in sessions} == {"completed"}
    for session_id in sessions:
        service.http.delete(f"{BASE}/cleanup/{session_id}")
    assert service.folders() == []


def test_nothing_is_left_running_after_the_work(service: Service, clip: Path) -> None:
    me = psutil.Process()
    service.results(service.start(clip))
    before = (me.num_fds(), threads(), len(me.children(recursive=True)))
    for _ in range(2):
        session_id = service.start(clip)
        service.results(session_id)
        service.http.delete(f"{BASE}/cleanup/{session_id}")

    def settled() -> bool:
        now = (me.num_fds(), threads(), len(me.children(recursive=True)))
        return all(a <= b for a, b in zip(now, before, strict=True))

    until(settled)


@pytest.mark.embedded
def test_a_session_expires_by_itself_and_loses_its_files(serve_with: Serve, clip: Path) -> None:
    service = serve_with(session_ttl_hours=2.5 / 3600)
    session_id = service.start(clip)
    service.ended(session_id)
    until(lambda: service.status(session_id).get("status") == "expired", timeout=5)
    assert service.http.get(f"{BASE}/results/{session_id}").json()["reason"] == "session_expired"
    until(lambda: list((service.data_dir / session_id).glob("*")) == [service.data_dir / session_id / "session.json"])
    until(lambda: service.status(session_id).get("reason") == "session_not_found", timeout=5)
    until(lambda: service.folders() == [])


@pytest.mark.embedded
def test_the_source_is_kept_until_cleanup(service: Service, clip: Path) -> None:
    session_id = service.start(clip)
    service.ended(session_id)
    kept = {path.name for path in (service.data_dir / session_id).iterdir()}
    listed = set(re.findall(rf'/files/{session_id}/([^"?]+)', json.dumps(service.results(session_id))))
    assert "source.mp4" in listed
    assert kept == {"session.json", "result.json"} | listed


def test_a_workout_is_told_in_work_and_rest(service: Service, clip: Path) -> None:
    data = service.results(service.start(clip, "workout"))
    assert data["analysis_type"] == "workout_with_timestamps"
    assert all(step["reps"] is None and step["method"] == "none" for step in data["exercise_steps"])
    spans = sorted(
        (span["start_timestamp"], span["end_timestamp"]) for span in [*data["exercise_steps"], *data["rests"]]
    )
    assert spans[0][0] == 0
    assert spans[-1][1] == pytest.approx(data["total_duration_seconds"], abs=0.01)


@pytest.mark.embedded
def test_a_decoder_that_dies_fails_its_session_alone(service: Service, long_clip: Path, clip: Path) -> None:
    session_id = service.start(long_clip)
    for process in scanning(service, session_id):
        process.send_signal(signal.SIGSEGV)
    status = service.ended(session_id)
    assert (status["status"], status["reason"]) == ("failed", "decoder_crashed")
    assert status["error"]
    assert service.http.get(f"{BASE}/results/{session_id}").json()["message"] == status["error"]
    assert service.results(service.start(clip))["highlights"]
