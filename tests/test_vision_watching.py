"""What a model is shown of a video, and what is kept of its looks: with eyes that write down what they see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Self

import numpy as np
import pytest

from errors import AnalysisFailed, AnalysisStopped
from progress import Band, Progress
from schemas import Limits, Moment, Repetition, SignalLevels, Step, WorkoutParams, WorkoutSet
from tests.test_video_stills import drawn
from vision import Facts, Habits, Named, Question, Rating, Stopped, View
from vision.exercises import EXERCISES, NO_EXERCISE
from vision.watching import HELD, NOT_UNDERSTOOD, ModelWatcher, Nobody

BAND = Band(40, 80)


class Look:
    def __init__(self, eyes: Notebook, view: View) -> None:
        self._eyes, self._view = eyes, view

    @property
    def number(self) -> int:
        """Of the first picture, which its grey tells."""
        return round((float(self._view.pictures[0].mean()) - 20) / 2)

    def rate(self, question: Question) -> Rating:
        self._eyes.asked.append(question.text)
        return Rating(self.number / 100, self._eyes.mass, (0.2, 0.3, 0.5))

    def name(self, question: str, labels: Sequence[str]) -> Named:
        return Named(labels[0] if "squats" not in labels else self._eyes.exercise, 0.6, 0.1)

    def describe(self, prompt: str) -> str:
        self._eyes.asked.append(prompt)
        return f"Number {self.number}."

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._eyes.open_looks.discard(self)


class Notebook:
    """A VisionModel that rates each stretch by the number of its first picture."""

    facts = Facts("smolvlm2", "eyes", None, "cpu", "float32")
    warnings = ("it is only a notebook",)

    def __init__(self) -> None:
        self.mass = 0.9
        self.habits = Habits(pictures=8)
        self.exercise = "squats"
        self.views: list[View] = []
        self.systems: list[str] = []
        self.asked: list[str] = []
        self.open_looks: set[Look] = set()
        self.most_open = 0
        self.gave_way = 0

    def look(self, view: View, stopped: Stopped, system: str = "") -> Look:
        if stopped():
            raise AnalysisStopped
        self.views.append(view)
        self.systems.append(system)
        look = Look(self, view)
        self.open_looks.add(look)
        self.most_open = max(self.most_open, len(self.open_looks))
        return look

    def look_each(self, views: Iterable[View], stopped: Stopped, system: str = "") -> Iterator[Look]:
        for view in views:
            yield self.look(view, stopped, system)

    def give_way(self) -> AbstractContextManager[None]:
        @contextmanager
        def way() -> Iterator[None]:
            self.gave_way += 1
            yield

        return way()

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    """90 seconds, ten numbered pictures a second."""
    return str(drawn(tmp_path_factory.mktemp("numbered") / "a.mp4", range(900), g="50"))


def moment(start: float, absolute: float = 0.5) -> Moment:
    return Moment(start, start + 2.0, 1.0, 0.5, SignalLevels(0.1, None, 0.1), absolute, 0.0, "Something")


def watcher(eyes: Notebook, video: str, progress: Progress | None = None) -> ModelWatcher:
    return ModelWatcher(eyes, video, Limits(), progress or Progress())


def test_each_moment_is_shown_by_pictures_of_its_own_whatever_their_order(video: str) -> None:
    eyes = Notebook()
    with watcher(eyes, video) as watching:
        glances = watching.rate([moment(6.0), moment(1.0), moment(3.0)], None, BAND)
    assert [glance and glance.rating for glance in glances] == pytest.approx([0.61, 0.11, 0.31], abs=0.015)
    assert [view.start for view in eyes.views] == [1.0, 3.0, 6.0]
    assert all(len(view.pictures) == len(view.times) == eyes.habits.pictures for view in eyes.views)
    assert all(view.start <= view.times[0] < view.times[-1] < view.end for view in eyes.views)
    assert eyes.gave_way == 3


def test_what_was_rated_best_is_not_looked_at_again_to_be_described(video: str) -> None:
    eyes, moments = Notebook(), [moment(float(at), absolute=0.1 + at / 100) for at in range(0, 60, 5)]
    with watcher(eyes, video) as watching:
        watching.rate(moments, None, BAND)
        assert len(eyes.views) == len(moments) > HELD
        assert len(eyes.open_looks) == HELD
        told = watching.describe([moments[-1], moments[0], moments[-2]], BAND)
        assert [view.start for view in eyes.views[len(moments) :]] == [0.0]
    assert told == ["Number 51.", "Number 1.", "Number 1."]
    assert not eyes.open_looks
    assert eyes.most_open <= HELD + eyes.habits.together


def test_looks_are_left_when_the_session_stops(video: str) -> None:
    eyes, stop = Notebook(), False

    def report(step: Step) -> None:
        nonlocal stop
        stop = step.message == "Looking at moment 3/3"

    with pytest.raises(AnalysisStopped), watcher(eyes, video, Progress(report, lambda: stop)) as watching:
        watching.rate([moment(1.0), moment(3.0), moment(6.0)], None, BAND)
    assert not eyes.open_looks
    assert len(eyes.views) == 2


def test_progress_says_which_moment_and_stays_in_its_band(video: str) -> None:
    told: list[Step] = []
    with watcher(Notebook(), video, Progress(told.append)) as watching:
        watching.rate([moment(1.0), moment(3.0)], None, BAND)
    assert [(step.percent, step.message) for step in told] == [
        (40, "Looking at moment 1/2"),
        (60, "Looking at moment 2/2"),
        (80, "Looking at moment 2/2"),
    ]


def test_a_query_is_asked_and_more_moments_are_looked_at_for_it(video: str) -> None:
    eyes = Notebook()
    with watcher(eyes, video) as watching:
        watching.rate([moment(1.0)], "the dog", BAND)
        assert watching.candidates(10, "the dog") > watching.candidates(10, None) > 10
    assert '"the dog"' in eyes.asked[0]


def test_the_result_says_who_looked_at_how_much_and_what_was_odd(video: str) -> None:
    eyes = Notebook()
    eyes.mass = 0.01
    with watcher(eyes, video) as watching:
        watching.rate([moment(1.0), moment(3.0)], None, BAND)
        watching.describe([moment(1.0)], BAND)
    sight = watching.sight(80.0)
    assert (sight.name, sight.model, sight.device, sight.dtype) == ("smolvlm2", "eyes", "cpu", "float32")
    assert sight.coverage == pytest.approx(4 / 80)
    assert sight.warnings == ("it is only a notebook", NOT_UNDERSTOOD)


def lifted(start: float, count: int) -> WorkoutSet:
    turns = [start + 2.0 * number for number in range(count)]
    reps = tuple(Repetition(turn, turn + 1.0, turn + 2.0, 1.0, False) for turn in turns)
    end = start + 2.0 * count
    return WorkoutSet(start, end, "periodic", count, count, count, "reps", reps, 0.9, 0, 1)


def test_a_set_is_shown_where_its_movement_turns(video: str) -> None:
    eyes, wanted = Notebook(), WorkoutParams(user_prompt="Look at the knees.", system_prompt="Be kind.")
    with watcher(eyes, video) as watching:
        many, few = watching.name([lifted(2.0, 6), lifted(20.0, 1)], wanted, BAND)
    assert np.mod(eyes.views[0].times, 1.0) == pytest.approx(0.0, abs=0.01)
    assert np.diff(eyes.views[1].times) == pytest.approx(0.25, abs=0.11)
    assert many is not None
    assert (many.exercise, many.share, many.words) == ("squats", 0.6, "Number 20.")
    assert eyes.systems == ["Be kind.", "Be kind."]
    assert all(prompt.startswith("Look at the knees.\n") for prompt in eyes.asked)
    assert few is not None
    assert watching.sight(90.0).coverage == pytest.approx(14 / 90)


@pytest.mark.parametrize(("pictures", "repetitions"), [(4, 9), (4, 2), (3, 1), (8, 5), (2, 1)])
def test_both_ends_of_a_movement_are_shown_however_few_pictures(video: str, pictures: int, repetitions: int) -> None:
    eyes = Notebook()
    eyes.habits = Habits(pictures)
    with watcher(eyes, video) as watching:
        watching.name([lifted(2.0, repetitions)], WorkoutParams(), BAND)
    (view,) = eyes.views
    assert len(view.times) == pictures
    begun, turned = ([round(time) % 2 == odd for time in view.times] for odd in (0, 1))
    assert sum(begun) == -(-pictures // 2)
    assert sum(turned) == pictures // 2
    assert view.times[-1] - view.times[0] >= 2 * (repetitions - 1)


def test_no_exercise_is_no_name(video: str) -> None:
    eyes = Notebook()
    eyes.exercise = NO_EXERCISE
    assert "squats" in EXERCISES
    with watcher(eyes, video) as watching:
        (glance,) = watching.name([lifted(2.0, 6)], WorkoutParams(), BAND)
    assert glance is not None
    assert glance.exercise is None


def test_without_moments_or_sets_the_video_is_not_even_opened(tmp_path: Path) -> None:
    with watcher(Notebook(), str(tmp_path / "gone.mp4")) as watching:
        assert watching.describe([], BAND) == []
        assert watching.name([], WorkoutParams(), BAND) == []
        with pytest.raises(AnalysisFailed):
            watching.rate([moment(1.0)], None, BAND)


def test_nobody_says_nothing_and_why() -> None:
    with Nobody("there is no model") as nobody:
        assert nobody.rate([moment(1.0)], "the dog", BAND) == [None]
        assert nobody.describe([moment(1.0)], BAND) == [""]
        assert nobody.name([lifted(0.0, 3)], WorkoutParams(), BAND) == [None]
        assert nobody.candidates(10, "the dog") == 10
    sight = nobody.sight(10.0)
    assert (sight.name, sight.coverage, sight.warnings) == ("signals", None, ("there is no model",))
