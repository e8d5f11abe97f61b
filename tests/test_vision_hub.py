"""A model is fetched from the hub, once, and it is soon known whether there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from errors import CannotStart
from tests.tiny_checkpoint import make_checkpoint
from vision.hub import check

ROOT = Path(__file__).parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """So much of the hub's protocol as fetching one model, `people/eyes`, needs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.folder = folder
        self.fetched: list[str] = []
        self.stalls = ""
        """The file of which it sends half, and then nothing."""
        self.over = threading.Event()
        (folder / "weights.bin").write_bytes(b"a pickle")
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answers(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, api = self.path.split("?")[0], "/api/models/people/eyes"
        files = {file.name: file for file in self.server.folder.iterdir()}
        if path in (api, f"{api}/revision/main", f"{api}/revision/{COMMIT}"):
            siblings = [{"rfilename": name} for name in files]
            self._send(json.dumps({"id": "people/eyes", "sha": COMMIT, "siblings": siblings}).encode(), "json")
        elif path.startswith(f"{api}/tree/"):
            listed = [
                {
                    "type": "file",
                    "path": name,
                    "size": file.stat().st_size,
                    "oid": sha256(name.encode()).hexdigest()[:40],
                }
                for name, file in files.items()
            ]
            self._send(json.dumps(listed).encode(), "json")
        elif path.startswith("/people/eyes/resolve/") and path.rsplit("/", 1)[1] in files:
            name = path.rsplit("/", 1)[1]
            if self.command == "GET":
                self.server.fetched.append(name)
            self._send(files[name].read_bytes(), "octet-stream", stalls=name == self.server.stalls)
        else:
            self.send_error(404)

    def _send(self, body: bytes, kind: str, stalls: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", f"application/{kind}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body).hexdigest()[:40]}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET" and stalls:
            self.wfile.write(body[: len(body) // 2])
            self.server.over.wait(60)
        elif self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with Hub(make_checkpoint(tmp_path / "people")) as server:
        yield server
        server.over.set()
        server.shutdown()


def asked(script: str, address: str, home: Path) -> list[str]:
    """What a program prints whose hub is at an address: huggingface_hub reads that once, when it is loaded."""
    environment = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    environment.pop("HF_HUB_OFFLINE", None)
    script = "from vision.hub import available, find\nfrom errors import CannotStart\n" + script
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FETCH = """
told = []
print(available("people/eyes"), available("people/nobody"))
folder = find("people/eyes", None, lambda doing, share: told.append((doing, share)))
print(sorted(file.name for file in folder.iterdir()))
print({doing for doing, _ in told}, told[-1][1], [share for _, share in told] == sorted(share for _, share in told))
"""


def test_a_model_is_fetched_without_pickles_and_says_how_far_it_is(hub: Hub, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{hub.server_port}"
    known, files, told = asked(FETCH, address, tmp_path / "home")
    assert known == "True False"
    assert "model.safetensors" in files
    assert "weights.bin" not in files
    assert told == "{'Downloading'} 1.0 True"
    hub.shutdown()
    hub.server_close()
    assert asked('print(available("people/eyes"))', address, tmp_path / "home") == ["True"]  # from the cache


LEAVE = """
import threading, time
coming = threading.Event()
def tell(doing, share):
    if share > 0.3:
        coming.set()
threading.Thread(target=find, args=("people/eyes", None, tell), daemon=True).start()
print(coming.wait(20))
"""


def test_a_program_that_ends_waits_for_no_download(hub: Hub, tmp_path: Path) -> None:
    hub.stalls = "more.safetensors"
    (hub.folder / hub.stalls).write_bytes(bytes(24 << 20))  # the client tells of every ten
    began = time.monotonic()
    assert asked(LEAVE, f"http://127.0.0.1:{hub.server_port}", tmp_path / "home") == ["True"]
    assert time.monotonic() - began < 8


def test_without_a_hub_it_is_soon_known_that_there_is_no_model(tmp_path: Path) -> None:
    began = time.monotonic()
    script = """
print(available("people/eyes"))
try:
    find("people/eyes", None, print)
except CannotStart as error:
    print(error)
"""
    answers = asked(script, "http://127.0.0.1:9", tmp_path)
    assert answers == ["False", "the model people/eyes is not here, and its hub cannot be reached or does not have it"]
    assert time.monotonic() - began < 10


def test_a_hub_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as silent:  # accepts, and says nothing
        script = """
import time
began = time.monotonic()
print(available("people/eyes", seconds=1.0), time.monotonic() - began < 3)
"""
        assert asked(script, f"http://127.0.0.1:{silent.server_port}", tmp_path) == ["False True"]


def test_what_is_wrong_with_a_folder_is_found_without_loading_it(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "eyes")
    check(str(folder), None)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(CannotStart, match="are damaged"):
        check(str(folder), None)
    weights.unlink()
    with pytest.raises(CannotStart, match="holds no weights in safetensors files"):
        check(str(folder), None)
    with pytest.raises(CannotStart, match="there is no folder"):
        check(str(tmp_path / "nothing"), None)
