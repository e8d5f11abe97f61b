"""The command line, as a person or a script types it."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from commands import door
from commands.checks import looked_at
from commands.ending import Stopping
from commands.job import delivering
from config import Settings
from errors import InvalidRequest
from schemas import Status
from tests.service import BASE, ROOT, Service, decoders, until, without_files

NOBODY = "http://127.0.0.1:9"
KEY = "alice-0123456789-secret"


STOPPED_SECONDS = 3.0
"""A second, and more where other tests have the processor."""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """Where the programs of a test have their temporary files. There are none afterwards."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


Type = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def typed(scratch: Path) -> Iterator[Type]:
    started: list[subprocess.Popen[str]] = []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored here, programs begin so as well

    def type_in(*arguments: object, stderr: int = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "cli.py", *map(str, arguments)],
            cwd=ROOT,
            env=dict(os.environ) | {"VISION_MODEL": "none", "TMPDIR": str(scratch), "API_KEY": ""} | environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield type_in
    for process in started:
        process.kill()
        process.communicate()
        until(partial(alone, process.pid))
    assert list(scratch.iterdir()) == []


def alone(group: int) -> bool:
    return not members(group)


def members(group: int) -> list[psutil.Process]:
    """The processes that a program and those that it started still have."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Its status, and what it wrote to each stream."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err or ""


# ── analyze ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_analysed_here_is_what_a_service_finds(
    typed: Type, shared_service: Service, short: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a" / "b"
    here = typed("analyze", short, "--out", out, "--json", "--params", '{"max_highlights": 2}')
    session_id = shared_service.start(short, max_highlights=2)
    expected = shared_service.results(session_id)
    listed = shared_service.http.get(expected["reel_url"]).content
    shared_service.http.delete(f"{BASE}/cleanup/{session_id}")
    status, printed, said = ended(here)
    assert (status, said) == (0, "")
    data = json.loads(printed)
    assert timeless(data) == timeless(expected)
    assert json.loads((out / "result.json").read_text()) == data
    assert (out / "reel.mp4").read_bytes() == listed
    names = {value for value in addresses(data) if value}
    assert names | {"result.json"} == {path.name for path in out.iterdir()}
    assert data["source_url"] is None


def timeless(data: dict[str, Any]) -> Any:
    passing = {"processing_time_seconds", "video_path"}
    video = {name: value for name, value in data["video"].items() if name != "filename"}
    return without_files({name: value for name, value in data.items() if name not in passing} | {"video": video})


def addresses(value: Any) -> Iterator[str | None]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from [inner] if key.endswith("_url") else addresses(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from addresses(inner)


@contextmanager
def terminal() -> Iterator[tuple[int, list[bytes]]]:
    """A descriptor that is a terminal, and what was written to it."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def read() -> None:
        with suppress(OSError):
            while piece := os.read(ours, 4096):
                shown.append(piece)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield theirs, shown
    finally:
        os.close(theirs)
        reading.join()
        os.close(ours)


def test_the_demo_shows_how_far_it_is_on_a_terminal_alone(typed: Type) -> None:
    with terminal() as (screen, shown):
        status, printed, _ = ended(typed("demo", stderr=screen, COLUMNS="80"))
    assert status == 0
    assert "16.0 s of video in" in printed
    assert "  1.  " in printed
    assert "%" not in printed
    bar = b"".join(shown).decode()
    assert "Analyzing segment 1/2" in bar
    assert bar.endswith("\r\x1b[K")  # nothing of it stays


def test_a_service_can_do_it_and_nothing_is_left_there(
    typed: Type, service: Service, short: Path, tmp_path: Path
) -> None:
    done = typed("analyze", short, "--type", "workout", "--server", service.http.base_url, "--out", tmp_path / "out")
    status, printed, said = ended(done)
    assert (status, said) == (0, "")
    assert "No repeated movement was found" in printed
    assert {"result.json", "sets.csv"} < {path.name for path in (tmp_path / "out").iterdir()}
    assert service.folders() == []


def test_what_is_refused_is_told_in_words(typed: Type, shared_service: Service, tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("no video at all " * 100)
    tries = [
        typed("analyze", tmp_path / "notes.mp4", "--out", tmp_path / "new" / "out"),
        typed("analyze", tmp_path / "notes.mp4", "--out", tmp_path / "out", "--server", shared_service.http.base_url),
        typed("analyze", tmp_path / "missing.mp4"),
        typed("analyze", tmp_path / "notes.mp4", "--params", '{"max_highlights": 0}'),
        typed("analyze", tmp_path / "notes.mp4", "--params", "[]", "--server", shared_service.http.base_url),
    ]
    told = [ended(one) for one in tries]
    assert {(status, printed) for status, printed, _ in told} == {(1, "")}
    words = ["The file is text", "The file is text", "No such file", "max_highlights", "must be a JSON object"]
    for (_, _, said), expected in zip(told, words, strict=True):
        assert said.startswith("error: ")
        assert expected in said
        assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"scratch", "notes.mp4"}


# ── Being stopped ─────────────────────────────────────────────────────────────────────────────────


def test_stopped_here_it_leaves_nothing(typed: Type, long_clip: Path, tmp_path: Path) -> None:
    process = typed("analyze", long_clip, "--out", tmp_path / "out")
    until(lambda: decoders(process.pid, long_clip.parent, long_clip.name))
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    status, printed, said = ended(process)
    assert time.monotonic() - began < STOPPED_SECONDS
    assert (status, printed, said) == (-signal.SIGINT, "", "")
    until(partial(alone, process.pid))
    assert not (tmp_path / "out").exists()


def test_stopped_it_leaves_nothing_at_a_service(typed: Type, service: Service, long_clip: Path) -> None:
    process = typed("analyze", long_clip, "--server", service.http.base_url)
    until(lambda: [row for row in service.house.store.all() if row["status"] is Status.PROCESSING])
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (-signal.SIGTERM, "", "")
    assert time.monotonic() - began < STOPPED_SECONDS
    assert service.folders() == []


def test_where_nobody_reads_on_it_ends_quietly(typed: Type, keyed: Service) -> None:
    process = typed("sessions", "list", "--server", keyed.http.base_url, API_KEY=KEY)
    assert process.stdout
    process.stdout.close()
    process.stdout = None
    status, _, said = ended(process)
    assert (status, said) == (-signal.SIGPIPE, "")


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def keyed(opening: Callable[..., Iterator[Service]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    for service in opening(tmp_path_factory.mktemp("keyed") / "data", api_keys=f"alice:{KEY}"):
        service.seeded(Status.COMPLETED, owner="alice")
        yield service


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """What the door answers, in this process: its status, and what it wrote."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def say(*arguments: object) -> tuple[int, str, str]:
        status = door.main([str(one) for one in arguments])
        written = capsys.readouterr()
        return status, written.out, written.err

    yield say
    for one, handler in before.items():
        signal.signal(one, handler)


Say = Callable[..., tuple[int, str, str]]


def test_sessions_are_listed_shown_and_deleted(said: Say, keyed: Service) -> None:
    at = ("--server", keyed.http.base_url, "--key", KEY)
    failed = keyed.seeded(Status.FAILED, owner="alice", error="The disk was full")
    other = keyed.seeded(Status.CANCELLED, owner="bob")
    status, listed, _ = said("sessions", "list", *at)
    assert (status, listed.splitlines()[0].split()[0]) == (0, failed)
    assert other not in listed
    assert [one["status"] for one in json.loads(said("sessions", "list", *at, "--json")[1])] == ["failed", "completed"]
    assert len(said("sessions", "list", *at, "--limit", 1)[1].splitlines()) == 1
    status, shown, _ = said("sessions", "show", failed, *at)
    assert (status, "The disk was full" in shown) == (0, True)
    assert said("sessions", "show", other, *at) == (1, "", "error: Session not found\n")
    assert said("sessions", "delete", failed, other, *at) == (
        1,
        f"deleted {failed}\n",
        f"error: {other}: Session not found\n",
    )


def test_all_are_deleted_only_where_that_is_meant(said: Say, keyed: Service) -> None:
    at = ("--server", keyed.http.base_url, "--key", KEY)
    mine = keyed.seeded(Status.COMPLETED, owner="alice")
    other = keyed.seeded(Status.CANCELLED, owner="bob")
    status, printed, why = said("sessions", "delete", "--all", *at)
    assert (status, printed) == (2, "")
    assert "--yes" in why
    assert mine in keyed.folders()
    status, printed, _ = said("sessions", "delete", "--all", "--yes", "--json", *at)
    assert (status, mine in json.loads(printed)["deleted"]) == (0, True)
    assert (mine in keyed.folders(), other in keyed.folders()) == (False, True)


def test_a_completed_session_is_shown_with_its_result(said: Say, shared_service: Service, short: Path) -> None:
    session_id = shared_service.start(short)
    shared_service.ended(session_id)
    at = ("--server", shared_service.http.base_url)
    assert "  1.  " in said("sessions", "show", session_id, *at)[1]
    assert json.loads(said("sessions", "show", session_id, *at, "--json")[1])["data"]["highlights_found"] > 0
    assert said("sessions", "delete", session_id, *at, "--quiet") == (0, "", "")
    status, _, why = said("sessions", "list", *at)
    assert (status, "no keys are set" in why) == (1, True)


def test_where_no_service_answers_the_status_says_so(said: Say, short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = (3, "", f"error: no service answers at {NOBODY}\n")
    assert said("analyze", short, "--server", NOBODY) == told
    monkeypatch.setenv("PORT", "9")
    assert said("sessions", "list") == told


# ── serve, worker, check ──────────────────────────────────────────────────────────────────────────


def test_serve_becomes_the_service(typed: Type, tmp_path: Path) -> None:
    process = typed("serve", PORT="0", DATA_DIR=str(tmp_path / "data"))
    assert process.stdout
    assert process.stdout.readline().startswith("Serving at http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert ended(process)[0] == 0


def test_a_worker_that_cannot_work_says_why(typed: Type) -> None:
    status, _, said = ended(typed("worker"))
    assert (status, "TASK_QUEUE" in said) == (1, True)


def test_a_machine_that_is_fit_is_told_so(typed: Type, tmp_path: Path) -> None:
    status, printed, said = ended(typed("check", "--json", PORT="0", DATA_DIR=str(tmp_path / "new" / "data")))
    assert (status, said) == (0, "")
    found = {one["name"]: one for one in json.loads(printed)}
    assert [*found] == ["Python", "memory", "disk", "address", "decoders", "codecs", "model", "GPU"]
    assert found["codecs"]["state"] == "ok"
    assert "signals alone look" in found["model"]["words"]
    assert not (tmp_path / "new").exists()


def test_what_a_machine_lacks_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        lacking = {
            "address": Settings(port=taken.getsockname()[1]),
            "disk": Settings(data_dir=tmp_path, min_free_disk_mb=1 << 40),
            "model": Settings(vision_model=str(tmp_path / "nothing")),
            "Redis": Settings(redis_url="redis://127.0.0.1:9/0", data_dir=tmp_path),
            "store": Settings(storage_url=f"file://{tmp_path}/file/x", data_dir=tmp_path),
        }
        found = [looked_at(name, settings) for name, settings in lacking.items()]
    assert [(one.name, one.state) for one in found if one] == [(name, "bad") for name in lacking]


def test_a_pipe_is_no_video(said: Say, tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "pipe.mp4")
    status, out, err = said("analyze", pipe)
    assert (status, out) == (1, "")
    assert "is a pipe" in err


def test_files_come_all_or_not_at_all(tmp_path: Path) -> None:
    (taken := tmp_path / "reel.mp4").mkdir()
    with pytest.raises(InvalidRequest, match="is a folder"), delivering(tmp_path, Stopping()) as place:
        assert place
        for name in ("contact-sheet.jpg", "reel.mp4", "result.json"):
            (place / name).touch()
    assert list(tmp_path.iterdir()) == [taken]


@pytest.mark.parametrize("host", ["[::1]", f"{'a' * 70}.example"])
def test_an_address_that_is_none_is_bad(host: str) -> None:
    found = looked_at("address", Settings(host=host, port=9))
    assert found
    assert found.state == "bad"
    assert "cannot be listened on" in found.words


def test_fewer_sessions_than_none_are_a_misuse(typed: Type) -> None:
    status, _, err = ended(typed("sessions", "list", "--limit", "-1"))
    assert status == 2
    assert "--limit" in err
