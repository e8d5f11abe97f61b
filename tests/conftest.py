"""A real service on a free port, and drawn footage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import blas  # noqa: F401  # before numpy, as the service has it
from config import Settings
from tests.clustered import serve_clustered
from tests.footage import draw_workout
from tests.object_store import ObjectStore, object_store
from tests.redis_server import RedisServer
from tests.service import Program, Service, serve
from video.draw import Style, draw_video
from vision.eyes import Eyes

CLUSTERED = bool(os.environ.get("TEST_CLUSTER"))
"""Whether tests have their services in clusters: `make test-cluster`."""

Serve = Callable[..., Iterator[Service]]
"""Called with a folder for its data, its eyes if they are this process's, and settings."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if CLUSTERED and item.get_closest_marker("embedded"):
            item.add_marker(pytest.mark.skip("it looks into the one process that a cluster is not"))


@pytest.fixture(scope="session")
def opening(request: pytest.FixtureRequest) -> Serve:
    """How a test's service is opened: the app alone, or in a cluster of its own."""

    def alone(data_dir: Path, eyes: Eyes | None = None, **settings: Any) -> Iterator[Service]:
        defaults = {"data_dir": data_dir, "vision_model": "none"}
        return serve(Settings.model_validate(defaults | settings), eyes)

    def clustered(data_dir: Path, eyes: Eyes | None = None, **settings: Any) -> Iterator[Service]:
        if eyes:
            pytest.skip("its eyes are this process's, and no worker's")
        folder = data_dir.with_name(f"{data_dir.name}-redis")
        folder.mkdir()
        redis = RedisServer(folder)
        try:
            yield from serve_clustered(data_dir, redis, request.getfixturevalue("s3"), **settings)
        finally:
            redis.close()

    return clustered if CLUSTERED else alone


@pytest.fixture
def service(opening: Serve, tmp_path: Path) -> Iterator[Service]:
    """A service of this test's own."""
    yield from opening(tmp_path / "data")


@pytest.fixture
def serve_with(opening: Serve, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Services with settings of their own."""
    open_ones: list[Iterator[Service]] = []

    def open_one(eyes: Eyes | None = None, **settings: Any) -> Service:
        data_dir = settings.pop("data_dir", tmp_path / f"data{len(open_ones)}")
        serving = opening(data_dir, eyes, **settings)
        open_ones.append(serving)
        return next(serving)

    yield open_one
    for serving in open_ones:
        next(serving, None)


@pytest.fixture(scope="session")
def shared_service(opening: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that leave nothing behind and expect nothing to be empty."""
    yield from opening(tmp_path_factory.mktemp("shared") / "data")


@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.close()


@pytest.fixture
def redis_server(_redis_server: RedisServer) -> RedisServer:
    """Empty. A test that stops it starts it again."""
    _redis_server.client.flushall()
    return _redis_server


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="session")
def clip(footage: Path) -> Path:
    """A short video in which something happens."""
    return draw_video(footage / "clip.mp4").path


@pytest.fixture(scope="session")
def short(footage: Path) -> Path:
    """A few seconds in few pixels, where it does not matter how they are analysed."""
    return draw_video(footage / "short.mp4", 4, sound=False, style=Style(width=160, height=90, rate=10)).path


@pytest.fixture(scope="session")
def brief(footage: Path) -> Path:
    """Two seconds in few bytes: work that is soon over."""
    return draw_video(footage / "brief.mp4", 2, sound=False, style=Style(width=160, height=90, rate=10)).path


@pytest.fixture(scope="session")
def long_clip(footage: Path) -> Path:
    """A minute in few bytes: seconds of work, so that something can be done to it meanwhile."""
    return draw_video(footage / "long.mp4", 60, sound=False, style=Style(width=160, height=90, rate=10)).path


@pytest.fixture(scope="session")
def lasting(footage: Path) -> Path:
    """Half a minute that no browser plays, and of which a reel or a preview takes its time."""
    style = Style(width=320, height=180, codec="mjpeg", pixel_format="yuvj420p", rate=30)
    return draw_video(footage / "lasting.avi", 30, style=style).path


@pytest.fixture(scope="session")
def bobbing(footage: Path) -> Path:
    """A workout of one set: ten times up and down."""
    return draw_workout(footage / "bobbing.mp4")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of random weights."""
    from tests.tiny_checkpoint import make_checkpoint  # noqa: PLC0415  torch takes seconds, and few tests need it

    return make_checkpoint(tmp_path_factory.mktemp("model"))


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*, largest_file: int | None = None, **environment: str) -> Program:
        started.append(Program(tmp_path / "data", largest_file=largest_file, **environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """One server for all tests; each takes a place of its own in it."""
    with object_store(tmp_path_factory.mktemp("s3")) as store:
        yield store


@pytest.fixture
def s3_keys(s3: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The store, with what reaching it needs in the environment."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3
