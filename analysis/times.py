"""Writes times as results show them: seconds to the millisecond, and a clock for people."""

from __future__ import annotations

from typing import Any


def clock(seconds: float) -> str:
    """75.2 as 01:15; hours lead where there are any."""
    whole = int(seconds)
    hours, minutes, left = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours:02}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def whole_ms(seconds: float) -> float:
    """Milliseconds are as exact as a picture's time needs."""
    return round(seconds, 3)


def span_of(start: float, end: float) -> dict[str, Any]:
    """The keys by which moments, sets and rests tell when they are."""
    start, end = whole_ms(start), whole_ms(end)
    return {
        "start_timestamp": start,
        "end_timestamp": end,
        "duration": whole_ms(end - start),
        "timestamp_formatted": f"{clock(start)} - {clock(end)}",
    }
