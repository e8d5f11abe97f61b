"""Long trials of a real service: killed, loaded, cancelled. Prints one line a trial; fails when a bar is missed.

    python -m benchmarks.faults [--kills 20] [--only kill|load|cancel]
"""

from __future__ import annotations

import argparse
import json
import random
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

from tests.service import BASE, Program, until
from video.draw import draw_demo, draw_long

SEED = 20


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


def decoders(program: Program, session_id: str) -> list[psutil.Process]:
    """Children that have the session's video open."""
    found = []
    for child in psutil.Process(program.process.pid).children(recursive=True):
        with suppress(psutil.Error):
            if any(session_id in file.path for file in child.open_files()):
                found.append(child)
    return found


def kill_storm(folder: Path, kills: int) -> Outcome:
    """kill -9 at random moments while clients upload and analyses run; then let everything end."""
    chance = random.Random(SEED)
    clips = [draw_demo(folder / f"clip{n}.mp4", seconds=6 + 3 * n) and folder / f"clip{n}.mp4" for n in range(3)]
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


def ten_at_once(folder: Path) -> Outcome:
    """Ten uploads at once, two jobs at a time, polled all the while."""
    video = folder / "clip.mp4"
    draw_long(video, 60)
    program = Program(folder / "data")
    me = psutil.Process(program.process.pid)
    upload_one = upload(program, video)
    until(lambda: status(program, upload_one)["status"] == "completed")
    program.http.delete(f"{BASE}/cleanup/{upload_one}")
    before = (me.num_fds(), me.num_threads(), len(me.children(recursive=True)))
    with ThreadPoolExecutor(10) as pool:
        sessions = list(pool.map(lambda _: upload(program, video), range(10)))
    took: list[float] = []
    most_running = 0
    while True:
        answers = []
        for session_id in sessions:
            began = time.perf_counter()
            answers.append(status(program, session_id)["status"])
            took.append(time.perf_counter() - began)
        most_running = max(most_running, answers.count("processing"))
        if not {"queued", "processing"} & set(answers):
            break
    for session_id in sessions:
        program.http.delete(f"{BASE}/cleanup/{session_id}")
    left = left_in(folder / "data")
    after = (me.num_fds(), me.num_threads(), len(me.children(recursive=True)))
    program.kill()
    p99 = statistics.quantiles(took, n=100)[98] * 1000
    good = answers == ["completed"] * 10 and most_running == 2 and p99 <= 50 and not left
    good = good and all(now <= then for now, then in zip(after[1:], before[1:], strict=True)) and after[0] <= before[0] + 1
    measured = (
        f"{answers.count('completed')} completed, {most_running} at a time, {len(took)} polls p99 {p99:.1f} ms; "
        f"{len(left)} files left; descriptors, threads, children {before} before, {after} after"
    )
    return Outcome("10 uploads at once", measured, "all, 2 at a time, p99 ≤ 50 ms, nothing left", good)


def _death(program: Program, session_id: str, stop: Callable[[], object]) -> float:
    """Seconds from the call to the death of the session's decoder."""
    until(lambda: status(program, session_id)["segmentsDone"])
    running = until(lambda: decoders(program, session_id))
    began = time.perf_counter()
    stop()
    psutil.wait_procs(running, timeout=5)
    assert not any(process.is_running() for process in running)
    return time.perf_counter() - began


def cancels(folder: Path, times: int = 20) -> Outcome:
    """Cancel while the decoder runs; measured until it is dead, its slot free and its files gone."""
    video = folder / "long.mp4"
    draw_long(video, 600)
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
    video = folder / "long.mp4"
    if not video.exists():
        draw_long(video, 600)
    program = Program(folder / "data2", MAX_CONCURRENT_JOBS="1")
    took = []
    for _ in range(times):
        client = httpx.Client(base_url=program.url)
        posted = threading.Thread(target=_post_legacy, args=(client, video))
        posted.start()
        running = until(lambda: decoders(program, str(folder / "data2")))
        until(lambda: [p for p in decoders(program, str(folder / "data2")) if p in running])
        began = time.perf_counter()
        client.close()
        psutil.wait_procs(running, timeout=5)
        took.append(time.perf_counter() - began)
        posted.join()
        until(lambda: not left_in(folder / "data2"), timeout=2)
    program.kill()
    measured = f"{times} hang-ups, decoder dead after {max(took) * 1000:.0f} ms at most, nothing left"
    return Outcome("legacy hang-up", measured, "≤ 250 ms, nothing left", max(took) <= 0.25)


def _post_legacy(client: httpx.Client, video: Path) -> None:
    with suppress(httpx.HTTPError, OSError, RuntimeError), video.open("rb") as file:
        client.post("/analyze/highlights", files={"video": file}, timeout=60)


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--kills", type=int, default=20)
    ask.add_argument("--only", choices=["kill", "load", "cancel", "legacy"])
    ask.add_argument("--json", action="store_true")
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
            shown = json.dumps(vars(outcome)) if wanted.json else f"{outcome.trial}: {outcome.measured}  [{outcome.bar}]"
            print(("ok    " if outcome.good else "MISSED ") + shown, flush=True)
    return int(not all(outcome.good for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
