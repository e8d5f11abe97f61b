"""What every store of sessions must do; the `store` fixture gives each kind in turn."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from errors import CannotStart
from schemas import MAX_FINDINGS, AnalysisType, Found, Session, Status, new_session
from stores import SessionStore
from stores.memory import MemoryStore
from stores.redis import RedisStore
from tests.service import until

ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"

Open = Callable[[], SessionStore]


@pytest.fixture(params=["memory", "redis"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_store(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens the store, again after the one before was closed."""
    opened: list[SessionStore] = []
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""

    def open_one() -> SessionStore:
        if opened:
            opened[-1].close()
        opened.append(RedisStore(url, tmp_path, 30) if url else MemoryStore(tmp_path))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> SessionStore:
    return open_store()


on_disk = pytest.mark.parametrize("kind", ["memory"])
"""Of the store that writes rows into files of this machine."""


def row(session_id: str = ID, *, minute: int = 0) -> Session:
    created = datetime(2030, 1, 1, 12, minute, tzinfo=UTC)
    return new_session(session_id, "source.mp4", AnalysisType.HIGHLIGHTS, {"max_highlights": 3}, created)


def step(row: Session) -> Session:
    row["progress"] += 1
    return row


def start(row: Session) -> Session:
    row["status"] = Status.PROCESSING
    return row


def test_a_row_comes_back_as_it_went_in(store: SessionStore) -> None:
    store.add(row())
    assert store.get(ID) == row()


def test_an_unknown_row_is_none(store: SessionStore) -> None:
    assert store.get(ID) is None
    assert store.change(ID, step) is None
    assert store.remove(ID) is False


def test_a_stored_row_cannot_be_changed_from_outside(store: SessionStore) -> None:
    mine = row()
    store.add(mine)
    mine["params"]["sneaky"] = True
    got = store.get(ID)
    assert got
    got["params"]["sneaky"] = True
    got["metadata"]["filename"] = "sneaky.mp4"
    got["metadata"]["video"]["fps"] = 1e9
    got["message"] = "sneaky"
    assert store.get(ID) == row()


def test_an_edit_that_declines_changes_nothing(store: SessionStore) -> None:
    store.add(row())
    assert store.change(ID, lambda row: None) is None
    assert store.get(ID) == row()


def test_changes_made_at_once_are_all_kept(store: SessionStore) -> None:
    store.add(row())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: store.change(ID, step), range(200)))
    got = store.get(ID)
    assert got
    assert got["progress"] == 200


def test_rows_are_listed_oldest_first_also_after_a_restart(open_store: Open) -> None:
    store = open_store()
    store.add(row(ID, minute=1))
    store.add(row(OTHER, minute=2))
    assert [r["session_id"] for r in store.all()] == [ID, OTHER]
    assert [r["session_id"] for r in open_store().all()] == [ID, OTHER]


def test_a_removed_row_stays_away_after_a_restart(open_store: Open) -> None:
    store = open_store()
    store.add(row())
    assert store.remove(ID) is True
    assert store.all() == []
    assert open_store().get(ID) is None


@on_disk
def test_a_change_of_status_is_on_disk_when_change_returns(store: SessionStore, tmp_path: Path) -> None:
    store.add(row())
    store.change(ID, start)
    assert json.loads((tmp_path / ID / "session.json").read_text())["status"] == "processing"


@on_disk
def test_progress_is_not_written_to_disk(store: SessionStore, tmp_path: Path) -> None:
    store.add(row())
    before = (tmp_path / ID / "session.json").stat().st_mtime_ns
    store.change(ID, step)
    assert (tmp_path / ID / "session.json").stat().st_mtime_ns == before


@on_disk
def test_a_removed_row_cannot_come_back_by_a_late_change(store: SessionStore, tmp_path: Path) -> None:
    store.add(row())
    store.remove(ID)
    assert store.change(ID, start) is None
    assert not (tmp_path / ID / "session.json").exists()


@on_disk
@pytest.mark.parametrize("damaged", ['{"session_id": "1111', "", f'{{"session_id": "{OTHER}"}}'])
def test_a_row_that_cannot_be_read_fails_that_session_alone(open_store: Open, tmp_path: Path, damaged: str) -> None:
    store = open_store()
    store.add(row(ID))
    store.add(row(OTHER))
    (tmp_path / ID / "session.json").write_text(damaged)
    reopened = open_store()
    assert (reopened.get(OTHER) or row()) | {"revision": 1} == row(OTHER)
    failed = reopened.get(ID)
    assert failed
    assert (failed["status"], failed["reason"]) == (Status.FAILED, "internal")


@on_disk
def test_a_row_of_another_session_is_not_believed(open_store: Open, tmp_path: Path) -> None:
    store = open_store()
    store.add(row(ID))
    store.add(row(OTHER))
    (tmp_path / ID / "session.json").write_bytes((tmp_path / OTHER / "session.json").read_bytes())
    failed = open_store().get(ID)
    assert failed
    assert (failed["session_id"], failed["status"]) == (ID, Status.FAILED)


def revision(store: SessionStore) -> int:
    got = store.get(ID)
    assert got
    return got["revision"]


def always(row: Session) -> bool:
    return True


def end(row: Session) -> Session:
    row["status"], row["ended_at"], row["expires_at"] = Status.CANCELLED, row["created_at"], row["created_at"]
    return row


def test_every_change_and_every_finding_takes_the_next_revision(store: SessionStore) -> None:
    store.add(row())
    store.change(ID, start)
    store.change(ID, step)
    store.keep_finding(ID, b"{}", always)
    store.change(ID, step)
    kept = store.get_with_findings(ID)
    assert kept
    assert (kept[0]["revision"], [found.revision for found in kept[1]]) == (5, [4])


def test_an_edit_that_declines_takes_no_revision(store: SessionStore) -> None:
    store.add(row())
    store.change(ID, lambda row: None)
    store.change(ID, start)
    assert store.keep_finding(ID, b"{}", lambda row: False) is False
    assert revision(store) == 2


@pytest.mark.parametrize("steps", [0, 1, 998, 999, 1000, 1001, 2500])
def test_no_revision_stands_for_two_things_over_a_restart(open_store: Open, steps: int) -> None:
    store = open_store()
    store.add(row())
    store.change(ID, start)
    for number in range(steps):
        if number % 3:
            store.change(ID, step)
        else:
            store.keep_finding(ID, b"{}", always)
    kept = store.get_with_findings(ID)
    assert kept
    given = max(kept[0]["revision"], *[found.revision for found in kept[1]], 0)
    store = open_store()
    store.change(ID, step)
    again = revision(store)
    assert again > given
    assert revision(open_store()) >= again


@on_disk
def test_an_end_that_the_disk_cannot_take_has_a_revision_of_its_own(open_store: Open, tmp_path: Path) -> None:
    store = open_store()
    store.add(row())
    store.change(ID, start)
    while (written := revision(store)) < json.loads((tmp_path / ID / "session.json").read_text())["revision"] - 1:
        store.change(ID, step)
    (tmp_path / ID).rename(tmp_path / "away")
    with pytest.raises(OSError, match=ID):
        store.change(ID, step)
    assert store.change(ID, end)
    assert revision(store) == written + 1
    (tmp_path / "away").rename(tmp_path / ID)
    reopened = open_store()
    reopened.change(ID, step)
    assert revision(reopened) > written + 1


def test_what_ended_keeps_its_revision_over_restarts(open_store: Open) -> None:
    store = open_store()
    store.add(row())
    store.change(ID, end)
    before = revision(store)
    assert revision(open_store()) == before
    assert revision(open_store()) == before


@on_disk
def test_a_damaged_row_takes_a_revision_above_all_that_were_given(open_store: Open, tmp_path: Path) -> None:
    store = open_store()
    store.add(row())
    store.change(ID, start)
    before = revision(store)
    (tmp_path / ID / "session.json").write_text("{")
    assert revision(open_store()) > before
    assert revision(open_store()) == revision(open_store())


@on_disk
def test_a_row_of_an_earlier_version_is_read_without_a_revision(open_store: Open, tmp_path: Path) -> None:
    open_store().add(row())
    path = tmp_path / ID / "session.json"
    path.write_text(
        json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "revision"})
    )
    store = open_store()
    assert store.change(ID, start)
    assert revision(store) == 1


def test_findings_lie_beside_the_row_until_it_is_no_longer_worked_on(store: SessionStore) -> None:
    store.add(row())
    store.change(ID, start)
    store.keep_finding(ID, b"1", always)
    store.change(ID, step)
    store.keep_finding(ID, b"2", always)
    kept = store.get_with_findings(ID)
    assert [found.text for found in kept[1]] == [b"1", b"2"] if kept else False
    store.change(ID, end)
    kept = store.get_with_findings(ID)
    assert kept
    assert kept[1] == ()


def test_of_too_many_findings_the_newest_stay(store: SessionStore) -> None:
    store.add(row())
    store.change(ID, start)
    for number in range(MAX_FINDINGS + 10):
        store.keep_finding(ID, b"%d" % number, always)
    kept = store.get_with_findings(ID)
    assert kept
    assert [kept[1][0].text, len(kept[1])] == [b"10", MAX_FINDINGS]


def test_a_finding_of_an_unknown_session_is_not_kept(store: SessionStore) -> None:
    assert store.keep_finding(ID, b"{}", always) is False
    assert store.get_with_findings(ID) is None


def test_listeners_are_told_of_each_change_in_its_order(store: SessionStore) -> None:
    heard: list[tuple[str, int | None]] = []
    store.add(row())

    def listen(session_id: str, news: Session | Found | None) -> None:
        number = news.revision if isinstance(news, Found) else news and news["revision"]
        heard.append((session_id, number))

    store.watch(listen)
    store.change(ID, start)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: store.change(ID, step) or store.keep_finding(ID, b"", always), range(40)))
        list(pool.map(lambda n: store.keep_finding(ID, b"", always), range(40)))
    store.change(ID, lambda row: None)
    store.remove(ID)
    store.remove(ID)
    until(lambda: heard[-1:] == [(ID, None)])
    assert heard == [(ID, number) for number in range(2, 83)] + [(ID, None)]


@on_disk
def test_a_second_process_is_refused_in_words(store: SessionStore, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="another process already works in DATA_DIR"):
        MemoryStore(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotStart, match="cannot be written"):
        MemoryStore(tmp_path / "file" / "data")


@on_disk
@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": "2030-01-01T12:00:00"},
        {"progress": 1000},
        {"status": "expired"},
        {"status": "dreaming"},
        {"status": "completed"},
        {"metadata": {"filename": "a", "sha256": "", "video": {"duration_seconds": "long"}, "legacy": False}},
    ],
    ids=["no time zone", "progress", "expired without an end", "unknown status", "an end without its time", "duration"],
)
def test_a_row_that_makes_no_sense_fails_that_session_alone(
    open_store: Open, tmp_path: Path, changes: dict[str, object]
) -> None:
    store = open_store()
    store.add(row(ID))
    store.add(row(OTHER))
    path = tmp_path / ID / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    rows = {one["session_id"]: one for one in open_store().all()}
    assert rows[OTHER]["status"] is Status.QUEUED
    assert (rows[ID]["status"], rows[ID]["error"]) == (Status.FAILED, "The session's record on disk was damaged")


@on_disk
def test_a_column_of_a_later_version_is_left_out(open_store: Open, tmp_path: Path) -> None:
    open_store().add(row())
    path = tmp_path / ID / "session.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "blue"}))
    got = open_store().get(ID)
    assert got
    assert got["status"] is Status.QUEUED
    assert "colour" not in got


@on_disk
def test_a_row_and_the_folder_that_names_it_are_synced_before_the_row_is_replaced(
    store: SessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.add(row())
    assert synced[0].startswith("session.json.")
    assert synced[1:] == [ID, tmp_path.name]


@on_disk
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE])
def test_a_write_that_fails_leaves_the_row_as_it_was_and_the_next_goes_on(
    store: SessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store.add(row())

    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match=os.strerror(number)):
            store.change(ID, start)
    got = store.get(ID)
    assert got
    assert got["status"] is Status.QUEUED
    assert [path.name for path in (tmp_path / ID).iterdir()] == ["session.json"]
    assert store.change(ID, start)


def test_rows_are_counted_by_their_status(store: SessionStore) -> None:
    assert sum(store.counts().values()) == 0
    for session_id in (ID, OTHER):
        store.add(row(session_id))
        store.add(row(session_id))  # which changes nothing where rows are shared
    assert store.counts()[Status.QUEUED] == 2
    store.change(ID, start)
    store.change(ID, step)
    counts = store.counts()
    assert (counts[Status.QUEUED], counts[Status.PROCESSING]) == (1, 1)
    store.remove(ID)
    store.remove(ID)
    assert [store.counts().get(status, 0) for status in (Status.QUEUED, Status.PROCESSING)] == [1, 0]
