"""What the benchmarks reckon with, and that what they compare to answers; nothing is timed here."""

from __future__ import annotations

import os
from pathlib import Path

import av
import httpx
import pytest

from benchmarks.speed import wire
from benchmarks.speed.footage import footage_of, repeated
from benchmarks.speed.report import Line, Pair, in_turns
from benchmarks.speed.scan import decoded
from benchmarks.speed.servers import Watch, address_of, served
from benchmarks.speed.typed import EXAMPLE, typed
from benchmarks.speed.unkept import unkept
from benchmarks.speed.upload import padded_form
from schemas import Limits
from tests.service import BASE, Service
from video.draw import Style

TINY = Style(64, 36, 10)


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
