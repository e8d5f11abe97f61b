"""Figures as a table for people: each one's name, kind, labels and meaning, and which of them the plan asks for."""

from __future__ import annotations

import figures
from figures import FIGURES, TOGETHER, Figure
from tools.marked import table

PLAN = {
    figures.SESSIONS: "active sessions count",
    figures.JOB_DURATION: "average processing time",
    figures.JOBS_FINISHED: "success/failure rate",
    figures.QUEUE_DEPTH: "queue depth",
    figures.PROCESS_CPU: "resource usage",
    figures.PROCESS_MEMORY: "resource usage",
}
"""What the plan lists under "Metrics to Track", by the figure that tells it."""


def told_by(figure: Figure) -> str:
    """`happened` in one process and counted there, or how things stand: `here`, or with all `together`."""
    if figure.kind != "gauge":
        return "happened"
    return "together" if figure in TOGETHER else "here"


def figures_table(groups: list[str]) -> str:
    rows = [_row(figure) for figure in FIGURES.values() if told_by(figure) in groups]
    return table(("figure", "kind", "labels", "what it is"), rows)


def _row(figure: Figure) -> tuple[str, str, str, str]:
    labels = ", ".join(f"`{name}`" for name in figure.label_names)
    plan = f" (**the plan's {PLAN[figure]}**)" if figure in PLAN else ""
    return f"`{figure.name}`", figure.kind, labels, figure.words + plan
