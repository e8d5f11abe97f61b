"""Workers are processes of their own: they carry sessions to their ends, are killed, frozen and told to leave."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from os import environ
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import figures
from cluster import ROOT, Api, Cluster, Part
from schemas import AnalysisType
from sending import PREFIX, queue_of
from tests.browser import needed
from tests.chat_server import ChatServer
from tests.figures_of import Told, told
from tests.service import BASE, PATIENCE, Caller, until

LEASE_SECONDS = 1.0

GREETING = "What is this?"
"""By which a vision server is met."""


def _ports(child: psutil.Process) -> set[int]:
    """Of our end of its connections. Who is not root may not look into those of the worker's that are shut in."""
    with suppress(psutil.AccessDenied):
        return {line.laddr.port for line in child.net_connections()}
    return set()


@dataclass
class Rig(Caller):
    """A front door, a worker of two hands, and a vision server at which their work can be held up."""

    cluster: Cluster
    api: Api
    worker: Part
    vision: ChatServer
    http: httpx.Client
    clip: Path
    temporary: Path
    """Where the worker's temporary folders are."""
    held: int = 0
    """The port from which somebody asks who is held up."""

    def hold_up(self) -> None:
        """Whoever looks is given no answer."""
        self.vision.behave()
        self.vision.next_answers.extend([self._hold] * 100)

    async def _hold(self, request: Request) -> Response:
        if GREETING in str(self.vision.asked[-1]):  # a child that opens its eyes
            message = {"role": "assistant", "content": "grey"}
            return JSONResponse({"choices": [{"message": message, "finish_reason": "stop", "logprobs": None}]})
        assert request.client
        self.held = request.client.port
        return await self.vision.silent(request)

    def held_up(self) -> str:
        """A session whose work waits for the model."""
        self.hold_up()
        session_id = self.start(self.clip)
        assert self.vision.waiting.wait(PATIENCE)
        return session_id

    def holder(self) -> psutil.Process:
        """The worker's child that waits for the model."""
        return next(child for child in psutil.Process(self.worker.pid).children() if self.held in _ports(child))

    def counted(self) -> Told:
        """What the worker tells Prometheus."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.worker.environment['METRICS_PORT']}") as asking:
            return told(asking)

    def logged(self, session_id: str, words: str) -> bool:
        lines = self.worker.written().splitlines()
        return any(session_id in line and f'"event": "{words}"' in line for line in lines)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, clip: Path) -> Iterator[Rig]:
    needed("redis-server")
    folder = tmp_path_factory.mktemp("cluster")
    with (
        ChatServer().serving() as vision,
        Cluster(
            folder,
            objects=False,
            VISION_MODEL=vision.url,
            LEASE_SECONDS=str(LEASE_SECONDS),
            MAX_CONCURRENT_JOBS="2",
            MAX_ATTEMPTS="2",
            LOG_LEVEL="DEBUG",
        ) as cluster,
    ):
        temporary = folder / "tmp"
        temporary.mkdir()
        worker, api = cluster.start_worker(wait=False, TMPDIR=str(temporary)), cluster.start_api(wait=False)
        worker.wait_until_ready()
        api.wait_until_ready()
        with httpx.Client(base_url=api.url, timeout=PATIENCE, verify=False) as http:
            yield Rig(cluster, api, worker, vision, http, clip, temporary)


def test_a_worker_carries_a_session_to_its_end(rig: Rig) -> None:
    rig.vision.behave()
    session_id = rig.start(rig.clip)
    assert rig.ended(session_id)["status"] == "completed"
    data = rig.http.get(f"{BASE}/results/{session_id}").json()["data"]
    assert data["highlights"]
    assert data["analyzer"]["name"] == "remote"
    assert rig.http.get(data["reel_url"]).status_code == 200


def test_what_its_children_count_a_worker_tells_at_a_port_of_its_own(rig: Rig) -> None:
    rig.vision.behave()
    before, done = rig.counted(), {"analysis_type": "highlights", "outcome": "completed"}
    assert rig.ended(rig.start(rig.clip))["status"] == "completed"
    until(lambda: rig.counted().of(figures.JOB_DURATION, **done) == before.of(figures.JOB_DURATION, **done) + 1)
    now, front = rig.counted(), told(rig.http)
    assert now.of(figures.JOBS_FINISHED, **done) == before.of(figures.JOBS_FINISHED, **done) + 1
    assert (front.of(figures.JOBS_FINISHED), front.of(figures.WORKER_SLOTS)) == (0, 0)
    assert (now.of(figures.UPLOADS), front.of(figures.UPLOADS) > 0) == (0, True)
    assert (now.of(figures.WORKER_SLOTS), now.of(figures.STORE_UP)) == (2, 1)
    assert now.of(figures.MODEL_DURATION, stage="weigh") > before.of(figures.MODEL_DURATION, stage="weigh")
    assert now.of(figures.MODEL_TOKENS, direction="read") >= before.of(figures.MODEL_TOKENS, direction="read") + 100
    assert now.of(figures.SEGMENTS) > before.of(figures.SEGMENTS)
    assert now.of(figures.PROCESS_MEMORY, part="children") > now.of(figures.PROCESS_MEMORY, part="self")


def test_a_workers_lines_bear_the_id_that_the_upload_came_with(rig: Rig) -> None:
    rig.vision.behave()
    rig.http.headers["X-Request-ID"] = "from-far-away"
    session_id = rig.start(rig.clip)
    del rig.http.headers["X-Request-ID"]
    assert rig.ended(session_id)["status"] == "completed"
    until(lambda: rig.logged(session_id, "completed"))
    lines = [line for line in rig.worker.written().splitlines() if f'"session": "{session_id}"' in line]
    assert [line for line in lines if '"request": "from-far-away"' not in line] == []
    assert any('"event": "child done"' in line and '"step": "scanned"' in line for line in lines)


def test_a_cancel_reaches_work_that_is_deep_in_the_model(rig: Rig) -> None:
    session_id = rig.held_up()
    assert rig.counted().of(figures.WORKERS_BUSY) == 1
    before = rig.counted().of(figures.CANCEL_LATENCY)
    assert rig.http.post(f"{BASE}/cancel/{session_id}").status_code == 200
    assert rig.vision.left.wait(1.0)
    until(lambda: rig.counted().of(figures.CANCEL_LATENCY) == before + 1)
    until(lambda: rig.logged(session_id, "stopped"))
    assert not any(path.suffix == ".mp4" for path in Path(rig.cluster.settings["DATA_DIR"], session_id).glob("*"))


def test_the_session_of_a_killed_child_is_begun_anew(rig: Rig) -> None:
    rig.http.headers["X-Request-ID"] = "whose-child-was-killed"
    session_id = rig.held_up()
    del rig.http.headers["X-Request-ID"]
    rig.holder().kill()
    rig.vision.behave()
    ended = rig.ended(session_id)
    assert (ended["status"], ended["attempt"]) == ("completed", 2)
    lines = (rig.worker.written() + rig.api.written()).splitlines()
    lapsed = [line for line in lines if session_id in line and '"event": "lapsed"' in line]
    assert ['"request": "whose-child-was-killed"' in line for line in lapsed] == [True]


def test_what_kills_whoever_works_on_it_fails_after_its_attempts(rig: Rig) -> None:
    session_id = rig.held_up()
    for attempt in (1, 2):
        assert rig.vision.waiting.wait(PATIENCE)
        assert rig.status(session_id)["attempt"] == attempt
        rig.holder().kill()
        rig.hold_up()
    ended = rig.ended(session_id)
    assert (ended["status"], ended["reason"], ended["attempt"]) == ("failed", "too_many_attempts", 2)


def test_work_that_was_frozen_past_its_lease_is_refused(rig: Rig) -> None:
    session_id = rig.held_up()
    frozen = rig.holder()
    frozen.suspend()
    rig.vision.behave()
    try:
        ended = rig.ended(session_id)
        assert (ended["status"], ended["attempt"]) == ("completed", 2)
        result = rig.http.get(f"{BASE}/results/{session_id}")
    finally:
        frozen.resume()
    until(lambda: rig.logged(session_id, "stopped"))
    assert rig.status(session_id) == ended
    again = rig.http.get(f"{BASE}/results/{session_id}")
    assert (again.content, again.headers["ETag"]) == (result.content, result.headers["ETag"])
    assert rig.http.get(again.json()["data"]["reel_url"]).status_code == 200


def test_a_worker_that_is_told_to_end_gives_back_and_a_lost_message_is_sent_again(rig: Rig) -> None:
    session_id = rig.held_up()
    rig.worker.send(signal.SIGTERM)
    rig.worker.send(signal.SIGQUIT)  # which harms no more
    assert rig.worker.process.wait(PATIENCE) == 0
    assert list(rig.temporary.iterdir()) == []
    given_back = rig.status(session_id)
    assert (given_back["status"], given_back["attempt"]) == ("queued", 0)
    with redis.Redis.from_url(rig.cluster.redis_url) as broker:
        until(lambda: broker.delete(PREFIX + queue_of(AnalysisType.HIGHLIGHTS)))
    rig.vision.behave()
    rig.worker.start()
    ended = rig.ended(session_id)
    assert (ended["status"], ended["attempt"]) == ("completed", 1)


def test_a_legacy_client_waits_for_the_work_of_others(rig: Rig) -> None:
    rig.vision.behave()
    answer = rig.http.post("/analyze/highlights", files={"video": ("clip.mp4", rig.clip.read_bytes())})
    assert answer.status_code == 200
    assert answer.json()["data"]["highlights"]
    assert answer.json()["data"]["reel_url"] is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TASK_QUEUE": "threads"}, "a worker takes sessions by TASK_QUEUE=celery"),
        ({"TASK_QUEUE": "celery", "REDIS_URL": "redis://127.0.0.1:1/0"}, "Redis at 127.0.0.1:1 cannot be reached"),
    ],
)
def test_a_worker_that_cannot_start_says_why(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    told = refused({**environ, "DATA_DIR": str(tmp_path), "VISION_MODEL": "none", **settings})
    assert f"Cannot start: {words}" in told or f"Cannot start: REDIS_URL: {words}" in told


def test_a_worker_that_would_find_no_videos_does_not_start(rig: Rig, tmp_path: Path) -> None:
    told = refused({**rig.worker.environment, "DATA_DIR": str(tmp_path), "METRICS_PORT": ""})
    assert f"Cannot start: DATA_DIR={tmp_path} is not where the others who share REDIS_URL keep files" in told


def test_a_worker_whose_port_is_taken_does_not_start(rig: Rig) -> None:
    told = refused(dict(rig.worker.environment))
    assert (
        f"Cannot start: cannot listen on HOST=127.0.0.1 METRICS_PORT={rig.worker.environment['METRICS_PORT']}" in told
    )


def refused(environment: dict[str, str]) -> str:
    """The words of a worker that does not start."""
    command = [sys.executable, "celery_worker.py"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    return done.stderr
