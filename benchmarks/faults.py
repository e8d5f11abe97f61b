"""Long trials of a real service: killed, loaded, cancelled. Prints one line a trial; fails when a bar is missed.

python -m benchmarks.faults [--kills 20] [--only kill|load|cancel|legacy]
"""

from __future__ import annotations

import argparse
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.service import BASE, Program, decoders, until
from video.draw import Style, draw_video

SEED = 20
SMALL = Style(width=160, height=90, rate=10)
"""Pictures that cost little to draw and as much as any to measure."""


@dataclass(frozen=True)
class Outcome:
    """What a trial measured, and whether it is good enough."""

    trial: str
    measured: str
    bar: str
    good: bool


def upload(program: Program, video: Path) -> str:
    with video.open("rb") as file:
        answer = program.http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files={"video": file})
    answer.raise_for_status()
    session_id: str = answer.json()["sessionId"]
    return session_id


def status(program: Program, session_id: str) -> dict[str, Any]:
    body: dict[str, Any] = program.http.get(f"{BASE}/status/{session_id}").json()
    return body


def left_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name != ".lock"]


def scanning(program: Program, data_dir: Path) -> list[psutil.Process]:
    """The decoders of the one session there is, once its upload is over."""
    sessions = [path.parent.name for path in data_dir.glob("*/session.json")]
    return decoders(program.process.pid, data_dir / sessions[0]) if sessions else []


def kill_storm(folder: Path, kills: int) -> Outcome:
    """kill -9 at random moments while clients upload and analyses run; then let everything end."""
    chance = random.Random(SEED)
    clips = [draw_video(folder / f"clip{n}.mp4", 6 + 6 * n).path for n in range(3)]
    program = Program(folder / "data", MAX_ATTEMPTS="100", MAX_QUEUED="1000")
    acknowledged: list[str] = []
    over = threading.Event()

    def client(number: int) -> None:
        choice = random.Random(number)
        while not over.is_set():
            with suppress(httpx.HTTPError, RuntimeError):
                acknowledged.append(upload(program, choice.choice(clips)))
            over.wait(choice.uniform(0.2, 0.8))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(3)]
    for thread in clients:
        thread.start()
    back_after = []
    for _ in range(kills):
        over.wait(chance.uniform(0.3, 1.6))
        program.kill()
        began = time.monotonic()
        program.start()
        back_after.append(time.monotonic() - began)
    over.set()
    for thread in clients:
        thread.join()
    until(lambda: all(status(program, s)["status"] not in ("queued", "processing") for s in acknowledged), timeout=300)
    lost = [s for s in acknowledged if status(program, s).get("status") != "completed"]
    attempts = max(status(program, s)["attempt"] for s in acknowledged)
    for session_id in acknowledged:
        program.http.delete(f"{BASE}/cleanup/{session_id}").raise_for_status()
    # What was on its way when the service died was not acknowledged: its client saw an error, and may not know the id.
    unknown = [row for row in (folder / "data").glob("*/session.json") if row.parent.name not in acknowledged]
    parts = list((folder / "data").rglob("*.part"))
    program.kill()
    measured = (
        f"{kills} kills, {len(acknowledged)} acknowledged, {len(lost)} lost, {len(parts)} parts left, most attempts "
        f"{attempts}, serving again after {max(back_after):.2f} s at most; {len(unknown)} kept whose answer was cut off"
    )
    return Outcome("kill -9", measured, "0 lost, 0 left, < 3 s", not lost and not parts and max(back_after) < 3)


@dataclass
class Load:
    """What was seen while ten uploads were analysed."""

    ends: list[str]
    poll_seconds: list[float]
    most_decoding: int


def _ten(program: Program, video: Path) -> Load:
    """Ten uploads at once, polled until all have ended, then cleaned up."""
    me = psutil.Process(program.process.pid)
    helpers = len(me.children(recursive=True))
    with ThreadPoolExecutor(10) as pool:
        sessions = list(pool.map(lambda _: upload(program, video), range(10)))
    load = Load([], [], 0)
    while not load.ends or {"queued", "processing"} & set(load.ends):
        load.ends = []
        for session_id in sessions:
            began = time.perf_counter()
            load.ends.append(status(program, session_id)["status"])
            load.poll_seconds.append(time.perf_counter() - began)
        load.most_decoding = max(load.most_decoding, len(me.children(recursive=True)) - helpers)
    for session_id in sessions:
        program.http.delete(f"{BASE}/cleanup/{session_id}").raise_for_status()
    return load


def ten_at_once(folder: Path) -> Outcome:
    """Ten uploads at once, two jobs at a time. What the first round opens for good, the second must not open again."""
    video = draw_video(folder / "clip.mp4", 20).path
    program = Program(folder / "data")
    me = psutil.Process(program.process.pid)
    _ten(program, video)
    before = (me.num_fds(), me.num_threads(), len(me.children(recursive=True)))
    load = _ten(program, video)
    after = (me.num_fds(), me.num_threads(), len(me.children(recursive=True)))
    left = left_in(folder / "data")
    program.kill()
    p99 = statistics.quantiles(load.poll_seconds, n=100)[98] * 1000
    kept = [now - then for now, then in zip(after, before, strict=True)]
    done = load.ends.count("completed")
    measured = (
        f"{done} completed, {load.most_decoding} decoding at a time, {len(load.poll_seconds)} polls p99 {p99:.1f} ms; "
        f"{len(left)} files left; descriptors, threads, children {before} before, {after} after"
    )
    good = done == 10 and load.most_decoding == 2 and p99 <= 50 and not left and max(kept) <= 0
    return Outcome("10 uploads at once", measured, "all, 2 at a time, p99 ≤ 50 ms, nothing left", good)


def _death(program: Program, session_id: str, stop: Callable[[], object]) -> float:
    """Seconds from the call to the death of the session's decoder."""
    until(lambda: status(program, session_id)["segmentsDone"])
    running = until(lambda: decoders(program.process.pid, program.data_dir / session_id))
    began = time.perf_counter()
    stop()
    psutil.wait_procs(running, timeout=5)
    assert not any(process.is_running() for process in running)
    return time.perf_counter() - began


def cancels(folder: Path, times: int = 20) -> Outcome:
    """Cancel while the decoder runs; measured until it is dead, its slot free and its files gone."""
    video = draw_video(folder / "long.mp4", 300, sound=False, style=SMALL).path
    program = Program(folder / "data", MAX_CONCURRENT_JOBS="1")
    took = []
    for _ in range(times):
        session_id = upload(program, video)
        took.append(_death(program, session_id, lambda s=session_id: program.http.post(f"{BASE}/cancel/{s}")))  # type: ignore[misc]
        until(lambda s=session_id: left_in(folder / "data" / s) == ["session.json"], timeout=1)  # type: ignore[misc]
        program.http.delete(f"{BASE}/cleanup/{session_id}")
    left = left_in(folder / "data")
    program.kill()
    good = max(took) <= 0.25 and not left
    measured = f"{times} cancels, decoder dead after {statistics.median(took) * 1000:.0f} ms median, "
    return Outcome("cancel", measured + f"{max(took) * 1000:.0f} ms at most", "≤ 250 ms, files gone", good)


def hang_ups(folder: Path, times: int = 10) -> Outcome:
    """A legacy client closes its connection while its video is analysed."""
    video = draw_video(folder / "long.mp4", 300, sound=False, style=SMALL).path
    program = Program(folder / "data2", MAX_CONCURRENT_JOBS="1")
    took = []
    for _ in range(times):
        with _posted_legacy(program, video) as client:
            running = until(lambda: scanning(program, folder / "data2"))
            began = time.perf_counter()
            client.close()
            psutil.wait_procs(running, timeout=5)
            took.append(time.perf_counter() - began)
        until(lambda: not left_in(folder / "data2"), timeout=2)
    program.kill()
    measured = f"{times} hang-ups, decoder dead after {max(took) * 1000:.0f} ms at most, nothing left"
    return Outcome("legacy hang-up", measured, "≤ 250 ms, nothing left", max(took) <= 0.25)


def _posted_legacy(program: Program, video: Path) -> socket.socket:
    """A connection on which a legacy client has sent its video and waits."""
    body = b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    body += video.read_bytes() + b"\r\n--edge--\r\n"
    head = (
        f"POST /analyze/highlights HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
    )
    url = httpx.URL(program.url)
    client = socket.create_connection((url.host, url.port or 80))
    client.sendall(head.encode() + body)
    return client


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--kills", type=int, default=20)
    ask.add_argument("--only", choices=["kill", "load", "cancel", "legacy"])
    wanted = ask.parse_args()
    trials: dict[str, Callable[[Path], Outcome]] = {
        "kill": lambda folder: kill_storm(folder, wanted.kills),
        "load": ten_at_once,
        "cancel": cancels,
        "legacy": hang_ups,
    }
    outcomes = []
    for name, trial in trials.items():
        if wanted.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                outcome = trial(Path(folder))
            outcomes.append(outcome)
            verdict = "ok" if outcome.good else "MISSED"
            print(f"{verdict:6} {outcome.trial}: {outcome.measured}  [bar: {outcome.bar}]", flush=True)
    return int(not all(outcome.good for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
