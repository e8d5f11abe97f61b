"""What the faults reckon with, and in small what their trials show and no other test does."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.faults import __main__ as program_of_faults
from benchmarks.faults import clients
from benchmarks.faults.endurance import Rest, memory_of
from benchmarks.faults.frame import Kept, Outcome, Plan, brief, left_in, percentile
from benchmarks.faults.fuzzing import Misses, make_up
from benchmarks.faults.report import Row, table
from benchmarks.speed import wire
from benchmarks.speed.servers import address_of
from tests.service import BASE, Program, Service, decoders, until

Serve = Callable[..., Service]


def test_a_percentile_is_one_of_the_values() -> None:
    assert [percentile([3.0, 1.0, 2.0, 4.0], percent) for percent in (1, 50, 75, 99, 100)] == [1.0, 2.0, 3.0, 4.0, 4.0]


def test_the_short_form_does_a_twentieth(tmp_path: Path) -> None:
    short, full = Plan(tmp_path, full=False, seed=1), Plan(tmp_path, full=True, seed=1)
    assert (full.count(200), short.count(200), short.count(20), short.count(20, least=3)) == (200, 10, 1, 3)


def test_a_process_holds_more_when_it_holds_more_of_anything() -> None:
    before = Kept(10, 5, 2)
    assert Kept(9, 6, 2).beyond(before)
    assert not Kept(10, 4, 2).beyond(before)


def test_memory_is_judged_by_its_slope_in_full_and_by_its_growth_in_short() -> None:
    rests = [Rest(100 * number, 150 + 0.2 * number, Kept(1, 1, 1)) for number in range(20)]
    words, _, good = memory_of(rests, full=True)
    assert (words, good) == ("memory slope +2.00 MB per 1,000", False)
    words, _, good = memory_of(rests, full=False)
    assert (words, good) == ("memory +2.0 MB after warm-up", True)


def test_what_is_left_names_all_but_the_lock(tmp_path: Path) -> None:
    (tmp_path / "session").mkdir()
    for name in (".lock", "session/source.part"):
        (tmp_path / name).touch()
    assert left_in(tmp_path) == ["session", "session/source.part"]


def test_the_table_has_a_row_a_fault_and_breaks_at_no_bar() -> None:
    rows = [
        Row("a", "one", Outcome("1 | 2", "≤ 2", good=True), 1.0),
        Row("b", "two", Outcome("3", "≤ 2", good=False), 1.0),
    ]
    assert table(rows, "As run.").splitlines()[-2:] == ["| one | 1 \\| 2 | ≤ 2 | yes |", "| two | 3 | ≤ 2 | **no** |"]


@pytest.mark.parametrize(("good", "status"), [(True, 0), (False, 1)])
def test_a_missed_bar_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, good: bool, status: int
) -> None:
    plans = []

    def trial(plan: Plan) -> Outcome:
        plans.append(plan)
        return Outcome("measured", "bar", good)

    written = tmp_path / "table.md"
    monkeypatch.setattr(program_of_faults, "TRIALS", {"it": ("a fault", trial)})
    monkeypatch.setattr(sys, "argv", ["faults", "--full", "--seed", "7", "--markdown", str(written)])
    assert program_of_faults.main() == status
    assert [(plan.full, plan.seed) for plan in plans] == [(True, 7)]
    assert "| a fault | measured | bar |" in written.read_text()


def test_a_trial_that_breaks_off_has_missed_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(plan: Plan) -> Outcome:
        raise RuntimeError("nobody answered")

    monkeypatch.setattr(program_of_faults, "TRIALS", {"it": ("a fault", trial)})
    monkeypatch.setattr(sys, "argv", ["faults"])
    assert program_of_faults.main() == 1


def test_no_request_made_up_is_answered_with_a_crash_or_another_shape(
    program: Callable[..., Program], tmp_path: Path
) -> None:
    misses = Misses()
    make_up(program(), brief(tmp_path), 24, 7, misses)
    assert misses.sent >= 24
    assert (misses.crashes, misses.shapes) == ([], [])


async def test_a_crowd_is_taken_in_or_told_to_come_again(serve_with: Serve, clip: Path) -> None:
    """And whoever asks meanwhile is answered."""
    service = await asyncio.to_thread(serve_with, max_queued=3)
    address = address_of(str(service.http.base_url))
    form = wire.form_of(clip.read_bytes(), analysis_type="highlights")
    polls = asyncio.create_task(clients.ask_all(address, "GET", ["/livez"] * 20))
    answers = await clients.send_all(address, f"{BASE}/upload", form, 10)
    assert {answer.status for answer in await polls} == {200}
    taken = [answer for answer in answers if answer.status == 200]
    assert Counter(answer.status == 200 or answer.honest_refusal for answer in answers) == {True: 10}
    assert 3 <= len(taken) < 10
    assert len(service.folders()) == len(taken)


async def test_a_storm_of_cancels_leaves_no_file_and_no_decoder(serve_with: Serve, long_clip: Path, clip: Path) -> None:
    service = await asyncio.to_thread(serve_with)
    address = address_of(str(service.http.base_url))
    form = wire.form_of(long_clip.read_bytes(), analysis_type="highlights")
    sent = await clients.send_all(address, f"{BASE}/upload", form, 8)
    paths = [f"{BASE}/cancel/{answer.json()['sessionId']}" for answer in sent]
    answers = await clients.ask_all(address, "POST", paths)
    assert {answer.status for answer in answers} == {200}
    await asyncio.to_thread(until, lambda: len([path for path in service.data_dir.glob("*/*") if path.is_file()]) == 8)
    await asyncio.to_thread(until, lambda: not decoders(os.getpid(), service.data_dir))
    following = await asyncio.to_thread(service.start, clip)
    assert (await asyncio.to_thread(service.ended, following))["status"] == "completed"
