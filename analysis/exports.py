"""Results as text for other programs: tables, chapters for a player, a cut list for an editor."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from schemas import ExerciseStep, HighlightResult

COLUMNS = (
    *("exercise", "set", "start", "end", "seconds", "reps", "reps_low", "reps_high", "unit", "method", "confidence"),
    *("seconds_per_rep", "reps_per_minute", "tempo_variation", "tempo_trend", "observations"),
)

MOMENT_COLUMNS = (
    *("rank", "start", "end", "seconds", "significance", "confidence", "below_threshold"),
    *("motion", "loudness", "novelty", "presence", "description", "signals_text"),
)

RISKY = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""A text that begins so, with the wide signs of East Asia too, may be run as a formula by a spreadsheet (OWASP, CSV
Injection): exercises may be named by a stranger."""


def sets_csv(steps: Sequence[ExerciseStep]) -> str:
    """RFC 4180, with a heading row. What is not known is empty; times are seconds from the video's first picture."""
    return _table(COLUMNS, [_row(step) for step in steps])


def highlights_csv(highlights: Sequence[HighlightResult]) -> str:
    """As above, one row a moment, best first."""
    return _table(MOMENT_COLUMNS, [_moment_row(one) for one in highlights])


def chapters_vtt(highlights: Sequence[HighlightResult]) -> str:
    """WebVTT chapters in the order of time, for a `<track kind="chapters">`."""
    cues = [
        f"{_clock(one.start_timestamp)} --> {_clock(one.end_timestamp)}\n{one.rank}. {_cue_text(one.description)}\n"
        for one in _in_time(highlights)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def highlights_edl(highlights: Sequence[HighlightResult], filename: str, fps: float) -> str:
    """A CMX 3600 cut list in the order of time, with picture and sound. Timecode counts pictures at the nearest whole
    rate, without dropping numbers."""
    rate = max(1, round(fps))
    lines = [f"TITLE: {_one_line(filename)[:60]}", "FCM: NON-DROP FRAME", ""]
    recorded = 0
    for number, one in enumerate(_in_time(highlights), 1):
        start, end = (round(seconds * fps) for seconds in (one.start_timestamp, one.end_timestamp))
        times = " ".join(_timecode(count, rate) for count in (start, end, recorded, recorded + end - start))
        lines += [
            f"{number:03}  AX       AA/V  C        {times}",
            f"* FROM CLIP NAME: {_one_line(filename)}",
            f"* COMMENT: {one.rank}. {_one_line(one.description)}",
        ]
        recorded += end - start
    return "\r\n".join([*lines, ""])


def _in_time(highlights: Sequence[HighlightResult]) -> list[HighlightResult]:
    return sorted(highlights, key=lambda one: one.start_timestamp)


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _moment_row(one: HighlightResult) -> list[object]:
    levels = one.signals
    return [
        one.rank,
        one.start_timestamp,
        one.end_timestamp,
        one.duration,
        one.significance_score,
        one.confidence,
        one.below_threshold,
        *map(_known, (levels.motion, levels.loudness, levels.novelty, levels.presence)),
        _harmless(one.description),
        _harmless(one.signals_text),
    ]


def _clock(seconds: float) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{ms:03}"


def _timecode(count: int, rate: int) -> str:
    seconds = count // rate
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{count % rate:02}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cue_text(text: str) -> str:
    """One line that holds no markup and no arrow."""
    return _one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


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
