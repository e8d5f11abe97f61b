"""Parts of a document between marks, which a program writes and nobody else:

<!-- written: KIND WORDS -->
…
<!-- end -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

Write = Callable[[list[str]], str]
"""From the words of a mark to the text that belongs below it."""

MARKED = re.compile(r"^<!-- written: (?P<kind>\w+)(?P<words>[^\n]*) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def rewritten(document: str, writers: Mapping[str, Write]) -> str:
    """The document with each marked part written anew. Raises KeyError for a mark of another kind."""

    def anew(found: re.Match[str]) -> str:
        text = writers[found["kind"]](found["words"].split())
        return f"{found[0].splitlines()[0]}\n{text.strip()}\n<!-- end -->"

    return MARKED.sub(anew, document)


def words_of(document: str, kind: str) -> list[str]:
    """All words of its marks of a kind, in their order."""
    return [word for found in MARKED.finditer(document) if found["kind"] == kind for word in found["words"].split()]


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; a bar within a cell stays in its cell."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
