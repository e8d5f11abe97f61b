"""Files that were begun in a store and never ended: found and given up.

What a process that was killed had sent of a large file lies in a bucket of S3 unseen, and is paid for. obstore ends its
own uploads, but cannot list those of others; this can, where the environment has keys to sign with. In a folder it lies
beside its file, under that name with a number, where obstore does not list it either.
"""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, time
from typing import Protocol
from urllib.parse import quote
from xml.etree import ElementTree

from errors import StorageUnavailable
from stores.files import deleted
from stores.signing import Keys, signed

logger = logging.getLogger(__name__)

SECONDS = 5
"""For one of these requests."""

LEFT_SECONDS = 6 * 3600.0
"""After being seen for so long, an upload has nobody any more: each of its parts takes two minutes at most."""

MOST_BYTES = 8 << 20
"""Of a listing, which has 1,000 uploads at most."""


@dataclass(frozen=True)
class _Part:
    key: str
    upload_id: str


class Unfinished(Protocol):
    def give_up(self, folder: str) -> int:
        """Those of a folder in which nobody sends any more; gives their number."""

    def sweep(self) -> int:
        """Those that are old enough to have nobody; gives their number."""


class UnfinishedFiles:
    """Of a folder that is used like a store."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def give_up(self, folder: str) -> int:
        return sum(map(deleted, self._root.glob(f"{folder}/*#[0-9]*")))

    def sweep(self) -> int:
        number = 0
        for path in list(self._root.glob("*/*#[0-9]*")):
            with suppress(FileNotFoundError):
                if time() - path.stat().st_mtime >= LEFT_SECONDS:
                    number += deleted(path)
        return number


class UnfinishedUploads:
    """Of one bucket, below one prefix. Raises StorageUnavailable."""

    def __init__(self, bucket_address: str, prefix: str, keys: Keys) -> None:
        self._address = bucket_address
        self._prefix = prefix
        self._keys = keys
        self._seen: dict[_Part, float] = {}
        """Since when, by our own clock: some stores tell no true time of a beginning."""

    def give_up(self, folder: str) -> int:
        found = self._listed(f"{folder}/")
        for one in found:
            self._end(one)
        return len(found)

    def sweep(self) -> int:
        """Those that were seen in an earlier sweep already, long enough ago; gives their number."""
        now, found = monotonic(), self._listed("")
        self._seen = {one: self._seen.get(one, now) for one in found}
        left = [one for one, since in self._seen.items() if now - since >= LEFT_SECONDS]
        for one in left:
            self._end(one)
        return len(left)

    def _listed(self, below: str) -> list[_Part]:
        """The first 1,000; more than that are for the next time."""
        prefix = f"{self._prefix}/{below}" if self._prefix else below
        page = ElementTree.fromstring(self._call("GET", "", {"uploads": "", "prefix": prefix}))
        found = []
        for one in page.iter():
            if one.tag.endswith("}Upload") or one.tag == "Upload":
                texts = {inner.tag.rsplit("}", 1)[-1]: inner.text or "" for inner in one}
                found.append(_Part(texts["Key"], texts["UploadId"]))
        return found

    def _end(self, one: _Part) -> None:
        self._call("DELETE", f"/{quote(one.key)}", {"uploadId": one.upload_id})
        logger.info("an upload that was never ended is given up: %s", one.key)

    def _call(self, method: str, path: str, query: Mapping[str, str]) -> bytes:
        address = signed(method, self._address + path, query, self._keys, datetime.now(UTC), SECONDS)
        try:
            request = urllib.request.Request(address, method=method)
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return bytes(answer.read(MOST_BYTES))
        except OSError as error:  # without the address, which is signed
            logger.warning("unfinished uploads cannot be looked after: %s", error)
            raise StorageUnavailable("The store for files cannot be reached; try again later") from None
