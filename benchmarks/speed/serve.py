"""What the product is compared to, served as it is served: the same uvicorn with the same settings.

python -m benchmarks.speed.serve discard|typed|unkept [folder]
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn

from api.server import SWITCH_SECONDS, served_as

App = Callable[..., Any]

OK = b"{}"


async def discard(scope: dict[str, Any], receive: App, send: App) -> None:
    """Reads a body, keeps nothing of it, and answers."""
    if scope["type"] == "http":
        while (await receive()).get("more_body", False):
            pass
        headers = [(b"content-length", str(len(OK)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": OK})


def open_app(kind: str, folder: Path) -> App:
    """Each imports no more than it needs: what a process has loaded decides how its memory behaves."""
    if kind == "discard":
        return discard
    if kind == "typed":
        from benchmarks.speed.typed import typed  # noqa: PLC0415

        return typed()
    from benchmarks.speed.unkept import unkept  # noqa: PLC0415

    return unkept(folder)


def main() -> None:
    kind, *rest = sys.argv[1:]
    app = open_app(kind, Path(*rest))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        host, port = listener.getsockname()
        sys.setswitchinterval(SWITCH_SECONDS)
        print(f"Serving at http://{host}:{port}/", flush=True)
        uvicorn.Server(served_as(app)).run([listener])


if __name__ == "__main__":
    main()
