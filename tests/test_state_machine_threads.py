"""Many threads do to sessions what they like, at once, over the rules and over HTTP.

`trial(face, moves, seed)` has every thread make so many moves. What must hold at any time is watched while they do; the
order is the machine's, so no two runs are the same, and a failure prints the seed of what was tried.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from schemas import Status
from tests.scripted import Face, Http, Rules, Script, Watcher, killed, stopped
from tests.service import until

THREADS = 6
POLLERS = 2
OPEN = ("queued", "processing")
ENDS = ("completed", "failed", "cancelled")


@dataclass
class Crowd:
    """What was done, and what was answered."""

    face: Face
    known: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    cleaned_up: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def act(self, chance: random.Random, moves: int) -> None:
        for _ in range(moves):
            move = chance.choice(["create", "cancel", "cancel", "cleanup", "expire", "sweep", "write late"])
            session_id = chance.choice(self.known[-8:] or [""])
            if move == "create" or not session_id:
                self.known.append(self.face.create())
            elif move == "cancel":
                self.cancelled += [session_id] * self.face.cancel(session_id)
            elif move == "cleanup":
                self.cleaned_up += [session_id] * self.face.cleanup(session_id)
            elif move == "expire":
                self.face.expire(session_id)
            elif move == "sweep":
                self.face.sessions.cleanup_expired_sessions()
            else:
                assert not self.face.sessions.update_session(session_id, worker="somebody", status=Status.COMPLETED)

    def poll(self, chance: random.Random) -> None:
        """What is seen of a session never goes back, whoever changes it."""
        seen: dict[str, tuple[str, int, int]] = {}
        while not self.over.wait(0.001):
            if self.known:
                session_id = chance.choice(self.known)
                now, before = self.face.status(session_id), seen.get(session_id)
                if before and now:
                    assert before[1] <= now[1], f"{session_id}: {before} then {now}"
                    assert before[0] not in ENDS or now[0] in (before[0], "expired"), f"{session_id}: {before}, {now}"
                    assert before[0] != "expired" or now[0] == "expired", f"{session_id}: {before} then {now}"
                seen |= {session_id: now} if now else {}


def trial(face: Face, moves: int, seed: int) -> None:
    """Fails when anything is lost, comes back, ends twice or stays behind."""
    watcher, crowd = Watcher(), Crowd(face)
    with tempfile.TemporaryDirectory() as folder:
        face.open(Path(folder) / "first", Script(random.Random(seed)))
        face.sessions.watch(watcher.hear)
        with ThreadPoolExecutor(THREADS + POLLERS) as pool:
            polling = [pool.submit(crowd.poll, random.Random(-n)) for n in range(POLLERS)]
            acting = [pool.submit(crowd.act, random.Random(seed * 100 + n), moves) for n in range(THREADS)]
            try:
                for future in acting:
                    future.result()
            finally:
                crowd.over.set()
            for future in polling:
                future.result()
        _check_ends(crowd, watcher)
        _check_a_restart(crowd, Path(folder) / "second")
        for session_id in crowd.known:
            crowd.cleaned_up += [session_id] * face.cleanup(session_id)
        assert Counter(crowd.cleaned_up) == Counter(crowd.known), "each session is deleted once"
        until(lambda: not face.script.at_work)
        left = [path.name for path in face.data_dir.iterdir() if path.name != ".lock"]
        assert left == []
        stopped(face)


def _check_ends(crowd: Crowd, watcher: Watcher) -> None:
    """Each session ended once, and those whose cancel was told done are those that were cancelled."""
    until(lambda: all((crowd.face.status(session_id) or ["gone"])[0] not in OPEN for session_id in crowd.known))
    assert watcher.wrong == []
    assert set(crowd.cancelled) == {session_id for session_id, end in watcher.ends.items() if end is Status.CANCELLED}


def _check_a_restart(crowd: Crowd, folder: Path) -> None:
    """A kill takes nothing that had ended, and brings nothing back."""
    until(lambda: not crowd.face.script.at_work)
    before = {session_id: crowd.face.status(session_id) for session_id in crowd.known}
    killed(crowd.face, folder)
    assert {session_id: crowd.face.status(session_id) for session_id in crowd.known} == before


def tried(open_face: Callable[[], Face], moves: int, seed: int) -> None:
    sys.stdout.write(f"seed {seed}\n")
    trial(open_face(), moves, seed)


def test_many_threads_at_once_break_no_rule() -> None:
    tried(Rules, 25, 1)


def test_many_clients_at_once_break_no_rule(clip: Path) -> None:
    tried(lambda: Http(clip), 8, 2)
