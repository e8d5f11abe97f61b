"""Likelihoods become ratings and names; what is said before blank pictures does not count."""

from __future__ import annotations

import numpy as np
import pytest

from vision import scoring


def logs(*shares: float) -> scoring.Logs:
    return np.asarray(np.log(shares), np.float64)


def test_the_expected_level_is_the_rating() -> None:
    rating = scoring.rating(logs(0.1, 0.2, 0.4), blank=logs(0.3, 0.3, 0.3))
    assert rating.levels == pytest.approx((1 / 7, 2 / 7, 4 / 7))
    assert rating.expected == pytest.approx((2 / 7) * 0.5 + 4 / 7)
    assert rating.score == pytest.approx(1 + 9 * rating.expected)


def test_mass_is_what_the_levels_have_of_all_that_could_be_said() -> None:
    assert scoring.rating(logs(0.1, 0.2, 0.4), logs(1, 1, 1)).mass == pytest.approx(0.7)


def test_what_is_said_before_blank_pictures_says_nothing() -> None:
    always_high = logs(0.05, 0.15, 0.6)
    assert scoring.rating(always_high, always_high).expected == pytest.approx(0.5)
    assert scoring.rating(logs(0.15, 0.15, 0.3), always_high).expected < 0.3


def test_a_certain_level_is_the_end_of_the_scale() -> None:
    flat = logs(0.3, 0.3, 0.3)
    assert scoring.rating(logs(1e-9, 1e-9, 1), flat).score == pytest.approx(10, abs=1e-6)
    assert scoring.rating(logs(1, 1e-9, 1e-9), flat).score == pytest.approx(1, abs=1e-6)


def test_spellings_of_a_level_are_added_up() -> None:
    spelt = scoring.summed([np.log([0.1, 0.2]).tolist(), np.log([0.05]).tolist(), np.log([0.3, 0.1, 0.1]).tolist()])
    assert np.exp(spelt) == pytest.approx([0.3, 0.05, 0.5])


def test_an_impossible_spelling_is_no_trouble() -> None:
    rating = scoring.rating(scoring.summed([[-np.inf], [-np.inf], [0.0]]), scoring.summed([[-np.inf], [0.0], [0.0]]))
    assert all(np.isfinite(rating.levels))
    assert np.isfinite(rating.expected)


def test_a_model_that_computes_no_number_is_not_believed() -> None:
    rating = scoring.rating(scoring.summed([[np.nan], [np.nan, np.nan], [np.nan]]), scoring.summed([[-1.0]] * 3))
    assert rating.expected == pytest.approx(0.5)
    assert rating.mass == 0
    assert scoring.named(["squats", "lunges"], scoring.means([[np.nan], [np.nan]]), np.zeros(2)).share == 0.5


def test_levels_of_several_tokens_have_the_mass_of_the_best() -> None:
    several = scoring.means([[-1.0, -3.0], [-0.5], [-2.0, -2.0]])
    assert several == pytest.approx([-2.0, -0.5, -2.0])
    assert scoring.rating(several, np.zeros(3), levels_are_tokens=False).mass == pytest.approx(np.exp(-0.5))


def test_the_name_is_what_the_pictures_make_likelier() -> None:
    named = scoring.named(["squats", "lunges", "plank"], np.array([-1.0, -2.0, -4.0]), np.array([-1.0, -3.0, -3.5]))
    assert named.label == "lunges"
    assert named.margin == pytest.approx(1.0)
    assert named.share == pytest.approx(np.e / (1 + np.e + np.exp(-0.5)))


def test_a_list_of_one_has_no_margin() -> None:
    named = scoring.named(["squats"], np.array([-1.0]), np.array([-2.0]))
    assert (named.label, named.share, named.margin) == ("squats", 1.0, 0.0)
