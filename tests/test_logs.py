"""One line an event, whatever is in it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import logs
from tests.service import BASE, Program, until


@pytest.fixture
def record() -> Iterator[logging.LogRecord]:
    token = logs.session_id.set("s1")
    yield logging.makeLogRecord(
        {"msg": "uploaded", "levelno": 20, "levelname": "INFO", "facts": {"file": "a\nb\x1b[31m.mp4", "bytes": 12}}
    )
    logs.session_id.reset(token)


def test_a_program_reads_one_json_object_a_line(record: logging.LogRecord) -> None:
    line = logs.JsonLines().format(record)
    read = json.loads(line)
    assert "\n" not in line
    assert (read["event"], read["session"], read["bytes"], read["level"]) == ("uploaded", "s1", 12, "info")
    assert read["time"].endswith("Z")


def test_a_person_reads_one_line_that_cannot_be_forged(record: logging.LogRecord) -> None:
    line = logs.Readable().format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert "session=s1" in line
    assert r"file=a\nb\x1b[31m.mp4" in line


def test_a_traceback_follows_its_event() -> None:
    try:
        raise ValueError("odd\x1b\n12:00 forged")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "crash", "exc_info": (ValueError, error, error.__traceback__)})
    assert json.loads(logs.JsonLines().format(record))["traceback"].endswith("forged")
    assert logs.Readable().format(record).splitlines()[-2:] == [r"    ValueError: odd\x1b", "    12:00 forged"]


def test_unknown_ids_are_left_out() -> None:
    line = json.loads(logs.JsonLines().format(logging.makeLogRecord({"msg": "opened"})))
    assert "session" not in line
    assert "request" not in line


def test_what_a_thread_says_for_others_bears_their_ids() -> None:
    found: list[tuple[str | None, str | None]] = []
    with logs.about("s1", "r1"):
        work = logs.kept(lambda: found.append((logs.session_id.get(), logs.request_id.get())))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [("s1", "r1")]


KEY = "0123456789abcdef-secret"


def test_one_id_goes_through_all_that_is_said_of_a_video_and_no_secret_does(
    program: Callable[..., Program], brief: Path
) -> None:
    running = program(LOG_LEVEL="DEBUG", API_KEYS=f"web:{KEY}")
    heads = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "from-end-to-end"}
    form = {"analysis_type": "highlights", "token": "true", "params": '{"reel": false}'}
    files = {"video": ("two\nlines.mp4", brief.read_bytes())}
    begun = running.http.post(f"{BASE}/upload", data=form, files=files, headers=heads).json()
    session_id, key = begun["sessionId"], {"X-API-Key": KEY}
    until(lambda: running.http.get(f"{BASE}/status/{session_id}?wait=10", headers=key).json()["status"] == "completed")
    ticket = running.http.post(f"{BASE}/token/{session_id}", headers=key).json()["sessionToken"]
    running.http.get(f"{BASE}/events/{session_id}?token={ticket}")
    running.http.get(f"{BASE}/status/{session_id}", headers={"X-API-Key": f"{KEY}-wrong"})
    until(lambda: "completed" in [line["event"] for line in running.logged()])
    lines = [line for line in running.logged() if line.get("session") == session_id]
    said = {line["event"] for line in lines if line["request"] == "from-end-to-end"}
    assert said >= {"upload begun", "uploaded", "started", "progress", "child begun", "child done", "completed"}
    children = [line for line in lines if line["event"] == "child begun"]
    assert {line["step"] for line in children} == {"examined", "scanned"}
    assert running.process.pid not in {line["pid"] for line in children}
    text = running.log.read_text()
    assert [secret for secret in (KEY, begun["sessionToken"], ticket) if secret in text] == []
    assert all(isinstance(json.loads(line), dict) for line in text.splitlines())
