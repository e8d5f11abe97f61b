"""The camera's share of how two small pictures differ."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analysis.camera import aligned
from analysis.motion import Comparer

HEIGHT, WIDTH = 72, 128


def wall(random: np.random.Generator, levels: float) -> NDArray[np.float32]:
    """Soft light and shade alone, larger than the picture on every side."""
    coarse = random.normal(size=(6, 9)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH + 40, HEIGHT + 40), interpolation=cv2.INTER_CUBIC) * levels + 120)


def seen(whole: NDArray[np.float32], right: float, down: float, limb: float | None = None) -> NDArray[np.uint8]:
    """What a camera sees of it that has moved so many pixels, and a bright limb at height `limb`, if any."""
    placed = np.array([[1, 0, right - 20], [0, 1, down - 20]], np.float64)
    picture = cv2.warpAffine(whole, placed, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    if limb is not None:
        top, middle = round(limb + down), round(64 + right)
        picture[top : top + 6, middle - 12 : middle + 12 : 2] += 90
    return np.asarray(np.clip(picture + 0.5, 0, 255), np.uint8)


@pytest.mark.parametrize("levels", [6.0, 25.0])
@pytest.mark.parametrize(("right", "down"), [(0.5, -0.3), (-1.4, 0.8), (0.0, 0.0)])
def test_soft_light_and_shade_are_enough_to_tell_a_shift_by(levels: float, right: float, down: float) -> None:
    whole = wall(np.random.default_rng(1), levels)

    motion = aligned(seen(whole, 0, 0), seen(whole, right, down))

    assert motion[:2] == pytest.approx((right, down), abs=0.12)
    assert abs(motion[2:]).max() * WIDTH / 2 < 0.1


def test_what_moves_on_its_own_does_not_move_the_camera() -> None:
    whole = wall(np.random.default_rng(2), 8.0)

    motion = aligned(seen(whole, 0, 0, limb=20), seen(whole, 0, 0, limb=24))

    assert np.abs(motion[:2]).max() < 0.05


def test_a_limb_keeps_its_own_way_before_a_plain_wall_though_the_camera_shakes() -> None:
    whole = wall(np.random.default_rng(3), 12.0)

    change = Comparer().change(seen(whole, 0, 0, limb=20), seen(whole, 1.0, 1.0, limb=22), signed=True)

    assert change.flow is not None
    way = change.flow.reshape(-1, 2)[np.hypot(*change.flow.reshape(-1, 2).T).argmax()]
    assert way[1] > 0.8
    assert abs(way[0]) < 0.5
