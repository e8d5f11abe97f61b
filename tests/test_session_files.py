"""A session's folder: written whole or not at all, swept of what a crash left."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stores.files import ROW, SessionFiles, is_session_id, write_atomically

ID = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def files(tmp_path: Path) -> SessionFiles:
    return SessionFiles(tmp_path)


def test_a_result_is_read_back_as_it_was_written(files: SessionFiles) -> None:
    files.reserve(ID)
    assert files.read_result(ID, files.write_result(ID, b"{}")) == b"{}"


def test_a_late_result_does_not_bring_a_deleted_folder_back(files: SessionFiles, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.write_result(ID, b"{}")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_content_and_no_part(tmp_path: Path) -> None:
    target = tmp_path / "row"
    target.write_bytes(b"old")
    with pytest.raises(TypeError):
        write_atomically(target, "not bytes")  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_discarding_keeps_the_row_and_what_is_named(files: SessionFiles) -> None:
    folder = files.reserve(ID)
    for name in (ROW, "source.mp4", "result.json"):
        (folder / name).write_bytes(b"")
    assert files.discard(ID, keep=["source.mp4"]) == 1
    assert {path.name for path in folder.iterdir()} == {ROW, "source.mp4"}


def test_discarding_does_not_disturb_a_row_that_is_being_written(files: SessionFiles) -> None:
    folder = files.reserve(ID)
    (folder / f"{ROW}.1234.part").write_bytes(b"")
    assert files.discard(ID) == 0


def test_what_cannot_be_deleted_does_not_keep_the_rest(files: SessionFiles) -> None:
    folder = files.reserve(ID)
    (folder / "a").mkdir()
    (folder / "b").write_bytes(b"")
    assert files.discard(ID) == 1
    assert [path.name for path in folder.iterdir()] == ["a"]


def test_a_video_is_found_also_after_its_root_was_moved(files: SessionFiles, tmp_path: Path) -> None:
    (files.reserve(ID) / "source.mp4").write_bytes(b"")
    assert files.fetch(ID, f"/elsewhere/{ID}/source.mp4") == tmp_path / ID / "source.mp4"
    assert files.fetch(ID, "/elsewhere/other.mp4") == Path("/elsewhere/other.mp4")


def test_discarding_what_is_gone_is_nothing(files: SessionFiles) -> None:
    assert files.discard(ID) == 0


def test_the_sweep_deletes_parts_and_folders_without_a_row(files: SessionFiles, tmp_path: Path) -> None:
    files.reserve(ID)
    kept = files.reserve(ID.replace("1", "2"))
    (kept / ROW).write_bytes(b"{}")
    (kept / "result.json.1234.part").write_bytes(b"half")
    assert files.sweep() == 2
    assert {path.name for path in tmp_path.iterdir()} == {kept.name}
    assert [path.name for path in kept.iterdir()] == [ROW]


def test_the_sweep_goes_on_past_what_cannot_be_deleted(files: SessionFiles, tmp_path: Path) -> None:
    kept = files.reserve(ID)
    (kept / ROW).write_bytes(b"{}")
    (kept / "odd.part").mkdir()
    (kept / "result.json.1234.part").write_bytes(b"half")
    assert files.sweep() == 1


def test_the_sweep_touches_nothing_that_is_not_a_sessions(files: SessionFiles, tmp_path: Path) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "notes.part").write_text("mine")
    assert files.sweep() == 0
    assert {path.name for path in tmp_path.iterdir()} == {"holiday", "notes.part"}


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", ID.upper().replace("1", "A"), "{" + ID + "}", ID + "\0", ID.replace("-", "")]
)
def test_only_canonical_ids_are_ids(name: str) -> None:
    assert is_session_id(ID)
    assert not is_session_id(name)


def test_a_delete_that_was_killed_half_way_is_finished_by_the_next_start(tmp_path: Path) -> None:
    trash = tmp_path / ".trash-half"
    trash.mkdir()
    (trash / "source.mp4").write_bytes(b"video")
    assert SessionFiles(tmp_path).sweep() == 1
    assert not trash.exists()


def test_a_folder_is_gone_under_its_name_before_anything_in_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SessionFiles(tmp_path)
    (files.reserve(ID) / "source.mp4").write_bytes(b"video")

    def killed(path: Path, ignore_errors: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            files.remove(ID)
    assert not files.folder(ID).exists()
    (trash,) = tmp_path.iterdir()
    assert [path.name for path in trash.iterdir()] == ["source.mp4"]


def test_where_others_work_in_the_same_place_no_result_is_written_over_another(tmp_path: Path) -> None:
    files = SessionFiles(tmp_path, shared=True)
    files.reserve(ID)
    names = [files.write_result(ID, data) for data in (b'{"by":"one"}', b'{"by":"a late one"}')]
    assert [files.read_result(ID, name) for name in names] == [b'{"by":"one"}', b'{"by":"a late one"}']


def test_what_all_files_take_is_known(files: SessionFiles, tmp_path: Path) -> None:
    before = files.used_bytes()
    (files.reserve(ID) / "source.mp4").write_bytes(bytes(100_000))
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "part").write_bytes(bytes(50_000))
    (tmp_path / "uploads" / "link").symlink_to(tmp_path)
    assert 150_000 <= files.used_bytes() - before < 200_000
