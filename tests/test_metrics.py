"""Each figure moves when the thing happens that it counts; one running service serves for all."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

import figures
from api.measured import METHODS, OTHER
from config import VERSION, Settings
from figures import FIGURES, Figure
from gauges import Looking
from metrics import Meter, Metrics
from progress import Progress
from schemas import Pass, Status
from scraped import Scraped
from tests.events import following
from tests.figures_of import read, told
from tests.scripted import Words
from tests.service import BASE, ROOT, Service, serve, until
from tests.test_tus import begun, sent
from vision.eyes import Eyes
from wiring import build

LIMITS = {"max_queued": 2, "max_concurrent_jobs": 1, "vision_model": "none"}


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """With one thread that works, and room for two who wait."""
    yield from serve(Settings.model_validate(LIMITS | {"data_dir": tmp_path_factory.mktemp("watched") / "data"}))


@contextmanager
def moving(service: Service, *more: tuple[Figure, dict[str, str]]) -> Iterator[None]:
    """What is done meanwhile makes each of these one more; the figure may be a moment behind."""
    before = told(service.http)
    yield
    wanted = [before.of(figure, **labels) + 1 for figure, labels in more]
    until(lambda: [told(service.http).of(figure, **labels) for figure, labels in more] == wanted)


@contextmanager
def occupied(service: Service, *, deaf: bool = False) -> Iterator[str]:
    """The one thread works until this is left, on a session that it gives. Deaf, it does not ask whether to stop."""
    done, session_id = threading.Event(), service.seeded(Status.QUEUED)

    def work(progress_callback: Progress) -> Words:
        while not done.wait(0.003):
            if not deaf:
                progress_callback.check()
        return Words(words="done")

    service.house.tasks.submit_task(session_id, work)
    until(lambda: service.status(session_id)["status"] == "processing")
    try:
        yield session_id
    finally:
        done.set()
        until(service.house.tasks.idle)


# ── Analyses ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["highlights", "workout"])
def test_an_analysis_is_counted_from_its_beginning_to_its_end(watched: Service, brief: Path, kind: str) -> None:
    before, of = told(watched.http), {"analysis_type": kind}
    done = of | {"outcome": "completed"}
    with moving(
        watched,
        (figures.JOBS_STARTED, of),
        (figures.QUEUE_WAIT, of),
        (figures.JOBS_FINISHED, done),
        (figures.JOB_DURATION, done),
        (figures.PROCESSING_RATIO, of),
        (figures.SESSIONS, {"status": "completed"}),
    ):
        data = watched.results(watched.start(brief, kind))
    now = told(watched.http)
    for part in ("self", "children"):
        assert now.of(figures.PROCESS_CPU, part=part) > before.of(figures.PROCESS_CPU, part=part)
    assert now.of(figures.SEGMENTS, **of) - before.of(figures.SEGMENTS, **of) == data["total_segments_analyzed"]
    seconds = now.of(figures.VIDEO_SECONDS, **of) - before.of(figures.VIDEO_SECONDS, **of)
    assert seconds == pytest.approx(data["video"]["duration_seconds"], abs=0.1)


def test_a_failure_is_counted_with_its_reason(watched: Service) -> None:
    end = {"analysis_type": "highlights", "outcome": "failed"}
    more = [(figures.JOBS_FINISHED, end), (figures.JOB_DURATION, end), (figures.JOB_FAILURES, {"reason": "internal"})]
    with moving(watched, *more):
        watched.house.tasks.submit(watched.seeded(Status.QUEUED))  # whose video is none


def test_a_cancel_of_work_is_counted_with_how_long_its_work_took_to_leave(watched: Service, long_clip: Path) -> None:
    end = {"analysis_type": "highlights", "outcome": "cancelled"}
    with moving(watched, (figures.JOBS_FINISHED, end), (figures.JOB_DURATION, end), (figures.CANCEL_LATENCY, {})):
        session_id = watched.start(long_clip)
        until(lambda: watched.status(session_id)["progress"] > 0)
        watched.http.post(f"{BASE}/cancel/{session_id}")
    now = told(watched.http)
    assert now.of(figures.CANCEL_LATENCY, "_bucket", le="5.0") == now.of(figures.CANCEL_LATENCY)


def test_who_waits_and_who_works_is_told_as_it_is(watched: Service) -> None:
    assert told(watched.http).of(figures.QUEUE_CAPACITY) == 2
    with occupied(watched):
        second = watched.seeded(Status.QUEUED)
        now = told(watched.http)
        assert [now.of(one) for one in (figures.WORKER_SLOTS, figures.WORKERS_BUSY, figures.QUEUE_DEPTH)] == [1, 1, 1]
        assert now.of(figures.WORKERS_STOPPING) == 0
        with moving(watched, (figures.JOBS_FINISHED, {"outcome": "cancelled"})):
            watched.http.post(f"{BASE}/cancel/{second}")
        assert told(watched.http).of(figures.QUEUE_DEPTH) == 0
    assert told(watched.http).of(figures.WORKERS_BUSY) == 0


def test_work_that_does_not_hear_that_it_is_over_is_told_apart(watched: Service) -> None:
    with occupied(watched, deaf=True) as session_id, moving(watched, (figures.JOBS_FINISHED, {"outcome": "deleted"})):
        watched.house.sessions.forget(session_id)
        now = told(watched.http)
        assert (now.of(figures.WORKERS_BUSY), now.of(figures.WORKERS_STOPPING)) == (1, 1)
    until(lambda: told(watched.http).of(figures.WORKERS_STOPPING) == 0)
    assert told(watched.http).of(figures.JOB_DURATION, outcome="deleted") >= 1


@pytest.mark.parametrize(("counted", "cause"), [(True, "lost"), (False, "stopping")])
def test_an_attempt_that_goes_back_to_the_queue_is_counted(watched: Service, counted: bool, cause: str) -> None:
    session_id = watched.seeded(Status.PROCESSING)
    with moving(watched, (figures.JOBS_RETURNED, {"analysis_type": "highlights", "cause": cause})):
        watched.house.sessions.give_back(session_id, counted=counted)
    watched.house.sessions.forget(session_id)


# ── Uploads ───────────────────────────────────────────────────────────────────────────────────────


def test_an_upload_is_counted_with_its_bytes(watched: Service, brief: Path) -> None:
    before, size = told(watched.http), brief.stat().st_size
    with moving(watched, (figures.UPLOADS, {"way": "form"})):
        watched.http.delete(f"{BASE}/cleanup/{watched.start(brief)}")
    arrived = told(watched.http).of(figures.UPLOAD_BYTES, way="form") - before.of(figures.UPLOAD_BYTES, way="form")
    assert size < arrived < size + 2000


def test_a_resumable_upload_is_counted_likewise(watched: Service, brief: Path) -> None:
    video, before = brief.read_bytes(), told(watched.http)
    with moving(watched, (figures.UPLOADS, {"way": "resumable"})):
        upload = begun(watched.http, len(video))
        sent(watched.http, upload, 0, video[:1000])
        sent(watched.http, upload, 1000, video[1000:])
    now, way = told(watched.http), {"way": "resumable"}
    assert now.of(figures.UPLOAD_BYTES, **way) - before.of(figures.UPLOAD_BYTES, **way) == len(video)


@pytest.mark.parametrize(
    ("reason", "content", "kind"),
    [
        ("unsupported_video", b"no video", "highlights"),
        ("invalid_request", b"", "highlights"),
        ("invalid_request", b"no video", "nothing of the kind"),
    ],
)
def test_a_refused_upload_is_counted_by_its_reason(watched: Service, reason: str, content: bytes, kind: str) -> None:
    with moving(watched, (figures.UPLOAD_REFUSALS, {"reason": reason})):
        assert watched.upload(content, kind).status_code == 400


def test_a_client_that_leaves_is_counted_and_seen_until_then(watched: Service) -> None:
    url = watched.http.base_url
    with moving(watched, (figures.UPLOAD_REFUSALS, {"reason": "client_left"})):
        with socket.create_connection((url.host, url.port or 0)) as client:
            head = f"POST {BASE}/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n"
            client.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
            until(lambda: told(watched.http).of(figures.UPLOADS_IN_PROGRESS) == 1)
        until(lambda: told(watched.http).of(figures.UPLOADS_IN_PROGRESS) == 0)


# ── Requests ──────────────────────────────────────────────────────────────────────────────────────


def test_answers_are_counted_by_the_route_and_not_by_the_address(watched: Service) -> None:
    route = {"method": "GET", "route": f"{BASE}/status/{{session_id}}"}
    with moving(watched, (figures.HTTP_REQUESTS, route | {"code": "404"}), (figures.HTTP_DURATION, route)):
        watched.http.get(f"{BASE}/status/nobody")
    routes = told(watched.http).values(figures.HTTP_REQUESTS, "route")
    assert not any("nobody" in one for one in routes)


@pytest.mark.parametrize("path", ["/nowhere", "/a/b?c=1", f"{BASE}/nothing"])
def test_what_leads_nowhere_is_counted_as_one(watched: Service, path: str) -> None:
    with moving(watched, (figures.HTTP_REQUESTS, {"method": "GET", "route": figures.UNMATCHED, "code": "404"})):
        watched.http.get(path)


def test_methods_that_nobody_knows_are_one(watched: Service) -> None:
    with moving(watched, (figures.HTTP_REQUESTS, {"method": "other", "code": "404"})):
        watched.http.request("PROPFIND", "/nowhere")
    assert told(watched.http).values(figures.HTTP_REQUESTS, "method") <= METHODS | {OTHER}


def test_polls_that_wait_do_not_make_the_others_look_slow(watched: Service) -> None:
    route = f"{BASE}/status/{{session_id}}?wait"
    with moving(watched, (figures.HTTP_DURATION, {"route": route})):
        watched.status("nobody", wait=1)


def test_asking_others_to_wait_makes_no_route_of_its_own(watched: Service) -> None:
    with moving(watched, (figures.HTTP_REQUESTS, {"method": "GET", "route": "/livez", "code": "200"})):
        watched.http.get("/livez", params={"wait": 1})


def test_who_follows_is_counted_while_it_does(watched: Service) -> None:
    session_id = watched.seeded(Status.PROCESSING)
    with following(watched.http.base_url, session_id):
        until(lambda: told(watched.http).of(figures.FOLLOWERS) == 1)
    until(lambda: told(watched.http).of(figures.FOLLOWERS) == 0)
    watched.house.sessions.forget(session_id)


# ── The machine ───────────────────────────────────────────────────────────────────────────────────


def test_the_disk_is_told_with_its_floor(watched: Service) -> None:
    now = told(watched.http)
    assert now.of(figures.STORAGE_FLOOR) == 256 << 20
    assert now.of(figures.STORAGE_FREE) == pytest.approx(watched.house.files.free_bytes(), rel=0.2)
    until(lambda: told(watched.http).has(figures.STORAGE_USED))


def test_what_files_take_is_looked_at_now_and_then(watched: Service) -> None:
    now = [0.0]
    looking = Looking(watched.house.files.used_bytes, 60, lambda: now[0])
    before = looking.newest()
    assert before is not None
    video = watched.house.files.folder(watched.seeded(Status.COMPLETED)) / "source.mp4"
    video.write_bytes(bytes(1 << 20))
    assert looking.newest() == before
    now[0] = 61.0
    assert (looking.newest() or 0) >= before + (1 << 20)


def test_the_process_is_told_with_its_children(watched: Service) -> None:
    now = told(watched.http)
    assert all(now.of(figures.PROCESS_MEMORY, part=part) > 10 << 20 for part in ("self", "children"))
    assert now.of(figures.PROCESS_START) == pytest.approx(psutil.Process().create_time(), abs=2)
    assert now.of(figures.BUILD, version=VERSION) == 1


def test_a_model_is_told_once_it_looks(watched: Service, tmp_path: Path) -> None:
    assert told(watched.http).of(figures.MODEL_LOADED) == 0
    eyes = Eyes()
    house = build(Settings(data_dir=tmp_path, vision_model="none"), eyes)
    eyes._model = _Model()  # type: ignore[assignment]
    text, _ = house.metrics.text()
    assert read(text.decode()).of(figures.MODEL_LOADED) == 1
    house.store.close()


class _Model:
    facts = object()


def test_what_a_model_does_is_counted_by_its_stage() -> None:
    metrics = Metrics()
    Meter(metrics.tell).passed(Pass("weigh", 0.3, 120, 2))
    now = read(metrics.text()[0].decode())
    assert (now.of(figures.MODEL_DURATION, stage="weigh"), now.of(figures.MODEL_DURATION, stage="look")) == (1, 0)
    assert now.of(figures.MODEL_DURATION, "_sum", stage="weigh") == 0.3
    assert [now.of(figures.MODEL_TOKENS, direction=way) for way in ("read", "written")] == [120, 2]


# ── All of them ───────────────────────────────────────────────────────────────────────────────────


def test_what_has_known_labels_begins_at_nought() -> None:
    now = read(Metrics().text()[0].decode())
    for figure in FIGURES.values():
        if figure.kind == "counter" and figure not in (figures.HTTP_REQUESTS, figures.PROCESS_CPU):
            assert now.has(figure)
            assert now.of(figure) == 0


def test_no_label_holds_an_id(watched: Service, brief: Path) -> None:
    session_id = watched.start(brief)
    for path in ("status", "results", "files"):
        watched.http.get(f"{BASE}/{path}/{session_id}/clip.mp4?token=clip.mp4")
    watched.http.delete(f"{BASE}/cleanup/{session_id}")
    text = watched.http.get("/metrics").text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|[0-9a-f]{32}|clip\.mp4", text)


@pytest.mark.parametrize("accepted", ["text/plain", "application/openmetrics-text; version=1.0.0"])
def test_prometheus_is_answered_in_the_format_that_it_asks_for(watched: Service, accepted: str) -> None:
    answer = watched.http.get("/metrics", headers={"Accept": accepted})
    assert answer.headers["Content-Type"].startswith(accepted.split(";", maxsplit=1)[0])
    assert answer.text.rstrip().endswith("# EOF") is ("openmetrics" in accepted)


def test_where_keys_are_set_one_is_needed_and_who_has_none_is_counted(serve_with: Callable[..., Service]) -> None:
    service = serve_with(api_keys="prometheus:0123456789abcdef")
    assert service.http.get("/metrics").status_code == 401
    assert service.upload(b"no video").status_code == 401
    answer = service.http.get("/metrics", headers={"Authorization": "Bearer 0123456789abcdef"})
    assert read(answer.text).of(figures.UPLOAD_REFUSALS, reason="unauthorized") == 1


KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    ("heads", "status"),
    [({}, 401), ({"X-API-Key": KEY}, 200), ({"Authorization": f"bearer {KEY}"}, 200), ({"Authorization": KEY}, 401)],
)
def test_a_workers_port_asks_for_a_key_as_the_service_does(heads: dict[str, str], status: int) -> None:
    scraped = Scraped(Metrics(), Settings.model_validate({"api_keys": f"prometheus:{KEY}"}))
    scraped.start()
    try:
        port = scraped.socket.getsockname()[1]
        assert httpx.get(f"http://127.0.0.1:{port}/metrics?any=thing", headers=heads).status_code == status
    finally:
        scraped.close()


def test_every_figure_is_moved_by_a_test() -> None:
    text = "".join((ROOT / "tests" / f"test_{name}.py").read_text() for name in ("metrics", "metrics_shared"))
    named = {name: one for name, one in vars(figures).items() if isinstance(one, Figure)}
    assert [name for name in named if f"figures.{name}" not in text] == []
