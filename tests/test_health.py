"""`/health` says in words what is wrong, and nothing that strangers should not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import CannotStart
from schemas import Status
from shared_roster import WORKER, read_worker
from stores import is_shared
from task_manager import BackgroundTaskManager
from tests.redis_server import RedisServer
from tests.service import Service, until
from vision import VisionModel
from vision.eyes import Eyes, Tell

Serve = Callable[..., Service]


def troubles(service: Service) -> list[str]:
    found: list[str] = service.http.get("/health").json()["troubles"]
    return found


@pytest.mark.embedded
def test_where_nothing_is_wrong_nothing_is_said(shared_service: Service) -> None:
    health = shared_service.http.get("/health").json()
    assert (health["troubles"], health["queue"]["capacity"]) == ([], 100)
    assert health["disk"]["free_bytes"] > health["disk"]["floor_bytes"] == 256 << 20


@pytest.mark.embedded
def test_a_full_queue_and_a_full_disk_are_told_with_their_figures(serve_with: Serve) -> None:
    service = serve_with(min_free_disk_mb=1 << 40, max_queued=1)
    service.seeded(Status.QUEUED)
    disk, queue = troubles(service)
    assert disk.startswith("The disk is nearly full: ")
    assert disk.endswith(f"MiB are free, and uploads have to leave {1 << 40}; they are refused")
    assert queue == "The queue is full: 1 of 1 sessions wait, and more are refused"


def refuse(tell: Tell) -> VisionModel:
    raise CannotStart("there is no model in /srv/secret/model")


@pytest.mark.embedded
def test_a_model_that_cannot_be_had_is_told_without_its_place(serve_with: Serve) -> None:
    service = serve_with(Eyes(refuse))
    until(lambda: service.house.eyes.settled)
    assert troubles(service) == ["No model looks: there is no model in model"]


@pytest.mark.embedded
def test_what_does_not_end_and_that_it_stops_are_told(serve_with: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    service = serve_with()
    monkeypatch.setattr(BackgroundTaskManager, "stuck", 2)
    service.house.tasks.drain()
    assert troubles(service) == [
        "The service is about to stop",
        "Analyses that were given up do not end (2); a restart frees what they hold",
    ]


@pytest.mark.embedded
def test_what_is_wrong_where_others_work_is_told_at_every_door(
    redis_server: RedisServer, serve_with: Serve, tmp_path: Path
) -> None:
    door = serve_with(data_dir=tmp_path, redis_url=redis_server.url)
    serve_with(data_dir=tmp_path, redis_url=redis_server.url, min_free_disk_mb=1 << 40)
    assert until(lambda: troubles(door)) == ["A worker says: The disk is nearly full"]
    store = door.house.store
    assert is_shared(store)
    (note,) = {tuple(json.loads(text)) for text in store.board.noted(WORKER).values()}
    assert note == ("name", "takes", "eyes", "version", "hands"), "what a process of 1.0.0 reads"


def test_a_worker_of_a_later_version_may_say_more() -> None:
    told = {"name": "a:1", "takes": ["workout"], "eyes": "", "version": "9.0", "hands": 1}
    assert read_worker(json.dumps(told)) == read_worker(json.dumps(told | {"mood": "good"}))
