"""Serves what a result lists: the video, the reel, stills, exports; whole, or the stretch that a player asks for."""

from __future__ import annotations

import asyncio
import json
import os
import unicodedata
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api import PREFIX
from api.answers import flat_answer
from api.previews import Previews
from api.ranges import Stretch, Unsatisfiable, same, stretch_of
from api.rows import completed, lost_result, unexpired
from errors import FileNotFound, HttpRefusal
from schemas import ErrorBody, PreviewBody, Session
from session_manager import SessionManager
from showcase import PREVIEW
from stores.files import SessionFiles

CHUNK_BYTES = 256 << 10
"""Read in one go, in a thread: about a thousand hops for a quarter of a gigabyte."""

KNOWN_RESULTS = 256
"""Results of which is remembered what they list."""

TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".jpg": "image/jpeg",
    ".vtt": "text/vtt; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".edl": "text/plain; charset=utf-8",
}
"""What is not here is served as bytes without a meaning, and a browser is told not to guess one."""

SAVED = {".csv", ".edl"}
"""To be saved rather than shown."""

_ERRORS = {
    400: "Not ready, or cancelled",
    404: "No such session or file, or expired",
    416: "The range begins past the file's end",
    500: "The analysis failed",
}


@dataclass(frozen=True)
class _Opened:
    """A file, and what is known of it while it is open."""

    file: BinaryIO
    size: int
    etag: str
    modified: str


class _Unmade:
    """A preview that nobody asked for before."""


class FilesApi:
    def __init__(self, sessions: SessionManager, files: SessionFiles, previews: Previews) -> None:
        self._sessions = sessions
        self._previews = previews
        self._files = files
        self._listed = lru_cache(KNOWN_RESULTS)(self._read_listed)

    def router(self) -> APIRouter:
        router = APIRouter(prefix=PREFIX, tags=["video"])
        declared: dict[int | str, dict[str, Any]] = {
            200: {"description": "The file", "content": {"application/octet-stream": {}}},
            202: {"model": PreviewBody, "description": "A preview that is being made; ask again"},
            206: {"description": "The range that was asked for"},
            304: {"description": "It is as the client has it"},
            **{code: {"model": ErrorBody, "description": words} for code, words in _ERRORS.items()},
            "default": {"model": ErrorBody, "description": "Any other refusal, in the same shape"},
        }
        path = "/files/{session_id}/{name:path}"
        router.get(path, responses=declared, response_class=Response)(self.get_file)
        router.head(path, include_in_schema=False)(self.get_file)
        return router

    async def get_file(self, request: Request, session_id: str, name: str) -> Response:
        """A file that the result lists. `?download=1` has a browser save it. Ranges, and `If-None-Match`, work."""
        row, result = completed(self._sessions, session_id)
        opened = await asyncio.to_thread(self._open, session_id, result, name)
        if opened is None:
            unexpired(self._sessions, session_id)  # cleaned up, or expired, since its row was read
            raise FileNotFound("There is no such file in this session", sessionId=session_id)
        if isinstance(opened, _Unmade):
            return _under_way(session_id, self._previews.percent(row))
        return _answer(request, opened, _headers(row, name, opened, "download" in request.query_params))

    def _open(self, session_id: str, result: str, name: str) -> _Opened | _Unmade | None:
        path = self._files.folder(session_id) / name
        try:
            if name not in self._listed(session_id, result):
                return None
            file = path.open("rb")
        except FileNotFoundError:
            return _Unmade() if name == PREVIEW and (path.parent / result).exists() else None
        except ValueError as error:
            raise lost_result(session_id) from error
        facts = os.fstat(file.fileno())
        etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
        return _Opened(file, facts.st_size, etag, formatdate(facts.st_mtime, usegmt=True))

    def _read_listed(self, session_id: str, result: str) -> frozenset[str]:
        """The names of the files that a result lists. It never changes once it is complete."""
        beginning = f"{PREFIX}/files/{session_id}/"
        urls = _urls_in(json.loads(self._files.read_result(session_id, result)))
        return frozenset(url.removeprefix(beginning) for url in urls if url.startswith(beginning))


def _urls_in(value: Any) -> Iterator[str]:
    """Every address in a result: keys that end so hold nothing else."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith("_url") and isinstance(inner, str):
                yield inner
            yield from _urls_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _urls_in(inner)


def _answer(request: Request, opened: _Opened, headers: dict[str, str]) -> Response:
    if same(opened.etag, request.headers.get("if-none-match")):
        opened.file.close()
        kept = {name: headers[name] for name in ("ETag", "Cache-Control", "Last-Modified")}
        return Response(status_code=304, headers=kept)
    try:
        stretch = stretch_of(_range_of(request, opened), opened.size)
    except Unsatisfiable:
        opened.file.close()
        words = f"The file has {opened.size} bytes: the range begins past its end"
        told = HttpRefusal(words, 416, "range_not_satisfiable")
        return flat_answer(request.url.path, told, {"Content-Range": f"bytes */{opened.size}"})
    status, part = (200, Stretch(0, opened.size)) if stretch is None else (206, stretch)
    if stretch is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{opened.size}"
    headers["Content-Length"] = str(part.end - part.start)
    if request.method == "HEAD":
        opened.file.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_read(opened.file, part), status, headers)


def _under_way(session_id: str, percent: int) -> Response:
    body = PreviewBody(session_id=session_id, status="rendering", progress=percent)
    return JSONResponse(body.model_dump(by_alias=True), 202, {"Retry-After": "1", "Cache-Control": "no-store"})


def _range_of(request: Request, opened: _Opened) -> str | None:
    """The range asked for; none where the client has another version of the file, nor of a HEAD (RFC 9110, 14.2)."""
    held = request.headers.get("if-range")
    meant = request.method == "GET" and held in (None, opened.etag, opened.modified)
    return request.headers.get("range") if meant else None


async def _read(file: BinaryIO, part: Stretch) -> AsyncIterator[bytes]:
    try:
        await asyncio.to_thread(file.seek, part.start)
        left = part.end - part.start
        while left and (chunk := await asyncio.to_thread(file.read, min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    finally:
        file.close()


def _headers(row: Session, name: str, opened: _Opened, download: bool) -> dict[str, str]:
    ending = Path(name).suffix.lower()
    saved = "attachment" if download or ending in SAVED else "inline"
    return {
        "Content-Type": TYPES.get(ending, "application/octet-stream"),
        "Content-Disposition": f"{saved}; {_file_name(row, name)}",
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "ETag": opened.etag,
        "Last-Modified": opened.modified,
    }


def _file_name(row: Session, name: str) -> str:
    """What to save it as, after the video's own name: as ASCII for old clients, and as RFC 8187 has it."""
    shown = Path(row["metadata"]["filename"])
    own = name == Path(row["video_path"]).name
    saved = f"{shown.stem or 'video'}{Path(name).suffix}" if own else f"{shown.stem or 'video'}-{name}"
    plain = unicodedata.normalize("NFKD", saved).encode("ascii", "ignore").decode()
    safe = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in plain)
    return f"filename=\"{safe}\"; filename*=UTF-8''{quote(saved, safe='')}"
