"""Another's key, another's token, guessed ids and ways out of the folder: is anything read?"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.faults.clients import ask
from benchmarks.faults.frame import Outcome, Plan, brief, place_of
from tests.service import BASE, Program, until

KEYS = {"alice": "alices-own-key-0123456789", "bob": "bobs-own-key-0123456789"}
BAR = "nothing read, same 404"
READS = ("status", "results", "events")
CHANGES = (("POST", "cancel"), ("DELETE", "cleanup"))
OUTSIDE = (
    *("..", "../..", "../session.json", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//session.json"),
    *("/etc/passwd", "%2fetc%2fpasswd", "..%5c..%5cetc%5cpasswd", "%00", "source.mp4%00", ".lock", "%c0%ae%c0%ae/x"),
)
"""Names and ids by which one would leave the folder."""


def strangers(plan: Plan) -> Outcome:
    """A session with a key, one with a token, and everything that one could try with neither."""
    keys = ",".join(f"{name}:{key}" for name, key in KEYS.items())
    video, tried, wrong = brief(plan.folder), 0, list[str]()
    with plan.serving(API_KEYS=keys) as program:
        owner, other = ({"X-API-Key": key} for key in KEYS.values())
        session_id = _session(program, video, owner)
        for what in _seen_by(program, session_id, owner, other, plan.count(1000)):
            tried, wrong = tried + 1, wrong + ([what] if what else [])
        wrong += _uninvited(program, session_id)
        wrong += [] if _owned(program, session_id, owner) else ["its owner does not see it any more"]
    with plan.serving() as program:
        token = _token(program, video)
        if token is None:
            wrong.append("no token was given to who asked for one")
        else:
            session_id, own = token
            other = {"X-Session-Token": own["X-Session-Token"][::-1]}
            for number, told in enumerate((other, {}), start=1):
                for what in _seen_by(program, session_id, own, told, plan.count(1000) // number):
                    tried, wrong = tried + 1, wrong + ([what] if what else [])
            wrong += [] if _owned(program, session_id, own) else ["its owner does not see it any more"]
    measured = f"{tried} tries by key, token, id and path: {len(wrong)} wrong" + (
        f", first: {wrong[0]}" if wrong else ""
    )
    return Outcome(measured, BAR, not wrong)


def _session(program: Program, video: Path, owner: dict[str, str], **fields: str) -> str:
    form = {"analysis_type": "highlights", **fields}
    with video.open("rb") as file:
        answer = program.http.post(f"{BASE}/upload", data=form, files={"video": file}, headers=owner)
    session_id: str = answer.raise_for_status().json()["sessionId"]
    path = f"{BASE}/status/{session_id}"
    until(lambda: program.http.get(path, headers=owner).json()["status"] == "completed")
    return session_id


def _token(program: Program, video: Path) -> tuple[str, dict[str, str]] | None:
    """A session, and the header that opens it."""
    with video.open("rb") as file:
        form = {"analysis_type": "highlights", "token": "true"}
        answer = program.http.post(f"{BASE}/upload", data=form, files={"video": file})
    body = answer.json()
    if "sessionToken" not in body:
        return None
    headers = {"X-Session-Token": body["sessionToken"]}
    path = f"{BASE}/status/{body['sessionId']}"
    until(lambda: program.http.get(path, headers=headers).json()["status"] == "completed")
    return body["sessionId"], headers


def _seen_by(
    program: Program, session_id: str, owner: dict[str, str], other: dict[str, str], guesses: int
) -> Iterator[str]:
    """What each try got that it should not have; empty where it got what an unknown session gets."""
    files = _files(program, session_id, owner)
    for method, path in _ways_to(session_id, files):
        unknown = str(uuid.uuid4())
        told = program.http.request(method, path, headers=other)
        beside = program.http.request(method, path.replace(session_id, unknown), headers=other)
        yield "" if _same(told, beside, session_id, unknown) else f"{method} {path}: {told.status_code}"
    for _ in range(guesses):
        told = program.http.get(f"{BASE}/status/{uuid.uuid4()}", headers=other)
        yield "" if told.status_code == 404 else f"a guessed id: {told.status_code}"
    for name in OUTSIDE:
        for path in (
            f"{BASE}/status/{name}",
            f"{BASE}/results/{name}",
            f"{BASE}/files/{session_id}/{name}",
            f"/app/{name}",
        ):
            # By our own client: others tidy such paths up before they send them.
            answer = asyncio.run(ask(place_of(program), "GET", path, **_underscored(owner)))
            yield "" if answer.status in (400, 404) else f"GET {path}: {answer.status}"


def _underscored(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): value for name, value in headers.items()}


def _ways_to(session_id: str, files: list[str]) -> Iterator[tuple[str, str]]:
    for name in READS:
        yield "GET", f"{BASE}/{name}/{session_id}"
        yield "HEAD", f"{BASE}/{name}/{session_id}"
    for path in files:
        yield "GET", path
    for method, name in CHANGES:
        yield method, f"{BASE}/{name}/{session_id}"


def _files(program: Program, session_id: str, owner: dict[str, str]) -> list[str]:
    """The addresses of a session's files, as its result lists them."""
    data = program.http.get(f"{BASE}/results/{session_id}", headers=owner).json()["data"]
    found, left = [], [data]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str) and value.startswith(f"{BASE}/files/"):
            found.append(value)
    return sorted(set(found))


def _same(told: httpx.Response, beside: httpx.Response, session_id: str, unknown: str) -> bool:
    """Whether nothing but the id that was asked for tells the two answers apart."""
    return told.status_code == beside.status_code == 404 and _plain(told, session_id) == _plain(beside, unknown)


def _plain(answer: httpx.Response, session_id: str) -> str:
    if not answer.content:
        return ""
    body = {name: value for name, value in answer.json().items() if name != "requestId"}
    return json.dumps(body).replace(session_id, "ID")


def _uninvited(program: Program, session_id: str) -> list[str]:
    """What those get that have no key, or a wrong one."""
    wrong = []
    for headers in ({}, {"X-API-Key": "nobodys-key-0123456789"}, {"Authorization": "Bearer nobodys-key-0123456789"}):
        for method, path in _ways_to(session_id, []):
            told = program.http.request(method, path, headers=headers)
            if told.status_code != 401:
                wrong.append(f"{method} {path} without a key: {told.status_code}")
    return wrong


def _owned(program: Program, session_id: str, owner: dict[str, str]) -> bool:
    answer = program.http.get(f"{BASE}/status/{session_id}", headers=owner)
    return answer.status_code == 200 and answer.json()["status"] == "completed"
