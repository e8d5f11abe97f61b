"""Times that can be relied on, out of times as files have them: pure functions of numbers.

A stamp is a whole number of ticks of a stream's clock: of decoding (dts) or of presentation (pts).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BACK_SECONDS, AHEAD_SECONDS = 1.0, 10.0
"""How far a clock may jump. Pictures out of order go back by less; 10 s is FFmpeg's own threshold."""

_MOST = 1 << 62
"""Ticks. Beyond, sums would not fit where FFmpeg keeps them."""


class StreamClock:
    """Mends the stamps of one stream's packets, in the file's order, where its clock jumps.

    A clock never goes back: what follows a jump back follows what came before it. In a container in which a recording
    may start anew, what follows a jump ahead does too; elsewhere that is a picture that stands, unless the clock
    returns at once: then a single stamp was wrong, and is left to be recognised.
    """

    def __init__(self, tick: float, starts_anew: bool) -> None:
        self._back, self._ahead = round(BACK_SECONDS / tick), round(AHEAD_SECONDS / tick)
        self._starts_anew = starts_anew
        self._shift = 0
        self._last: int | None = None
        self._before_jump: int | None = None

    def mend(self, pts: int | None, dts: int | None, duration: int) -> tuple[int | None, int | None]:
        pts, dts = (None if stamp is None or abs(stamp) > _MOST else stamp for stamp in (pts, dts))
        if self._starts_anew and pts is not None and dts is not None and abs(pts - dts) > self._ahead:
            pts = dts
        stamp = pts if dts is None else dts
        if stamp is not None:
            self._follow(stamp + self._shift, duration)
        return (None if pts is None else pts + self._shift), (None if dts is None else dts + self._shift)

    def _follow(self, now: int, duration: int) -> None:
        last, before, self._before_jump = self._last, self._before_jump, None
        self._last = now
        if last is None or last - self._back <= now <= last + self._ahead:
            return
        if now > last and not self._starts_anew:
            self._before_jump = last
        elif before is None or not before - self._back <= now <= before + self._ahead:
            self._last = last + duration
            self._shift += self._last - now


class PictureClock:
    """Tells when decoded pictures are shown. Some files (Xvid in AVI) have wrong times of presentation, which then fall
    back more often than the times of decoding: FFmpeg's own remedy is to take those instead."""

    def __init__(self, tick: float) -> None:
        self._tick = tick
        self._last_pts = self._last_dts = -(1 << 63)
        self._falls_pts = self._falls_dts = 0

    def time(self, pts: int | None, dts: int | None) -> float | None:
        """Seconds of the stream's clock, None where nothing tells. To be asked of every picture that comes out."""
        if dts is not None:
            self._falls_dts += dts <= self._last_dts
            self._last_dts = dts
        if pts is not None:
            self._falls_pts += pts <= self._last_pts
            self._last_pts = pts
        stamp = dts if pts is None or (dts is not None and self._falls_pts > self._falls_dts) else pts
        return None if stamp is None else stamp * self._tick


@dataclass(frozen=True)
class Timetable:
    """Seconds: of the stream's clock at which the first picture is shown; from there on at which pictures are shown,
    rising; from there on to the end of the last."""

    zero: float
    times: NDArray[np.float64]
    end: float


def timetable(
    stamps: NDArray[np.float64], durations: NDArray[np.float64], first: float | None, guess: float
) -> Timetable:
    """When pictures are shown, by the stamps and durations of their packets: seconds, in the file's order.

    `first` is the time of the first picture that can be decoded; what is stamped earlier cannot be. A last picture
    stands as long as its packet says, but not for much longer than any other; without a word, as long as is usual, and
    a single one for `guess`.
    """
    sane = np.ones(len(stamps), bool)
    sane[:-1] = stamps[:-1] <= stamps[1:] + AHEAD_SECONDS  # pictures out of order are not so far out
    stamps, durations = stamps[sane], durations[sane]
    earliest = float(stamps.min()) if len(stamps) else 0.0
    zero = earliest if first is None or first > earliest + AHEAD_SECONDS else first
    shown = np.unique((stamps[stamps > zero - 1e-6] - zero).clip(0))
    if not len(shown):
        return Timetable(zero, np.zeros(1), guess)
    gaps = np.diff(shown)
    usual, longest = (float(np.median(gaps)), float(gaps.max())) if len(gaps) else (guess, guess)
    told = float(durations[np.argmax(stamps)])
    last = min(told, max(1.0, 2 * longest)) if told > 0 else usual
    return Timetable(zero, shown, float(shown[-1]) + last)
