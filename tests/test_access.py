"""Who may come in: keys, tokens, and that nobody sees what is another's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from api.access import OPEN
from config import Settings
from schemas import Session, Status
from tests.service import BASE, Program, Service, serve

ALICE, BOB = "alice-0123456789-secret", "bob-0123456789-secret-too"
AS_ALICE, AS_BOB = {"X-API-Key": ALICE}, {"Authorization": f"Bearer {BOB}"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
FILE = "source.mp4"
RESULT = b'{"source_url":"/api/v1/video/files/%s/source.mp4"}'

OPERATIONS = [
    ("GET", "status/{}"),
    ("HEAD", "status/{}"),
    ("GET", "status/{}?wait=5"),
    ("GET", "results/{}"),
    ("GET", "events/{}"),
    ("GET", "files/{}/" + FILE),
    ("GET", "files/{}/session.json"),
    ("POST", "cancel/{}"),
    ("DELETE", "cleanup/{}"),
]
"""Each way to ask for a session."""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two keys."""
    data_dir = tmp_path_factory.mktemp("keyed") / "data"
    keys = f"alice:{ALICE},bob:{BOB}"
    yield from serve(Settings.model_validate({"data_dir": data_dir, "vision_model": "none", "api_keys": keys}))


def seeded(service: Service, status: Status = Status.COMPLETED, **whose: str | None) -> str:
    """A session whose result lists its video."""
    session_id = service.seeded(status, **whose)
    if status is Status.COMPLETED:
        name = service.house.files.write_result(session_id, RESULT % session_id.encode())

        def with_it(row: Session) -> Session:
            row["result"] = name
            return row

        assert service.house.store.change(session_id, with_it)
    return session_id


def asked(service: Service, method: str, path: str, **headers: str) -> httpx.Response:
    return service.http.request(method, f"{BASE}/{path}", headers=headers)


def told(answer: httpx.Response, session_id: str) -> Any:
    """All that an answer tells, but for the id that was asked for and what is new with each request."""
    text = re.sub(r'"requestId":"\w+"', "", answer.text.replace(session_id, "ID"))
    heads = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status_code, text, heads


# ── Keys ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sent", [AS_ALICE, {"Authorization": f"Bearer {ALICE}"}, {"authorization": f"bearer {ALICE}"}])
def test_a_key_opens_the_door(keyed: Service, sent: dict[str, str]) -> None:
    assert asked(keyed, "GET", f"status/{seeded(keyed, owner='alice')}", **sent).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"X-API-Key": ""},
        {"X-API-Key": ALICE[:-1]},
        {"X-API-Key": f"{ALICE}x"},
        {"X-API-Key": f"alice:{ALICE}"},
        {"Authorization": ALICE},
        {"Authorization": f"Basic {ALICE}"},
        {"X-Session-Token": ALICE},
        {"X-API-Key": "wrong", "Authorization": f"Bearer {ALICE}"},
        {"Cookie": f"X-API-Key={ALICE}"},
    ],
)
def test_without_a_key_that_is_right_there_is_no_way_in(keyed: Service, sent: dict[str, str]) -> None:
    answer = asked(keyed, "GET", f"status/{seeded(keyed, owner='alice')}?api_key={ALICE}&token={ALICE}", **sent)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (401, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert body.keys() == {"error", "code", "reason", "requestId"}


def routes(service: Service) -> Iterator[tuple[str, str]]:
    """Every method and path of the app's own table."""
    app = service.app
    for route in app.routes:
        assert isinstance(route, Route | APIRoute), "a kind of route that this test does not know"
        path = re.sub(r"{session_id(:path)?}", UNKNOWN, route.path)
        for method in route.methods or ():
            yield method, re.sub(r"{\w+(:path)?}", "x", path)


def test_every_route_but_those_that_need_none_asks_for_a_key(keyed: Service) -> None:
    seen = set()
    for method, path in routes(keyed):
        code = keyed.http.request(method, path).status_code
        assert (code == 401) == (path not in OPEN and not path.startswith("/app/")), (method, path)
        seen.add(path)
    assert {"/analyze/highlights", "/analyze/workout", f"{BASE}/upload", f"{BASE}/sessions"} <= seen
    assert len(seen) > 20


def test_what_does_not_exist_is_not_told_to_those_outside(keyed: Service) -> None:
    assert keyed.http.get("/nowhere").status_code == keyed.http.get("/metrics").status_code == 401
    assert keyed.http.get("/app/../api/v1/video/sessions").status_code == 401


def test_legacy_clients_are_refused_in_their_shape(keyed: Service, clip: Path) -> None:
    answer = keyed.http.post("/analyze/highlights", files={"video": clip.read_bytes()})
    assert (answer.status_code, answer.json().keys()) == (401, {"detail"})
    assert keyed.http.post("/analyze/highlights", headers=AS_BOB).status_code == 400


def test_a_body_is_not_awaited_of_whom_is_refused(keyed: Service) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"--x\r\n"
        yield from (b"x" * 65536 for _ in range(1000))

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = keyed.http.post(f"{BASE}/upload", content=slowly(), headers=headers)
    assert (answer.status_code, answer.headers["connection"]) == (401, "close")
    assert keyed.house.intake.under_way == 0


def test_a_page_of_another_origin_can_read_the_refusal(keyed: Service) -> None:
    origin = {"Origin": "http://localhost:3000"}
    answer = asked(keyed, "GET", "sessions", **origin)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (401, origin["Origin"])
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-api-key"}
    assert asked(keyed, "OPTIONS", "sessions", **origin, **preflight).status_code == 200


# ── Whose a session is ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING, Status.COMPLETED, Status.EXPIRED])
@pytest.mark.parametrize(("method", "operation"), OPERATIONS)
def test_anothers_session_is_as_unknown_as_none(keyed: Service, method: str, operation: str, status: Status) -> None:
    session_id = seeded(keyed, status, owner="alice")
    theirs = asked(keyed, method, operation.format(session_id), **AS_BOB)
    nobodys = asked(keyed, method, operation.format(UNKNOWN), **AS_BOB)
    assert theirs.status_code == 404
    assert told(theirs, session_id) == told(nobodys, UNKNOWN)
    row = keyed.house.sessions.get_session(session_id)
    assert row and row["status"] is status, "it stands as it stood"
    assert (keyed.house.files.folder(session_id) / FILE).exists()


@pytest.mark.parametrize("token", [None, "a-token"])
def test_a_session_of_nobody_is_unknown_to_every_key(keyed: Service, token: str | None) -> None:
    session_id = seeded(keyed, token=token)
    assert asked(keyed, "GET", f"status/{session_id}", **AS_ALICE).status_code == 404
    assert asked(keyed, "GET", f"files/{session_id}/{FILE}?token=guessed").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["files/{0}/../{1}/source.mp4", "files/{0}/%2e%2e/{1}/source.mp4", "status/{0}/../{1}", "files/{0}%2f..%2f{1}/x"],
)
def test_no_path_leads_from_ones_own_session_to_anothers(keyed: Service, path: str) -> None:
    mine, theirs = seeded(keyed, owner="bob"), seeded(keyed, owner="alice")
    url = httpx.URL(keyed.http.base_url).copy_with(raw_path=f"{BASE}/{path.format(mine, theirs)}".encode())
    answer = keyed.http.get(url, headers=AS_BOB)
    assert answer.status_code == 404
    assert answer.content != b"video"


def test_what_is_uploaded_belongs_to_the_key(keyed: Service, clip: Path) -> None:
    form = {"analysis_type": "highlights"}
    answer = keyed.http.post(f"{BASE}/upload", data=form, files={"video": clip.read_bytes()}, headers=AS_ALICE)
    session_id = answer.json()["sessionId"]
    assert "sessionToken" not in answer.json()
    assert asked(keyed, "GET", f"status/{session_id}", **AS_ALICE).status_code == 200
    assert asked(keyed, "GET", f"status/{session_id}", **AS_BOB).status_code == 404
    assert asked(keyed, "DELETE", f"cleanup/{session_id}", **AS_ALICE).status_code == 200


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"api_keys": f"alice:{BOB}"}, 200),  # the key was changed, and not its name
        ({"api_keys": f"bob:{BOB},alice:{ALICE}"}, 404),
        ({}, 404),  # the service was opened to everybody, and the session was not
    ],
)
def test_after_a_restart_a_session_still_belongs_to_the_name_of_its_key(
    tmp_path: Path, keys: dict[str, str], code: int
) -> None:
    def opened(**keys: str) -> Iterator[Service]:
        return serve(Settings.model_validate({"data_dir": tmp_path / "data", "vision_model": "none"} | keys))

    before = opened(api_keys=f"alice:{ALICE}")
    session_id = seeded(next(before), owner="alice")
    next(before, None)
    after = opened(**keys)
    answer = asked(next(after), "GET", f"status/{session_id}", **AS_BOB)
    next(after, None)
    assert answer.status_code == code


# ── Tokens ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def tokened(shared_service: Service) -> tuple[str, str]:
    """A session of an open service, and its token."""
    return seeded(shared_service, token="the-token"), "the-token"


@pytest.mark.embedded
def test_a_token_is_told_once_and_kept_as_its_hash(shared_service: Service, clip: Path) -> None:
    form = {"analysis_type": "highlights", "token": "true"}
    answer = shared_service.http.post(f"{BASE}/upload", data=form, files={"video": clip.read_bytes()})
    session_id, token = answer.json()["sessionId"], answer.json()["sessionToken"]
    assert (len(token), answer.headers["Cache-Control"]) == (43, "no-store")
    status = asked(shared_service, "GET", f"status/{session_id}", **{"X-Session-Token": token})
    assert (status.status_code, token in status.text) == (200, False)
    kept = (shared_service.house.files.folder(session_id) / "session.json").read_text()
    assert token not in kept
    assert asked(shared_service, "GET", f"status/{session_id}").status_code == 404
    asked(shared_service, "DELETE", f"cleanup/{session_id}", **{"X-Session-Token": token})


def test_a_token_that_is_not_asked_for_is_not_given(shared_service: Service, clip: Path) -> None:
    form = {"analysis_type": "highlights", "token": "false"}
    answer = shared_service.http.post(f"{BASE}/upload", data=form, files={"video": clip.read_bytes()})
    assert "sessionToken" not in answer.json()
    refused = shared_service.http.post(f"{BASE}/upload", data=form | {"token": "1"}, files={"video": b"x"})
    assert (refused.status_code, refused.json()["details"][0]["loc"]) == (400, ["token"])


@pytest.mark.parametrize("sent", [{}, {"X-Session-Token": ""}, {"X-Session-Token": "wrong"}, AS_ALICE])
@pytest.mark.parametrize(("method", "operation"), OPERATIONS)
def test_without_its_token_a_session_is_unknown(
    shared_service: Service, tokened: tuple[str, str], method: str, operation: str, sent: dict[str, str]
) -> None:
    session_id, _ = tokened
    theirs = asked(shared_service, method, operation.format(session_id), **sent)
    assert theirs.status_code == 404
    assert told(theirs, session_id) == told(asked(shared_service, method, operation.format(UNKNOWN), **sent), UNKNOWN)


def test_with_its_token_all_can_be_done(shared_service: Service, tokened: tuple[str, str]) -> None:
    session_id, token = tokened
    codes = [
        asked(shared_service, method, operation.format(session_id), **{"X-Session-Token": token}).status_code
        for method, operation in OPERATIONS
    ]
    assert codes == [200, 200, 200, 200, 200, 200, 404, 400, 200]


def test_a_token_in_the_address_shows_events_and_files_alone(shared_service: Service, tokened: tuple[str, str]) -> None:
    session_id, token = tokened
    paths = ("events/{}", f"files/{{}}/{FILE}", "status/{}", "results/{}")
    codes = [asked(shared_service, "GET", f"{p.format(session_id)}?token={token}").status_code for p in paths]
    assert codes == [200, 200, 404, 404]
    assert asked(shared_service, "DELETE", f"cleanup/{session_id}?token={token}").status_code == 404


def test_another_sessions_token_opens_nothing(shared_service: Service, tokened: tuple[str, str]) -> None:
    other = seeded(shared_service, token="another-token")
    assert asked(shared_service, "GET", f"files/{other}/{FILE}?token={tokened[1]}").status_code == 404


def test_no_token_reaches_a_log_or_another_site(program: Callable[..., Program], clip: Path) -> None:
    running = program(LOG_LEVEL="DEBUG")
    form = {"analysis_type": "highlights", "token": "true"}
    started = running.http.post(f"{BASE}/upload", data=form, files={"video": clip.read_bytes()}).json()
    address = f"{BASE}/files/{started['sessionId']}/{FILE}?token={started['sessionToken']}"
    assert running.http.get(address).headers["Referrer-Policy"] == "no-referrer"
    assert running.http.get(f"{BASE}/status/x?token={started['sessionToken']}").status_code == 404
    # Before the kill: a decoder's parent that is just starting may say on its way out that nobody is there any more.
    told = running.logged()
    running.kill()
    log = running.log.read_text()
    assert "uploaded" in log
    assert started["sessionToken"] not in log
    assert sum("open to whoever" in line["event"] for line in told) == 1


# ── What a key opens beside ───────────────────────────────────────────────────────────────────────


def test_a_ticket_shows_events_and_files_of_one_session(keyed: Service) -> None:
    mine, other = seeded(keyed, owner="alice"), seeded(keyed, owner="alice")
    answer = asked(keyed, "POST", f"token/{mine}", **AS_ALICE)
    ticket = answer.json()["sessionToken"]
    assert answer.json()["expiresAt"].endswith("Z")
    codes = {
        path: asked(keyed, "GET", f"{path}?token={ticket}").status_code
        for path in (
            f"files/{mine}/{FILE}",
            f"events/{mine}",
            f"status/{mine}",
            f"files/{other}/{FILE}",
            f"events/{UNKNOWN}",
        )
    }
    assert list(codes.values()) == [200, 200, 401, 404, 404]
    assert asked(keyed, "POST", f"token/{mine}", **AS_BOB).status_code == 404
    assert asked(keyed, "GET", f"files/{mine}/{FILE}?token={ticket}", **AS_BOB).status_code == 404


@pytest.mark.parametrize("ticket", ["x", "ffffffffff.", "ffffffffff.00", "-1.ab", "ffffffffff.%C3%BC", "%00", "zz.zz"])
def test_a_forged_ticket_shows_nothing(keyed: Service, ticket: str) -> None:
    session_id = seeded(keyed, owner="alice")
    assert asked(keyed, "GET", f"files/{session_id}/{FILE}?token={ticket}").status_code == 404


def test_a_keys_own_sessions_are_listed_newest_first_in_pages(keyed: Service) -> None:
    for row in keyed.house.sessions.list_sessions():
        keyed.house.tasks.remove(row["session_id"])
    mine = [seeded(keyed, owner="alice") for _ in range(5)]
    seeded(keyed, owner="bob")
    seeded(keyed)
    pages, cursor = [], ""
    while cursor is not None:
        body = asked(keyed, "GET", f"sessions?limit=2{cursor and f'&cursor={cursor}'}", **AS_ALICE).json()
        pages.append([one["sessionId"] for one in body["sessions"]])
        cursor = body["nextCursor"]
    assert pages == [mine[4:2:-1], mine[2:0:-1], mine[:1]]
    one = asked(keyed, "GET", "sessions", **AS_ALICE).json()["sessions"][0]
    assert one == asked(keyed, "GET", f"status/{mine[-1]}", **AS_ALICE).json() | {"filename": "clip.mp4"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=٣", "cursor=", "cursor=1", "cursor=x.y"])
def test_a_page_that_cannot_be_is_refused(keyed: Service, query: str) -> None:
    answer = asked(keyed, "GET", f"sessions?{query}", **AS_ALICE)
    assert (answer.status_code, answer.json()["details"][0]["loc"]) == (400, [query.partition("=")[0]])


@pytest.mark.parametrize(("method", "path"), [("GET", "sessions"), ("POST", f"token/{UNKNOWN}")])
def test_where_no_keys_are_set_there_is_neither_list_nor_ticket(
    shared_service: Service, method: str, path: str
) -> None:
    answer = asked(shared_service, method, path, **AS_ALICE)
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


def test_the_documentation_says_what_each_operation_needs(keyed: Service, shared_service: Service) -> None:
    described = keyed.http.get("/openapi.json").json()
    needed = {path: next(iter(one.values()))["security"] for path, one in described["paths"].items()}
    assert needed["/health"] == []
    assert needed["/analyze/workout"] == needed[f"{BASE}/upload"] == [{"ApiKey": []}, {"Bearer": []}]
    assert {"TokenInAddress": []} in needed[f"{BASE}/events/{{session_id}}"]
    assert described["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert all(
        "401" in operation["responses"]
        for path, one in described["paths"].items()
        for operation in one.values()
        if path not in OPEN
    )
    openly = shared_service.http.get("/openapi.json").json()["paths"][f"{BASE}/upload"]["post"]
    assert {} in openly["security"]
    assert shared_service.http.get("/health").json()["keys"] is False
    assert keyed.http.get("/health").json()["keys"] is True
