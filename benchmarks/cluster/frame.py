"""A cluster as the trials use it: started for one trial, asked through any of its doors, looked into from outside."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.faults.frame import ENDED, SMALL, Plan
from cluster import BUCKET, Api, Cluster, Part
from tests.service import BASE, decoders, until
from video.draw import draw_video

PATIENCE = 30.0
"""Seconds for one answer: much longer than any bar."""

LEAVE_SECONDS = 10.0
"""For the last of what was deleted to be gone."""

AGAIN_SECONDS = 0.1
"""Between two tries of a client whose service is away."""

Sessions = Iterable[str]


@dataclass(frozen=True)
class Door:
    """One front door, and a client for it."""

    part: Api
    http: httpx.Client

    def ask(self, method: str, path: str) -> httpx.Response:
        return self.http.request(method, f"{BASE}/{path}")

    def upload(self, video: Path | bytes, key: str | None = None, **params: Any) -> httpx.Response:
        content = video if isinstance(video, bytes) else video.read_bytes()
        form = {"analysis_type": "highlights", "params": json.dumps(params)}
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(f"{BASE}/upload", data=form, files={"video": ("clip.mp4", content)}, headers=headers)

    def start(self, video: Path | bytes, **params: Any) -> str:
        answer = self.upload(video, **params)
        answer.raise_for_status()
        session_id: str = answer.json()["sessionId"]
        return session_id

    def status(self, session_id: str) -> dict[str, Any]:
        """Empty where the service does not say."""
        answer = self.ask("GET", f"status/{session_id}")
        body: dict[str, Any] = answer.json()
        return body if answer.status_code == 200 else {}


class Field:
    """A cluster, its doors, and what lies in its store."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.doors = [Door(api, httpx.Client(base_url=api.url, timeout=PATIENCE)) for api in cluster.apis]

    @property
    def workers(self) -> list[Part]:
        return self.cluster.workers

    def stored(self, session_id: str = "") -> list[str]:
        """The keys of all objects there are, or of a session's."""
        keys = self._keys("list-type=2")
        return [key for key in keys if session_id in key and not key.rpartition("/")[2].startswith(".")]

    def left(self, session_id: str = "", timeout: float = LEAVE_SECONDS) -> list[str]:
        """What is still stored once whoever deletes has had its time."""
        with suppress(AssertionError):
            until(lambda: not self.stored(session_id), timeout=timeout, pause=0.02)
        return self.stored(session_id)

    def unfinished(self) -> list[str]:
        """The keys of multipart uploads that were begun and neither completed nor aborted."""
        return self._keys("uploads")

    def _keys(self, question: str) -> list[str]:
        """Of the first thousand that the store itself lists, past any proxy."""
        assert self.cluster.store
        answer = httpx.get(f"http://127.0.0.1:{self.cluster.store.environment['PORT']}/{BUCKET}?{question}")
        answer.raise_for_status()
        return re.findall("<Key>(.*?)</Key>", answer.text)

    def status(self, session_id: str) -> dict[str, Any]:
        """As any door tells it; empty while none does."""
        for door in self.doors:
            with suppress(httpx.HTTPError, ValueError):
                if body := door.status(session_id):
                    return body
        return {}

    def wait_until_ended(self, sessions: Sessions, timeout: float) -> list[dict[str, Any]]:
        """Their last statuses. Raises AssertionError where one does not end in time."""
        ended: dict[str, dict[str, Any]] = {}

        def all_over() -> bool:
            for session_id in (one for one in wanted if one not in ended):
                body = self.status(session_id)
                if body.get("status") not in ENDED:
                    return False
                ended[session_id] = body
            return True

        wanted = list(sessions)
        until(all_over, timeout=timeout, pause=0.1)
        return [ended[session_id] for session_id in wanted]

    def clean_up(self, sessions: Sessions) -> None:
        for session_id in sessions:
            self.doors[0].ask("DELETE", f"cleanup/{session_id}").raise_for_status()

    def worker_on(self, session_id: str) -> Part | None:
        """The one whose decoder reads that session's video."""
        return next((worker for worker in self.workers if decoders_of(worker, session_id)), None)

    def wait_for_worker_on(self, session_id: str) -> Part:
        found: Part = until(lambda: self.worker_on(session_id), pause=0.02)
        return found

    def close(self) -> None:
        for door in self.doors:
            door.http.close()


@contextmanager
def field(plan: Plan, *, doors: int = 2, workers: int = 2, **settings: str) -> Iterator[Field]:
    """A cluster of this trial's own, all of it started; without eyes unless the settings name some."""
    with opened(plan, **settings) as cluster:
        start(cluster, doors, workers)
        yielded = Field(cluster)
        try:
            yield yielded
        finally:
            yielded.close()


@contextmanager
def opened(plan: Plan, **settings: str) -> Iterator[Cluster]:
    """Redis and the store alone."""
    settings = {"VISION_MODEL": "none", **settings}
    with Cluster(plan.folder, objects=True, **settings) as cluster:
        yield cluster


def start(cluster: Cluster, doors: int, workers: int, **settings: str) -> None:
    """All at once, since each takes seconds to load what it needs."""
    parts = [cluster.start_api(wait=False, **settings) for _ in range(doors)]
    for part in (*parts, *(cluster.start_worker(wait=False, **settings) for _ in range(workers))):
        part.wait_until_ready()


def logged(part: Part) -> list[dict[str, Any]]:
    """The log's whole lines, over all starts."""
    lines = part.log.read_text(errors="replace").splitlines()
    found = []
    for line in lines:
        with suppress(ValueError):  # what is no line of ours, and the half of one
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def events(part: Part, name: str, session_id: str) -> list[dict[str, Any]]:
    return [line for line in logged(part) if line.get("event") == name and line.get("session") == session_id]


def data_of(part: Part) -> Path:
    return Path(part.environment["DATA_DIR"])


def decoders_of(worker: Part, session_id: str) -> list[psutil.Process]:
    with suppress(psutil.Error):
        if worker.running():
            return decoders(worker.pid, data_of(worker) / session_id)
    return []


def hands_of(worker: Part) -> list[psutil.Process]:
    """The children that Celery forked to do the work: they were started by the same command as their parent."""
    parent = psutil.Process(worker.pid)
    return [child for child in parent.children() if child.cmdline() == parent.cmdline()]


def brief(folder: Path) -> Path:
    """Six seconds of video, with sound: a fraction of a second of work."""
    return draw_video(folder / "brief.mp4", 6, style=SMALL).path


def lasting(folder: Path) -> Path:
    """Five minutes in few bytes: seconds of work, so that something can be done to it meanwhile."""
    return draw_video(folder / "lasting.mp4", 300, sound=False, style=SMALL).path


def acknowledged(doors: Callable[[], Door], video: Path, over: threading.Event | None = None) -> str | None:
    """Upload until it is answered, as a client does that wants it done once: under one Idempotency-Key, at any door.
    None where all was over before. Raises RuntimeError for a refusal that is no "come again"."""
    key = uuid.uuid4().hex
    while not (over and over.is_set()):
        with suppress(httpx.TransportError):
            answer = doors().upload(video, key)
            if answer.status_code == 200:
                session_id: str = answer.json()["sessionId"]
                return session_id
            if answer.status_code not in (409, 429, 503):
                raise RuntimeError(f"an upload was answered with {answer.status_code}: {answer.text}")
        time.sleep(AGAIN_SECONDS)
    return None


def paused(part: Part, seconds: float) -> None:
    part.signal_all(signal.SIGSTOP)
    time.sleep(seconds)
    part.signal_all(signal.SIGCONT)


def told(counted: Counter[str]) -> str:
    """In words, such as "2 × 200, 1 × 503"."""
    return ", ".join(f"{count} × {what}" for what, count in sorted(counted.items())) or "none"
