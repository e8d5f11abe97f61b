"""A real Prometheus, Debian's, for tests and trials."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from cluster import free_port
from tests.browser import needed
from tests.service import PATIENCE, ROOT, until

MONITORING = ROOT / "monitoring"

DATA_SECONDS = 10.0
"""For two scrapes to have seen everything, and the rules to have been reckoned."""


class Prometheus:
    """With the repository's own configuration, but that it asks these addresses, and five times a second."""

    def __init__(self, targets: list[str], folder: Path) -> None:
        config = (MONITORING / "prometheus.yml").read_text()
        config = config.replace("15s", "200ms").replace("alerts.yml", str(MONITORING / "alerts.yml"))
        (folder / "prometheus.yml").write_text(config.replace('["127.0.0.1:8000"]', json.dumps(targets)))
        port = free_port()
        self._log = folder / "log"
        command = [needed("prometheus"), "--config.file", str(folder / "prometheus.yml")]
        command += ["--storage.tsdb.path", str(folder / "data"), "--web.listen-address", f"127.0.0.1:{port}"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=PATIENCE, verify=False)
        until(self._ready)

    def _ready(self) -> bool:
        assert self._process.poll() is None, self.log()
        try:
            return self.http.get("status/config").status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        return self._log.read_text()

    def answer(self, query: str) -> list[Any]:
        body = self.http.get("query", params={"query": query}).json()
        assert body["status"] == "success", body
        found: list[Any] = body["data"]["result"]
        return found

    def unanswered(self, queries: set[str]) -> set[str]:
        """Those to which there is no answer in time."""
        left, deadline = queries, time.monotonic() + DATA_SECONDS
        while left and time.monotonic() < deadline:
            left = {query for query in left if not self.answer(query)}
        return left

    def rules(self) -> dict[str, dict[str, Any]]:
        groups = self.http.get("rules").json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def close(self) -> None:
        self.http.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
