"""The program as an operator runs it: started, killed, drained, misconfigured."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from schemas import Status
from tests.service import BASE, ROOT, Program, Service, decoders, until
from video import child
from video.seal import Sealed

Start = Callable[..., Program]


def upload(program: Program, video: Path) -> str:
    with video.open("rb") as file:
        answer = program.http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files={"video": file})
    assert answer.status_code == 200, answer.text
    session_id: str = answer.json()["sessionId"]
    return session_id


def status(program: Program, session_id: str) -> dict[str, Any]:
    body: dict[str, Any] = program.http.get(f"{BASE}/status/{session_id}").json()
    return body


def is_now(program: Program, session_id: str, wanted: str) -> bool:
    return bool(status(program, session_id)["status"] == wanted)


def run(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "VISION_MODEL": "none"} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def stalled_upload(program: Program) -> socket.socket:
    """A connection on which a part of a video was sent, and nothing more will be."""
    url = httpx.URL(program.url)
    head = (
        f"POST {BASE}/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n"
        "Content-Type: multipart/form-data; boundary=edge\r\n\r\n"
        '--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
    )
    client = socket.create_connection((url.host, url.port or 80))
    client.sendall(head.encode() + b"x" * (2 << 20))
    until(lambda: list(program.data_dir.glob("*/source.part")))
    return client


def test_a_killed_service_goes_on_where_it_was(program: Start, clip: Path, long_clip: Path) -> None:
    first = program(MAX_ATTEMPTS="3")
    done = upload(first, clip)
    until(lambda: status(first, done)["status"] == "completed")
    running, waiting = upload(first, long_clip), upload(first, clip)
    until(lambda: status(first, running)["status"] == "processing")
    first.kill()
    second = program()
    assert second.http.get(f"{BASE}/results/{done}").status_code == 200
    for session_id in (running, waiting):
        until(partial(is_now, second, session_id, "completed"))
    assert status(second, running)["attempt"] == 2


def test_a_killed_service_leaves_no_decoder_behind(program: Start, long_clip: Path) -> None:
    service = program()
    session_id = upload(service, long_clip)
    until(lambda: status(service, session_id)["segmentsDone"])
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert decoders(service.process.pid, service.data_dir)
    service.kill()
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_work_that_kills_the_service_again_and_again_is_given_up(program: Start, long_clip: Path) -> None:
    service = program(MAX_ATTEMPTS="2")
    session_id = upload(service, long_clip)
    for _ in range(2):
        until(partial(is_now, service, session_id, "processing"))
        service.kill()
        service = program(MAX_ATTEMPTS="2")
    until(lambda: status(service, session_id)["status"] == "failed")
    assert status(service, session_id)["reason"] == "too_many_attempts"


def test_a_crash_in_the_middle_of_an_upload_leaves_nothing(program: Start, tmp_path: Path) -> None:
    service = program()
    with ThreadPoolExecutor(1) as pool:

        def body() -> Any:
            yield b'--edge\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n' + b"x" * (2 << 20)
            until(lambda: list((tmp_path / "data").glob("*/source.part")))
            service.send(signal.SIGKILL)
            service.process.wait()
            yield b"x"

        headers = {"Content-Type": "multipart/form-data; boundary=edge"}
        sent = pool.submit(service.http.post, f"{BASE}/upload", content=body(), headers=headers)
        assert sent.exception(timeout=30)
    assert list((tmp_path / "data").glob("*/source.part"))
    program()
    assert [path.name for path in (tmp_path / "data").iterdir()] == [".lock"]


def test_a_full_disk_refuses_an_upload_and_takes_the_next(program: Start, clip: Path) -> None:
    service = program(largest_file=1 << 20)
    form = {"analysis_type": "highlights"}
    answer = service.http.post(f"{BASE}/upload", data=form, files={"video": b"x" * (3 << 20)})
    assert (answer.status_code, answer.json()["reason"]) == (507, "insufficient_storage")
    assert [path.name for path in service.data_dir.iterdir()] == [".lock"]
    session_id = upload(service, clip)
    until(partial(is_now, service, session_id, "completed"))


def test_a_drain_gives_back_running_work_and_still_answers(program: Start, long_clip: Path) -> None:
    service = program()
    session_id = upload(service, long_clip)
    until(lambda: status(service, session_id)["segmentsDone"])
    # An upload on its way keeps the service a little longer, however slow this machine is.
    with stalled_upload(service):
        service.send(signal.SIGTERM)
        still_answers(service, session_id)
    assert service.end() == 0
    row = json.loads((service.data_dir / session_id / "session.json").read_text())
    assert (row["status"], row["attempt"]) == ("queued", 0)


def still_answers(service: Program, session_id: str) -> None:
    until(lambda: status(service, session_id)["status"] == "queued", pause=0.001)
    refused = service.http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files={"video": b"x"})
    assert (refused.status_code, refused.json()["reason"]) == (503, "draining")
    assert refused.headers["Retry-After"]
    assert service.http.get("/readyz").status_code == 503


def test_a_drained_service_ends_within_5_seconds_and_leaves_no_process(program: Start, long_clip: Path) -> None:
    service = program()
    session_id = upload(service, long_clip)
    until(lambda: status(service, session_id)["segmentsDone"])
    children = psutil.Process(service.process.pid).children(recursive=True)
    service.send(signal.SIGTERM)
    assert service.process.wait(timeout=5) == 0
    assert psutil.wait_procs(children, timeout=5)[1] == []


def test_a_sessions_life_can_be_read_from_the_log(program: Start, clip: Path) -> None:
    service = program()
    service.http.headers["X-Request-ID"] = "walk-1"
    session_id = upload(service, clip)
    until(partial(is_now, service, session_id, "completed"))
    service.http.delete(f"{BASE}/cleanup/{session_id}", headers={"X-Request-ID": "walk-2"})
    lines = [line for line in service.logged() if line.get("session") == session_id]
    events = [line["event"] for line in lines]
    assert events[:3] == ["upload begun", "uploaded", "started"]
    assert events[-2:] == ["completed", "cleaned up"]
    tenths = [line["percent"] // 10 for line in lines if line["event"] == "progress"]
    assert len(tenths) > 2
    assert len(tenths) == len(set(tenths))
    assert [line["request"] for line in lines] == ["walk-1"] * (len(lines) - 1) + ["walk-2"]


def test_a_signal_to_the_whole_group_loses_no_session(program: Start, long_clip: Path) -> None:
    service = program(KEEP_SOURCE="false")
    session_id = upload(service, long_clip)
    until(lambda: status(service, session_id)["segmentsDone"])
    assert status(service, session_id)["status"] == "processing"
    for process in psutil.Process(service.process.pid).children(recursive=True):
        process.send_signal(signal.SIGTERM)
    service.send(signal.SIGTERM)
    assert service.end() == 0
    assert json.loads((service.data_dir / session_id / "session.json").read_text())["status"] == "queued"
    again = program()
    until(partial(is_now, again, session_id, "completed"))
    assert status(again, session_id)["attempt"] == 1


def test_a_stalled_upload_does_not_keep_the_service_from_ending(program: Start, tmp_path: Path) -> None:
    service = program()
    with stalled_upload(service) as client:
        service.send(signal.SIGTERM)
        assert service.process.wait(timeout=5) == 0
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 503 ")
    assert '"reason":"draining"' in answer
    assert [path.name for path in service.data_dir.iterdir()] == [".lock"]


def test_ctrl_c_ends_an_idle_service_at_once(program: Start) -> None:
    service = program()
    service.send(signal.SIGINT)
    assert service.process.wait(timeout=5) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "eighty"), ("HOST", "192.0.2.1"), ("SESSION_TTL_HOURS", "0"), ("DATA_DIR", "/dev/null/x")],
)
def test_a_wrong_setting_stops_the_start_in_words(tmp_path: Path, name: str, value: str) -> None:
    done = run({"DATA_DIR": str(tmp_path), name: value}, "app.py")
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot start: ")
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_stops_the_start_in_words(program: Start, tmp_path: Path) -> None:
    port = program().url.rsplit(":", 1)[1].rstrip("/")
    done = run({"DATA_DIR": str(tmp_path / "other"), "PORT": port}, "app.py")
    assert done.returncode != 0
    assert "Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_service_on_the_same_folder_refuses_in_words(program: Start, tmp_path: Path) -> None:
    program()
    done = run({"DATA_DIR": str(tmp_path / "data"), "PORT": "0"}, "app.py")
    assert done.returncode == 1
    assert "another process already works in DATA_DIR" in done.stderr


def test_more_worker_processes_than_one_refuse_to_start_in_words(tmp_path: Path) -> None:
    uvicorn = ("-m", "uvicorn", "--factory", "app:create_app", "--port", "0", "--workers", "2")
    done = run({"DATA_DIR": str(tmp_path / "data")}, *uvicorn)
    assert "start the service with one worker process" in done.stderr
    assert "Traceback" not in done.stderr


def test_uvicorn_can_start_it_too(tmp_path: Path, clip: Path) -> None:
    command = [sys.executable, "-m", "uvicorn", "--factory", "app:create_app", "--port", "0"]
    environment = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data"), "VISION_MODEL": "none"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        opened = process.stderr.readline()
        process.terminate()
        process.stderr.read()
    assert json.loads(opened)["event"] == "opened"
    assert process.returncode == -signal.SIGTERM, "uvicorn hands on the signal that ended it"


@pytest.mark.parametrize("sealed", [Sealed(calls=True, files=True), Sealed(calls=True, files=False)])
def test_whether_decoders_are_shut_in_is_told_by_health_and_where_they_are_not_by_the_log(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    serve_with: Callable[..., Service],
    sealed: Sealed,
) -> None:
    monkeypatch.setattr(child, "sealed", lambda: sealed)
    assert serve_with().http.get("/health").json()["decoders_sealed"] is sealed.fully
    assert sum("decoders are not shut in" in line for line in caplog.messages) == (not sealed.fully)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of another process's limits")
def test_the_service_opens_as_many_files_as_it_is_allowed_to(program: Start) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        running = program()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)


@pytest.mark.embedded
def test_a_copy_of_the_folder_is_a_backup(serve_with: Callable[..., Service], tmp_path: Path) -> None:
    first = serve_with()
    done, waiting = first.seeded(Status.COMPLETED), first.seeded(Status.QUEUED)
    shutil.copytree(first.data_dir, tmp_path / "copy")
    first.http.delete(f"{BASE}/cleanup/{done}")
    second = serve_with(data_dir=tmp_path / "copy")
    assert second.http.get(f"{BASE}/results/{done}").json()["data"] == {"highlights": []}
    assert second.ended(waiting)["status"] == "failed"  # as was to be expected of a video that is none
