"""One analysis as it is asked for on the command line, and as it comes back; where its files go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from commands.ending import Stopping, scratch
from commands.showing import Report, as_json
from errors import InvalidRequest

RESULT = "result.json"

Kind = Literal["highlights", "workout"]


@dataclass(frozen=True)
class Job:
    video: Path
    kind: Kind
    params: str
    """A JSON object, as text."""
    report: Callable[[Report], None]
    stopping: Stopping

    def settings(self) -> dict[str, Any]:
        """The params, for a service to judge. Raises InvalidRequest where they are no JSON object."""
        try:
            settings = json.loads(self.params)
        except ValueError as error:
            raise InvalidRequest(f"--params is no JSON: {error}") from error
        if not isinstance(settings, dict):
            raise InvalidRequest("--params must be a JSON object, such as '{\"max_highlights\": 3}'")
        return settings


@dataclass(frozen=True)
class Done:
    """A result's `data`. Addresses in it are those of a service, or of what would have been one."""

    data: dict[str, Any]
    names: frozenset[str] = frozenset()
    """Of the files that lie in the job's folder."""

    def here(self) -> dict[str, Any]:
        """The data with names of files in the folder instead of addresses, and null for those that are not there."""
        here: dict[str, Any] = _named(self.data, self.names)
        return here


def _named(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        pairs = value.items()
        return {key: _name(one, names) if key.endswith("_url") else _named(one, names) for key, one in pairs}
    return [_named(one, names) for one in value] if isinstance(value, list) else value


def _name(url: str | None, names: frozenset[str]) -> str | None:
    name = url.rpartition("/")[2] if url else None
    return name if name in names else None


@contextmanager
def delivering(folder: Path | None, stopping: Stopping) -> Iterator[Path | None]:
    """A place for files, which go to the folder once all are there; or not at all, and then nothing of the folder is
    left that was not there before."""
    if folder is None:
        yield None
        return
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    delivered = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with scratch(stopping, ".unfinished", folder) as place:
            yield place
            with stopping.undisturbed():
                for file in place.iterdir():
                    if (folder / file.name).is_dir():
                        raise InvalidRequest(f"{folder / file.name} is a folder, and would have to be a file")
                for file in place.iterdir():
                    file.replace(folder / file.name)
                delivered = True
    finally:
        if not delivered:
            with suppress(OSError):
                for one in made:
                    one.rmdir()


def keep_result(done: Done, place: Path) -> None:
    (place / RESULT).write_text(as_json(done.here()) + "\n", encoding="utf-8")
