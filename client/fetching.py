"""Fetches a result's files to a folder: streamed, and on from where they were after a lost connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from client.asking import BASE, Pauses, refusal
from client.steps import Answer, Ask, Do, HangUp, Hear, Listen, NoAnswer, Script
from errors import HttpRefusal, ServiceError

ELSEWHERE = (301, 302, 303, 307, 308)
"""The service sends on to the store that keeps the file, where it has such."""

UNSATISFIABLE = 416
"""It begins past the file's end: all of it is here."""

NOT_YET = 202
"""A preview is being made."""

SILENCE_SECONDS = 60.0

LARGE = ("source_url", "preview_url")
"""Keys of copies of the whole video, which are fetched only by name."""


def names_in(data: Mapping[str, Any], session_id: str) -> list[str]:
    """The names of the files that a result lists, but for copies of the whole video."""
    beginning = f"{BASE}/files/{session_id}/"
    listed = (url.removeprefix(beginning) for key, url in _urls_in(data) if key not in LARGE)
    return list(dict.fromkeys(listed))


def _urls_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every address in a result, with its key: keys that end so hold nothing else."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key.endswith("_url") and isinstance(inner, str):
                yield key, inner
            yield from _urls_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _urls_in(inner)


def checked(name: str) -> str:
    """A name that stays in its folder, whatever a service says. Raises ServiceError."""
    if name in ("", ".", "..") or any(wrong in name for wrong in "/\\\0:"):
        raise ServiceError(f"the service names a file {name!r}, which is no name for one")
    return name


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


@dataclass
class Fetching:
    """One file on its way. `part` holds what has come of it."""

    session_id: str
    name: str
    path: Path
    headers: Mapping[str, str]
    patience: float
    keep_part: bool = False
    etag: str = field(default="")

    @property
    def part(self) -> Path:
        """Named by the session as well, so that what was left is gone on with only where it belongs."""
        return self.path.with_name(f".{self.path.name}.{_quoted(self.session_id)}.part")


def fetch(what: Fetching) -> Script[Path]:
    """Gives the file's path. Raises HttpRefusal, NoAnswer and OSError, and leaves no part then; but, with `keep_part`,
    where nobody answers: the next call goes on there."""
    kept = False
    try:
        with what.part.open("ab") as file:
            yield from _fetch_all(what, file)
        what.part.replace(what.path)
    except NoAnswer:
        kept = what.keep_part
        raise
    finally:
        if not kept:
            what.part.unlink(missing_ok=True)
    return what.path


def _fetch_all(what: Fetching, file: BinaryIO) -> Script[None]:
    pauses, url = Pauses(what.patience), f"{BASE}/files/{_quoted(what.session_id)}/{_quoted(what.name)}"
    while True:
        before = file.tell()
        try:
            if (yield from _fetch_on(what, file, url)):
                return
            error: ServiceError = NoAnswer("the file is still being made")
        except (NoAnswer, HttpRefusal) as failure:
            error = failure
        if file.tell() > before:
            pauses.reset()
        pause = pauses.after(error)
        yield HangUp()
        yield pause


def _fetch_on(what: Fetching, file: BinaryIO, url: str) -> Script[bool]:
    """From where the file ends by now. False where there is nothing to be had yet."""
    wanted = {"Accept-Encoding": "identity"}
    if at := file.tell():
        wanted |= {"Range": f"bytes={at}-"} | ({"If-Range": what.etag} if what.etag else {})
    answer: Answer = yield _listening(url, {**what.headers, **wanted})
    if answer.status in ELSEWHERE:
        # Without this service's headers: another's key is none of its business.
        answer = yield _listening(answer.headers.get("location", ""), wanted)
    if at and answer.status == UNSATISFIABLE and answer.headers.get("content-range") == f"bytes */{at}":
        return True
    if not answer.ok:
        raise refusal(answer)
    if answer.status == NOT_YET:
        return False
    if at and not answer.headers.get("content-range", "").startswith(f"bytes {at}-"):
        yield Do(partial(file.truncate, 0))
        yield Do(partial(file.seek, 0))
    what.etag = answer.headers.get("etag", "")
    while (piece := (yield Hear())) is not None:
        yield Do(partial(file.write, piece))
    yield Do(file.flush)
    return True


def _listening(url: str, headers: Mapping[str, str]) -> Listen:
    return Listen(Ask("GET", url, headers, silence_seconds=SILENCE_SECONDS))


def fetch_all(fetchings: list[Fetching]) -> Script[list[Path]]:
    """One after the other. Those that came before one fails stay."""
    came: list[Path] = []
    for one in fetchings:
        came.append((yield from fetch(one)))  # noqa: PERF401  a script cannot be a comprehension
    return came
