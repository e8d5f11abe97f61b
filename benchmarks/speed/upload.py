"""Uploads beside the same server reading a body and discarding it; what else they cost: memory, and others' time."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks.speed import wire
from benchmarks.speed.report import Line, Mark, Room, in_turns
from benchmarks.speed.servers import Watch, address_of, client, product, served
from benchmarks.speed.wire import Address, Form
from tests.service import BASE
from video.draw import draw_video

UPLOAD_BAR, UNKEPT_BAR, STALL_BAR_MS = 0.65, 0.9, 100.0
TEN_BAR_MB = 60.0
SLACK = 0.2
"""Of ratios whose both sides wait for the kernel's memory."""

MB = 1 << 20

EASY_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(64 * MB), "MALLOC_TRIM_THRESHOLD_": str(128 * MB)}
"""Settings of glibc's allocator under which it keeps what was freed. The product comes to the same by itself, because
it frees batches with room for 768 KiB (a freed block above 128 KiB has glibc keep up to twice as much from then on); a
server that only reads frees pieces of 256 KiB at most, three copies of each, and spends most of its time on fresh
pages."""


def padded_form(folder: Path, megabytes: int) -> Form:
    """An upload of so many MiB that is a video: a drawn one, followed by a box of filler that readers pass over."""
    video = draw_video(folder / "small.mp4", 2.0).path.read_bytes()
    box = (8 + megabytes * MB).to_bytes(4, "big") + b"free"
    return wire.form_of(video + box, os.urandom(MB), megabytes, analysis_type="highlights")


class _Uploads:
    """One upload at a time to a server, from the client's process."""

    def __init__(self, pool: ProcessPoolExecutor, address: Address, path: str, form: Form) -> None:
        self._pool, self._address, self._path, self._form = pool, address, path, form

    def __call__(self) -> float:
        """MB a second."""
        answer = self._pool.submit(wire.post, self._address, self._path, self._form).result()
        if answer.status != 200:
            raise RuntimeError(f"the upload was answered with {answer.status}: {answer.body[:500]!r}")
        if session_id := answer.json().get("sessionId"):
            wire.asked(self._address, f"{BASE}/cleanup/{session_id}", "DELETE")
        return self._form.size / 1e6 / answer.seconds


def bench_upload(room: Room) -> list[Line]:
    folder, (megabytes, rounds) = room.folder, (128, 2) if room.quick else (1024, 5)
    form = padded_form(folder, megabytes)
    size = f"{megabytes} MiB"
    with ExitStack() as opened:
        pool = opened.enter_context(client())
        program = opened.enter_context(product(folder / "data"))
        address = address_of(program.url)
        unkept, _ = opened.enter_context(served("unkept", str(folder / "unkept")))
        bare, bare_pid = opened.enter_context(served("discard"))
        easy, _ = opened.enter_context(served("discard", **os.environ | EASY_MEMORY))
        ours, discard = _Uploads(pool, address, f"{BASE}/upload", form), _Uploads(pool, bare, "/", form)
        kept = in_turns(rounds, ours, discard)
        both_off = in_turns(rounds, _Uploads(pool, unkept, f"{BASE}/upload", form), discard)
        ceiling = in_turns(max(1, rounds // 2), ours, _Uploads(pool, easy, "/", form))
        watched = _watched(ours, program.process.pid, address, "/livez", rounds)
        beside = _watched(discard, bare_pid, bare, "/", rounds)
    return [
        Line(
            f"upload of {size} ÷ read and discard",
            kept.told("MB/s"),
            f"≥ {UPLOAD_BAR}",
            kept.ratio >= UPLOAD_BAR,
            Mark("upload", kept.ratio, SLACK),
        ),
        Line(
            "  neither hashed nor synced",
            both_off.told("MB/s"),
            f"≥ {UNKEPT_BAR}",
            both_off.ratio >= UNKEPT_BAR,
            Mark("upload, unkept", both_off.ratio, SLACK),
        ),
        Line("  ÷ read and discard in memory that is kept", ceiling.told("MB/s")),
        Line(
            "  longest wait of another request",
            f"{watched.longest_seconds * 1000:.0f} ms in {watched.asked} requests, beside "
            f"{beside.longest_seconds * 1000:.0f} ms in {beside.asked} while bodies are discarded",
            f"≤ {STALL_BAR_MS:.0f} ms",
            watched.longest_seconds * 1000 <= STALL_BAR_MS,
        ),
        Line(
            "  memory while uploading",
            f"{watched.most_bytes / 1e6:.0f} MB at most, +{watched.grown_mb:.0f} MB; {beside.most_bytes / 1e6:.0f} MB, "
            f"+{beside.grown_mb:.0f} MB while bodies are discarded",
        ),
    ]


def _watched(upload: Callable[[], float], pid: int, address: Address, path: str, rounds: int) -> Watch:
    """Memory and waits over some uploads."""
    with Watch(pid, address, path) as watch:
        for _ in range(rounds):
            upload()
    return watch


def bench_ten(room: Room) -> list[Line]:
    """Ten uploads at once to a server that has taken one before."""
    folder, megabytes, count = room.folder, (20 if room.quick else 200), 10
    form = padded_form(folder, megabytes)
    with client() as pool, product(folder / "data") as program:
        address = address_of(program.url)
        _Uploads(pool, address, f"{BASE}/upload", form)()
        with Watch(program.process.pid, address, "/livez") as watch:
            answers = pool.submit(wire.post_many, address, f"{BASE}/upload", form, count).result()
        taken = sum(answer.status == 200 for answer in answers)
    speed = count * form.size / 1e6 / max(answer.seconds for answer in answers)
    return [
        Line(
            f"{count} uploads of {megabytes} MiB at once",
            f"{taken} taken, {speed:.0f} MB/s together; memory {watch.before_bytes / 1e6:.0f} MB, at most "
            f"+{watch.grown_mb:.0f} MB; longest wait of another request {watch.longest_seconds * 1000:.0f} ms",
            f"≤ +{TEN_BAR_MB:.0f} MB",
            taken == count and watch.grown_mb <= TEN_BAR_MB,
        )
    ]
