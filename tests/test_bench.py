"""What the benchmarks reckon with, and that what they compare to answers; nothing is timed here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import av
import httpx
import pytest

from benchmarks import kept, table
from benchmarks.bench import none_gone, noted
from benchmarks.kept import HERE, LAST, Measured, Run, Shelf, commit, kept_with, worse
from benchmarks.parts import PARTS
from benchmarks.speed import wire
from benchmarks.speed.footage import footage_of, repeated
from benchmarks.speed.report import Line, Mark, Pair, in_turns
from benchmarks.speed.scan import decoded
from benchmarks.speed.servers import Watch, address_of, served
from benchmarks.speed.typed import EXAMPLE, typed
from benchmarks.speed.unkept import unkept
from benchmarks.speed.upload import padded_form
from benchmarks.stranger import Walk, curl_walk
from schemas import Limits
from tests.service import BASE, ROOT, Service
from video.draw import Style

TINY = Style(64, 36, 10)

FASTER = Line("upload", "80 beside 100 MB/s", "≥ 0.65", True, Mark("upload", 0.8, 0.1))
LONGER = Line("  scan", "2 s beside 1 s", "≤ 2.5 ×", True, Mark("scan", 2.0, 0.1, less_is_better=True))
RUN = Run("2026-11-28 22:00 UTC", "0123456789", "2 × processor", 0.5, 60)


def test_a_ratio_is_the_middle_of_the_rounds() -> None:
    pair = Pair((90.0, 100.0, 10.0), (100.0, 100.0, 100.0))
    assert (pair.ratio, pair.best) == (0.9, 1.0)
    assert pair.told("MB/s").startswith("90 beside 100 MB/s: ratio 0.90 (0.10 to 1.00 in 3 rounds")


def test_a_ratio_of_times_is_that_of_speeds_turned_over() -> None:
    pair = Pair((25.0, 50.0, 100.0), (100.0, 100.0, 100.0))
    assert "ratio 2.00 (1.00 to 4.00" in pair.told("× real time", turned=True)


def test_rounds_take_turns_and_the_first_does_not_count() -> None:
    ran = []

    def run(name: str) -> float:
        ran.append(name)
        return float(len(ran))

    pair = in_turns(2, lambda: run("ours"), lambda: run("theirs"))
    assert ran == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert pair == Pair((4.0, 5.0), (3.0, 6.0))


@pytest.mark.parametrize(("good", "word"), [(True, "ok "), (False, "MISSED"), (None, "   ")])
def test_a_line_says_whether_its_bar_was_met(good: bool | None, word: str) -> None:
    assert str(Line("status", "1.0", "≥ 0.9", good)).startswith(word)


@pytest.mark.parametrize(
    ("line", "was", "lost"),
    [(FASTER, 0.88, False), (FASTER, 0.9, True), (LONGER, 1.83, False), (LONGER, 1.8, True), (FASTER, None, False)],
)
def test_a_ratio_is_worse_when_it_differs_by_more_than_chance(line: Line, was: float | None, lost: bool) -> None:
    assert line.mark
    assert worse(line, {} if was is None else {line.mark.name: was}) is lost


def test_what_was_measured_is_read_as_it_was_written(tmp_path: Path) -> None:
    shelf, last = Shelf(tmp_path), {"upload": Measured(RUN, (FASTER, Line("memory", "1 MB")))}
    assert (shelf.read_last(), shelf.read_kept()) == ({}, {})
    shelf.write_last(last)
    assert shelf.read_last() == last
    shelf.write_kept(kept_with({"scan": 1.5, "upload": 0.7}, [FASTER]))
    assert shelf.read_kept() == {"scan": 1.5, "upload": 0.8}


def test_the_table_has_each_part_with_its_reference_its_bar_and_what_was_kept() -> None:
    page = "\n".join(table.page({"upload": Measured(RUN, (FASTER,)), "scan": Measured(RUN, (LONGER,))}, {"scan": 1.5}))
    assert "| upload | 80 beside 100 MB/s | ≥ 0.65 | yes | none yet |" in page
    assert "| … scan | 2 s beside 1 s | ≤ 2.5 × | yes | **worse than 1.50 + 10%** |" in page
    assert "| upload, scan | 2026-11-28 22:00 UTC | 0123456789 | 0.5 | 60 s |" in page
    assert "Not measured yet: `ten`, " in page


def test_one_part_measured_anew_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.write_last({"scan": Measured(RUN, (LONGER,))})
    assert noted(shelf, "upload", Measured(RUN, (FASTER,)), keep=False)
    assert shelf.read_last() == {"upload": Measured(RUN, (FASTER,)), "scan": Measured(RUN, (LONGER,))}
    assert shelf.read_kept() == {}


def test_what_got_worse_is_said_and_fails_until_it_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shelf = Shelf(tmp_path)
    shelf.write_kept({"upload": 0.95})
    assert not noted(shelf, "upload", Measured(RUN, (FASTER,)), keep=False)
    assert capsys.readouterr().out == "WORSE  upload: 80 beside 100 MB/s; kept was 0.95 − 10%\n"
    assert "**worse than 0.95 − 10%**" in shelf.page.read_text()
    assert noted(shelf, "upload", Measured(RUN, (FASTER,)), keep=True)


def test_what_there_is_nothing_to_hold_to_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert noted(Shelf(tmp_path), "upload", Measured(RUN, (FASTER,)), keep=False)
    assert capsys.readouterr().out == "UNHELD upload: 80 beside 100 MB/s; none was kept (--keep)\n"


def test_a_kept_ratio_that_no_line_measures_any_more_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf = Shelf(tmp_path)
    shelf.write_kept({"upload": 0.8, "scan": 1.5})
    shelf.write_last(dict.fromkeys(PARTS, Measured(RUN, ())) | {"upload": Measured(RUN, (FASTER,))})
    assert not none_gone(shelf)
    assert capsys.readouterr().out == "GONE   scan: no line measures it any more; kept was 1.50\n"
    shelf.write_last({"upload": Measured(RUN, (FASTER,))})
    assert none_gone(shelf), "of the others nobody knows"


def test_a_line_that_a_part_has_no_more_is_held_to_nothing_once_that_is_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.write_kept({"upload": 0.8, "scan": 1.5})
    shelf.write_last({"upload": Measured(RUN, (FASTER,))})
    assert noted(shelf, "upload", Measured(RUN, ()), keep=True)
    assert shelf.read_kept() == {"scan": 1.5}


def test_a_commit_to_which_anything_was_changed_bears_a_plus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    monkeypatch.setattr(kept, "HERE", folder)
    for file in (tmp_path / "app.py", folder / LAST):
        file.touch()
    git = ("git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x.example")
    for step in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "x")):
        subprocess.run([*git, *step], check=True)
    (folder / LAST).write_text("{}")
    assert re.fullmatch("[0-9a-f]{10}", commit())
    (tmp_path / "app.py").write_text("changed")
    assert re.fullmatch("[0-9a-f]{10}[+]", commit())


def test_every_part_is_where_it_is_said_to_be() -> None:
    for name, part in PARTS.items():
        source = (ROOT / f"{part.module.replace('.', '/')}.py").read_text()
        assert f"\ndef bench_{name}(room: Room) -> list[Line]:" in source


def test_the_page_of_what_was_measured_last_is_that(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.write_last(Shelf(HERE).read_last())
    shelf.write_kept(Shelf(HERE).read_kept())
    table.write(shelf)
    assert shelf.page.read_text() == Shelf(HERE).page.read_text()


def test_the_stranger_finds_the_walk_that_newcomers_are_told(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "clone").symlink_to(ROOT)
    told = curl_walk(Walk(tmp_path, {"PORT": "4711"}, ()))
    assert "http://127.0.0.1:4711/api/v1/video" in told
    assert "127.0.0.1:8000" not in told


def test_a_bare_server_reads_a_body_and_answers() -> None:
    with served("discard", **os.environ) as (address, pid), Watch(pid, address, "/") as watch:
        answer = wire.post(address, "/", wire.form_of(b"x" * 1000, b"y" * 1000, 300))
    assert (answer.status, answer.body) == (200, b"{}")
    assert watch.most_bytes >= watch.before_bytes > 0


async def test_the_bare_typed_route_answers_with_a_status() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(typed()), base_url="http://bench") as client:
        answer = await client.get(f"{BASE}/status/1")
    assert answer.json() == EXAMPLE.model_dump(mode="json", by_alias=True)


def test_a_padded_video_is_a_video(shared_service: Service, tmp_path: Path) -> None:
    form = padded_form(tmp_path, 2)
    assert sum(map(len, form.pieces())) == form.size
    address = address_of(str(shared_service.http.base_url))
    (answer,) = wire.post_many(address, f"{BASE}/upload", form, 1)
    assert answer.status == 200, answer.body
    assert answer.json()["video"]["sizeBytes"] > 2 << 20
    status = wire.asked(address, f"{BASE}/status/{answer.json()['sessionId']}")
    assert b'"status"' in status
    assert wire.gets_a_second(address, "/livez", 2, 0.0) == 0
    wire.asked(address, f"{BASE}/cleanup/{answer.json()['sessionId']}", "DELETE")


def test_the_product_without_hash_and_sync_can_be_built(tmp_path: Path) -> None:
    unkept(tmp_path / "data").state.house.store.close()


def test_footage_is_drawn_once_and_repeated_without_gaps(tmp_path: Path) -> None:
    piece = footage_of(tmp_path, "tiny", TINY, 2.0)
    drawn_at = piece.stat().st_mtime_ns
    assert footage_of(tmp_path, "tiny", TINY, 2.0).stat().st_mtime_ns == drawn_at
    (once,) = decoded(str(piece), Limits(), "DEFAULT")
    thrice = repeated(piece, tmp_path / "thrice.mp4", 3)
    assert (list(decoded(str(thrice), Limits(), "DEFAULT")), once) == ([60], 20)
    with av.open(str(thrice)) as container:
        times = sorted(frame.time or 0.0 for frame in container.decode(video=0))
    assert times == pytest.approx([number / 10 for number in range(60)], abs=0.01)
