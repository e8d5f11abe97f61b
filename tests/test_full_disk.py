"""A disk that is really full: a small tmpfs, where one may be mounted."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service import Service, until


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Leave no byte; gives the file to delete."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast


def test_a_full_disk_refuses_or_fails_in_words_and_the_next_upload_works(
    small_disk: Path, serve_with: Callable[..., Service], clip: Path, long_clip: Path
) -> None:
    service = serve_with(data_dir=small_disk / "data", min_free_disk_mb=0)
    running = service.start(long_clip)
    until(lambda: service.status(running)["segmentsDone"])
    ballast = fill(small_disk)
    refused = service.upload(clip)
    assert (refused.status_code, refused.json()["reason"]) == (507, "insufficient_storage")
    assert service.folders() == [running]
    ended = service.ended(running)
    assert (ended["status"], ended["reason"]) == ("failed", "insufficient_storage")
    until(lambda: {path.name.split(".")[0] for path in (service.data_dir / running).iterdir()} == {"session", "source"})
    ballast.unlink()
    assert service.results(service.start(clip))["highlights"]
