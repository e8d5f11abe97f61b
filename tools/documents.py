"""The documents of this repository: their headings, links and blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*) -->\n)?```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)

NOT_RUN = "not run here: "
"""How a mark above a block begins that the tests pass over; the reason follows."""

RUN_WITH_KEYS = "run with: keys"
"""The mark of a block whose service asks for keys; it finds one in `KEY`."""


@dataclass(frozen=True)
class Block:
    """A fenced block. `mark` is the comment right above it, or empty."""

    document: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[Path]:
    """All that people read: at the root, in the guides, beside the benchmarks."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "guides").glob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text()
    name = str(document.relative_to(ROOT))
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(name, line, found["language"], found["mark"] or "", found["text"])


def prose(document: Path) -> str:
    """What is no block of code; lines keep their numbers."""
    return BLOCK.sub(lambda found: "\n" * found[0].count("\n"), document.read_text())
