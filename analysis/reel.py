"""Chooses what a reel shows of the moments: best first as long as there is room, then in the order of time."""

from __future__ import annotations

from collections.abc import Sequence

from schemas import Clip, Moment

ADJOINING = 1e-3
"""Seconds between two moments that are shown as one clip."""


SAMPLED_SECONDS = 0.1
"""A cut is told by the first sample after it, and so up to this much late."""


def clips_of(
    moments: Sequence[Moment], target: float | None, shortest: float, cuts: Sequence[float] = ()
) -> list[Clip]:
    """Clips of moments given best first, at least one where there is a moment. With a `target` in seconds, they last no
    longer than that together: the last to fit is trimmed evenly at both ends, if `shortest` is left of it. What ends
    with its shot is said to, so that the next one does not flash up."""
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
    joined = _joined(sorted(chosen, key=lambda clip: clip.start))
    return [_with_its_shot(clip, cuts) for clip in joined]


def _joined(clips: list[Clip]) -> list[Clip]:
    joined: list[Clip] = []
    for clip in clips:
        if joined and clip.start - joined[-1].end < ADJOINING:
            joined[-1] = Clip(joined[-1].start, clip.end)
        else:
            joined.append(clip)
    return joined


def _with_its_shot(clip: Clip, cuts: Sequence[float]) -> Clip:
    at_end = [cut for cut in cuts if clip.end - SAMPLED_SECONDS < cut < clip.end + ADJOINING]
    end = min(at_end, default=clip.start)
    return Clip(clip.start, end, doubtful=SAMPLED_SECONDS) if end > clip.start else clip
