"""The one line that runs back from the work: how far it is, and whether to stop."""

from __future__ import annotations

from collections.abc import Callable

from errors import AnalysisStopped
from schemas import Stage, Step


def _ignore(step: Step) -> None:
    pass


def _never() -> bool:
    return False


class Progress:
    """Call it with (percent, message). It raises AnalysisStopped once the work should stop.

    Percent never falls, whatever is passed. `report` is called only when something changed;
    whether to stop is asked on every call.
    """

    def __init__(self, report: Callable[[Step], None] = _ignore, stopped: Callable[[], bool] = _never) -> None:
        self._report = report
        self._last = Step(0, "", Stage.LOADING, None, None)
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
        self.check()
        last = self._last
        done, total = segments or (last.segments_done, last.segments_total)
        step = Step(max(last.percent, int(percent)), message, stage or last.stage, done, total)
        if step != last:
            self._last = step
            self._report(step)

    def check(self) -> None:
        """Raise AnalysisStopped if the work should stop."""
        if self.stopped():
            raise AnalysisStopped
