"""The service as a small cluster, for the tests of the contract: rows in Redis, files in a store that speaks S3, and
the work done by a worker of Celery's beside the app that the tests talk to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from os import environ
from pathlib import Path
from typing import Any

import pytest

from cluster import Part
from config import SECRET, Settings
from tests.object_store import ObjectStore
from tests.redis_server import RedisServer
from tests.service import Service, serve


def serve_clustered(data_dir: Path, redis: RedisServer, s3: ObjectStore, **given: Any) -> Iterator[Service]:
    """With the given settings, in an empty Redis and at an empty place of the store."""
    redis.client.flushall()
    places = {"redis_url": redis.url, "task_queue": "celery", "storage_url": s3.place(), "storage_links": False}
    settings = Settings.model_validate({"data_dir": data_dir, "vision_model": "none", **given, **places})
    own = {"DATA_DIR": f"{data_dir}-worker", "REDIS_URL": redis.url}
    environment = {**environ, **s3.environment, **_as_environment(settings), **own}
    log = data_dir.with_name(f"{data_dir.name}-worker.log")
    worker = Part("worker", [sys.executable, "celery_worker.py"], environment, log, "Working on")
    worker.start(wait=False)
    try:
        with pytest.MonkeyPatch.context() as here:
            for name, value in s3.environment.items():
                here.setenv(name, value)
            worker.wait_until_ready()
            yield from serve(settings)
    finally:
        worker.stop()


def _as_environment(settings: Settings) -> dict[str, str]:
    """What is no secret: a worker lets nobody in."""
    return {name.upper(): _told(value) for name, value in settings.model_dump(exclude=SECRET).items()}


def _told(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
