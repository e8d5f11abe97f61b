"""The command line, as `make demo` uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, Service


def cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "cli.py", *arguments],
        cwd=ROOT,
        env=dict(os.environ) | {"VISION_MODEL": "none"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_demo_starts_a_service_of_its_own_where_none_runs() -> None:
    done = cli("demo", PORT="9", API_KEYS="web:0123456789abcdef")
    assert done.returncode == 0, done.stderr
    assert "Starting a service" in done.stdout
    assert "100 %" in done.stdout
    assert "  1.  " in done.stdout


def test_the_demo_uses_a_running_service_and_leaves_nothing_there(service: Service) -> None:
    done = cli("demo", "--url", str(service.http.base_url))
    assert done.returncode == 0, done.stderr
    assert "Using the service at" in done.stdout
    assert service.folders() == []


def test_a_video_of_ones_own_can_be_analysed(service: Service, clip: Path) -> None:
    done = cli("analyze", str(clip), "--type", "workout", "--url", str(service.http.base_url))
    assert done.returncode == 0, done.stderr
    assert "No repeated movement was found" in done.stdout


def test_a_refusal_is_told_in_the_services_words(service: Service, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video at all " * 100)
    done = cli("analyze", str(tmp_path / "notes.mp4"), "--url", str(service.http.base_url))
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_an_address_where_nobody_answers_is_told() -> None:
    done = cli("demo", "--url", "http://127.0.0.1:9")
    assert (done.returncode, done.stderr) == (1, "error: no service answers at http://127.0.0.1:9\n")
