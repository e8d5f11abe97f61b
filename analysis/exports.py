"""Results as text for other programs: a workout as a table, one row a set."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from schemas import ExerciseStep

COLUMNS = (
    *("exercise", "set", "start", "end", "seconds", "reps", "reps_low", "reps_high", "unit", "method", "confidence"),
    *("seconds_per_rep", "reps_per_minute", "tempo_variation", "tempo_trend", "observations"),
)

RISKY = "=+-@\t\r"
"""A text that begins so may be run as a formula by a spreadsheet: exercises may be named by a stranger."""


def sets_csv(steps: Sequence[ExerciseStep]) -> str:
    """RFC 4180, with a heading row. What is not known is empty; times are seconds from the video's first picture."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(step) for step in steps)
    return text.getvalue()


def _row(step: ExerciseStep) -> list[object]:
    low, high = step.reps_range or ("", "")
    tempo = step.tempo
    return [
        _harmless(step.exercise_name),
        step.set_index,
        step.start_timestamp,
        step.end_timestamp,
        step.duration,
        _known(step.reps),
        low,
        high,
        _known(step.count_unit),
        step.method,
        step.confidence,
        *((tempo.seconds_per_rep, tempo.reps_per_minute, tempo.variation, tempo.trend) if tempo else ("",) * 4),
        _harmless("; ".join(remark.text for remark in step.observations)),
    ]


def _known(value: object) -> object:
    return "" if value is None else value


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in tuple(RISKY) else text
