"""What the trials of a cluster reckon with. The trials themselves are run by `make faults-cluster`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.cluster.__main__ import SHORT, TRIALS
from benchmarks.cluster.costs import Spent
from benchmarks.cluster.frame import told
from benchmarks.cluster.storage import Tried
from benchmarks.faults.frame import Plan


def test_the_short_form_does_a_tenth(tmp_path: Path) -> None:
    plan = Plan(tmp_path, full=False, seed=1, short=SHORT)
    assert (plan.count(50), plan.count(20), plan.count(20, least=4)) == (5, 2, 4)


def test_every_trial_says_what_is_done() -> None:
    assert all(words and trial.__module__.startswith("benchmarks.cluster.") for words, trial in TRIALS.values())


def test_what_is_counted_is_told_in_words() -> None:
    assert told(Counter({"503": 1, "200": 2})) == "2 × 200, 1 × 503"
    assert told(Counter()) == "none"


@pytest.mark.parametrize(
    ("answers", "ends", "unfinished", "left", "good"),
    [
        ({"200": 2}, {"completed": 2}, 0, 0, True),
        ({"200": 1, "503 store_unavailable": 1}, {"completed": 1, "failed store_unavailable": 1}, 0, 0, True),
        ({"500 internal": 1}, {}, 0, 0, False),
        ({"ReadTimeout": 1}, {}, 0, 0, False),
        ({"200": 1}, {"failed internal": 1}, 0, 0, False),
        ({"200": 1}, {"cancelled": 1}, 0, 0, False),
        ({"200": 1}, {"completed": 1}, 1, 0, False),
        ({"200": 1}, {"completed": 1}, 0, 1, False),
    ],
)
def test_a_store_fault_ends_in_words_and_leaves_nothing(
    answers: dict[str, int], ends: dict[str, int], unfinished: int, left: int, good: bool
) -> None:
    assert Tried(Counter(answers), Counter(ends), unfinished, left).good is good


def test_what_a_session_costs_is_told_without_what_idling_does() -> None:
    idle = Spent(seconds=10, operations=100, read=1000, written=2000, messages=0, processor=0.1)
    worked = Spent(seconds=5, operations=450, read=4500, written=11000, messages=20, processor=0.25)
    assert (
        worked.without(idle).each(2)
        == "200 operations, 2.0 kB to Redis, 5.0 kB from it, 10 messages, 100.0 ms of its processor"
    )
