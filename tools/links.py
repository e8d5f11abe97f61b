"""Links that lead nowhere: to files that are not there, to headings that are not there, to addresses that are none.

Nothing is asked of a network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.documents import ROOT, documents, prose

LINK = re.compile(
    r"""\]\((?P<to>[^()\s]+(?:\([^()\s]*\))?)\)|^\[[^\]]+\]: +(?P<named>\S+)|(?:href|src)="(?P<html>[^"]*)\""""
)
"""In its place, named elsewhere, or as HTML has it."""

HEADING = re.compile(r"^#+ (?P<words>.+?)\s*$", re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


def anchors(document: Path) -> set[str]:
    """The names under which GitHub has a document's headings."""
    seen: dict[str, int] = {}
    names = set()
    for found in HEADING.finditer(prose(document)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found["words"])
        name = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        names.add(name if name not in seen else f"{name}-{seen[name]}")
        seen[name] = seen.get(name, 0) + 1
    return names


def dead(document: Path) -> Iterator[str]:
    """Each dead link of a document, with its place and what is wrong."""
    for number, line in enumerate(prose(document).splitlines(), 1):
        for found in LINK.finditer(CODE.sub("", line)):
            to = found[found.lastgroup or 0]
            if wrong := _wrong(document, to):
                yield f"{document.relative_to(ROOT)}:{number}: {to} {wrong}"


def _wrong(document: Path, to: str) -> str:
    url = urlsplit(to)
    if url.scheme or url.netloc:
        return "" if url.scheme in ("https", "http") and "." in url.netloc else "is no address"
    file = (document.parent / unquote(url.path)).resolve() if url.path else document
    if not file.is_relative_to(ROOT):
        return "leads out of the repository"
    if not file.exists():
        return "is not there"
    if url.fragment and (file.suffix != ".md" or url.fragment not in anchors(file)):
        return "is a heading that is not there"
    return ""


def wrong() -> list[str]:
    return [line for document in documents() for line in dead(document)]
