"""Which bytes of a file a request asks for, by RFC 9110: pure functions of its headers."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=(\d{0,99})-(\d{0,99})", re.IGNORECASE)


@dataclass(frozen=True)
class Stretch:
    """Bytes from `start` to before `end`."""

    start: int
    end: int


class Unsatisfiable(Exception):
    """The range begins where the file has ended already."""


def stretch_of(range_header: str | None, size: int) -> Stretch | None:
    """The bytes of a file that one range names; None where the whole file is to be sent: without a range, with several,
    and with one that cannot be read. Raises Unsatisfiable."""
    match = _SINGLE.fullmatch(range_header.strip()) if range_header else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        if not int(last) or not size:
            raise Unsatisfiable
        return Stretch(max(0, size - int(last)), size)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise Unsatisfiable
    return Stretch(int(first), min(size, int(last) + 1) if last else size)


def same(etag: str, if_none_match: str | None) -> bool:
    """Whether the client has the file already."""
    if if_none_match is None:
        return False
    known = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in known or etag in known
