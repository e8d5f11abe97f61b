"""Which pictures are taken, and how long they stand: pure functions with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from video.clock import PictureClock, StreamClock, Timetable, timetable
from video.pictures import Ticks


def taken(rate: float, per_second: float, seconds: float = 10.0) -> list[float]:
    ticks = Ticks(per_second, 1 / rate)
    return [number / rate for number in range(round(seconds * rate)) if ticks.takes(number / rate)]


@pytest.mark.parametrize(("rate", "count"), [(24, 100), (25, 100), (30, 100), (50, 100), (59.94, 100), (240, 100)])
def test_a_fast_video_is_sampled_at_the_beat(rate: float, count: int) -> None:
    times = taken(rate, 10)
    assert len(times) == pytest.approx(count, abs=1)
    assert np.diff(times).max() <= 0.1 + 1 / rate


@pytest.mark.parametrize("rate", [1, 5, 9, 10, 12, 12.5])
def test_a_slow_video_gives_every_picture(rate: float) -> None:
    assert len(taken(rate, 10)) == round(10 * rate)


def test_after_a_gap_the_beat_goes_on_without_catching_up() -> None:
    ticks = Ticks(10, 0.04)
    assert [ticks.takes(time) for time in (0.0, 5.0, 5.04, 5.08, 5.12)] == [
        True,
        True,
        False,
        True,
        False,
    ]


def clocked(stamps: list[int], starts_anew: bool) -> list[int | None]:
    """Stamps in milliseconds of packets that last 40 ms."""
    clock = StreamClock(0.001, starts_anew)
    return [clock.mend(stamp, stamp, 40)[0] for stamp in stamps]


@pytest.mark.parametrize("starts_anew", [True, False])
@pytest.mark.parametrize(
    ("stamps", "mended"),
    [
        ([0, 40, 80], [0, 40, 80]),
        ([0, 120, 40, 80], [0, 120, 40, 80]),
        ([90_000, 90_040, 0, 40], [90_000, 90_040, 90_080, 90_120]),
        ([0, 40, 5_000, 5_040], [0, 40, 5_000, 5_040]),
    ],
)
def test_a_clock_that_goes_back_goes_on(stamps: list[int], mended: list[int], starts_anew: bool) -> None:
    assert clocked(stamps, starts_anew) == mended


def test_a_jump_ahead_is_a_new_start_in_a_broadcast_and_a_picture_that_stands_elsewhere() -> None:
    stamps = [0, 40, 60_000, 60_040]
    assert clocked(stamps, starts_anew=True) == [0, 40, 80, 120]
    assert clocked(stamps, starts_anew=False) == stamps


def test_one_wrong_stamp_does_not_move_those_that_follow() -> None:
    assert clocked([0, 40, 900_000, 120, 160], starts_anew=False) == [0, 40, 900_000, 120, 160]
    assert clocked([0, 40, 900_000, 120, 160], starts_anew=True) == [0, 40, 80, 120, 160]


def test_a_broadcast_has_no_presentation_far_from_its_decoding() -> None:
    assert StreamClock(0.001, True).mend(900_000, 40, 40) == (40, 40)
    assert StreamClock(0.001, False).mend(900_000, 40, 40) == (900_000, 40)


def test_stamps_that_no_clock_shows_are_none() -> None:
    assert StreamClock(0.001, True).mend((1 << 63) - 1, 40, 40) == (None, 40)


def test_times_of_decoding_are_taken_when_those_of_presentation_fall_back_more_often() -> None:
    clock = PictureClock(1.0)
    pairs = [(1, 1), (2, 2), (4, 3), (3, 4), (5, 5), (7, 6)]
    assert [clock.time(*pair) for pair in pairs] == [1, 2, 4, 4, 5, 6]


def shown(stamps: list[float], durations: float | list[float] = 0.04, first: float | None = 0.0) -> Timetable:
    lengths = durations if isinstance(durations, list) else [durations] * len(stamps)
    return timetable(np.array(stamps, float), np.array(lengths, float), first, 0.04)


def test_times_are_sorted_and_the_last_picture_has_its_duration() -> None:
    table = shown([0.0, 0.12, 0.04, 0.08])
    assert table.times == pytest.approx([0, 0.04, 0.08, 0.12])
    assert table.end == pytest.approx(0.16)


def test_pictures_before_the_first_that_decodes_do_not_count() -> None:
    table = shown([10.0, 10.04, 10.08, 10.12], first=10.08)
    assert table.times == pytest.approx([0, 0.04])
    assert table.zero == 10.08
    assert table.end == pytest.approx(0.08)


def test_a_picture_that_is_stamped_far_off_is_not_believed_not_even_the_first() -> None:
    assert shown([0.0, 0.04, 5000.0, 0.12]).end == pytest.approx(0.16)
    assert shown([5000.0, 0.04, 0.08, 0.12], first=5000.0).zero == pytest.approx(0.04)


def test_a_last_picture_without_a_duration_stands_as_long_as_is_usual() -> None:
    assert shown([0.0, 0.1, 0.2, 0.5], 0.0).end == pytest.approx(0.6)


def test_a_last_picture_that_claims_an_hour_is_not_believed() -> None:
    assert shown([0.0, 0.1, 0.2], [0.1, 0.1, 3600.0]).end == pytest.approx(1.2)


@pytest.mark.parametrize(("duration", "end"), [(0.0, 0.04), (0.5, 0.5)])
def test_a_single_picture_stands_as_long_as_it_says_or_as_is_guessed(duration: float, end: float) -> None:
    assert shown([0.0], duration).end == pytest.approx(end)


def test_a_video_without_any_stamps_has_one_picture() -> None:
    assert shown([], first=None).end == pytest.approx(0.04)
