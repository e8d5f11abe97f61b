"""What a server's answers come to, by known ones."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from vision.answers import Top, picked, rated
from vision.prompts import LEVELS

LABELS = ("squats", "push-ups", "lunges", "no exercise")


def test_spellings_are_summed_and_what_is_not_told_is_as_unlikely_as_the_last_that_is() -> None:
    top = Top(((" high", log(0.4)), ("High", log(0.1)), ("Ġmedium", log(0.2)), (" the", log(0.05))))
    ways = [("low", "Low"), ("medium", "Medium"), ("high", "High")]
    assert np.exp(top.weigh(ways)) == pytest.approx([0.05, 0.2, 0.5]) and top.mass(ways) == pytest.approx(0.7)


def test_a_level_of_several_tokens_is_known_by_its_beginning() -> None:
    blank = Top((("not", log(0.25)), ("some", log(0.25))))
    rating = rated(("not at all", "somewhat"), Top(((" not", log(0.1)), (" some", log(0.3)), ("s", log(0.3)))), blank)
    assert rating.levels == pytest.approx((0.25, 0.75)) and rating.mass == pytest.approx(0.4)


def test_what_nobody_said_never_wins() -> None:
    flat, sharp = Top((("A", log(0.02)), ("the", log(0.015)))), Top((("A", log(0.1)), ("the", log(1e-6))))
    named = picked(LABELS, "ABCD", flat, sharp)
    assert named.label == "squats" and named.margin == pytest.approx(0, abs=1e-5)


def test_an_answer_beside_the_question_says_nothing() -> None:
    blank, beside = Top((("low", log(0.6)), ("B", log(0.2)))), Top(((" The", log(0.9)),))
    rating = rated(LEVELS, beside, blank)
    assert rating.mass == 0 and rating.expected == 0.5 and rating.levels == pytest.approx((1 / 3,) * 3)
    named = picked(LABELS, "ABCD", beside, blank)
    assert (named.label, named.share, named.margin) == ("no exercise", 0.25, 0.0)
