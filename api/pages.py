"""The web page: the files of `web/`, read once at the start, and a sample video that is drawn when first asked for.

Only those files can be had, by their exact names: no path of a request ever reaches the file system.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from errors import HttpRefusal, InsufficientStorage
from video.draw import draw_demo

WEB = Path(__file__).parent.parent / "web"
HOME = "/app/"
SAMPLE = "sample.mp4"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".ts": "text/plain; charset=utf-8",
}


def headers_of(store: str | None) -> dict[str, str]:
    """What the page may load and do: nothing from elsewhere but pictures and videos from the store that links lead to,
    by its origin; nothing written into its markup."""
    also = f" {store}" if store else ""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src 'self' blob: data:{also}",
        f"media-src 'self' blob:{also}",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        # A browser keeps every file and asks each time whether it still holds, so that no old module meets a new one.
        "Cache-Control": "no-cache",
    }


@dataclass(frozen=True)
class Asset:
    """One file as it is sent, plain and compressed."""

    media_type: str
    plain: bytes
    zipped: bytes
    etag: str
    """Weak: the same for both."""

    def answer(self, request: Request, headers: dict[str, str]) -> Response:
        headers = headers | {"ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(self.plain, headers=headers, media_type=self.media_type)


def read_assets(folder: Path) -> dict[str, Asset]:
    """The files of the folder that a browser may have, by name."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix in TYPES]
    return {path.name: _asset(path.read_bytes(), TYPES[path.suffix]) for path in files}


def _asset(content: bytes, media_type: str) -> Asset:
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:20]}"'
    return Asset(media_type, content, gzip.compress(content, mtime=0), etag)


class Sample:
    """The video of the demo, drawn once a run when it is first asked for, in a thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / SAMPLE
        self._drawing: asyncio.Future[None] | None = None

    async def path(self) -> Path:
        """Where it lies, once it is drawn. Raises InsufficientStorage."""
        if self._drawing is None or (self._drawing.done() and self._drawing.exception()):
            self._drawing = asyncio.ensure_future(asyncio.to_thread(self._draw))
        try:
            # Whoever asked first may go away: the drawing goes on for the others.
            await asyncio.shield(self._drawing)
        except OSError as error:
            raise InsufficientStorage("There is no room to draw the sample video; try again later") from error
        return self._path

    def _draw(self) -> None:
        part = self._path.with_suffix(".part.mp4")
        try:
            draw_demo(part)
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)


class PagesApi:
    def __init__(self, data_dir: Path, store: str | None = None) -> None:
        """`store` is the origin that links to files lead to."""
        self._headers = headers_of(store)
        self._assets = read_assets(WEB)
        self._sample = Sample(data_dir)

    def router(self) -> APIRouter:
        router = APIRouter(include_in_schema=False)
        methods = ["GET", "HEAD"]
        router.add_api_route(HOME.rstrip("/"), self.redirect, methods=methods)
        router.add_api_route(f"{HOME}{SAMPLE}", self.sample, methods=methods)
        router.add_api_route(f"{HOME}{{name:path}}", self.file, methods=methods)
        return router

    async def redirect(self) -> Response:
        return RedirectResponse(HOME)

    async def file(self, name: str, request: Request) -> Response:
        asset = self._assets.get(name or "index.html")
        if asset is None:
            raise HttpRefusal(f"The page has no file {name}", 404, "not_found")
        return asset.answer(request, self._headers)

    async def sample(self) -> Response:
        """A short drawn video to try the page with; ranges of it can be asked for."""
        return FileResponse(await self._sample.path(), media_type="video/mp4", headers=self._headers)
