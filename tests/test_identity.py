"""Rows and files that are not each other's refuse to start, in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config import Settings
from errors import CannotStart
from stores import check_together, open_session_files, open_session_store
from tests.object_store import ObjectStore
from tests.redis_server import RedisServer


def opened(tmp_path: Path, redis_url: str = "", place: str = "", folder: str = "data") -> None:
    """Raises CannotStart."""
    settings = Settings(data_dir=tmp_path / folder, redis_url=redis_url, storage_url=place)
    store = open_session_store(settings)
    try:
        check_together(settings, store, open_session_files(settings))
    finally:
        store.close()


def test_those_who_share_rows_share_files_too(tmp_path: Path, redis_server: RedisServer, s3_keys: ObjectStore) -> None:
    opened(tmp_path, redis_server.url)
    opened(tmp_path, redis_server.url)
    with pytest.raises(CannotStart, match="is not where the others who share REDIS_URL keep files"):
        opened(tmp_path, redis_server.url, folder="another")
    with pytest.raises(CannotStart, match=r"STORAGE_URL=s3://.* is not where the others"):
        opened(tmp_path, redis_server.url, s3_keys.place())


def test_with_a_store_for_files_each_may_have_a_folder_of_its_own(
    tmp_path: Path, redis_server: RedisServer, s3_keys: ObjectStore
) -> None:
    place = s3_keys.place()
    opened(tmp_path, redis_server.url, place)
    opened(tmp_path, redis_server.url, place, folder="another")


def test_files_of_other_rows_are_left_alone(tmp_path: Path, redis_server: RedisServer, s3_keys: ObjectStore) -> None:
    place = s3_keys.place()
    opened(tmp_path, redis_server.url, place)
    redis_server.client.flushall()
    with pytest.raises(CannotStart, match=r"holds the files of other sessions than those of REDIS_URL.*`\.sessions`"):
        opened(tmp_path, redis_server.url, place)


def test_two_services_of_their_own_cannot_share_a_place(tmp_path: Path, s3_keys: ObjectStore) -> None:
    for place in (s3_keys.place(), f"file://{tmp_path / 'store'}"):
        shutil.rmtree(tmp_path / "first", ignore_errors=True)
        opened(tmp_path, place=place, folder="first")
        opened(tmp_path, place=place, folder="first")
        with pytest.raises(CannotStart, match="Give each service a place of its own"):
            opened(tmp_path, place=place, folder="second")
        shutil.rmtree(tmp_path / "second")


def test_one_service_on_one_folder_marks_nothing(tmp_path: Path) -> None:
    opened(tmp_path)
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".lock"]
