"""A real service on a free port, and drawn footage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from tests.service import Program, Service, serve
from video.draw import Style, draw_video


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of this test's own."""
    yield from serve(Settings(data_dir=tmp_path / "data", vision_model="none"))


@pytest.fixture
def serve_with(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Services with settings of their own."""
    open_ones: list[Iterator[Service]] = []

    def open_one(**settings: Any) -> Service:
        serving = serve(
            Settings(**{"data_dir": tmp_path / f"data{len(open_ones)}", "vision_model": "none", **settings})
        )
        open_ones.append(serving)
        return next(serving)

    yield open_one
    for serving in open_ones:
        next(serving, None)


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that leave nothing behind and expect nothing to be empty."""
    yield from serve(Settings(data_dir=tmp_path_factory.mktemp("shared") / "data", vision_model="none"))


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="session")
def clip(footage: Path) -> Path:
    """A short video in which something happens."""
    return draw_video(footage / "clip.mp4").path


@pytest.fixture(scope="session")
def long_clip(footage: Path) -> Path:
    """A minute in few bytes: seconds of work, so that something can be done to it meanwhile."""
    return draw_video(footage / "long.mp4", 60, sound=False, style=Style(width=160, height=90, rate=10)).path


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*, largest_file: int | None = None, **environment: str) -> Program:
        started.append(Program(tmp_path / "data", largest_file=largest_file, **environment))
        return started[-1]

    yield start
    for one in started:
        one.kill()
