"""One line an event, whatever is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

import logs


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
        raise ValueError("odd")
    except ValueError as error:
        record = logging.makeLogRecord({"msg": "crash", "exc_info": (ValueError, error, error.__traceback__)})
    assert json.loads(logs.JsonLines().format(record))["traceback"].endswith("ValueError: odd")
    assert logs.Readable().format(record).endswith("ValueError: odd")


def test_unknown_ids_are_left_out() -> None:
    line = json.loads(logs.JsonLines().format(logging.makeLogRecord({"msg": "opened"})))
    assert "session" not in line
    assert "request" not in line
