"""Addresses of objects that are handed to clients: whoever has one may have the object, for a while."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from stores.bucket import Bucket
from stores.shown import Method, Shown
from stores.signing import Keys, signed

LINK_SECONDS = 3 * 3600
"""How long a link holds at least: as long as the longest video that is taken."""

SAME_SECONDS = 1800
"""For so long an object's link is the same, so that a browser finds in its cache what it fetched by it."""


class Links:
    """With keys of our own, a link says what the object is called and how it is shown. Without, obstore signs by
    whatever credentials it found: then only what is shown in place is linked to, since such a link can say nothing."""

    def __init__(self, bucket: Bucket, keys: Keys | None) -> None:
        self._bucket = bucket
        self._keys = keys
        self.bucket_address = ""
        self.origin: str | None = None
        if probe := bucket.signed("GET", "x", LINK_SECONDS):
            url = urlsplit(probe)
            self.origin = f"{url.scheme}://{url.netloc}"
            below = quote(f"{bucket.prefix}/x" if bucket.prefix else "x")
            self.bucket_address = f"{self.origin}{url.path.removesuffix(below).rstrip('/')}"

    def link(self, key: str, shown: Shown, method: Method = "GET") -> str | None:
        """None where none can be made, or none that keeps the name under which it is to be saved."""
        if self.origin is None:
            return None
        if self._keys is None:
            return (
                None if shown.disposition.startswith("attachment") else self._bucket.signed(method, key, LINK_SECONDS)
            )
        query = {
            "response-content-type": shown.media_type,
            "response-content-disposition": shown.disposition,
            "response-cache-control": f"private, max-age={SAME_SECONDS}",
        }
        at, prefix = _rounded(datetime.now(UTC)), self._bucket.prefix
        below = quote(f"{prefix}/{key}" if prefix else key)
        address = f"{self.bucket_address}/{below}"
        return signed(method, address, query, self._keys, at, LINK_SECONDS + SAME_SECONDS)


def _rounded(at: datetime) -> datetime:
    return at - timedelta(seconds=at.timestamp() % SAME_SECONDS)
