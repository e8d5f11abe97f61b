"""Where shots end and begin, on drawn films of which the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from analysis.likeness import detail, found_share, match
from analysis.lookback import Looks
from analysis.shots import Track, find_cuts
from tests.drawn import HEIGHT, RATE, WIDTH, Picture, film, grainy, look, scene, with_square

ROOM, STREET, GARDEN = scene(1), scene(2), scene(6)

Draw = Callable[[float], Picture]


def still(time: float) -> Picture:
    return look(ROOM)


def shaken(time: float) -> Picture:
    x, y = 2 * np.sin(9 * time), 1.5 * np.sin(13 * time)
    return look(GARDEN, 20 + x, y)


def panned(time: float) -> Picture:
    return look(STREET, x=10 * time)


def lively(time: float) -> Picture:
    return with_square(look(ROOM), 20 + 20 * np.sin(2 * time))


def clipped(levels: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Picture:
    return np.asarray(np.clip(levels + 0.5, 0, 255), np.uint8)


def dissolved(first: Draw, second: Draw, middle: float, length: float) -> Draw:
    def draw(time: float) -> Picture:
        share = np.clip((time - middle) / length + 0.5, 0, 1)
        return clipped((1 - share) * first(time) + share * second(time))

    return draw


def lit(gain: Callable[[float], float], offset: Callable[[float], float] = lambda _: 0.0) -> Draw:
    return lambda time: clipped(gain(time) * look(ROOM, x=5 * time) + offset(time))


@pytest.mark.parametrize(("before", "after"), [(still, panned), (shaken, lively), (panned, shaken)])
def test_a_hard_cut_is_found_at_the_new_shots_first_sample(before: Draw, after: Draw) -> None:
    assert film(6, lambda time: before(time) if time < 3.2 else after(time)).cuts == pytest.approx((3.2,), abs=0.01)


def test_a_shot_of_two_samples_lies_between_two_cuts() -> None:
    def short(time: float) -> Picture:
        return still(time) if time < 2.95 else panned(time) if time < 3.15 else shaken(time)

    assert film(6, short).cuts == pytest.approx((3.0, 3.2), abs=0.01)


def test_two_shots_of_one_colour_are_told_apart_by_their_detail() -> None:
    def evened(picture: Picture) -> Picture:
        return clipped(120 + 0.3 * (picture.astype(np.float64) - picture.mean()))

    assert film(6, lambda time: evened(look(ROOM if time < 3 else STREET))).cuts == pytest.approx((3.0,), abs=0.01)


@pytest.mark.parametrize("length", [0.4, 1.0, 2.2])
@pytest.mark.parametrize(("first", "second"), [(still, panned), (shaken, still), (panned, shaken), (lively, shaken)])
def test_a_dissolve_of_any_two_shots_is_one_cut_at_its_middle(first: Draw, second: Draw, length: float) -> None:
    assert film(8, dissolved(first, second, 4.05, length)).cuts == pytest.approx((4.05,), abs=0.25)


@pytest.mark.parametrize("blank", [0.0, 250.0])
@pytest.mark.parametrize("length", [0.6, 1.6])
def test_a_fade_through_a_blank_is_one_cut_at_its_middle(blank: float, length: float) -> None:
    def faded(time: float) -> Picture:
        light = min(1.0, abs(time - 4.0) / (length / 2))
        return clipped(light * (still(time) if time < 4 else panned(time)) + (1 - light) * blank)

    assert film(8, faded).cuts == pytest.approx((4.0,), abs=0.25)


def test_fades_at_the_start_and_at_the_end_are_no_cuts() -> None:
    assert film(8, lit(lambda time: float(np.interp(time, [0, 1, 6.5, 7.5], [0, 1, 1, 0])))).cuts == ()


def test_five_seconds_of_black_between_two_shots_are_one_cut_in_their_middle() -> None:
    def dark(time: float) -> Picture:
        return still(time) if time < 3 else panned(time) if time >= 8 else np.zeros((HEIGHT, WIDTH), np.uint8)

    assert film(11, dark).cuts == pytest.approx((5.45,), abs=0.1)


def test_a_cut_between_black_bars_is_found() -> None:
    def barred(time: float) -> Picture:
        picture = (still(time) if time < 3 else panned(time)).copy()
        picture[:, :30], picture[:, -30:] = 0, 0
        return picture

    assert film(6, barred).cuts == pytest.approx((3.0,), abs=0.01)


NOT_CUTS: dict[str, Draw] = {
    "a flash": lit(lambda _: 1.0, lambda time: 150.0 if 3.0 <= time < 3.2 else 0.0),
    "lightning": lit(lambda _: 1.0, lambda time: 120.0 if 3 <= time < 4 and round(time * RATE) % 3 == 0 else 0.0),
    "a lamp switched off": lit(lambda time: 0.4 if time >= 3 else 1.0),
    "an exposure that adapts": lit(lambda time: float(np.interp(time, [2, 4], [1.0, 0.5]))),
    "a fast pan": lambda time: look(STREET, x=float(np.interp(time, [3, 3.6], [0, 70]))),
    "a strong shake": lambda time: look(ROOM, 20 + 8 * np.sin(15 * time), 8 * np.sin(11 * time)),
    "a square in front of the lens": lambda time: with_square(look(ROOM), 220 * (time - 3) - 70, 5, 60),
}


@pytest.mark.parametrize("what", NOT_CUTS)
def test_no_cut_is(what: str) -> None:
    assert film(6, NOT_CUTS[what]).cuts == ()


@pytest.mark.parametrize("seconds", [0.6, 1.2, 2.5])
def test_a_hand_over_the_lens_is_no_cut(seconds: float) -> None:
    hand = np.asarray(cv2.GaussianBlur(look(STREET), (0, 0), 12), np.uint8)
    assert film(8, lambda time: hand if 3 <= time < 3 + seconds else look(ROOM, x=4 * time)).cuts == ()


@pytest.mark.parametrize("fading", [0.01, 0.5])
def test_a_title_that_appears_is_no_cut(fading: float) -> None:
    def titled(time: float) -> Picture:
        written = look(ROOM).copy()
        cv2.putText(written, "A TITLE", (10, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 250, 2, cv2.LINE_AA)
        share = np.clip((time - 3) / fading, 0, 1)
        return clipped((1 - share) * look(ROOM) + share * written)

    assert film(6, titled).cuts == ()


def test_a_zoom_is_no_dissolve() -> None:
    def zoomed(time: float) -> Picture:
        turn = cv2.getRotationMatrix2D((WIDTH / 2 + 20, HEIGHT / 2 + 30), 0, 1 + 0.15 * time)
        return look(np.asarray(cv2.warpAffine(STREET, turn, STREET.shape[::-1]), np.uint8))

    assert film(7, zoomed).cuts == ()


def test_a_blank_wall_with_grain_has_no_cuts() -> None:
    random = np.random.default_rng(5)
    assert film(5, lambda _: grainy(np.full((HEIGHT, WIDTH), 120, np.uint8), random, 3.0)).cuts == ()


def test_detail_is_found_again_after_a_shift_in_other_light_and_not_in_another_scene() -> None:
    room = detail(look(ROOM))
    moved = detail(clipped(0.5 * look(ROOM, x=8, y=2) + 60))
    other = detail(look(STREET))
    assert match(room, moved).likeness > 0.8
    assert (match(moved, room).x, match(moved, room).y) == (60, 35)  # 4 left and 1 up, round 64 × 36
    assert match(room, other).likeness < 0.3
    assert found_share(room, moved) > 0.8
    assert found_share(room, other) < 0.1


def test_boundaries_are_in_order_however_likely_every_sample_is_to_be_one() -> None:
    count = 10 * 60 * RATE
    random = np.random.default_rng(7)
    likely, nothing = random.uniform(0.1, 0.5, count), np.full(count, -1.0)
    times = np.arange(count) / RATE
    evidence, strength = random.uniform(-9, 9, count), np.full(count, 50.0)
    looks = Looks(likely, likely, likely, strength, nothing, evidence, times, np.full(count, 1.0))
    layouts = random.integers(0, 255, (count, 108), dtype=np.uint8)
    cuts = find_cuts(Track(times, random.uniform(0, 30, count), layouts, looks))
    assert len(cuts) > 100
    assert all(one.time < other.time for one, other in pairwise(cuts))
