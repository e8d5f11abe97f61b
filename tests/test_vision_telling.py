"""A description does not run in circles, echoes nothing, and does not break off."""

from __future__ import annotations

import pytest

from vision.telling import looping, tidy


@pytest.mark.parametrize(
    ("tokens", "dropped"),
    [
        ([1, 2, 3, 4, 5, 6], 0),
        ([9, 1, 2, 1, 2], 0),
        ([9, 1, 2, 1, 2, 1, 2], 4),
        ([9, 7, 7, 7], 0),
        ([9, 7, 7, 7, 7, 7, 7], 5),
        ([9, *range(20), *range(20), *range(20)], 40),
        ([], 0),
    ],
)
def test_a_loop_is_seen_at_the_third_round_and_one_is_kept(tokens: list[int], dropped: int) -> None:
    assert looping(tokens) == dropped


def test_an_echo_of_the_prompt_is_taken_off() -> None:
    assert tidy("Describe it. A man runs.", "Describe it.", True) == "A man runs."
    assert tidy("A man runs.\nUser: and now?", "Describe it.", True) == "A man runs."
    assert tidy(" Assistant: A man runs. User: and now?", "Describe it.", True) == "A man runs."


def test_a_sentence_that_breaks_off_is_left_out() -> None:
    assert tidy("A man runs. He then", "?", whole=False) == "A man runs."
    assert tidy("A man runs. He then", "?", whole=True) == "A man runs. He then"
    assert tidy("He lifts 2.5 kg and", "?", whole=False) == "He lifts 2.5 kg and"


def test_what_is_no_character_is_not_shown() -> None:
    assert tidy("A man\x1b[31m runs\ufffd.", "", True) == "A man[31m runs."


def test_a_description_is_one_line() -> None:
    assert tidy("  A man\n\n runs.  ", "", True) == "A man runs."


def test_a_clients_short_line_is_not_cut_out_of_every_word() -> None:
    assert tidy("A man has a mat.", "a\nthe\nDescribe it.", True) == "A man has a mat."
