"""What is told of someone before a fixed camera, and of a blurred picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.presence import presence
from analysis.sharpness import sharpness
from tests.drawn import Picture, film, grainy, look, scene, with_square

ROOM = look(scene(3))


def _small(pictures: list[Picture]) -> NDArray[np.uint8]:
    return np.asarray([cv2.resize(picture, (32, 18), interpolation=cv2.INTER_AREA) for picture in pictures], np.uint8)


def _seen(pictures: list[Picture], cuts: tuple[float, ...] = ()) -> NDArray[np.float64]:
    """Presence of pictures that come five times a second."""
    found = presence(np.arange(len(pictures)) / 5, _small(pictures), cuts)
    assert found is not None
    return found


def _visit(light: float = 0.0) -> list[Picture]:
    """Twenty seconds of a room; from 8 to 14 s somebody stands in it."""
    random = np.random.default_rng(0)
    pictures = [grainy(ROOM, random, 3) for _ in range(100)]
    pictures[40:70] = [grainy(with_square(ROOM, 50, 20, 30), random, 3) for _ in range(30)]
    return [np.clip(picture + light * number / 100, 0, 255).astype(np.uint8) for number, picture in enumerate(pictures)]


@pytest.mark.parametrize("light", [0.0, 30.0])
def test_a_visitor_is_present_while_there_even_as_the_light_drifts(light: float) -> None:
    found = _seen(_visit(light))
    there = found[40:70]
    assert there.min() > 0.06
    assert there.max() < 0.14  # 30 × 30 of 128 × 72 pixels are 0.098
    assert max(found[:40].max(), found[70:].max()) == 0


def test_a_lamp_is_nobody() -> None:
    random = np.random.default_rng(1)
    y, x = np.mgrid[:72, :128]
    pool = 1 + 0.5 * np.exp(-((x - 100) ** 2 + (y - 20) ** 2) / 4000)
    lit = np.clip(ROOM * pool, 0, 255).astype(np.uint8)
    found = _seen([grainy(lit if 30 <= number < 55 else ROOM, random, 2) for number in range(100)])
    assert found[30:55].max() < 0.1  # it lights most of the picture; only black patches under it stay dark


def test_leaves_in_the_wind_are_background_and_who_walks_before_them_is_not() -> None:
    random = np.random.default_rng(2)
    pictures = []
    for number in range(150):
        picture = ROOM.copy()
        picture[:13] = look(scene(8), 3 * np.sin(number * 1.7), 2 * np.cos(number * 2.3))[:13]
        pictures.append(
            grainy(with_square(picture, 3 * (number - 90), 40, 20) if 90 <= number < 120 else picture, random)
        )
    found = _seen(pictures)
    assert np.median(found[95:115]) > 4 * max(0.004, float(np.median(found[:90])))


def test_a_camera_in_the_hand_sees_no_background() -> None:
    sway = [look(scene(4), 9 * np.sin(number / 7), 6 * np.sin(number / 5)) for number in range(100)]
    assert presence(np.arange(100) / 5, _small(sway), ()) is None


def test_each_shot_has_its_own_background_and_a_short_one_has_none() -> None:
    other = look(scene(9))
    pictures = [ROOM] * 60 + [other] * 20 + [with_square(ROOM, 50, 20, 30)] * 10 + [ROOM] * 60
    found = _seen(pictures, (12.0, 16.0))
    assert found[:80].max() == 0
    assert found[80:90].min() > 0.05


def test_somebody_who_comes_for_a_minute_of_an_hour_is_found() -> None:
    found = _seen([ROOM] * 9_000 + [with_square(ROOM, 50, 20, 30)] * 300 + [ROOM] * 8_700)
    assert found[9_000:9_300].min() > 0.05
    assert max(found[:9_000].max(), found[9_300:].max()) == 0


def test_what_stays_for_good_fades_into_the_background() -> None:
    found = _seen([ROOM] * 200 + [with_square(ROOM, 50, 20, 30)] * 100)
    assert found[200:215].min() > 0.05
    assert found[260:].max() < 0.01


def test_a_camera_that_is_nudged_a_little_sees_nobody() -> None:
    found = _seen([ROOM] * 270 + [look(scene(3), 1.0, 0.5)] * 30)
    assert found.max() < 0.02


def test_a_stretch_without_pictures_is_passed_over() -> None:
    times = np.concatenate([np.arange(0, 50, 0.4), np.arange(150, 200, 0.4)])
    found = presence(times, _small([ROOM] * 120 + [with_square(ROOM, 50, 20, 30)] * 10 + [ROOM] * 120), ())
    assert found is not None
    assert found[120:130].min() > 0.05


def test_water_and_crowds_fill_a_picture_and_nobody_enters_it() -> None:
    random = np.random.default_rng(5)
    waves = [scene(number)[:72, :128] if number % 2 else ROOM for number in random.integers(0, 40, 100).tolist()]
    assert presence(np.arange(100) / 5, _small(waves), ()) is None


def test_presence_comes_with_a_film_of_a_fixed_camera_only() -> None:
    fixed = film(10, lambda time: with_square(ROOM, 60, 20) if 4 <= time < 6 else ROOM)
    assert fixed.presence is not None
    assert fixed.presence.argmax() * fixed.step_seconds == pytest.approx(5, abs=1.1)
    assert film(10, lambda time: look(scene(3), 12 * np.sin(3 * time), 0)).presence is None


def test_a_blurred_or_covered_picture_is_less_sharp_and_grain_is_no_detail() -> None:
    random = np.random.default_rng(3)
    blurred = np.asarray(cv2.GaussianBlur(ROOM, (0, 0), 4), np.uint8)
    assert sharpness(ROOM) > sharpness(blurred) + 3
    assert sharpness(np.full((72, 128), 90, np.uint8)) == 0
    assert sharpness(grainy(np.full((72, 128), 90, np.uint8), random, 1.0)) < 8
