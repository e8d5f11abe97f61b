"""The stock tus-js-client, under node, sends a video although the service is killed in the middle."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser import needed
from tests.service import BASE, ROOT, Program
from tests.test_web_resumable import padded

CLIENT = ROOT / "tests" / "tus"


def installed() -> None:
    """A laptop without the client skips, CI fails."""
    if not (CLIENT / "node_modules" / "tus-js-client").is_dir():
        words = "tus-js-client is not installed; `npm ci --prefix tests/tus` does that, as .ci/run has it"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


def test_the_stock_client_goes_on_after_a_kill(program: Callable[..., Program], clip: Path, tmp_path: Path) -> None:
    node = needed("node")
    installed()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    running = program(PORT=str(port))
    large = padded(clip, tmp_path / "large.mp4", 6 << 20)
    environment = {"PATH": os.environ["PATH"], "SERVICE": running.url.rstrip("/"), "FILE": str(large)}
    client = subprocess.Popen([node, "upload.mjs"], cwd=CLIENT, env=environment, stdout=subprocess.PIPE, text=True)
    assert client.stdout
    with client:
        assert client.stdout.readline().startswith("accepted")
        running.send(signal.SIGKILL)
        running.end()
        running.start()
        told = client.stdout.read().splitlines()
    assert "retrying" in told
    accepted = [int(line.split()[1]) for line in told if line.startswith("accepted")]
    assert accepted == sorted(accepted)
    session_id = told[-1].removeprefix("session ")
    assert client.returncode == 0
    video = running.http.get(f"{BASE}/uploads/{session_id}").json()["video"]
    assert video["sizeBytes"] == large.stat().st_size
