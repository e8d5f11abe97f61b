"""The one line that runs back from the work: how far it is, whether to stop, and how long it may still take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from errors import AnalysisStopped
from schemas import Finding, Session, Stage, Step


def _ignore(told: object) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Band:
    """The percent of the work that one part of it is, from and to."""

    begins: float
    ends: float

    def at(self, share: float) -> float:
        """Percent of the work once so much of the part is done, 0-1."""
        return self.begins + (self.ends - self.begins) * min(1.0, max(0.0, share))


def bands(whole: Band, *seconds: float) -> list[Band]:
    """A band parted in proportion to the seconds that each part is expected to take."""
    ends = [whole.at(done / sum(seconds)) for done in accumulate(seconds)]
    return [Band(begins, end) for begins, end in pairwise([whole.begins, *ends])]


class Progress:
    """Call it with (percent, message). It raises AnalysisStopped once the work should stop.

    Percent never falls, whatever is passed. `report` is called only when something changed;
    whether to stop is asked on every call.
    """

    def __init__(
        self,
        report: Callable[[Step], None] = _ignore,
        stopped: Callable[[], bool] = _never,
        found: Callable[[Finding], None] = _ignore,
    ) -> None:
        self._report = report
        self._found = found
        self._last = Step(0, "", Stage.LOADING, None, None)
        self.advances = 0
        """Rises with all that was done. While it stands still for long, the work has stalled."""
        self.stopped = stopped
        """Ask this where raising is not possible, or where a wait must be cut short."""

    @classmethod
    def of(cls, callback: Callable[[int, str], object] | None) -> Progress:
        """Ours as it is; any other callable(percent, message) wrapped; None reports to nobody."""
        if callback is None:
            return cls()
        if isinstance(callback, cls):
            return callback

        def report(step: Step) -> None:
            callback(step.percent, step.message)

        return cls(report)

    def __call__(self, percent: float, message: str) -> None:
        self.step(percent, message)

    def step(
        self, percent: float, message: str, stage: Stage | None = None, segments: tuple[int, int] | None = None
    ) -> None:
        """Say how far the work is; `segments` is (done, total) while segments are analysed."""
        self.advance()
        last = self._last
        done, total = segments or (last.segments_done, last.segments_total)
        step = Step(max(last.percent, int(percent)), message, stage or last.stage, done, total)
        if step != last:
            self._last = step
            self._report(step)

    def hand_on(self, finding: Finding) -> None:
        """Give away a part of the result as soon as it is certain, for who follows the work."""
        self.advance()
        self._found(finding)

    def advance(self) -> None:
        """Say that something was done of which there is nothing to tell. Raises as `check` does."""
        self.check()
        self.advances += 1

    def check(self) -> None:
        """Raise AnalysisStopped if the work should stop."""
        if self.stopped():
            raise AnalysisStopped


MIN_ETA_PERCENT = 5
"""Below this much progress an estimate of the rest would be a guess."""

NEWEST_SHARE = 0.3
"""How much the newest analysis counts in the pace: a few long waits change it, one does not."""


def video_seconds(row: Session) -> float:
    return float(row["metadata"]["video"].get("duration_seconds", 0))


def video_seconds_left(row: Session) -> float:
    """Seconds of the session's video that are still to be analysed."""
    return video_seconds(row) * (100 - row["progress"]) / 100


def seconds_left(row: Session, seconds_at_work: float) -> float | None:
    """Seconds that a session being worked on still takes, at the pace it had so far; None while that is a guess."""
    if row["progress"] < MIN_ETA_PERCENT:
        return None
    return round(seconds_at_work * (100 - row["progress"]) / row["progress"], 1)


class Pace:
    """What a second of video costs, learnt from the analyses that ended."""

    def __init__(self, seconds: float | None = None) -> None:
        """`seconds` is what was learnt before, if anything was."""
        self.seconds = seconds

    def learn(self, seconds: float, video_seconds: float) -> None:
        """An analysis of so much video took so long."""
        if video_seconds > 0 and seconds > 0:
            newest = seconds / video_seconds
            before = newest if self.seconds is None else self.seconds
            self.seconds = (1 - NEWEST_SHARE) * before + NEWEST_SHARE * newest

    def seconds_for(self, video_seconds: float) -> float | None:
        """Seconds that so much video takes; None before anything was learnt."""
        return None if self.seconds is None else round(video_seconds * self.seconds, 1)
