"""Where a vision server is, and the key it asks for: checked before a word is sent."""

from __future__ import annotations

import httpx

from errors import CannotStart


def check_server(url: str, key: str | None) -> None:
    """Raises CannotStart for a URL or a key that cannot be sent, without a word to the server."""
    checked_url(url)
    checked_key(key)


def checked_url(url: str) -> httpx.URL:
    """With one slash at its end. It is shown and logged, so nothing secret may stand in it."""
    try:
        base = httpx.URL(url.strip().rstrip("/") + "/")
    except httpx.InvalidURL:
        base = httpx.URL()
    if base.scheme not in ("http", "https") or not base.host or base.query or base.fragment:
        raise CannotStart("the vision server's address is no URL of the form http://host:port/v1")
    if base.userinfo:
        raise CannotStart("the vision server's address holds a name or password; VISION_API_KEY is the place for a key")
    return base


def checked_key(key: str | None) -> str:
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise CannotStart("VISION_API_KEY holds characters that cannot be sent in a header")
    return key
