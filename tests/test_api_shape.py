"""One flat error shape everywhere, ids, CORS, and an OpenAPI that says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemas import Status
from tests.service import BASE, Service

FLAT = {"error", "code", "reason", "requestId"}


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", f"{BASE}/nowhere", 404, "not_found"),
        ("GET", "/livez/", 404, "not_found"),
        ("PUT", f"{BASE}/upload", 405, "method_not_allowed"),
        ("GET", f"{BASE}/upload", 405, "method_not_allowed"),
        ("POST", "/livez", 405, "method_not_allowed"),
        ("POST", f"{BASE}/upload", 400, "invalid_request"),
    ],
)
def test_every_refusal_is_flat_json(shared_service: Service, method: str, path: str, code: int, reason: str) -> None:
    answer = shared_service.http.request(method, path)
    body = answer.json()
    assert (answer.status_code, body["code"], body["reason"]) == (code, code, reason)
    assert body.keys() - {"details"} == FLAT
    assert body["requestId"] == answer.headers["X-Request-ID"]


@pytest.mark.embedded
def test_a_crash_tells_nothing_and_can_be_found_by_its_id(service: Service) -> None:
    session_id = service.seeded(Status.COMPLETED)
    result = service.house.files.folder(session_id) / "result.json"
    result.unlink()
    result.mkdir()
    answer = service.http.get(f"{BASE}/results/{session_id}")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "Something went wrong inside the service",
        "code": 500,
        "reason": "internal",
        "requestId": answer.headers["X-Request-ID"],
    }


def test_a_sane_request_id_of_the_clients_own_is_kept(shared_service: Service) -> None:
    answer = shared_service.http.get("/livez", headers={"X-Request-ID": "abc-1.2_3"})
    assert answer.headers["X-Request-ID"] == "abc-1.2_3"


@pytest.mark.parametrize("odd", ["", "x" * 65, "a b", "a;b", "<script>"])
def test_an_odd_request_id_is_replaced(shared_service: Service, odd: str) -> None:
    assert shared_service.http.get("/livez", headers={"X-Request-ID": odd}).headers["X-Request-ID"] != odd


def test_known_frontends_may_call_and_read_the_heads(shared_service: Service) -> None:
    origin = {"Origin": "http://localhost:5173"}
    answer = shared_service.http.get(f"{BASE}/status/x", headers=origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert {"Content-Disposition", "Content-Range", "ETag", "Location", "Retry-After", "X-Request-ID"} <= exposed


def test_a_frontends_preflight_is_answered(shared_service: Service) -> None:
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "DELETE"}
    answer = shared_service.http.options(f"{BASE}/cleanup/x", headers=asked)
    assert answer.status_code == 200
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]


def test_a_frontend_may_ask_for_a_stretch_of_a_file(shared_service: Service) -> None:
    for method in ("GET", "HEAD"):
        asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": method}
        asked["Access-Control-Request-Headers"] = "if-range,range"
        assert shared_service.http.options(f"{BASE}/files/x/reel.mp4", headers=asked).status_code == 200


def test_a_refused_preflight_is_flat_json_too(shared_service: Service) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "DELETE"}
    answer = shared_service.http.options(f"{BASE}/cleanup/x", headers=asked)
    assert (answer.status_code, answer.json()["reason"]) == (400, "cors_refused")
    assert answer.json().keys() == FLAT


def test_other_origins_may_not(shared_service: Service) -> None:
    answer = shared_service.http.get("/livez", headers={"Origin": "https://elsewhere.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_all_origins_may_call_without_credentials_where_the_operator_says_so(
    serve_with: Callable[..., Service],
) -> None:
    answer = serve_with(cors_origins=("*",)).http.get("/livez", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_documentation_shows_the_upload_form_and_every_error(shared_service: Service) -> None:
    paths = shared_service.http.get("/openapi.json").json()["paths"]
    upload = paths[f"{BASE}/upload"]["post"]
    form = upload["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["video"]["format"] == "binary"
    assert form["required"] == ["video", "analysis_type"]
    assert {"400", "413", "429", "503", "507"} <= upload["responses"].keys()
    assert {"404"} <= paths[f"{BASE}/status/{{session_id}}"]["get"]["responses"].keys()
    # FastAPI's own refusals are none of ours: what an upload declares is a key's that was used before.
    others = [operation for path in paths.values() for operation in path.values() if operation is not upload]
    assert all("422" not in operation["responses"] for operation in others)
    assert upload["responses"]["422"]["description"].startswith("Its `Idempotency-Key`")
    assert shared_service.http.get("/docs").status_code == 200


@pytest.mark.embedded
def test_the_service_says_that_it_lives_and_can_take_work(shared_service: Service) -> None:
    assert shared_service.http.get("/livez").json() == {"status": "alive"}
    ready = shared_service.http.get("/readyz").json()
    assert ready == {"status": "ready", "eyes": "No model is asked for: signals alone look"}
    assert shared_service.http.head("/readyz").status_code == 200


def test_legacy_clients_find_health_and_root_as_they_were(shared_service: Service) -> None:
    health = shared_service.http.get("/health").json()
    assert (health["status"], health["analyzer_initialized"], health["ready"]) == ("healthy", True, True)
    root = shared_service.http.get("/").json()
    assert (root["message"], root["status"]) == ("SmolVLM2 Video Analysis API", "healthy")
    assert root["endpoints"] | {"analyze_highlights": "/analyze/highlights", "async_api": BASE} == root["endpoints"]


def test_a_service_whose_disk_is_nearly_full_is_not_ready(serve_with: Callable[..., Service]) -> None:
    service = serve_with(min_free_disk_mb=1 << 40)
    answer = service.http.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "insufficient_storage")
    assert service.http.get("/health").json()["ready"] is False
    assert service.http.get("/livez").status_code == 200
