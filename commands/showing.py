"""What a person sees: a bar on a terminal, tables, JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from commands.ending import Stopping

BAR_WIDTH = 30
CLEAR = "\r\x1b[K"
"""To the beginning of the line, and nothing on it."""

MINUTE = 60


@dataclass(frozen=True)
class Report:
    """How far something is: percent, what is being done, and for how many seconds still where that is known."""

    percent: int
    words: str
    seconds_left: float | None = None


class Bar:
    """One line on a terminal that is written anew with each report; nothing where there is no terminal, or nobody wants
    to see it. Gone when it is closed. A report raises Stopped once the program is to stop."""

    def __init__(self, stopping: Stopping, *, quiet: bool = False, out: TextIO | None = None) -> None:
        self._stopping = stopping
        self._out = out or sys.stderr
        self._shown = not quiet and self._out.isatty()
        self._last = ""

    def show(self, report: Report) -> None:
        self._stopping.check()
        if not self._shown:
            return
        filled = BAR_WIDTH * report.percent // 100
        left = "" if report.seconds_left is None else f"  about {lasting(report.seconds_left)} left"
        line = f"{'█' * filled}{'░' * (BAR_WIDTH - filled)} {report.percent:3} %  {report.words}{left}"
        line = line[: shutil.get_terminal_size().columns - 1]
        if line != self._last:
            self._last = line
            self._write(CLEAR + line)

    def close(self) -> None:
        if self._shown and self._last:
            self._last = ""
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def lasting(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE else f"{seconds / MINUTE:.0f} min"


def sized(count: float) -> str:
    """Bytes, in the largest unit of which there is one."""
    units = ("bytes", "kB", "MB", "GB", "TB")
    for unit in units[:-1]:
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} {units[-1]}"


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def table(rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Lines in which columns stand below each other; the last one runs on."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}"


def result_lines(data: Mapping[str, Any]) -> Iterable[str]:
    """A result for a person."""
    video, analyzer = data["video"], data["analyzer"]
    took = f"{video['duration_seconds']:.1f} s of video in {data['processing_time_seconds']:.1f} s"
    yield f"{took}, looked at by {analyzer['model'] or analyzer['name']}"
    yield from table(_moment(one) for one in data.get("highlights", []))
    yield from table(_set(one) for one in data.get("exercise_steps", []))
    if "summary" in data:
        yield data["summary"]["text"]
    for warning in data["warnings"]:
        yield f"note: {warning}"


def _moment(one: Mapping[str, Any]) -> Sequence[str]:
    span = f"{one['start_timestamp']:7.1f} – {one['end_timestamp']:.1f} s"
    return f"{one['rank']:3}.", span, f"{one['significance_score']:4.1f}", one["description"]


def _set(one: Mapping[str, Any]) -> Sequence[str]:
    reps = "–" if one["reps"] is None else str(one["reps"])
    return f"  {one['timestamp_formatted']}", one["exercise_name"], f"{reps:>3}", one["description"]
