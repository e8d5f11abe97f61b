"""A service whose work is done as a test says, behind two faces: its rules called directly, and its HTTP endpoints.

Only the analysis is the test's own. Ledger, dispatcher, store, files, and behind the second face the whole app under a
real uvicorn, are those that serve.
"""

from __future__ import annotations

import queue
import random
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

from pydantic import BaseModel

import wiring
from config import Settings
from errors import AnalysisFailed
from progress import Progress
from schemas import AnalysisType, Found, Metadata, Session, Status
from session_manager import ENDED, SessionManager
from stores import SessionStore, is_shared
from stores.files import SessionFiles
from stores.memory import MemoryStore
from stores.redis import RedisStore
from task_manager import BackgroundTaskManager, Terms
from tests.service import BASE, Service, serve, until

WORKERS = 2
ATTEMPTS = 3
SCRATCH = "scratch"
"""A file that every attempt writes beside its video."""

Order = int | str
"""A percent to report, `finish`, or `fail`."""


class Words(BaseModel):
    words: str


class Work:
    """One analysis: does what it is ordered. Deaf, it does not ask whether to stop."""

    def __init__(self, progress: Progress, folder: Path) -> None:
        self.deaf = False
        self._orders: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._progress = progress
        self._folder = folder

    def order(self, order: Order) -> None:
        self._orders.put(order)

    def carry_out(self) -> Words:
        (self._folder / SCRATCH).write_bytes(b"half")
        while True:
            try:
                order = self._orders.get(timeout=0.003)
            except queue.Empty:
                if not self.deaf:
                    self._progress.check()
                continue
            if order == "finish":
                return Words(words="done")
            if order == "fail":
                raise AnalysisFailed("As it was told to")
            self._progress(float(order), f"{order} %")


class Script:
    """Stands where the workbench stands. `chance` orders each work about by itself."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self.at_work: dict[str, Work] = {}
        self._chance = chance

    def work(self, video: str, progress_callback: Progress, **params: object) -> Words:
        folder = Path(video).parent
        work = self.at_work[folder.name] = Work(progress_callback, folder)
        if self._chance:
            work.deaf = self._chance.random() < 0.3
            for percent in sorted(self._chance.choices(range(100), k=5)):
                work.order(percent)
            work.order(self._chance.choice(["finish", "finish", "fail"]))
        try:
            return work.carry_out()
        finally:
            del self.at_work[folder.name]

    generate_highlights = analyze_workout_with_timestamps = work


class Face(Protocol):
    """Each answers None or False for a session that is unknown."""

    data_dir: Path
    script: Script
    sessions: SessionManager
    recovers: bool
    """Whether a start alone takes up what a kill left; where rows are shared, that is a matter of leases."""

    def open(self, data_dir: Path, script: Script) -> None: ...
    def create(self) -> str: ...
    def cancel(self, session_id: str) -> bool: ...
    def cleanup(self, session_id: str) -> bool: ...
    def status(self, session_id: str) -> tuple[str, int, int] | None:
        """Status, progress, attempt."""

    def expire(self, session_id: str) -> None:
        """As if the session had ended its time to live earlier."""

    def close(self) -> None: ...


def _ended_earlier(row: Session) -> Session | None:
    if row["ended_at"] is None or row["expires_at"] is None or row["expires_at"] <= datetime.now(UTC):
        return None
    lived = row["expires_at"] - row["ended_at"]
    row["ended_at"], row["expires_at"] = row["ended_at"] - lived, row["expires_at"] - lived
    return row


class Rules:
    """Ledger and dispatcher, called directly; over Redis, if there is one at the address."""

    def __init__(self, redis_url: str = "") -> None:
        self._redis_url = redis_url
        self.recovers = not redis_url

    def open(self, data_dir: Path, script: Script) -> None:
        self.data_dir, self.script = data_dir, script
        self.store, self.files = self._store(data_dir), SessionFiles(data_dir)
        self.sessions = SessionManager(self.store, self.files)
        terms = Terms(max_workers=WORKERS, max_attempts=ATTEMPTS)
        self.tasks = BackgroundTaskManager(self.sessions, self.files, {AnalysisType.HIGHLIGHTS: script.work}, terms)
        if self.recovers:
            self.files.sweep()
        waiting = self.store.waiting() if is_shared(self.store) else self.sessions.recover()
        for session_id in waiting:
            self.tasks.submit(session_id, bounded=False)

    def _store(self, data_dir: Path) -> SessionStore:
        return RedisStore(self._redis_url, data_dir, 30) if self._redis_url else MemoryStore(data_dir)

    def create(self) -> str:
        metadata = Metadata(
            filename="a.mp4", sha256="", video={}, request_id=None, legacy=False, owner=None, token_hash=None
        )
        session_id = self.sessions.create_session("source.mp4", "highlights", {}, metadata=metadata)
        folder = self.data_dir / session_id
        folder.mkdir(exist_ok=True)
        (folder / "source.mp4").write_bytes(b"video")
        self.tasks.submit(session_id)
        return session_id

    def cancel(self, session_id: str) -> bool:
        return self.tasks.cancel_task(session_id)

    def cleanup(self, session_id: str) -> bool:
        return self.tasks.remove(session_id)

    def status(self, session_id: str) -> tuple[str, int, int] | None:
        row = self.sessions.get_session(session_id)
        return row and (str(row["status"]), row["progress"], row["attempt"])

    def expire(self, session_id: str) -> None:
        self.store.change(session_id, _ended_earlier)

    def close(self) -> None:
        self.tasks.close()
        self.store.close()


class Http:
    """The whole app under a real uvicorn."""

    recovers = True

    def __init__(self, video: Path) -> None:
        self._video = video

    def open(self, data_dir: Path, script: Script) -> None:
        self.data_dir, self.script = data_dir, script
        settings = Settings(
            data_dir=data_dir, vision_model="none", max_concurrent_jobs=WORKERS, max_attempts=ATTEMPTS, max_queued=1000
        )
        with patch.object(wiring, "RailwayVideoGenerator", lambda *parts: script):
            self._serving: Iterator[Service] = serve(settings)
            self.service = next(self._serving)
        self.sessions = self.service.house.sessions

    def create(self) -> str:
        return self.service.start(self._video)

    def cancel(self, session_id: str) -> bool:
        answer = self.service.http.post(f"{BASE}/cancel/{session_id}")
        assert answer.status_code in (200, 400, 404), answer.text
        return answer.status_code == 200

    def cleanup(self, session_id: str) -> bool:
        answer = self.service.http.delete(f"{BASE}/cleanup/{session_id}")
        assert answer.status_code in (200, 404), answer.text
        return answer.status_code == 200

    def status(self, session_id: str) -> tuple[str, int, int] | None:
        answer = self.service.http.get(f"{BASE}/status/{session_id}")
        body: dict[str, Any] = answer.json()
        if answer.status_code == 404:
            assert body["reason"] == "session_not_found"
            return None
        results = self.service.http.get(f"{BASE}/results/{session_id}").status_code
        codes = {"completed": 200, "failed": 500, "expired": 404, "cancelled": 400}
        # It may have moved on between the two questions, but only to an end or out of one.
        assert results in {codes.get(body["status"], 400), 200, 500, 404, 400}, (body["status"], results)
        return body["status"], body["progress"], body["attempt"]

    def expire(self, session_id: str) -> None:
        self.service.house.store.change(session_id, _ended_earlier)

    def close(self) -> None:
        next(self._serving, None)


class Watcher:
    """Hears of every change, also over restarts, and notes what may not be."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.ends: dict[str, Status] = {}
        self._lock = threading.Lock()
        self._last: dict[str, Session] = {}
        self._gone: set[str] = set()

    def hear(self, session_id: str, news: Session | Found | None) -> None:
        with self._lock:
            if isinstance(news, Found):
                return
            if news is None:
                self._gone.add(session_id)
                return
            before = self._last.get(session_id)
            self._last[session_id] = news
            self._note(session_id in self._gone, f"{session_id} came back")
            if news["status"] in ENDED:
                self.ends.setdefault(session_id, news["status"])
            if before is None:
                return
            told = f"{session_id}: {before['status']} {before['progress']} then {news['status']} {news['progress']}"
            # That a session has expired is told by the clock, and again when it is written down.
            same = news["revision"] == before["revision"] and before["status"] == news["status"] == Status.EXPIRED
            self._note(news["revision"] <= before["revision"] and not same, f"a revision did not rise: {told}")
            falls = news["progress"] < before["progress"] and news["status"] is not Status.QUEUED
            self._note(falls, f"progress fell: {told}")
            moved = news["status"] not in (before["status"], Status.EXPIRED)
            self._note(before["status"] in ENDED and moved, f"an end was not final: {told}")

    def _note(self, wrong: bool, words: str) -> None:
        if wrong:
            self.wrong.append(words)


def killed(face: Face, into: Path) -> None:
    """What a kill at this moment leaves, taken up by a new start in another folder."""
    shutil.copytree(face.data_dir, into, ignore=shutil.ignore_patterns(".lock"))
    stopped(face)
    face.open(into, Script())


def stopped(face: Face) -> None:
    """Told to stop, as by SIGTERM; whoever was deaf hears that."""
    for work in list(face.script.at_work.values()):
        work.deaf = False
    face.close()
    until(lambda: not face.script.at_work)
