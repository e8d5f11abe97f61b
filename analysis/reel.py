"""Chooses what a reel shows of the moments: best first as long as there is room, then in the order of time."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import Clip, Moment

ADJOINING = 1e-3
"""Seconds between two moments that are shown as one clip."""


def clips_of(moments: Sequence[Moment], target: float | None, shortest: float) -> list[Clip]:
    """Clips of moments given best first, at least one where there is a moment. With a `target` in seconds, they last no
    longer than that together: the last to fit is trimmed evenly at both ends, if `shortest` is left of it."""
    room = target if target is not None else float("inf")
    chosen: list[Clip] = []
    for moment in moments:
        length = moment.end - moment.start
        shown = min(length, room)
        if shown <= 0 or (chosen and shown < min(shortest, length)):
            break
        start = moment.start + (length - shown) / 2
        chosen.append(Clip(start, start + shown))
        room -= shown
    return _joined(sorted(chosen, key=lambda clip: clip.start))


def _joined(clips: list[Clip]) -> list[Clip]:
    joined: list[Clip] = []
    for clip in clips:
        if joined and clip.start - joined[-1].end < ADJOINING:
            joined[-1] = Clip(joined[-1].start, clip.end)
        else:
            joined.append(clip)
    return joined
