"""What a disk can do to what was kept on it: one session pays, the service starts, and says why where it cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas import AnalysisType, Session, Status, new_session
from stores.files import SessionFiles
from stores.memory import MemoryStore
from stores.rows import MOST_BYTES, ROWS
from tests.service import BASE, ROOT, Service

ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
DAMAGED = (Status.FAILED, "The session's record on disk was damaged", "internal")

Damage = Callable[[Path], Any]


def row(session_id: str, **columns: Any) -> Session:
    made = new_session(session_id, "source.mp4", AnalysisType.HIGHLIGHTS, {}, datetime.now(UTC))
    return Session(**{**made, **columns})  # type: ignore[typeddict-item]


def keep(root: Path, session_id: str, **columns: Any) -> Path:
    """A row on disk; gives its file."""
    folder = root / session_id
    folder.mkdir(parents=True)
    (folder / "session.json").write_bytes(ROWS.dump_json(row(session_id, **columns)))
    return folder / "session.json"


def changed(**columns: Any) -> Damage:
    return lambda path: path.write_text(json.dumps(json.loads(path.read_bytes()) | columns))


def replaced(put: Damage) -> Damage:
    def damage(path: Path) -> None:
        path.unlink()
        put(path)

    return damage


def video(seconds: Any) -> Damage:
    return changed(metadata={"filename": "", "sha256": "", "video": {"duration_seconds": seconds}, "legacy": False})


DAMAGES: dict[str, Damage] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "zeros": lambda path: path.write_bytes(bytes(4096)),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 4),
    "a list": lambda path: path.write_text("[]"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "huge": lambda path: os.truncate(path, 1 << 40),
    "too long": lambda path: path.write_bytes(path.read_bytes() + b" " * MOST_BYTES),
    "a folder": replaced(lambda path: path.mkdir()),
    "a pipe": replaced(os.mkfifo),
    "a link to what never ends": replaced(lambda path: path.symlink_to("/dev/zero")),
    "not a number": changed(progress=float("nan")),
    "beyond numbers": lambda path: path.write_text(path.read_text().replace('"progress":0', '"progress":1e999')),
    "huge number": changed(revision=10**300),
    "negative count": changed(attempt=-1),
    "text for a number": changed(progress="half"),
    "null": changed(status=None),
    "no time zone": changed(created_at="2030-01-01T00:00:00"),
    "end of time": changed(updated_at="9999-12-31T23:59:59Z"),
    "ended while waiting": changed(ended_at="2030-01-01T00:00:00Z", expires_at="2030-01-02T00:00:00Z"),
    "completed without an end": changed(status="completed"),
    "video of no length": video(float("nan")),
    "video without end": video(float("inf")),
    "video of words": video("long"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_whatever_happened_to_a_row_costs_its_session_alone(tmp_path: Path, damage: Damage) -> None:
    keep(tmp_path, OTHER)
    damage(keep(tmp_path, ID))
    store = MemoryStore(tmp_path)
    rows = {one["session_id"]: one for one in store.all()}
    assert (rows[ID]["status"], rows[ID]["error"], rows[ID]["reason"]) == DAMAGED
    assert rows[OTHER]["status"] is Status.QUEUED
    assert store.remove(ID)
    SessionFiles(tmp_path).remove(ID)
    store.close()
    assert not (tmp_path / ID).exists()


@pytest.mark.parametrize("column", Session.__annotations__)
def test_a_row_without_a_column_is_as_before_or_has_failed_in_words(tmp_path: Path, column: str) -> None:
    path = keep(tmp_path, ID)
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_bytes()).items() if key != column}))
    store = MemoryStore(tmp_path)
    (one,) = store.all()
    store.close()
    assert one["status"] is Status.QUEUED or (one["status"], one["error"], one["reason"]) == DAMAGED


def test_a_service_full_of_damaged_sessions_starts_and_serves_the_others(
    serve_with: Callable[..., Service], tmp_path: Path
) -> None:
    data = tmp_path / "data0"
    ids = {name: f"{number:08x}-1111-4111-8111-111111111111" for number, name in enumerate(DAMAGES)}
    for name, session_id in ids.items():
        DAMAGES[name](keep(data, session_id))
    at = datetime.now(UTC)
    ended = {"ended_at": at, "expires_at": at + timedelta(days=1), "progress": 100, "status": Status.COMPLETED}
    for session_id, result in ((ID, b'{"highlights":[]}'), (OTHER, b'{"highlights":[')):
        keep(data, session_id, **ended, result="result.json").with_name("result.json").write_bytes(result)
    service = serve_with()
    for session_id in ids.values():
        assert service.status(session_id)["error"] == DAMAGED[1]
    assert service.http.get(f"{BASE}/results/{ID}").json()["data"] == {"highlights": []}
    body = service.http.get(f"{BASE}/results/{OTHER}").json()
    assert (body["error"], body["message"]) == ("Analysis failed", "The session's result on disk was lost")
    for session_id in (ID, OTHER, *ids.values()):
        assert service.http.delete(f"{BASE}/cleanup/{session_id}").status_code == 200
    assert service.folders() == []


@pytest.mark.parametrize("address", ["results/{}", "files/{}/source.mp4"])
def test_a_result_that_is_damaged_while_it_is_served_is_told_in_words(service: Service, address: str) -> None:
    session_id = service.seeded(Status.COMPLETED)
    (service.data_dir / session_id / "result.json").write_bytes(b'{"highlights":[\0\0]}')
    answer = service.http.get(f"{BASE}/{address.format(session_id)}")
    body = answer.json()
    assert (answer.status_code, body["error"], body["reason"]) == (500, "Analysis failed", "internal")
    assert body["message"] == "The session's result on disk was lost"


def test_what_a_client_is_promised_was_synced_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All bytes of a row, then its name, then its folder's, in this order; and the end of a row in its folder."""
    did: list[tuple[str, str]] = []
    fsync, replace, unlink = os.fsync, os.replace, os.unlink

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        whole = path.is_dir() or json.loads(path.read_bytes())["session_id"] == ID
        did.append(("sync" if whole else "sync of half a row", path.name.partition(".json")[0]))
        fsync(descriptor)

    def replaced(source: Path, target: Path) -> None:
        did.append(("replace", target.stem))
        replace(source, target)

    def unlinked(path: Path, **how: Any) -> None:
        did.append(("unlink", path.stem))
        unlink(path, **how)

    store = MemoryStore(tmp_path)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(os, "unlink", unlinked)
    written = [("sync", "session"), ("replace", "session"), ("sync", ID)]
    store.add(row(ID))
    assert did == [*written, ("sync", tmp_path.name)]
    did.clear()
    store.change(ID, lambda row: Session(**{**row, "status": Status.PROCESSING}))
    assert did == written
    did.clear()
    store.remove(ID)
    assert did == [("unlink", "session"), ("sync", ID)]
    store.close()


def test_a_folder_that_is_deleted_is_whole_as_long_as_it_has_its_name(tmp_path: Path) -> None:
    files, seen, over = SessionFiles(tmp_path), set[int](), threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                before = (tmp_path / ID).stat().st_ino
                names = os.listdir(tmp_path / ID)  # noqa: PTH208  one call of the system
                # Who opened it before may still read while it is emptied under another name.
                seen.add(len(names) if (tmp_path / ID).stat().st_ino == before else -1)
            except FileNotFoundError:
                seen.add(-1)

    for number in range(5):
        folder = tmp_path / f"made-{number}"
        folder.mkdir()
        for name in range(200):
            (folder / str(name)).touch()
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(5):
        (tmp_path / f"made-{number}").rename(tmp_path / ID)
        time.sleep(0.01)
        removing = [threading.Thread(target=files.remove, args=(ID,)) for _ in range(2)]
        for thread in removing:
            thread.start()
        for thread in removing:
            thread.join()
    over.set()
    reader.join()
    assert seen <= {-1, 200}
    assert list(tmp_path.iterdir()) == []


def test_two_thousand_sessions_are_taken_up_in_a_moment(tmp_path: Path) -> None:
    text = ROWS.dump_json(row(ID))
    for number in range(2000):
        session_id = f"{number:08x}-1111-4111-8111-111111111111"
        (tmp_path / session_id).mkdir()
        (tmp_path / session_id / "session.json").write_bytes(text.replace(ID.encode(), session_id.encode()))
    began = time.perf_counter()
    store = MemoryStore(tmp_path)
    assert SessionFiles(tmp_path).sweep() == 0
    assert len(store.all()) == 2000
    assert time.perf_counter() - began < 3
    store.close()


def in_the_way(root: Path) -> Path:
    (root / "file").write_text("in the way")
    return root / "file"


@pytest.mark.parametrize(
    "place",
    [lambda root: in_the_way(root) / "below", lambda root: Path("/sys")],
    ids=["below a file", "in a folder that takes none"],
)
def test_where_nothing_can_be_kept_the_start_stops_in_words(tmp_path: Path, place: Callable[[Path], Path]) -> None:
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(place(tmp_path)), "PORT": "0", "VISION_MODEL": "none"}
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot start: DATA_DIR={environment['DATA_DIR']} cannot be written: ")
    assert "Traceback" not in done.stderr
