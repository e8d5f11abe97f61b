"""A store that speaks S3 over HTTP, and what is in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

KEYS = {"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a secret of tests", "AWS_REGION": "us-east-1"}
BUCKET = "videos"


@dataclass(frozen=True)
class ObjectStore:
    """A bucket of its own server. It looks at no signature."""

    port: int

    @property
    def environment(self) -> dict[str, str]:
        return self.environment_by(self.port)

    @staticmethod
    def environment_by(port: int) -> dict[str, str]:
        """For who reaches it by another port."""
        return KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}

    def place(self) -> str:
        """An address below which nothing lies yet."""
        return f"s3://{BUCKET}/{uuid.uuid4().hex}"

    def names(self, place: str) -> list[str]:
        """Of all objects below the place, in order."""
        return sorted(self._listed("list-type=2", place, "Contents"))

    def unfinished(self, place: str) -> list[str]:
        """Of all uploads in parts that were begun there and never ended."""
        return self._listed("uploads", place, "Upload")

    def _listed(self, query: str, place: str, tag: str) -> list[str]:
        prefix = place.removeprefix(f"s3://{BUCKET}/").rstrip("/") + "/"
        url = f"http://127.0.0.1:{self.port}/{BUCKET}?{query}&prefix={prefix}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            page = ElementTree.fromstring(answer.read())
        keys = (one.findtext("{*}Key") for one in page.iter("{http://s3.amazonaws.com/doc/2006-03-01/}" + tag))
        return [key.removeprefix(prefix) for key in keys if key and not key.startswith(f"{prefix}.")]


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """A server that ends with this."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | KEYS)
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError):
                request = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
                urllib.request.urlopen(request, timeout=5).close()
                break
            assert server.poll() is None and time.monotonic() < deadline, (folder / "moto.log").read_text()
            time.sleep(0.05)
        yield ObjectStore(port)
    finally:
        server.kill()
        server.wait()
