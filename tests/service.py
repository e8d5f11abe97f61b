"""The service as tests run it: in a thread of their own process, or as the program an operator starts."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvicorn
from fastapi import FastAPI

from api.connections import Connection
from api.keyring import token_hash
from app import front
from config import Settings
from schemas import Metadata, Status
from session_manager import new_session_id
from shared_roster import HAND
from stores import is_shared
from vision.eyes import Eyes
from wiring import House, build

ROOT = Path(__file__).parent.parent
BASE = "/api/v1/video"
PATIENCE = 30.0


def until(what: Callable[[], Any], *, timeout: float = PATIENCE, pause: float = 0.01) -> Any:
    """The first true answer to `what`; fails the test when there is none in time."""
    deadline = time.monotonic() + timeout
    paused = threading.Event()
    while not (answer := what()):
        assert time.monotonic() < deadline, f"waited {timeout} s for it"
        paused.wait(pause)
    return answer


def decoders(server: int, folder: Path, name: str = "source") -> list[psutil.Process]:
    """Children of the process that have a file of this name's beginning open, somewhere in the folder."""
    found = []
    for child in psutil.Process(server).children(recursive=True):
        with suppress(psutil.Error):
            opened = [Path(file.path) for file in child.open_files()]
            if any(path.is_relative_to(folder) and path.name.startswith(name) for path in opened):
                found.append(child)
    return found


def without_files(value: Any) -> Any:
    """A result with every address in it left out: each session has its own, and a legacy call none."""
    if isinstance(value, dict):
        return {key: None if key.endswith("_url") else without_files(inner) for key, inner in value.items()}
    return [without_files(inner) for inner in value] if isinstance(value, list) else value


class _Server(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.serving.set()


class Caller:
    """Calls the session endpoints of a service, wherever it runs, with the client that it has."""

    http: httpx.Client

    def upload(self, video: Path | bytes, analysis_type: str = "highlights", **params: Any) -> httpx.Response:
        content = video if isinstance(video, bytes) else video.read_bytes()
        form = {"analysis_type": analysis_type, "params": json.dumps(params)}
        return self.http.post(f"{BASE}/upload", data=form, files={"video": ("clip.mp4", content)})

    def start(self, video: Path, analysis_type: str = "highlights", **params: Any) -> str:
        answer = self.upload(video, analysis_type, **params)
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["sessionId"]
        return session_id

    def status(self, session_id: str, wait: int = 0) -> dict[str, Any]:
        """At its next change, or after so many seconds."""
        body: dict[str, Any] = self.http.get(f"{BASE}/status/{session_id}", params={"wait": wait}).json()
        return body

    def ended(self, session_id: str) -> dict[str, Any]:
        """The status once the session has ended."""
        until(lambda: self.status(session_id, wait=10)["status"] not in ("queued", "processing"))
        return self.status(session_id)

    def results(self, session_id: str) -> dict[str, Any]:
        assert self.ended(session_id)["status"] == "completed"
        body = self.http.get(f"{BASE}/results/{session_id}").json()
        data: dict[str, Any] = body["data"]
        return data


@dataclass
class Service(Caller):
    """The app under a real uvicorn in a thread of its own, with a client for it."""

    house: House
    http: httpx.Client
    app: FastAPI

    @property
    def data_dir(self) -> Path:
        return self.house.settings.data_dir

    def folders(self) -> list[str]:
        """Of what is kept; where rows are shared, also of sessions whose files are elsewhere."""
        here = {path.name for path in self.data_dir.iterdir() if not path.name.startswith(".")}
        return sorted(here | {row["session_id"] for row in self.house.store.all() if is_shared(self.house.store)})

    def seeded(self, status: Status, owner: str | None = None, token: str | None = None, **updates: Any) -> str:
        """A session that the ledger's own moves led to the status, without any work."""
        sessions = self.house.sessions
        hashed = token and token_hash(token)
        metadata = Metadata(
            filename="clip.mp4", sha256="", video={}, request_id=None, legacy=False, owner=owner, token_hash=hashed
        )
        session_id = new_session_id()
        if is_shared(self.house.store):  # or a caretaker takes it up, as one that nobody sees to
            self.house.store.board.note(HAND + session_id, "")
        sessions.create_session("source.mp4", "highlights", {}, session_id=session_id, metadata=metadata)
        files = self.house.files
        source = files.folder(session_id) / "source.mp4"
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(b"video")
        files.keep(session_id, source)
        if status is not Status.QUEUED:
            sessions.begin(session_id, "worker", max_attempts=3)
            sessions.update_session(session_id, progress=65, message="Analyzing segment 13/20")
        if status in (Status.COMPLETED, Status.EXPIRED):
            result = files.write_result(session_id, b'{"highlights":[]}')
            sessions.update_session(session_id, status=Status.COMPLETED, result=result)
        elif status in (Status.FAILED, Status.CANCELLED):
            sessions.update_session(session_id, status=status, **updates)
        if status is Status.EXPIRED:
            self._expire(session_id)
        return session_id

    def _expire(self, session_id: str) -> None:
        """As if its time to live were over; its tombstone still stands."""

        def edit(row: Any) -> Any:
            lived = row["expires_at"] - row["ended_at"]
            row["ended_at"] -= lived
            row["expires_at"] -= lived
            return row

        assert self.house.store.change(session_id, edit)


def serve(settings: Settings, eyes: Eyes | None = None) -> Iterator[Service]:
    app = front(build(settings, eyes))
    config = uvicorn.Config(
        app, port=0, http=Connection, lifespan="on", log_config=None, access_log=False, proxy_headers=False
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.serving.wait(PATIENCE)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, verify=False) as http:
        yield Service(app.state.house, http, app)
    server.should_exit = True
    thread.join(PATIENCE)
    assert not thread.is_alive()


class Program:
    """`python app.py` in a process of its own, as an operator starts it."""

    def __init__(self, data_dir: Path, *, largest_file: int | None = None, **environment: str) -> None:
        """`largest_file` is the size in bytes at which its disk seems full."""
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".log")
        self._largest_file = largest_file
        self._environment = environment
        self.start()

    def start(self) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment = inherited | {"DATA_DIR": str(self.data_dir), "PORT": "0", "VISION_MODEL": "none"}
        environment |= self._environment
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout
        served = self.process.stdout.readline()
        assert served, f"it did not start: {self.log.read_text()}"
        self.url = served.split()[-1]
        if self._largest_file is not None:
            limit = (self._largest_file, self._largest_file)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)

    def logged(self) -> list[dict[str, Any]]:
        """The log's lines."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def send(self, sent: signal.Signals) -> None:
        self.process.send_signal(sent)

    def end(self) -> int:
        """Wait for the process to be gone; gives its exit status."""
        status = self.process.wait(PATIENCE)
        assert self.process.stdout
        self.process.stdout.close()
        self.http.close()
        return status

    def kill(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGKILL)
        self.end()
