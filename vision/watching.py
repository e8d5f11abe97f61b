"""Shows one video's moments and sets to a model, a stretch at a time, and brings back what it says of them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, Self, TypeVar

import numpy as np

from analysis.fusion import fused, trust
from logs import kept
from progress import Band, Progress
from schemas import Glance, Limits, Moment, SetGlance, Sight, Stage, Still, WorkoutParams, WorkoutSet
from video.stills import stills
from vision import Seen, View, VisionModel
from vision.exercises import EXERCISES, NO_EXERCISE, PHASES, with_none
from vision.prompts import DESCRIBE_MOMENT, DESCRIBE_SET, NAME_EXERCISE, NAME_PHASE, describing, rating_question

CANDIDATES, CANDIDATES_ASKED = 2, 3
"""Moments that are looked at for each that is wanted, so that the model has something to choose from; more of them
where it is asked for something by name, of which the signals that chose them know nothing."""

HELD = 8
"""Looks that are kept, so that what was rated need not be looked at again to be described: 25 MB each for the 500M
model in half precision."""

HARDLY_UNDERSTOOD = 0.2
"""Trust in its ratings under which a result says so."""

NOT_UNDERSTOOD = "The model hardly understood the question how significant a moment is, so the signals decided"

Span = tuple[float, float]
T = TypeVar("T")


class Watcher(Protocol):
    """Who looks at one video beside the signals. Leave it (`with`) to free what it holds. Every call raises
    AnalysisStopped, and AnalysisFailed in words."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def candidates(self, most: int, query: str | None) -> int:
        """How many moments to look at where so many are wanted."""
        ...

    def rate(self, moments: Sequence[Moment], query: str | None, band: Band) -> list[Glance | None]: ...

    def describe(self, moments: Sequence[Moment], band: Band) -> list[str]:
        """A sentence or two for each, empty where there is nothing to say."""
        ...

    def name(self, sets: Sequence[WorkoutSet], wanted: WorkoutParams, band: Band) -> list[SetGlance | None]: ...

    def sight(self, duration: float) -> Sight:
        """Who looked, and at how much of so many seconds."""
        ...


class Nobody:
    """Signals alone."""

    def __init__(self, warning: str | None = None) -> None:
        self._warnings = (warning,) if warning else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def candidates(self, most: int, query: str | None) -> int:
        return most

    def rate(self, moments: Sequence[Moment], query: str | None, band: Band) -> list[Glance | None]:
        return [None] * len(moments)

    def describe(self, moments: Sequence[Moment], band: Band) -> list[str]:
        return [""] * len(moments)

    def name(self, sets: Sequence[WorkoutSet], wanted: WorkoutParams, band: Band) -> list[SetGlance | None]:
        return [None] * len(sets)

    def sight(self, duration: float) -> Sight:
        return Sight(warnings=self._warnings)


class ModelWatcher:
    """A model, before one session's video."""

    def __init__(
        self, model: VisionModel, video: str, limits: Limits, progress: Progress, swept: Sequence[Span] = ()
    ) -> None:
        """`swept` are stretches that the model has looked at before."""
        self._model, self._video, self._limits, self._progress = model, video, limits, progress
        self._held: dict[Span, tuple[float, Seen]] = {}
        self._spans: set[Span] = set(swept)
        self._trust: list[float] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._held:
            _leave(self._held.popitem()[1][1])

    def candidates(self, most: int, query: str | None) -> int:
        return most * (CANDIDATES_ASKED if query else CANDIDATES)

    def rate(self, moments: Sequence[Moment], query: str | None, band: Band) -> list[Glance | None]:
        question = rating_question(query)
        ordered = sorted(moments, key=lambda moment: moment.start)
        glances: dict[Span, Glance] = {}
        report = _Report(self._progress, band, "Looking at moment", len(ordered), Stage.RATING)
        with closing(self._look([self._evenly(moment) for moment in ordered])) as looks:
            for moment, seen in zip(ordered, looks, strict=True):
                rating = seen.rate(question)
                glance = glances[_span(moment)] = Glance(rating.expected, rating.mass)
                self._trust.append(trust(glance))
                self._hold(_span(moment), seen, *fused([moment.absolute], [glance], bool(query)))
                report.next()
        return [glances[_span(moment)] for moment in moments]

    def describe(self, moments: Sequence[Moment], band: Band) -> list[str]:
        prompt, told = describing(DESCRIBE_MOMENT), dict[Span, str]()
        ordered = sorted(moments, key=lambda moment: moment.start)
        report = _Report(self._progress, band, "Describing moment", len(ordered), Stage.DESCRIBING)
        with closing(self._again(ordered)) as looks:
            for moment, words in zip(ordered, self._asked(looks, lambda seen: seen.describe(prompt)), strict=True):
                told[_span(moment)] = words
                report.next()
        return [told[_span(moment)] for moment in moments]

    def name(self, sets: Sequence[WorkoutSet], wanted: WorkoutParams, band: Band) -> list[SetGlance | None]:
        labels, prompt = exercise_list(wanted), describing(DESCRIBE_SET, wanted.user_prompt)

        def ask(seen: Seen) -> SetGlance:
            named = seen.name(NAME_EXERCISE, labels)
            exercise = None if named.label == NO_EXERCISE else named.label
            return SetGlance(exercise, named.share, seen.name(NAME_PHASE, PHASES).label, seen.describe(prompt))

        glances: list[SetGlance | None] = []
        report = _Report(self._progress, band, "Looking at set", len(sets), Stage.RATING)
        stretches = [_turning(one, self._model.habits.pictures) for one in sets]
        with closing(self._look(stretches, wanted.system_prompt or "")) as looks:
            for glance in self._asked(looks, ask):
                glances.append(glance)
                report.next()
        return glances

    def sight(self, duration: float) -> Sight:
        facts = self._model.facts
        understood = not self._trust or float(np.median(self._trust)) >= HARDLY_UNDERSTOOD
        return Sight(
            name=facts.name,
            model=facts.title,
            device=facts.device,
            dtype=facts.dtype,
            coverage=min(1.0, covered(self._spans, duration) / duration),
            warnings=self._model.warnings if understood else (*self._model.warnings, NOT_UNDERSTOOD),
        )

    def _look(self, stretches: Sequence[_Stretch], system: str = "") -> Generator[Seen]:
        """Looks in time order; each is to be left by who takes it."""
        if stretches:
            times = [time for stretch in stretches for time in stretch.times]
            with closing(stills(self._video, times, self._limits, self._progress.stopped)) as coming:
                yield from self._model.look_each(self._views(stretches, coming), self._progress.stopped, system)

    def _views(self, stretches: Sequence[_Stretch], coming: Iterator[Still]) -> Iterator[View]:
        for stretch in stretches:
            with self._model.give_way():
                pictures = [next(coming) for _ in stretch.times]
            self._spans.add((stretch.start, stretch.end))
            seen = tuple(one.picture for one in pictures)
            yield View(stretch.start, stretch.end, tuple(one.time for one in pictures), seen)

    def _again(self, moments: Sequence[Moment]) -> Generator[Seen]:
        """Looks at moments in time order: those that are held, the others anew."""
        with closing(self._look([self._evenly(one) for one in moments if _span(one) not in self._held])) as anew:
            for moment in moments:
                _, held = self._held.pop(_span(moment), (0.0, None))
                yield held or next(anew)

    def _asked(self, looks: Iterator[Seen], ask: Callable[[Seen], T]) -> Iterator[T]:
        return asked(looks, ask, self._model.habits.together)

    def _evenly(self, moment: Moment) -> _Stretch:
        return _evenly(moment, self._model.habits.pictures)

    def _hold(self, span: Span, seen: Seen, worth: float) -> None:
        """Keep the looks that are likeliest to be asked for once more."""
        self._held[span] = worth, seen
        if len(self._held) > HELD:
            least = min(self._held, key=lambda one: self._held[one][0])
            _leave(self._held.pop(least)[1])


def exercise_list(wanted: WorkoutParams) -> tuple[str, ...]:
    """What a set may be called: the client's own names or the usual ones, and that none of them fits."""
    return with_none(tuple(wanted.exercises or EXERCISES))


def covered(spans: Iterable[Span], duration: float) -> float:
    """Seconds of a video that lie in any of the stretches."""
    seconds, reached = 0.0, 0.0
    for start, end in sorted(spans):
        seconds += max(0.0, min(end, duration) - max(start, reached))
        reached = max(reached, end)
    return seconds


@dataclass(frozen=True)
class _Stretch:
    start: float
    end: float
    times: tuple[float, ...]


def _span(moment: Moment) -> Span:
    return moment.start, moment.end


def _evenly(one: Moment | WorkoutSet, pictures: int) -> _Stretch:
    times = one.start + (np.arange(pictures) + 0.5) / pictures * (one.end - one.start)
    return _Stretch(one.start, one.end, tuple(float(time) for time in times))


def _turning(one: WorkoutSet, pictures: int) -> _Stretch:
    """A set's pictures where its movement turns, where postures differ most: both ends of some repetitions, taken from
    all over the set; evenly where it has too few."""
    both = pictures // 2
    if len(one.reps) < both or not both:
        return _evenly(one, pictures)
    chosen = [one.reps[place] for place in np.linspace(0, len(one.reps) - 1, both).round().astype(int)]
    times = [time for rep in chosen for time in (rep.start, rep.turn)]
    return _Stretch(one.start, one.end, tuple(times + [chosen[-1].end] * (pictures % 2)))


def asked(looks: Iterator[Seen], ask: Callable[[Seen], T], together: int) -> Iterator[T]:
    """What a model answers of each look, so many at a time; each is left afterwards."""
    while some := list(islice(looks, together)):
        with ExitStack() as leaving, ThreadPoolExecutor(len(some), "asking") as pool:
            for seen in some:
                leaving.enter_context(seen)
            yield from pool.map(kept(ask), some)


def _leave(seen: Seen) -> None:
    with seen:
        pass


class _Report:
    """Turns stretches that were looked at into percent and "Looking at moment 3/8"."""

    def __init__(self, progress: Progress, band: Band, doing: str, total: int, stage: Stage) -> None:
        self._progress, self._band, self._doing, self._total, self._stage = progress, band, doing, total, stage
        self._done = -1
        if total:
            self.next()

    def next(self) -> None:
        self._done += 1
        number = min(self._done + 1, self._total)
        percent = self._band.at(self._done / self._total)
        self._progress.step(percent, f"{self._doing} {number}/{self._total}", self._stage)
