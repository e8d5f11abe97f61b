"""A file that remembers uploads under way, so that a program that was stopped goes on where they were."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

MOST_KEPT = 20
"""The newest: the service forgets unfinished uploads after a day."""


@dataclass(frozen=True)
class Begun:
    """An upload in parts, by its id, which will be its session's."""

    id: str
    token: str | None = None


def print_of(url: str, video: Path, fields: Mapping[str, str]) -> str:
    """The same for the same file that is sent in the same way to the same place."""
    facts = video.stat()
    return json.dumps([url, str(video.absolute()), facts.st_size, facts.st_mtime_ns, dict(fields)])


_one_at_a_time = threading.Lock()
"""Threads that upload beside each other may share a file."""


class Memory:
    def __init__(self, path: Path) -> None:
        """For nobody but its owner to read: tokens may stand in it. One program at a time may use it. Raises OSError
        where none can be kept, before anything is begun that would have to be remembered."""
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path.parent} is no folder to remember an upload in")
        self._path = path

    def get(self, print_: str) -> Begun | None:
        """Whatever stands there may have been written by anybody: what cannot be read is not there."""
        with suppress(TypeError, KeyError):
            one = self._all()[print_]
            return Begun(str(one["id"]), None if one["token"] is None else str(one["token"]))
        return None

    def keep(self, print_: str, begun: Begun) -> None:
        with _one_at_a_time:
            others = {other: one for other, one in self._all().items() if other != print_}
            self._write(dict(list(others.items())[1 - MOST_KEPT :]) | {print_: asdict(begun)})

    def forget(self, print_: str) -> None:
        with _one_at_a_time:
            kept = self._all()
            if kept.pop(print_, None) is not None:
                self._write(kept)

    def _all(self) -> dict[str, dict[str, object]]:
        try:
            kept = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _write(self, kept: Mapping[str, object]) -> None:
        """At one stroke; without anything to remember there is no file."""
        if not kept:
            self._path.unlink(missing_ok=True)
            return
        handle, part = tempfile.mkstemp(".part", f"{self._path.name}.", self._path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(kept, file)
            Path(part).replace(self._path)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
