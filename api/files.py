"""Serves what a result lists: the video, the reel, stills, exports; whole, or the stretch that a player asks for.

Or sends the client on to the store that keeps it, where that has an address to give.
"""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path
from typing import Any
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
from stores.shown import BYTES, MEDIA_TYPES, Method, Shown, StoredFile

KNOWN_RESULTS = 256
"""Results of which is remembered what they list."""

LINK_KEPT_SECONDS = 60
"""How long a client may come back to a link without asking here again; the link itself holds for longer."""

SAVED = {".csv", ".edl"}
"""To be saved rather than shown."""

_ERRORS = {
    400: "Not ready, or cancelled",
    404: "No such session or file, or expired",
    416: "The range begins past the file's end",
    500: "The analysis failed",
}


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
            307: {"description": "It is to be had from the store itself, at this address, for a while"},
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
        shown = _shown(row, name, "download" in request.query_params)
        found = await asyncio.to_thread(self._find, session_id, result, name, shown, _linked_for(request))
        if found is None:
            unexpired(self._sessions, session_id)  # cleaned up, or expired, since its row was read
            raise FileNotFound("There is no such file in this session", sessionId=session_id)
        if isinstance(found, _Unmade):
            return _under_way(session_id, self._previews.percent(row))
        if isinstance(found, str):
            return _sent_on(found)
        return _answer(request, found, _headers(shown, found))

    def _find(
        self, session_id: str, result: str, name: str, shown: Shown, method: Method | None
    ) -> str | StoredFile | _Unmade | None:
        """A link, where there is a method to use it by; or the file. Only of a preview it is not known that there is
        one."""
        if not self._is_listed(session_id, result, name):
            return None
        opened = self._open(session_id, result, name) if name == PREVIEW or method is None else None
        link = self._files.link(session_id, name, shown, method) if method and not isinstance(opened, _Unmade) else None
        if link and isinstance(opened, StoredFile):
            opened.close()
        return link or opened or self._open(session_id, result, name)

    def _open(self, session_id: str, result: str, name: str) -> StoredFile | _Unmade | None:
        try:
            return self._files.open(session_id, name)
        except FileNotFoundError:
            return _Unmade() if name == PREVIEW and self._files.has_result(session_id, result) else None

    def _is_listed(self, session_id: str, result: str, name: str) -> bool:
        try:
            return name in self._listed(session_id, result)
        except FileNotFoundError:
            return False
        except ValueError as error:
            raise lost_result(session_id) from error

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


def _linked_for(request: Request) -> Method | None:
    """How a link would be used; None for a script that reads the file itself: the store is another origin, which would
    have to allow that."""
    if request.headers.get("sec-fetch-mode", "no-cors") in ("cors", "same-origin"):
        return None
    return "HEAD" if request.method == "HEAD" else "GET"


def _sent_on(link: str) -> Response:
    headers = {"Location": link, "Cache-Control": f"private, max-age={LINK_KEPT_SECONDS}"}
    return Response(status_code=307, headers=headers)


def _answer(request: Request, opened: StoredFile, headers: dict[str, str]) -> Response:
    if same(opened.etag, request.headers.get("if-none-match")):
        opened.close()
        kept = {name: headers[name] for name in ("ETag", "Cache-Control", "Last-Modified")}
        return Response(status_code=304, headers=kept)
    try:
        stretch = stretch_of(_range_of(request, opened, headers["Last-Modified"]), opened.size)
    except Unsatisfiable:
        opened.close()
        words = f"The file has {opened.size} bytes: the range begins past its end"
        told = HttpRefusal(words, 416, "range_not_satisfiable")
        return flat_answer(request.url.path, told, {"Content-Range": f"bytes */{opened.size}"})
    status, part = (200, Stretch(0, opened.size)) if stretch is None else (206, stretch)
    if stretch is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{opened.size}"
    headers["Content-Length"] = str(part.end - part.start)
    if request.method == "HEAD":
        opened.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_read(opened, part), status, headers)


def _under_way(session_id: str, percent: int) -> Response:
    body = PreviewBody(session_id=session_id, status="rendering", progress=percent)
    return JSONResponse(body.model_dump(by_alias=True), 202, {"Retry-After": "1", "Cache-Control": "no-store"})


def _range_of(request: Request, opened: StoredFile, modified: str) -> str | None:
    """The range asked for; none where the client has another version of the file, nor of a HEAD (RFC 9110, 14.2)."""
    held = request.headers.get("if-range")
    meant = request.method == "GET" and held in (None, opened.etag, modified)
    return request.headers.get("range") if meant else None


async def _read(opened: StoredFile, part: Stretch) -> AsyncIterator[bytes]:
    try:
        at = part.start
        while at < part.end:
            chunk = await asyncio.to_thread(opened.read, at, min(opened.piece_bytes, part.end - at))
            if not chunk:
                break
            at += len(chunk)
            yield chunk
    finally:
        opened.close()


def _headers(shown: Shown, opened: StoredFile) -> dict[str, str]:
    return {
        "Content-Type": shown.media_type,
        "Content-Disposition": shown.disposition,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "ETag": opened.etag,
        "Last-Modified": formatdate(opened.modified, usegmt=True),
    }


def _shown(row: Session, name: str, download: bool) -> Shown:
    ending = Path(name).suffix.lower()
    saved = "attachment" if download or ending in SAVED else "inline"
    return Shown(MEDIA_TYPES.get(ending, BYTES), f"{saved}; {_file_name(row, name)}")


def _file_name(row: Session, name: str) -> str:
    """What to save it as, after the video's own name: as ASCII for old clients, and as RFC 8187 has it."""
    shown = Path(row["metadata"]["filename"])
    own = name == Path(row["video_path"]).name
    saved = f"{shown.stem or 'video'}{Path(name).suffix}" if own else f"{shown.stem or 'video'}-{name}"
    plain = unicodedata.normalize("NFKD", saved).encode("ascii", "ignore").decode()
    safe = "".join(c if c.isalnum() or c in "-_. ()" else "_" for c in plain)
    return f"filename=\"{safe}\"; filename*=UTF-8''{quote(saved, safe='')}"
