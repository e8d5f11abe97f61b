"""Requests made up at random: by schemathesis from what the service declares, by hypothesis from what it does not.

Every answer must be one that is declared for its route, in its shape; nothing may be answered with a crash.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok

from benchmarks.faults.frame import Outcome, Plan, brief, clean_up, has_ended, on_disk, upload
from schemas import ErrorBody
from tests.service import BASE, Program, until

PATIENCE = 60
DECLARED = {503: {"draining", "not_ready", "decoder_unavailable", "storage_unavailable"}, 507: {"insufficient_storage"}}
"""Reasons of the contract for a status of 500 or more."""

ODD = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", "\0", "..", "../../etc/passwd", "a" * 10_000, "\u202egpj.exe", "<script>", "<|im_end|>", "1\r\nX: y"]
    ),
)
NUMBER = st.one_of(
    st.floats(), st.integers(), st.sampled_from([10**400, -(10**400), 1e308, 0.1, "NaN", "1e999", True, None])
)
NAMES = st.sampled_from(
    [
        "min_significance",
        "max_highlights",
        "segment_duration",
        "query",
        "reel",
        "aspect",
        "exercises",
        "system_prompt",
        "x",
    ]
)
JSON = st.recursive(
    st.one_of(NUMBER, ODD), lambda inner: st.lists(inner) | st.dictionaries(NAMES | ODD, inner), max_leaves=20
)
PARAMS = st.one_of(
    st.dictionaries(NAMES, NUMBER | ODD | JSON).map(json.dumps),
    st.sampled_from(
        ['{"reel":1,"reel":2}', "[" * 5000 + "]" * 5000, '{"max_highlights":1e999}', "{", "NaN", "null", "[]"]
    ),
    ODD,
)
FIELDS = st.fixed_dictionaries(
    {}, optional={"analysis_type": st.sampled_from(["highlights", "workout"]) | ODD, "params": PARAMS, "token": ODD}
)
PLACES = st.sampled_from(["status", "results", "events", "files", "cancel", "uploads", "sessions", "nothing"])
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS"])
HEADERS = st.dictionaries(
    st.sampled_from(
        ["If-None-Match", "Last-Event-ID", "Range", "X-Request-ID", "Origin", "Accept", "X-API-Key", "Cookie"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60).map(str.strip)
    | st.sampled_from(["bytes=0-", "bytes=-1", "bytes=9-1", "bytes=0-0,2-3", '"1"', "*", "1.end", "9" * 400]),
)
QUERY = st.dictionaries(st.sampled_from(["wait", "lastEventId", "token", "x"]), NUMBER | ODD, max_size=2)


SHAPES = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What schemathesis holds answers to."""


class Misses:
    """What was answered, and what of it should not have been."""

    def __init__(self) -> None:
        self.sent = 0
        self.crashes: list[str] = []
        self.shapes: list[str] = []

    def noted(self, what: str, status: int, body: bytes) -> None:
        self.sent += 1
        if status >= 500 and _told(body).get("reason") not in DECLARED.get(status, ()):
            self.crashes.append(f"{what}: {status} {body[:200]!r}")


def fuzzing(plan: Plan) -> Outcome:
    total, misses = plan.count(10_000), Misses()
    with plan.serving() as program:
        video = brief(plan.folder)
        by_schema = make_up(program, video, total, plan.seed, misses)
        crashed = program.log.read_text().count('"crash"')
        clean_up(program, on_disk(plan.data))
    measured = (
        f"{by_schema} requests by schemathesis, {misses.sent - by_schema} by hypothesis: {len(misses.crashes)} answers "
        f"≥ 500 outside the contract, {len(misses.shapes)} schema misses, {crashed} crashes in the log"
    )
    for first in [*misses.crashes[:1], *misses.shapes[:1]]:
        measured += f"; first: {first}"
    good = not misses.crashes and not misses.shapes and not crashed
    return Outcome(measured, "0 answers ≥ 500 outside the contract, 0 schema misses", good)


def make_up(program: Program, video: Path, total: int, number: int, misses: Misses) -> int:
    """So many requests, half by either; gives how many were made of what is declared."""
    known = _sessions(program, video)
    _declared(program, known, total // 2, number, misses)
    declared = misses.sent
    _undeclared(program, known, video, total - declared, number, misses)
    return declared


def _sessions(program: Program, video: Path) -> list[str]:
    """One that is completed, one that is cancelled, and two that there are not."""
    done, stopped = upload(program, video), upload(program, video)
    program.http.post(f"{BASE}/cancel/{stopped}")
    until(lambda: has_ended(program, done) and has_ended(program, stopped))
    return [done, stopped, str(uuid.uuid4()), "nobody"]


def _many(strategy: SearchStrategy[Any], count: int, number: int, test: Callable[[Any], None]) -> None:
    """Call it with so many examples at most; fewer where there are no more."""
    every = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with suppress(Unsatisfiable):  # nothing about some routes can be wrong
        seed(number)(every(given(strategy)(test)))()


def _declared(program: Program, known: list[str], total: int, number: int, misses: Misses) -> None:
    """What schemathesis makes of `openapi.json`, half of it meant to be wrong; half of the ids exist."""
    schema = schemathesis.openapi.from_url(f"{program.url.rstrip('/')}/openapi.json")
    operations = [result.ok() for result in cast(Iterable[Ok[Any]], schema.get_all_operations())]
    load_all_checks()
    shapes, ids = CHECKS.get_by_names(SHAPES), st.none() | st.sampled_from(known)
    with requests.Session() as session:

        def call(example: tuple[Any, str | None]) -> None:
            case, session_id = example
            if session_id and "session_id" in (case.path_parameters or {}) and case.method != "DELETE":
                case.path_parameters["session_id"] = session_id
            answer = case.call(base_url=program.url.rstrip("/"), session=session, timeout=PATIENCE)
            what = f"{case.method} {case.path}"
            misses.noted(what, answer.status_code, answer.content)
            try:
                case.validate_response(answer, checks=shapes)
            except (Failure, FailureGroup) as error:
                misses.shapes.append(f"{what}: {_words(error)}")

        for operation, mode, count in _shares(operations, total, misses):
            number += 1
            _many(st.tuples(operation.as_strategy(generation_mode=mode), ids), count, number, call)


def _shares(operations: list[Any], total: int, misses: Misses) -> Iterator[tuple[Any, GenerationMode, int]]:
    """Every operation in turn, until so many requests were sent: some have few that differ."""
    while misses.sent < total:
        share = max(1, (total - misses.sent) // (2 * len(operations)))
        for operation in operations:
            wrong = [GenerationMode.NEGATIVE] if _can_be_wrong(operation) else []
            for mode in (GenerationMode.POSITIVE, *wrong):
                if misses.sent < total:
                    yield operation, mode, min(share, total - misses.sent)


def _can_be_wrong(operation: Any) -> bool:
    """Not where nothing but text in the path and in headers is declared: no text is wrong there, and looking for one
    takes long."""
    given = [parameter.definition for parameter in operation.iter_parameters()]
    declared = [one for one in given if one["in"] == "query" or one["schema"]["type"] != "string"]
    return bool(operation.body or declared)


def _undeclared(program: Program, known: list[str], video: Path, total: int, number: int, misses: Misses) -> None:
    """Ids, names, headers, fields and parameters of our own making; every fourth is an upload."""
    ids, content = st.sampled_from(known) | ODD, video.read_bytes()
    asked = st.tuples(METHODS, PLACES, ids, st.none() | ODD, QUERY, HEADERS)
    bodies = st.sampled_from([content, content[:500], b"", b"#EXTM3U\n/etc/passwd\n"]) | st.binary(max_size=2000)
    uploads = st.tuples(
        st.sampled_from([f"{BASE}/upload", "/analyze/highlights", "/analyze/workout"]), FIELDS, ODD, bodies
    )
    first = misses.sent

    def ask(example: tuple[str, str, str, str | None, dict[str, Any], dict[str, str]]) -> None:
        method, place, session_id, name, query, headers = example
        path = f"{BASE}/{place}/{_quoted(session_id)}" + ("" if name is None else f"/{_quoted(name)}")
        sent = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        _noted(program.http.request(method, path, params=_texts(query), headers=sent), misses)

    def send(example: tuple[str, dict[str, str], str, bytes]) -> None:
        path, fields, name, body = example
        files = {"video": (_sent(name), body)}
        _noted(program.http.post(path, data=_texts(fields), files=files, timeout=PATIENCE), misses)
        clean_up(program, [one for one in on_disk(program.data_dir) if one not in known])

    while misses.sent < first + total:
        number += 1
        left = first + total - misses.sent
        _many(asked, max(1, left * 3 // 4), number, ask)
        _many(uploads, max(1, left // 4), number, send)


def _noted(answer: httpx.Response, misses: Misses) -> None:
    what = f"{answer.request.method} {answer.request.url}"[:200]
    misses.noted(what, answer.status_code, answer.content)
    if answer.status_code < 400 or not answer.content:
        return
    body = _told(answer.content)
    if answer.request.url.path.startswith("/analyze/"):
        flat = set(body) == {"detail"}
    else:
        try:
            flat = ErrorBody.model_validate(body).code == answer.status_code and "requestId" in body
        except ValidationError:
            flat = False
    if not flat:
        misses.shapes.append(f"{what}: {answer.status_code} {answer.content[:200]!r}")


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _words(error: BaseException) -> str:
    first = error.exceptions[0] if isinstance(error, FailureGroup) else error
    return " ".join(f"{type(first).__name__} {first}".split())[:300]


def _sent(text: str) -> str:
    """Text as UTF-8 takes it: no half of a surrogate pair."""
    return text.encode(errors="replace").decode()


def _quoted(text: str) -> str:
    return quote(_sent(text), safe="/")


def _texts(values: dict[str, Any]) -> dict[str, str]:
    return {_sent(name): _sent(str(value)) for name, value in values.items()}
