"""Every segment of a video is shown to a quick model while it is read, and nothing of that outlives the session."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from errors import AnalysisStopped, OutOfMemory
from progress import Progress
from schemas import Scanned, Still
from tests.service import until
from tests.test_vision_watching import Look, Notebook
from vision import Habits, Stopped, View
from vision.sweeping import Sweep
from vision.watching import covered


def piece(*times: float) -> Scanned:
    """Stills as grey as their second of a hundred, which the Notebook rates by."""
    stills = [Still(time, np.full((9, 16, 3), 20 + 2 * (int(time) % 100), np.uint8)) for time in times]
    return Scanned(max(times), len(times), None, (), tuple(stills))


def sweep(eyes: Notebook, progress: Progress | None = None, seconds: float = 10.0) -> Sweep:
    return Sweep(eyes, seconds, None, progress or Progress())


def test_each_segment_is_rated_in_order_by_pictures_from_all_over_it() -> None:
    eyes = Notebook()
    eyes.habits = Habits(pictures=4)
    with sweep(eyes) as sweeping:
        for second in range(35):
            sweeping.see(piece(second + 0.5))
        told = sweeping.finish()
    assert [glance and round(100 * glance.rating) for glance in told] == [1, 11, 21, 30]
    assert [view.times for view in eyes.views[:2]] == [(1.5, 3.5, 6.5, 8.5), (11.5, 13.5, 16.5, 18.5)]
    assert sweeping.spans == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert not eyes.open_looks


def test_a_segment_with_few_pictures_shows_some_twice_and_one_without_is_not_rated() -> None:
    eyes = Notebook()
    with sweep(eyes) as sweeping:
        sweeping.see(piece(1.0, 9.0, 31.0))
        told = sweeping.finish()
    assert [glance is None for glance in told] == [False, True, True, False]
    assert [len(view.pictures) for view in eyes.views] == [8, 8]
    assert sorted(set(eyes.views[0].times)) == [1.0, 9.0]
    assert sweeping.spans == [(0, 10), (30, 40)]


def test_nothing_to_see_is_no_opinion() -> None:
    with sweep(Notebook()) as sweeping:
        assert sweeping.finish() == ()


class Held(Notebook):
    """Looks once it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def look_each(self, views: Iterable[View], stopped: Stopped, system: str = "") -> Iterator[Look]:
        for view in views:
            while not self.let.wait(0.005):
                if stopped():
                    raise AnalysisStopped
            yield self.look(view, stopped, system)


def test_the_scan_waits_for_a_model_that_is_behind() -> None:
    eyes = Held()
    shown: list[int] = []

    def scan(sweeping: Sweep) -> None:
        for number in range(40):
            sweeping.see(piece(float(10 * number)))
            shown.append(number)

    with sweep(eyes) as sweeping:
        scanning = threading.Thread(target=scan, args=[sweeping])
        scanning.start()
        until(lambda: len(shown) > 4)
        assert not threading.Event().wait(0.3)
        assert len(shown) < 10
        eyes.let.set()
        scanning.join()
        assert len(sweeping.finish()) == 40


def test_a_session_that_stops_waits_for_no_look() -> None:
    eyes, stopped = Held(), threading.Event()
    with pytest.raises(AnalysisStopped), sweep(eyes, Progress(stopped=stopped.is_set)) as sweeping:
        sweeping.see(piece(1.0, 11.0))
        stopped.set()
        sweeping.finish()


def test_a_scan_that_fails_waits_for_no_look() -> None:
    eyes = Held()
    with pytest.raises(ValueError, match="damaged"), sweep(eyes) as sweeping:
        sweeping.see(piece(1.0, 11.0))
        raise ValueError("damaged")
    assert not eyes.views


class Hungry(Notebook):
    def look(self, view: View, stopped: Stopped, system: str = "") -> Look:
        raise OutOfMemory("There was not enough memory")


def test_what_the_model_fails_of_fails_the_scan() -> None:
    with pytest.raises(OutOfMemory), sweep(Hungry()) as sweeping:
        for number in range(1000):
            sweeping.see(piece(float(10 * number)))
        sweeping.finish()


def test_seconds_are_covered_once_however_often_they_are_looked_at() -> None:
    assert covered([(0, 10), (10, 20), (12, 14), (15, 25)], 60) == 25
    assert covered([(0, 10), (50, 70)], 60) == 20
    assert covered([], 60) == 0
