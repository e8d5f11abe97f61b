"""Counts what happens in this process, and tells it to Prometheus together with how things stand.

Rooms say what happened by a `Meter`, whose one primitive is told a figure and an amount. Here amounts are added up; in
a worker's child they go to its parent instead (relay.py).
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

import figures
from errors import StoreAway
from figures import FIGURES, Figure
from schemas import Pass

logger = logging.getLogger(__name__)

Tell: TypeAlias = Callable[..., None]
"""(figure, amount, *values of its labels): counted, or of a histogram observed. Quick, and safe from any thread."""

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class Spread:
    """Values by size. Whoever adds to it sees to it that nobody else does meanwhile; reading needs nothing."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus reads them: of each upper end, how many values are not above it."""
        found, below = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self.counts.copy(), strict=True):
            below += count
            found.append((str(floatToGoString(bound)), float(below)))  # type: ignore[no-untyped-call]
        return found


@dataclass(frozen=True)
class Reading:
    """One figure as it stands now; `labels` are the values of its labels."""

    figure: Figure
    value: float | Spread
    labels: tuple[str, ...] = ()


Readings: TypeAlias = Callable[[], Iterable[Reading]]


class Metrics(Collector):
    """Of one process. Safe from any thread."""

    def __init__(self) -> None:
        """What has known labels begins at nought, so that the first one counted is seen to be one more."""
        self._lock = threading.Lock()
        self._counted: dict[tuple[Figure, tuple[str, ...]], float] = {}
        self._observed: dict[tuple[Figure, tuple[str, ...]], Spread] = {}
        self._asked: list[Readings] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        for figure in FIGURES.values():
            if figure.kind != "gauge" and figure not in _TOLD_WHEN_ASKED:
                for values in figure.series():
                    self.tell(figure, 0 if figure.kind == "counter" else None, *values)

    def tell(self, figure: Figure, amount: float | None, *labels: str) -> None:
        """None is nothing to observe yet."""
        key = figure, labels
        with self._lock:
            if figure.kind == "counter":
                self._counted[key] = self._counted.get(key, 0.0) + (amount or 0.0)
                return
            spread = self._observed.setdefault(key, Spread(figure.bounds))
            if amount is not None:
                spread.add(amount)

    def ask(self, readings: Readings) -> None:
        """Have it asked how things stand whenever Prometheus asks. What it cannot say then is left out."""
        self._asked.append(readings)

    def text(self, accepted: str | None = None) -> tuple[bytes, str]:
        """All figures, and the media type of that, of those that are accepted. Reads files: not for an event loop."""
        encode, media_type = choose_encoder(accepted or "")
        return encode(self._registry), media_type

    def describe(self) -> Iterator[Family]:
        """To the registry, which would have to ask for everything else to know what there is."""
        return map(_family, FIGURES.values())

    def collect(self) -> Iterator[Family]:
        found: dict[Figure, Family] = {}
        for one in self._readings():
            _add(found.setdefault(one.figure, _family(one.figure)), one)
        return (found[figure] for figure in FIGURES.values() if figure in found)

    def _readings(self) -> Iterator[Reading]:
        with self._lock:
            counted, observed = dict(self._counted), dict(self._observed)
        yield from (Reading(figure, value, labels) for (figure, labels), value in counted.items())
        yield from (Reading(figure, spread, labels) for (figure, labels), spread in observed.items())
        for readings in self._asked:
            try:
                yield from readings()
            except StoreAway:
                logger.debug("the rows are away: some figures cannot be told")
            except Exception:  # the others are wanted all the more
                logger.exception("some figures cannot be told")


_TOLD_WHEN_ASKED = {figures.PROCESS_CPU}
"""Counters that the system keeps."""


def _family(figure: Figure) -> Family:
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    family: Family = kinds[figure.kind](figure.name, figure.words, labels=figure.label_names)
    return family


def _add(family: Family, reading: Reading) -> None:
    if isinstance(family, HistogramMetricFamily):
        assert isinstance(reading.value, Spread)
        family.add_metric(reading.labels, reading.value.buckets(), reading.value.total)
    else:
        assert not isinstance(reading.value, Spread)
        family.add_metric(reading.labels, reading.value)


def _nobody(*_: object) -> None:
    pass


class Meter:
    """What the rooms have to say. By default to nobody."""

    def __init__(self, tell: Tell = _nobody) -> None:
        self.tell = tell

    def started(self, analysis_type: str, waited_seconds: float) -> None:
        """An attempt was begun, after a wait in the queue."""
        self.tell(figures.JOBS_STARTED, 1, analysis_type)
        self.tell(figures.QUEUE_WAIT, max(0.0, waited_seconds), analysis_type)

    def returned(self, analysis_type: str, *, lost: bool) -> None:
        """An attempt went back to the queue."""
        self.tell(figures.JOBS_RETURNED, 1, analysis_type, "lost" if lost else "stopping")

    def finished(self, analysis_type: str, outcome: str, reason: str | None = None) -> None:
        """A session came to its end; `reason` is why it failed."""
        self.tell(figures.JOBS_FINISHED, 1, analysis_type, outcome)
        if reason is not None:
            self.tell(figures.JOB_FAILURES, 1, reason)

    def worked(self, analysis_type: str, outcome: str, seconds: float) -> None:
        """Work on a session that has ended has left."""
        self.tell(figures.JOB_DURATION, seconds, analysis_type, outcome)

    def completed(self, analysis_type: str, seconds: float, video_seconds: float) -> None:
        """So much video was analysed in so much time."""
        self.tell(figures.VIDEO_SECONDS, video_seconds, analysis_type)
        if video_seconds > 0:
            self.tell(figures.PROCESSING_RATIO, seconds / video_seconds, analysis_type)

    def left_after_cancel(self, seconds: float) -> None:
        self.tell(figures.CANCEL_LATENCY, max(0.0, seconds))

    def segments(self, analysis_type: str, count: int) -> None:
        self.tell(figures.SEGMENTS, count, analysis_type)

    def passed(self, one: Pass) -> None:
        """The model did something."""
        self.tell(figures.MODEL_DURATION, one.seconds, one.stage)
        self.tell(figures.MODEL_TOKENS, one.tokens_read, "read")
        self.tell(figures.MODEL_TOKENS, one.tokens_written, "written")

    def uploaded(self, way: str) -> None:
        self.tell(figures.UPLOADS, 1, way)

    def upload_arrived(self, way: str, size: int) -> None:
        self.tell(figures.UPLOAD_BYTES, size, way)

    def upload_refused(self, reason: str) -> None:
        self.tell(figures.UPLOAD_REFUSALS, 1, reason)
