"""Rows and files belong together: each place of either kind has an id, and each knows the other's."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

from config import Settings
from errors import CannotStart
from stores.files import MARK, SessionFiles, settle_file

Settle = Callable[[str, str], str]
"""(name, value) to what whoever came first said."""


def settled_in(folder: Path) -> Settle:
    """For rows that are kept in a folder."""
    return lambda name, value: settle_file(folder / f".{name}", value)


def check_same_place(files: SessionFiles, settle: Settle, settings: Settings) -> None:
    """Raises CannotStart where these rows know another place for files, or the files belong to other rows: each would
    take the other's for what nobody knows."""
    rows, place = settle("rows", uuid.uuid4().hex), uuid.uuid4().hex
    place, _, owner = files.marked(f"{place} {rows}").partition(" ")
    where = f"STORAGE_URL={settings.storage_url}" if settings.storage_url else f"DATA_DIR={settings.data_dir}"
    whose = "REDIS_URL" if settings.redis_url else f"DATA_DIR={settings.data_dir}"
    if owner != rows:
        raise CannotStart(
            f"{where} holds the files of other sessions than those of {whose}. Give each service a place of its own; "
            f"where the rows of those sessions are lost for good, delete `{MARK}` there, and what nobody knows "
            "is deleted in time"
        )
    if settle("files", place) != place:
        raise CannotStart(
            f"{where} is not where the others who share {whose} keep files: all of them need one STORAGE_URL, or "
            "without it one DATA_DIR"
        )
