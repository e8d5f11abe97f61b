"""What each operation answers in each state a session can be in: one test a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from schemas import Status
from tests.service import BASE, Service

FAILURE = {"error": "Disk full of holes", "message": "Disk full of holes", "reason": "insufficient_storage"}

Cell = tuple[int, dict[str, Any]]


def not_found(session_id: str) -> dict[str, Any]:
    return {"error": "Session not found", "sessionId": session_id, "code": 404, "reason": "session_not_found"}


def expired(session_id: str) -> dict[str, Any]:
    return {
        "error": "Session expired",
        "status": "expired",
        "sessionId": session_id,
        "code": 404,
        "reason": "session_expired",
    }


def seeded(service: Service, state: str) -> str:
    if state == "unknown":
        return "00000000-0000-4000-8000-000000000000"
    if state == "malformed":
        return "no-id-at-all"
    if state == "deleted":
        session_id = service.seeded(Status.COMPLETED)
        service.house.tasks.remove(session_id)
        return session_id
    return service.seeded(Status(state), **(FAILURE if state == "failed" else {}))


def ask(service: Service, method: str, operation: str, session_id: str) -> Cell:
    answer = service.http.request(method, f"{BASE}/{operation}/{session_id}")
    body = answer.json()
    assert answer.headers["X-Request-ID"]
    if answer.status_code >= 400:
        assert body.pop("requestId") == answer.headers["X-Request-ID"]
    return answer.status_code, body


STATUS: dict[str, dict[str, Any]] = {
    "queued": {"progress": 0, "stage": "queued", "error": None, "expiresAt": None},
    "processing": {"progress": 65, "message": "Analyzing segment 13/20", "queuePosition": None, "attempt": 1},
    "completed": {"progress": 100, "stage": "done", "error": None},
    "failed": {"progress": 65, "error": "Disk full of holes", "reason": "insufficient_storage"},
    "cancelled": {"progress": 65, "error": None},
    "expired": {"progress": 100},
}


@pytest.mark.parametrize("state", STATUS)
def test_status_of_a_session(shared_service: Service, state: str) -> None:
    session_id = seeded(shared_service, state)
    code, body = ask(shared_service, "GET", "status", session_id)
    assert code == 200
    assert body | STATUS[state] == body
    assert (body["sessionId"], body["status"], body["analysisType"]) == (session_id, state, "highlights")
    assert body.keys() == {
        "sessionId",
        "status",
        "progress",
        "message",
        "analysisType",
        "stage",
        "segmentsDone",
        "segmentsTotal",
        "queuePosition",
        "etaSeconds",
        "createdAt",
        "updatedAt",
        "expiresAt",
        "error",
        "reason",
        "attempt",
    }
    assert all(body[key].endswith("Z") for key in ("createdAt", "updatedAt"))
    assert (body["expiresAt"] is None) == (state in ("queued", "processing"))


def not_ready(progress: int) -> Callable[[str, str], Cell]:
    def cell(session_id: str, state: str) -> Cell:
        body = {"error": "Results not ready", "status": state, "progress": progress, "sessionId": session_id}
        return 400, body | {"code": 400, "reason": "results_not_ready"}

    return cell


def failed(session_id: str, state: str) -> Cell:
    body = {"error": "Analysis failed", "message": FAILURE["error"], "sessionId": session_id}
    return 500, body | {"code": 500, "reason": "insufficient_storage"}


def was_cancelled(session_id: str, state: str) -> Cell:
    body = {"error": "Session was cancelled", "status": "cancelled", "progress": 65, "sessionId": session_id}
    return 400, body | {"code": 400, "reason": "session_cancelled"}


RESULTS: dict[str, Callable[[str, str], Cell]] = {
    "queued": not_ready(0),
    "processing": not_ready(65),
    "completed": lambda i, s: (200, {"sessionId": i, "status": "completed", "data": {"highlights": []}}),
    "failed": failed,
    "cancelled": was_cancelled,
    "expired": lambda i, s: (404, expired(i)),
}


@pytest.mark.parametrize("state", RESULTS)
def test_results_of_a_session(shared_service: Service, state: str) -> None:
    session_id = seeded(shared_service, state)
    assert ask(shared_service, "GET", "results", session_id) == RESULTS[state](session_id, state)


def cancelled(session_id: str, state: str) -> Cell:
    return 200, {"sessionId": session_id, "status": "cancelled", "message": "Processing cancelled successfully"}


def already_ended(session_id: str, state: str) -> Cell:
    body = {"error": f"Session already {state}", "status": state, "sessionId": session_id}
    return 400, body | {"code": 400, "reason": "already_ended"}


CANCEL: dict[str, Callable[[str, str], Cell]] = {
    "queued": cancelled,
    "processing": cancelled,
    "completed": already_ended,
    "failed": already_ended,
    "cancelled": cancelled,
    "expired": lambda i, s: (404, expired(i)),
}


@pytest.mark.parametrize("state", CANCEL)
def test_cancelling_a_session(shared_service: Service, state: str) -> None:
    session_id = seeded(shared_service, state)
    assert ask(shared_service, "POST", "cancel", session_id) == CANCEL[state](session_id, state)


@pytest.mark.parametrize("state", list(CANCEL))
def test_cleaning_up_a_session(shared_service: Service, state: str) -> None:
    session_id = seeded(shared_service, state)
    done = {"sessionId": session_id, "message": "Session cleaned up successfully"}
    assert ask(shared_service, "DELETE", "cleanup", session_id) == (200, done)
    assert not shared_service.house.files.folder(session_id).exists()
    assert ask(shared_service, "DELETE", "cleanup", session_id) == (404, not_found(session_id))


@pytest.mark.parametrize("state", ["unknown", "deleted", "malformed"])
@pytest.mark.parametrize(
    ("method", "operation"), [("GET", "status"), ("GET", "results"), ("POST", "cancel"), ("DELETE", "cleanup")]
)
def test_a_session_that_is_not_there(shared_service: Service, method: str, operation: str, state: str) -> None:
    session_id = seeded(shared_service, state)
    assert ask(shared_service, method, operation, session_id) == (404, not_found(session_id))


@pytest.mark.parametrize("odd", ["a/b", "%2e%2e/x", "x" * 2000, "%00", "über", "-", "'; drop"])
@pytest.mark.parametrize(("method", "operation"), [("GET", "status"), ("DELETE", "cleanup")])
def test_whatever_an_id_holds_it_is_only_unknown(
    shared_service: Service, method: str, operation: str, odd: str
) -> None:
    code, body = ask(shared_service, method, operation, odd)
    assert (code, body["reason"]) == (404, "session_not_found")
