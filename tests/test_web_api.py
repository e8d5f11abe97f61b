"""web/video-api.js keeps its promises under node, against a real service; and its types hold."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.browser import needed
from tests.service import ROOT, Service


def test_the_client_keeps_its_promises(shared_service: Service, clip: Path, long_clip: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "SERVICE": str(shared_service.http.base_url).rstrip("/"),
        "CLIP": str(clip),
        "LONG_CLIP": str(long_clip),
    }
    done = subprocess.run(
        [needed("node"), "--test", "tests/web_api.mjs"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.MULTILINE)[0]) > 10
