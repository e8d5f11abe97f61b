"""A disk that fills up while sessions live on it: words, nothing half-written, and recovery without a restart."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service import Service, until

DISK_MB = 6
LEFT = (0, 64)
"""KiB that are left of it: nothing at all, or enough for a result and some stills."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, which only root may mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left_kib: int) -> Path:
    """Take what is free of it, but for so much."""
    ballast, free = disk / "ballast", os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - (left_kib << 10)))
    return ballast


def test_a_disk_that_fills_up_while_work_runs_ends_it_in_words_and_recovers_by_itself(
    serve_with: Callable[..., Service], small_disk: Path, long_clip: Path, clip: Path
) -> None:
    service = serve_with(data_dir=small_disk / "data", min_free_disk_mb=0)
    reasons = []
    for left_kib in LEFT:
        session_id = service.start(long_clip)
        until(lambda: service.status(session_id)["status"] == "processing")  # noqa: B023
        ballast = fill(small_disk, left_kib)
        ended = service.ended(session_id)
        reasons.append(ended["reason"])
        if ended["status"] == "completed":
            assert service.results(session_id)["highlights"]
        else:
            assert (ended["status"], ended["reason"]) == ("failed", "insufficient_storage")
            assert "disk" in ended["error"]
        kept = {path.name for path in (small_disk / "data" / session_id).iterdir()}
        assert not [name for name in kept if name.endswith(".part")]
        refused = service.upload(bytes(1 << 20))
        assert (refused.status_code, refused.json()["reason"]) == (507, "insufficient_storage")
        assert service.folders() == [session_id]
        ballast.unlink()
        service.http.delete(f"/api/v1/video/cleanup/{session_id}").raise_for_status()
        assert service.folders() == []
    assert "insufficient_storage" in reasons
    assert service.ended(service.start(clip))["status"] == "completed"


def test_a_cleanup_and_a_cancel_work_on_a_full_disk(
    serve_with: Callable[..., Service], small_disk: Path, long_clip: Path
) -> None:
    service = serve_with(data_dir=small_disk / "data", min_free_disk_mb=0, max_concurrent_jobs=1)
    running, waiting = service.start(long_clip), service.start(long_clip)
    ballast = fill(small_disk, 0)
    assert service.http.post(f"/api/v1/video/cancel/{running}").json()["status"] == "cancelled"
    assert service.http.delete(f"/api/v1/video/cleanup/{waiting}").status_code == 200
    until(lambda: service.folders() == [running])
    ballast.unlink()
    assert service.status(running)["status"] == "cancelled"


def test_what_could_not_be_deleted_goes_without_a_restart(serve_with: Callable[..., Service]) -> None:
    service = serve_with(session_ttl_hours=0.0005)
    left = service.data_dir / ".trash-11111111-1111-4111-8111-111111111111"
    left.mkdir()
    (left / "source.mp4").write_bytes(b"video")
    until(lambda: not left.exists())
