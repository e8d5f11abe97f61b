"""What the README tells a newcomer to type works as it is written there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from config import Settings
from tests.service import ROOT, Service

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
WRITTEN = "http://127.0.0.1:8000"


def bash(service: Service, folder: Path, script: str) -> str:
    here = script.replace(WRITTEN, str(service.http.base_url).rstrip("/"))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", here], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, clip: Path, long_clip: Path) -> Path:
    (tmp_path / "video.mp4").symlink_to(clip)
    (tmp_path / "long.mp4").symlink_to(long_clip)
    return tmp_path


def test_the_walk_goes_from_upload_to_cleanup(service: Service, folder: Path) -> None:
    printed = bash(service, folder, BLOCKS[0])
    assert '"highlights":[{"rank":1,' in printed
    assert "Session cleaned up successfully" in printed
    assert service.folders() == []


def test_the_walk_can_be_stopped(service: Service, folder: Path) -> None:
    assert "Processing cancelled successfully" in bash(service, folder, BLOCKS[1])


def test_the_legacy_call_waits_for_its_answer(service: Service, folder: Path) -> None:
    assert json.loads(bash(service, folder, BLOCKS[2]))["success"] is True


def test_every_block_is_tried() -> None:
    assert len(BLOCKS) == 3


def test_every_setting_is_told_with_its_default() -> None:
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", README, re.MULTILINE))
    assert told.keys() == {name.upper() for name in Settings.model_fields}
    for name, default in Settings().model_dump().items():
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        assert told[name.upper()] == (shown.lower() if isinstance(default, bool) else shown)
