"""What is measured on drawn films and sounds of which the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.signals import SignalCollector
from schemas import SOUND_RATE, Samples, Sound
from tests.drawn import HEIGHT, RATE, WIDTH, Picture, film, grainy, look, samples, scene, tone, with_square

ROOM = scene(1)


def test_a_pure_pan_of_the_camera_is_no_motion() -> None:
    assert film(4, lambda time: look(ROOM, x=25 * time)).motion.max() < 0.01


@pytest.mark.parametrize(
    ("times", "apart"), [([0.0, 1.0, 2.0, 3.0], 1.0), ([0.0, 0.1, 0.2, 3.0], 0.1), ([0.0], 5.0), ([1.0], 4.0)]
)
def test_how_far_pictures_are_apart_is_told(times: list[float], apart: float) -> None:
    collector = SignalCollector()
    collector.add(samples([look(ROOM)] * len(times), np.array(times)), ())
    assert collector.finish(5.0).apart == pytest.approx(apart)


def test_a_shaking_camera_is_no_motion() -> None:
    shake = np.random.default_rng(3).normal(size=(60, 2)) * 1.5
    signals = film(5, lambda time: look(ROOM, 20 + shake[round(time * RATE), 0], shake[round(time * RATE), 1]))
    assert np.median(signals.motion) < 0.02


def test_grain_on_a_still_picture_is_no_motion() -> None:
    random = np.random.default_rng(4)
    assert film(4, lambda _: grainy(look(ROOM), random, 4.0)).motion.max() < 0.01


@pytest.mark.parametrize("pan", [0.0, 15.0])
def test_a_square_that_moves_on_its_own_is_motion_even_under_a_pan(pan: float) -> None:
    signals = film(4, lambda time: with_square(look(ROOM, x=pan * time), 10 + 25 * time))
    assert 0.02 < np.median(signals.motion) < 0.4


def test_something_too_fast_to_follow_is_motion_where_it_happens() -> None:
    def thrown(time: float) -> Picture:
        return with_square(look(ROOM), 150 * (time - 2.0)) if 2.0 <= time < 2.7 else look(ROOM)

    signals = film(5, thrown)
    assert 2.0 <= (np.argmax(signals.motion) + 0.5) * signals.step_seconds <= 3.0
    assert signals.motion.max() > 0.1
    assert np.median(signals.motion) < 0.02


def test_a_hard_cut_is_found_within_a_sample_and_is_no_motion() -> None:
    signals = film(6, lambda time: look(ROOM) if time < 3.2 else look(scene(2)))
    assert signals.cuts == pytest.approx((3.2,), abs=1 / RATE)
    assert signals.motion.max() < 0.01


def test_a_flash_is_neither_cut_nor_motion_nor_novelty() -> None:
    def flashed(time: float) -> Picture:
        bright = 110 if round(time * RATE) == 25 else 0
        return np.asarray(np.clip(look(ROOM, x=12 * time).astype(int) + bright, 0, 255), np.uint8)

    signals = film(5, flashed)
    assert signals.cuts == ()
    assert signals.motion.max() < 0.02
    assert np.ptp(signals.novelty) < 0.2


def test_a_picture_unlike_the_rest_is_novel_and_a_black_one_is_not() -> None:
    def varied(time: float) -> Picture:
        return look(scene(9)) if 8 <= time < 10 else np.zeros_like(look(ROOM)) if 12 <= time < 14 else look(ROOM)

    novelty = film(20, varied).novelty
    assert novelty[33:39].min() > 2 * novelty[:30].max()
    assert novelty[49:55].max() < 0.02


def test_a_loud_stretch_raises_loudness_and_begins_with_an_onset() -> None:
    sound = Sound(0.0, tone(6, 3, 4))
    signals = film(6, lambda _: look(ROOM), (sound,))
    assert signals.loudness is not None
    assert signals.onsets is not None
    assert signals.loudness[13] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.5)
    assert signals.loudness[4] == pytest.approx(20 * np.log10(0.001 / np.sqrt(2)), abs=0.5)
    assert np.argmax(signals.onsets) == 12
    assert signals.onsets[12] > 0.3
    assert np.median(signals.onsets) < 0.1


def test_how_sound_is_split_does_not_matter() -> None:
    pcm = tone(4, 1, 2)
    pieces = tuple(Sound(at / SOUND_RATE, pcm[at : at + 1111]) for at in range(0, len(pcm), 1111))
    whole, split = (film(4, lambda _: look(ROOM), sounds).loudness for sounds in ((Sound(0.0, pcm),), pieces))
    assert whole is not None
    assert split is not None
    np.testing.assert_allclose(whole, split, atol=0.1)


def test_digital_silence_and_no_sound_measure_nothing() -> None:
    silence = Sound(0.0, np.zeros(3 * SOUND_RATE, np.float32))
    for sounds in ((), (silence,)):
        signals = film(3, lambda _: look(ROOM), sounds)
        assert signals.loudness is None
        assert signals.onsets is None


def test_sound_that_ends_early_is_silent_from_there() -> None:
    loudness = film(6, lambda _: look(ROOM), (Sound(0.0, tone(3, 0, 3)),)).loudness
    assert loudness is not None
    assert loudness[2] > -20
    assert loudness[-1] == -90


@pytest.mark.parametrize(("count", "seconds"), [(1, 0.04), (1, 5.0), (2, 0.1), (3, 0.1)])
def test_a_video_of_few_pictures_gives_curves_all_the_same(count: int, seconds: float) -> None:
    collector = SignalCollector()
    collector.add(samples([look(ROOM)] * count, np.arange(count) / 30.0), ())
    signals = collector.finish(seconds)
    assert len(signals.motion) == len(signals.novelty) >= 4
    assert signals.step_seconds * len(signals.motion) == pytest.approx(seconds)
    assert signals.motion.max() == 0


def test_nothing_decoded_is_nothing_covered() -> None:
    signals = SignalCollector().finish(10.0)
    assert signals.coverage == 0
    assert signals.motion.max() == signals.novelty.max() == 0


def test_missing_pictures_lower_coverage_and_are_no_motion() -> None:
    times = np.concatenate([np.arange(0, 3, 0.1), np.arange(6, 10, 0.1)])
    pictures = [with_square(look(ROOM), 20 if time < 5 else 80) for time in times]
    collector = SignalCollector()
    collector.add(samples(pictures, times), ())
    signals = collector.finish(10.0)
    assert signals.coverage == pytest.approx(0.7, abs=0.03)
    assert signals.motion.max() < 0.01


def test_uneven_times_give_the_same_speed() -> None:
    times = np.cumsum(np.tile([0.05, 0.15], 20))
    collector = SignalCollector()
    collector.add(samples([with_square(look(ROOM), 10 + 20 * time) for time in times], times), ())
    even = film(4, lambda time: with_square(look(ROOM), 10 + 20 * time))
    assert np.median(collector.finish(4.0).motion) == pytest.approx(np.median(even.motion), rel=0.3)


def test_pieces_may_be_split_anywhere_and_times_that_fall_are_passed_over() -> None:
    pictures = [with_square(look(ROOM), 10 + 2 * at) for at in range(40)]
    whole, split = SignalCollector(), SignalCollector()
    whole.add(samples(pictures), ())
    for at in range(0, 40, 7):
        part = samples(pictures)
        piece = slice(at, at + 7)
        split.add(Samples(part.times[piece], part.grey[piece], part.grid[piece]), ())
        split.add(Samples(part.times[:1], part.grey[:1], part.grid[:1]), ())
    assert split.seen_seconds == pytest.approx(3.9)
    np.testing.assert_array_equal(whole.finish(4.0).motion, split.finish(4.0).motion)


def test_a_car_on_bare_asphalt_is_not_the_camera() -> None:
    asphalt, random = np.full((HEIGHT, WIDTH), 110, np.uint8), np.random.default_rng(0)
    signals = film(6, lambda time: grainy(with_square(asphalt, 20 * time - 40, 25, 24), random, 1))
    assert np.median(signals.motion[12:20]) > 0.08
    assert signals.camera[12:20].max() < 0.05


def test_a_camera_that_is_swung_round_is_no_motion() -> None:
    wide = np.tile(scene(6), (1, 4))
    signals = film(8, lambda time: wide[30 : 30 + HEIGHT, 20 + round(500 * np.clip(time - 4, 0, 1)) :][:, :WIDTH])
    assert signals.motion.max() < 0.1


def test_a_lamp_that_goes_on_shows_nothing_new_and_another_place_does() -> None:
    room, other = look(scene(3)), look(scene(9))
    lit = np.asarray(np.clip(room * 1.3 + 20, 0, 255), np.uint8)
    lamp = film(30, lambda time: lit if 12 <= time < 15 else room).novelty.max()
    cutaway = film(30, lambda time: other if 12 <= time < 15 else room).novelty.max()
    assert lamp < cutaway / 2


def test_samples_of_another_size_are_passed_over() -> None:
    collector = SignalCollector()
    collector.add(samples([look(scene(1))] * 8), ())
    collector.add(samples([look(scene(1))[:40]] * 8, np.arange(8, 16) / RATE), ())
    assert collector.seen_seconds == 0.7
    assert collector.finish(0.8).cuts == ()
