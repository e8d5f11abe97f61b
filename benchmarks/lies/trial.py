"""Sends mutated files and bombs at decoder children and at a real service, and says what became of them.

python -m benchmarks.lies.trial [--count 1000] [--over-http 40] [--seed 1] [--no-bombs]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from benchmarks.lies.bombs import SLOW_TO_MAKE, bombs
from benchmarks.lies.mutations import mutated, spliced
from benchmarks.lies.seeds import Seed, draw
from benchmarks.lies.weighing import weighed
from errors import DecoderUnavailable, ServiceError
from schemas import Limits
from tests.service import BASE, Program, until
from video import child
from video.probe import probe
from video.scan import scan

AT_ONCE = 2
FOLLOWED = 10
"""Of so many sessions that a lying file got, one is followed to its end; the others are cleaned up where they stand."""

SENT_BYTES = 16 << 20
"""Of a larger file only its beginning is uploaded: the rest would measure the network."""

MOST_SECONDS, MOST_GROWTH_MB, MOST_CHILD_MB = 2.0, 200.0, 200.0
ENDS = {"completed", "failed"}


@dataclass
class Told:
    """What a trial saw."""

    files: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    """How many files were answered in which way: an error's name, `read`, or an HTTP status with its reason."""
    slowest_seconds: float = 0.0
    """The longest that one file took: probe and scan, or its upload's answer."""
    slowest_file: str = ""
    growth_mb: float = 0.0
    """By how much the memory of the service's process grew, or of this one, whichever grew more."""
    child_mb: float = 0.0
    """What the largest decoder child had, all of it."""
    worst: list[str] = field(default_factory=list)
    """Each answer that no file may get: a server error, a crash without words, a session that ended otherwise."""
    alive: bool = True
    """Whether the service still answered at the end, under the same process."""

    @property
    def good(self) -> bool:
        memory = self.growth_mb <= MOST_GROWTH_MB and self.child_mb <= MOST_CHILD_MB
        return self.alive and not self.worst and self.slowest_seconds <= MOST_SECONDS and memory

    def took(self, name: str, seconds: float) -> None:
        self.files += 1
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest_file = seconds, name


@dataclass(frozen=True)
class Lie:
    """A file to be sent: its name says how it came to be, and `write` puts it on the disk."""

    name: str
    write: Callable[[Path], object]


def trial(count: int, over_http: int, seed: int, bombs: bool, *, slow_bombs: bool = True) -> Told:
    """`count` mutated files straight through decoder children and `over_http` others to a service started for it; with
    `bombs`, every bomb goes both ways too. The same seed makes the same files."""
    told = Told()
    with tempfile.TemporaryDirectory(prefix="lies-") as name:
        folder = Path(name)
        seeds = draw(folder)
        more = list(_bombs(slow_bombs)) if bombs else []
        _straight(folder, [*more, *_mutations(seeds, count, seed)], told)
        _over_http(folder, [*more, *_mutations(seeds, over_http, seed + count)], told)
    return told


def _mutations(seeds: list[Seed], count: int, first: int) -> Iterator[Lie]:
    for number in range(first, first + count):
        yield Lie(f"mutation {number}", partial(_write_mutation, seeds, number))


def _write_mutation(seeds: list[Seed], number: int, path: Path) -> None:
    path.write_bytes(mutation(seeds, number))


def mutation(seeds: list[Seed], number: int) -> bytes:
    """One mutated file, the same for the same number."""
    chance = random.Random(number)
    one = chance.choice(seeds).data
    return spliced(one, chance.choice(seeds).data, chance) if chance.random() < 0.1 else mutated(one, chance)[1]


def _bombs(slow: bool) -> Iterator[Lie]:
    for name, write in bombs().items():
        if slow or name not in SLOW_TO_MAKE:
            yield Lie(f"bomb {name}", write)


def _straight(folder: Path, lies: list[Lie], told: Told) -> None:
    child.sealed()
    before, lock = _resident_mb(psutil.Process().pid), threading.Lock()

    def meet(lie: Lie) -> None:
        path = folder / f"straight-{threading.get_ident()}{Path(lie.name).suffix}"
        lie.write(path)
        began = time.perf_counter()
        answer = decoded(path)
        seconds = time.perf_counter() - began
        path.unlink()
        with lock:
            told.took(lie.name, seconds)
            told.answers[answer] += 1
            if answer == DecoderUnavailable.__name__ or answer.startswith("unforeseen"):
                told.worst.append(f"{lie.name}: {answer}")

    with ThreadPoolExecutor(AT_ONCE) as pool, weighed(psutil.Process().pid) as weight:
        list(pool.map(meet, lies))
    told.child_mb = max(told.child_mb, weight.mb)
    told.growth_mb = max(told.growth_mb, _resident_mb(psutil.Process().pid) - before)


def decoded(path: Path) -> str:
    """`read`, or the name of the error: probe and scan as an upload and its analysis do them."""
    try:
        probe(path, Limits())
        for _ in scan(path, Limits(), stills=True):
            pass
    except ServiceError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the trial looks for
        return f"unforeseen {error!r}"
    return "read"


def _over_http(folder: Path, lies: list[Lie], told: Told) -> None:
    program = Program(folder / "data", MAX_QUEUED="1000")
    try:
        before = _resident_mb(program.process.pid)
        with weighed(program.process.pid) as weight:
            for number, lie in enumerate(lies):
                path = folder / f"sent{Path(lie.name).suffix}"
                lie.write(path)
                os.truncate(path, min(path.stat().st_size, SENT_BYTES))
                _send(program, path, lie.name, number % FOLLOWED == 0, told)
                path.unlink()
        told.child_mb = max(told.child_mb, weight.mb)
        told.growth_mb = max(told.growth_mb, _resident_mb(program.process.pid) - before)
        told.alive = program.process.poll() is None and program.http.get("/livez").status_code == 200
        left = [path.name for path in (folder / "data").iterdir() if path.name != ".lock"]
        told.worst += [f"left behind: {name}" for name in left]
    finally:
        program.kill()
        shutil.rmtree(folder / "data", ignore_errors=True)


def _send(program: Program, path: Path, name: str, follow: bool, told: Told) -> None:
    form = {"analysis_type": "highlights", "params": '{"reel": false}'}
    began = time.perf_counter()
    with path.open("rb") as file:
        answer = program.http.post(f"{BASE}/upload", data=form, files={"video": ("clip.mp4", file)})
    told.took(f"{name} over HTTP", time.perf_counter() - began)
    body = answer.json()
    kind = f"{answer.status_code} {body.get('reason', 'taken in')}"
    told.answers[kind] += 1
    if answer.status_code not in (200, 400, 413) or (answer.status_code != 200 and not body.get("error")):
        told.worst.append(f"{name}: {kind}")
    if answer.status_code == 200:
        _to_its_end(program, body["sessionId"], name, follow, told)


def _to_its_end(program: Program, session_id: str, name: str, follow: bool, told: Told) -> None:
    if follow:
        status = f"{BASE}/status/{session_id}"
        until(lambda: program.http.get(status).json()["status"] in ENDS, timeout=60.0, pause=0.05)
        body = program.http.get(status).json()
        told.answers[f"session {body['status']}"] += 1
        if body["status"] == "failed" and (body["reason"] in (None, "internal") or not body["error"]):
            told.worst.append(f"{name}: failed as {body['reason']}: {body['error']}")
    cleaned = program.http.delete(f"{BASE}/cleanup/{session_id}")
    if cleaned.status_code != 200:
        told.worst.append(f"{name}: clean-up {cleaned.status_code}")


def _resident_mb(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--over-http", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-bombs", action="store_true")
    asked = parser.parse_args()
    began = time.monotonic()
    told = trial(asked.count, asked.over_http, asked.seed, not asked.no_bombs)
    print(f"{told.files} files from seed {asked.seed} in {time.monotonic() - began:.0f} s: good {told.good}")
    memory = f"memory +{told.growth_mb:.0f} MB, the largest child {told.child_mb:.0f} MB"
    print(f"slowest {told.slowest_seconds:.2f} s ({told.slowest_file}), {memory}, {told.alive=}")
    for kind, times in told.answers.most_common():
        print(f"{times:8} {kind}")
    print(*told.worst, sep="\n")


if __name__ == "__main__":
    main()
