"""What the faults came to: a line for each as it is done, and one table in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.faults.frame import Outcome


@dataclass(frozen=True)
class Row:
    name: str
    fault: str
    outcome: Outcome
    seconds: float

    def __str__(self) -> str:
        verdict = "ok" if self.outcome.good else "MISSED"
        bar = f"  [bar: {self.outcome.bar}]" if self.outcome.bar else ""
        return f"{verdict:6} {self.name}: {self.outcome.measured}{bar}  ({self.seconds:.0f} s)"


def table(rows: Sequence[Row], caption: str) -> str:
    """In Markdown."""
    lines = ["| fault | measured | bar | met |", "|---|---|---|---|"]
    for row in rows:
        cells = (row.fault, row.outcome.measured, row.outcome.bar, "yes" if row.outcome.good else "**no**")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([caption, "", *lines, ""])
