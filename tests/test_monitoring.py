"""The alert rules load into a real Prometheus, and after a short load each of them, and each query of the guide, has
something to say."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from figures import FIGURES
from schemas import Status
from tests.browser import needed
from tests.prometheus import MONITORING, Prometheus
from tests.service import BASE, ROOT, Service, serve, until

GUIDE = (ROOT / "guides" / "operations.md").read_text()
QUERIES = [
    " ".join(line for line in query.splitlines() if not line.startswith("#"))
    for block in re.findall(r"^```promql\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    for query in block.strip().split("\n\n")
]
ALERTS = re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text())


def promtool(*arguments: str, given: str = "") -> str:
    command = [needed("promtool"), *arguments]
    done = subprocess.run(command, cwd=MONITORING, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_rules_are_rules() -> None:
    assert "SUCCESS: 6 rules found" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yml")


def test_each_alert_fires_when_it_should_and_not_else() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")
    tried = re.findall(r"alertname: (\w+)", (MONITORING / "alerts.test.yml").read_text())
    assert set(tried) == set(ALERTS)


def test_each_alert_is_explained_in_the_guide() -> None:
    titles = re.findall("^##+ (.*)$", GUIDE, re.MULTILINE)
    anchors = {re.sub(r"[^a-z ]", "", title.lower()).replace(" ", "-") for title in titles}
    books = re.findall(r"runbook: guides/operations\.md#(\S+)", (MONITORING / "alerts.yml").read_text())
    assert len(books) == len(ALERTS)
    assert set(books) <= anchors


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {"data_dir": tmp_path_factory.mktemp("monitored") / "data", "vision_model": "none"}
    yield from serve(Settings.model_validate(settings))


@pytest.fixture(scope="module")
def prometheus(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    url = service.http.base_url
    running = Prometheus([f"{url.host}:{url.port}"], tmp_path_factory.mktemp("prometheus"))
    yield running
    running.close()


def test_after_a_short_load_every_alert_and_every_query_has_data(
    service: Service, prometheus: Prometheus, brief: Path
) -> None:
    until(lambda: prometheus.answer("video_build_info"))
    for session_id in (service.start(brief), service.start(brief, "workout")):
        service.ended(session_id)
        service.http.get(f"{BASE}/status/{session_id}")
    service.house.tasks.submit(service.seeded(Status.QUEUED))  # whose video is none
    service.upload(b"no video")
    service.http.post(f"{BASE}/cancel/{service.seeded(Status.PROCESSING)}")
    recorded = (name for name, rule in prometheus.rules().items() if rule["type"] == "recording")
    assert prometheus.unanswered({*QUERIES, *recorded}) == set()
    rules = prometheus.rules()
    assert {name for name, rule in rules.items() if rule["type"] == "alerting"} == set(ALERTS)
    assert {rule["health"] for rule in rules.values()} == {"ok"}
    until(lambda: 0 < float(prometheus.answer("video:job_failures:ratio_rate15m")[0]["value"][1]) < 1)
    assert re.findall(r"level=(?:warn|error).*", prometheus.log()) == []


def test_what_is_told_follows_the_rules_of_prometheus(service: Service) -> None:
    assert promtool("check", "metrics", given=service.http.get("/metrics").text) == ""


# ── The guide ─────────────────────────────────────────────────────────────────────────────────────


def test_every_query_is_of_figures_that_there_are() -> None:
    assert QUERIES
    for query in QUERIES:
        for name in re.findall(r"\bvideo_\w+", query):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in FIGURES or name in FIGURES


def test_the_values_of_labels_are_told() -> None:
    for figure in FIGURES.values():
        for name, values in figure.labels:
            for value in values:
                assert f"`{value}`" in GUIDE, f"{name} of {figure.name} may be {value}"
