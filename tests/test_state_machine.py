"""Whatever happens to sessions in whatever order, they stand where a small model of them says.

Moves are made up by hypothesis, against the rules and against HTTP. `trial(face, examples, seed)` runs as many as it is
told, with what a seed gives; tests run few, and always the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.redis_server import RedisServer
from tests.scripted import ATTEMPTS, SCRATCH, WORKERS, Face, Http, Rules, Script, Watcher, killed, stopped
from tests.service import until

PICK = st.integers(0, 1000)
PERCENT = st.integers(0, 120)


@dataclass
class Expected:
    """Where a session should stand. `files` beside its row, None while somebody works on them."""

    status: str = "queued"
    progress: int = 0
    attempt: int = 0
    expired: bool = False
    swept: bool = False

    @property
    def waits(self) -> bool:
        return self.status in ("queued", "processing")

    @property
    def shown(self) -> tuple[str, int, int]:
        return "expired" if self.expired else self.status, self.progress, self.attempt

    @property
    def files(self) -> set[str]:
        if self.swept:
            return set()
        kept = {"queued": {"source.mp4"}, "failed": {"source.mp4"}, "completed": {"source.mp4", "result.json", SCRATCH}}
        return kept.get(self.status, set())


class Sessions(RuleBasedStateMachine):
    """Drives one service. Subclasses say behind which face."""

    face: Face

    def __init__(self) -> None:
        super().__init__()
        self.root = tempfile.TemporaryDirectory()
        self.starts = 0
        self.model: dict[str, Expected] = {}
        self.queue: list[str] = []
        self.slots: list[str] = []
        self.gone: list[str] = []
        self.revisions: dict[str, int] = {}
        self.watcher = Watcher()
        self.face.open(self.folder(), Script())
        self.face.sessions.watch(self.watcher.hear)

    def folder(self) -> Path:
        self.starts += 1
        return Path(self.root.name) / str(self.starts)

    def some(self, number: int) -> str:
        return list(self.model)[number % len(self.model)]

    def some_work(self, number: int) -> str:
        return self.slots[number % len(self.slots)]

    def advance(self) -> None:
        """Who waits begins, as long as there are free workers."""
        while self.queue and len(self.slots) < WORKERS:
            session_id = self.queue.pop(0)
            one = self.model[session_id]
            if one.attempt == ATTEMPTS:
                one.status = "failed"
                continue
            one.status, one.attempt = "processing", one.attempt + 1
            self.slots.append(session_id)
        until(lambda: set(self.face.script.at_work) == set(self.slots))

    # ── What may happen ───────────────────────────────────────────────────────────────────────────

    @rule()
    def create(self) -> None:
        session_id = self.face.create()
        self.model[session_id] = Expected()
        self.queue.append(session_id)
        self.advance()

    @precondition(lambda self: self.slots)
    @rule(number=PICK, percent=PERCENT)
    def report(self, number: int, percent: int) -> None:
        session_id = self.some_work(number)
        one = self.model[session_id]
        if one.status == "processing":
            one.progress = max(one.progress, min(99, percent))
        else:  # refused: that ends it
            self.slots.remove(session_id)
        self.face.script.at_work[session_id].order(percent if one.status == "processing" else 200)
        self.advance()

    @precondition(lambda self: self.slots)
    @rule(number=PICK, well=st.booleans())
    def end(self, number: int, well: bool) -> None:
        """Of a session that was cancelled meanwhile, a late end: it is as if it were none."""
        session_id = self.some_work(number)
        one = self.model[session_id]
        if one.status == "processing":
            one.status, one.progress = ("completed", 100) if well else ("failed", one.progress)
        self.slots.remove(session_id)
        self.face.script.at_work[session_id].order("finish" if well else "fail")
        until(lambda: session_id not in self.face.script.at_work)
        self.advance()

    @precondition(lambda self: self.slots)
    @rule(number=PICK)
    def deafen(self, number: int) -> None:
        """From now on this work does not notice what happens to its session."""
        self.face.script.at_work[self.some_work(number)].deaf = True

    @precondition(lambda self: self.model)
    @rule(number=PICK)
    def cancel(self, number: int) -> None:
        session_id = self.some(number)
        one, work = self.model[session_id], self.face.script.at_work.get(session_id)
        again = one.status == "cancelled" and not one.expired and isinstance(self.face, Http)
        assert self.face.cancel(session_id) == (one.waits or again)
        if one.waits:
            one.status = "cancelled"
            self.leave(session_id, at_once=not (work and work.deaf))

    @precondition(lambda self: self.model)
    @rule(number=PICK)
    def cleanup(self, number: int) -> None:
        """Work that does not notice brings its result when its session is gone."""
        session_id = self.some(number)
        work, answers = self.face.script.at_work.get(session_id), list[bool]()
        asking = Thread(target=lambda: answers.append(self.face.cleanup(session_id)))
        asking.start()
        if work and work.deaf:
            until(lambda: self.face.sessions.get_session(session_id) is None)
            work.order("finish")
        asking.join()
        assert answers == [True]
        del self.model[session_id]
        self.gone.append(session_id)
        self.leave(session_id, at_once=True)

    def leave(self, session_id: str, *, at_once: bool) -> None:
        if session_id in self.queue:
            self.queue.remove(session_id)
        elif session_id in self.slots and at_once:
            self.slots.remove(session_id)
        self.advance()

    @precondition(lambda self: any(not one.waits and not one.expired for one in self.model.values()))
    @rule(number=PICK)
    def expire(self, number: int) -> None:
        ended = [i for i, one in self.model.items() if not one.waits and not one.expired and i not in self.slots]
        if ended:
            session_id = ended[number % len(ended)]
            self.face.expire(session_id)
            self.model[session_id].expired = True

    @rule()
    def sweep(self) -> None:
        self.face.sessions.cleanup_expired_sessions()
        for one in self.model.values():
            one.swept = one.expired

    @precondition(lambda self: self.model)
    @rule(number=PICK)
    def write_late(self, number: int) -> None:
        """Somebody whose turn is long over may write nothing."""
        for update in ({"progress": 99}, {"status": "completed", "result": "result.json"}, {"status": "failed"}):
            assert not self.face.sessions.update_session(self.some(number), worker="somebody", **update)

    @precondition(lambda self: self.model)
    @rule(kill=st.booleans())
    def restart(self, kill: bool) -> None:
        kill = kill and self.face.recovers
        if kill:
            killed(self.face, self.folder())
        else:
            stopped(self.face)
            self.face.open(self.face.data_dir, Script())
        self.face.sessions.watch(self.watcher.hear)
        for one in self.model.values():
            if one.status == "processing":
                one.status, one.progress, one.attempt = "queued", 0, one.attempt - (not kill)
            one.swept = one.swept and one.expired
        self.queue = [session_id for session_id, one in self.model.items() if one.waits]
        self.slots = []
        self.advance()

    # ── What must hold ────────────────────────────────────────────────────────────────────────────

    @invariant()
    def stands_where_it_should(self) -> None:
        expected = {session_id: one.shown for session_id, one in self.model.items()}
        expected_files = {i: one.files for i, one in self.model.items() if i not in self.slots}

        def stands() -> bool:
            return self.shown() == expected and self.files() == expected_files

        try:
            until(stands, timeout=5)
        except AssertionError:
            assert (self.shown(), self.files()) == (expected, expected_files)
        assert {path.name for path in self.face.data_dir.iterdir() if not path.name.startswith(".")} == set(self.model)

    def shown(self) -> dict[str, object]:
        return {session_id: self.face.status(session_id) for session_id in self.model}

    def files(self) -> dict[str, set[str]]:
        found = {}
        for session_id, one in self.model.items():
            if session_id not in self.slots:
                names = {path.name for path in (self.face.data_dir / session_id).iterdir()}
                # A killed attempt's is deleted when the next begins.
                found[session_id] = names - {"session.json"} - ({SCRATCH} if one.status == "queued" else set())
        return found

    @invariant()
    def revisions_only_rise(self) -> None:
        assert self.watcher.wrong == []
        for session_id in self.model:
            row = self.face.sessions.get_session(session_id)
            assert row
            assert row["revision"] >= self.revisions.get(session_id, 0)
            self.revisions[session_id] = row["revision"]

    @invariant()
    def gone_is_gone(self) -> None:
        for session_id in self.gone[-2:]:
            assert self.face.status(session_id) is None
            assert not self.face.cancel(session_id)
            assert not self.face.cleanup(session_id)

    def teardown(self) -> None:
        try:
            for session_id in list(self.model):
                self.cleanup(0)
                assert session_id in self.gone
            assert [path.name for path in self.face.data_dir.iterdir() if path.name != ".lock"] == []
        finally:
            stopped(self.face)
            self.root.cleanup()


def trial(open_face: Callable[[], Face], examples: int, *, seed: int | None = None, steps: int = 30) -> None:
    """Fails where the model and the service disagree. Without a seed it is always the same."""

    class Machine(Sessions):
        def __init__(self) -> None:
            self.face = open_face()
            super().__init__()

    kept = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=seed is None,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if seed is None else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine if seed is None else seeded(seed)(Machine), settings=kept)


def test_the_rules_hold_in_any_order() -> None:
    trial(Rules, 6)


def test_the_rules_hold_in_any_order_where_rows_are_shared(redis_server: RedisServer) -> None:
    def open_face() -> Face:
        redis_server.client.flushall()
        return Rules(redis_server.url)

    trial(open_face, 6)


def test_the_endpoints_tell_what_the_rules_say_in_any_order(clip: Path) -> None:
    trial(lambda: Http(clip), 1)
