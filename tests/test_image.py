"""The image says what is so: its steps, as far as they can be taken without a container engine, and what it is told."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

from config import Settings
from tests.browser import needed
from tests.service import BASE, PATIENCE, ROOT, Service, until

DOCKERFILE = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", "")
STEPS = [(line.split()[0], line.partition(" ")[2].strip()) for line in DOCKERFILE.splitlines() if line.strip()]
"""(instruction, what follows), lines that go on joined."""

RAILWAY, RAILWAY_WORKER = (
    json.loads((ROOT / file).read_text()) for file in ("railway.json", "deploy/railway-worker.json")
)
NOTICE = (ROOT / "NOTICE").read_text()
USER = 10001
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def told(instruction: str) -> list[str]:
    return [rest for word, rest in STEPS if word == instruction]


def last_words(instruction: str) -> list[str]:
    """Of the last instruction of a kind, in exec form."""
    words: list[str] = json.loads("[" + told(instruction)[-1].partition("[")[2])
    return words


def context() -> list[str]:
    """What `COPY . .` takes, by .dockerignore as Docker reads it, where nothing is excepted."""
    patterns = (ROOT / ".dockerignore").read_text().split()
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [
        file
        for file in files
        if (ROOT / file).exists() and not any(fnmatch(file.split("/")[0], one) for one in patterns)
    ]


def test_the_base_is_pinned_and_every_other_stage_is_named() -> None:
    base, *others = told("FROM")
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64} AS base", base)
    names = {stage.split(" AS ")[1] for stage in told("FROM") if " AS " in stage}
    assert {stage.split(" AS ")[0] for stage in others} <= names
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) <= names


def test_what_it_copies_is_there() -> None:
    for copied in told("COPY"):
        *sources, _ = [word for word in copied.split() if not word.startswith("--")]
        assert "--from" in copied or all((ROOT / source).exists() for source in sources)


def test_the_platform_it_is_made_for_refuses_nothing_in_it() -> None:
    assert told("VOLUME") == []
    assert "--mount" not in DOCKERFILE


def test_its_steps_name_programs_modules_and_pins_that_are_there() -> None:
    steps = " ".join(told("RUN"))
    for script in re.findall(r"python (\w+\.py) ", steps):
        assert script in context()
    for listed in re.findall(r"python -c 'import ([a-z_., ]+)'", steps):
        assert all(find_spec(name) for name in listed.split(", "))
    assert find_spec("vision.hub")
    pinned = re.search(r"grep '[^']+' [\w.]+", steps)
    assert pinned
    found = subprocess.run(["sh", "-c", pinned[0]], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"torch==[\d.]+ .*\n", found)


def test_its_user_is_nobody_known_and_has_folders() -> None:
    assert told("USER")[-1] == f"{USER}:{USER}"
    assert f"user={USER}\n" in (ROOT / "deploy" / "start").read_text()
    given = dict(re.findall(r"(\w+)=(\S+)", told("ENV")[-1]))
    assert {"HOST": "0.0.0.0", "DATA_DIR": "/data"}.items() <= given.items()
    settings = {name: value for name, value in given.items() if name.lower() in Settings.model_fields}
    assert settings.keys() == {"HOST", "DATA_DIR", "VISION_MODEL", "VISION_REVISION"}


def test_the_context_holds_the_service_and_nothing_else() -> None:
    files = context()
    rooms = {file.split("/")[0].removesuffix(".py") for file in files}
    assert {"app", "celery_worker", "cli", "web", "deploy", "NOTICE", "requirements.txt"} <= rooms
    assert not rooms & {"tests", "benchmarks", "guides", "tools", "Dockerfile", "compose.yaml", "README.md"}
    outside = re.compile(r"^\s*(?:from|import) (?:tests|benchmarks|tools|cluster)\b", re.MULTILINE)
    assert [file for file in files if file.endswith(".py") and outside.search((ROOT / file).read_text())] == []


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `app`, as it lies in the image, and `data` and `tmp`, which alone may be written."""
    folder = tmp_path_factory.mktemp("image")
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and parent.stat().st_mode & 0o777 == 0o700:
            parent.chmod(0o711)
    for file in context():
        target = folder / "app" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target)
        for compiled in (ROOT / file).parent.glob(f"__pycache__/{target.stem}.cpython-*.pyc"):
            (target.parent / "__pycache__").mkdir(exist_ok=True)
            shutil.copy2(compiled, target.parent / "__pycache__")
    for name in ("data", "tmp"):
        (folder / name).mkdir()
        if os.geteuid() == 0:
            os.chown(folder / name, USER, USER)
    return folder


@pytest.fixture(scope="module")
def running(container: Path) -> Iterator[subprocess.Popen[str]]:
    """The image's program: as its user, on a root that is read-only. Python itself may be where only root looks, so the
    user is let in there to read, and nowhere to write."""
    read_only = f"mount --bind {container} {container} && mount -o remount,ro,bind /"
    parts = [f"mount --bind {container / name} {container / name}" for name in ("data", "tmp")]
    read = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    lowered = ["setpriv", "--reuid", f"{USER}", "--regid", f"{USER}", "--clear-groups", *read]
    script = " && ".join([read_only, *parts, f"mount -o remount,ro,bind {container}", 'exec "$@"'])
    _, program = last_words("CMD")
    command = ["unshare", "--mount", "sh", "-euc", script, "sh", *lowered, sys.executable, program]
    given = {"HOST": "127.0.0.1", "PORT": "0", "DATA_DIR": f"{container / 'data'}", "VISION_MODEL": "none"}
    given |= {"TMPDIR": f"{container / 'tmp'}", "HOME": f"{container / 'tmp'}", "PYTHONDONTWRITEBYTECODE": "1"}
    with (container / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=container / "app",
            env=given | {"PATH": os.environ["PATH"]},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        yield process
        process.kill()


@AS_ROOT
def test_it_analyses_as_its_own_user_on_a_root_that_is_read_only(
    running: subprocess.Popen[str], container: Path, clip: Path
) -> None:
    assert running.stdout
    address = running.stdout.readline()
    assert address, (container / "log").read_text()
    status = Path(f"/proc/{running.pid}/status").read_text()
    assert f"\nUid:\t{USER}\t" in status
    port = int(address.strip().rstrip("/").rpartition(":")[2])
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http:
        video = {"video": ("clip.mp4", clip.read_bytes())}
        session = http.post(f"{BASE}/upload", data={"analysis_type": "highlights"}, files=video).json()["sessionId"]
        until(lambda: http.get(f"{BASE}/status/{session}", params={"wait": 10}).json()["status"] == "completed")
        data = http.get(f"{BASE}/results/{session}").json()["data"]
        assert http.get(data["reel_url"]).status_code == 200
        assert http.get("/app/").status_code == 200
    assert healthy(port) == 0
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE) == 0
    assert healthy(port) == 1
    assert {path.name for path in container.iterdir()} == {"app", "data", "tmp", "log"}
    assert list((container / "tmp").iterdir()) == []


def healthy(port: int) -> int:
    """The exit status of the image's health check."""
    program, *arguments = last_words("HEALTHCHECK")
    assert program == "python"
    given = {"PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    return subprocess.run([sys.executable, *arguments], env=given, stderr=subprocess.DEVNULL, check=False).returncode


def start(folder: Path, *lowered: str) -> list[str]:
    """What stands in /proc of a program that the image's start has started, and whose the folder is then."""
    needed("tini")
    script = "grep -hE '^(Uid|Gid|CapEff|NoNewPrivs)' /proc/self/status | cut -f2"
    given = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "HF_HOME": str(folder)}
    command = [*lowered, *last_words("ENTRYPOINT"), "sh", "-euc", script]
    command = [word.replace("/app/", f"{ROOT}/") for word in command]
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [*done.stdout.split(), str(folder.stat().st_uid)]


@AS_ROOT
def test_started_as_root_it_hands_the_folder_over_and_gives_root_up(tmp_path: Path) -> None:
    assert start(tmp_path / "new") == [f"{USER}", f"{USER}", "0000000000000000", "1", f"{USER}"]


@AS_ROOT
def test_a_folder_that_is_a_link_is_handed_over_with_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "link").symlink_to("real")
    start(tmp_path / "link")
    assert {(tmp_path / name).stat().st_uid for name in ("real", "real/file")} == {USER}


@AS_ROOT
def test_started_as_somebody_it_takes_the_folder_as_it_is(tmp_path: Path) -> None:
    uid, gid, *_, owner = start(tmp_path, "setpriv", "--reuid", "4711", "--regid", "4712", "--clear-groups")
    assert (uid, gid, owner) == ("4711", "4712", "0")


def test_railway_reads_numbers_and_asks_what_answers(shared_service: Service) -> None:
    deploy = RAILWAY["deploy"]
    assert (RAILWAY["build"]["builder"], (ROOT / RAILWAY["build"]["dockerfilePath"]).is_file()) == ("DOCKERFILE", True)
    assert shared_service.http.get(deploy["healthcheckPath"]).status_code == 200
    numbers = ("numReplicas", "healthcheckTimeout", "drainingSeconds", "restartPolicyMaxRetries")
    assert [type(deploy[name]) for name in numbers] == [int] * 4
    assert (deploy["numReplicas"], deploy["restartPolicyType"]) == (1, "ON_FAILURE")


def test_railways_worker_begins_as_the_image_does() -> None:
    deploy = RAILWAY_WORKER["deploy"]
    begin, interpreter, script = deploy["startCommand"].split()
    assert ([begin], interpreter) == (last_words("ENTRYPOINT"), "python")
    assert {"deploy/start", script} <= set(context())
    assert "healthcheckPath" not in deploy
    assert os.access(ROOT / "deploy" / "start", os.X_OK)


def test_the_guide_tells_all_that_is_set_for_railway() -> None:
    guide = (ROOT / "guides" / "railway.md").read_text()
    for name, value in RAILWAY["deploy"].items():
        assert name in guide or str(value) in guide, name
    for name in re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", guide):
        known = (
            name.lower() in Settings.model_fields
            or f"ARG {name}" in DOCKERFILE
            or name.startswith(("AWS_", "RAILWAY_"))
        )
        assert known or name in {"PORT", "HF_HOME", "OMP_NUM_THREADS", "VOLUME", "ON_FAILURE"}, name


def libraries(wheel: str, folder: str) -> set[str]:
    place = Path(next(iter((find_spec(wheel) or pytest.fail(wheel)).submodule_search_locations or ()))).parent / folder
    if not place.is_dir():
        pytest.skip("this platform's wheel keeps its libraries elsewhere")
    return {re.sub(r"^lib|-[0-9a-f]{8}.*$", "", file.name) for file in place.iterdir()}


@pytest.mark.parametrize(
    ("section", "wheel", "folder"), [("3", "av", "av.libs"), ("4", "cv2", "opencv_python_headless.libs")]
)
def test_the_notice_names_every_library_in_the_wheels(section: str, wheel: str, folder: str) -> None:
    text = NOTICE.split(f"\n{section}. ")[1].split("\n\n", 1)[1].split(f"\n{int(section) + 1}. ")[0]
    listed = [
        name
        for line in text.splitlines()
        if (cells := re.split(r"\s{2,}|(?<=exception) ", line))[1:]
        for name in cells[1].split()
    ]
    assert sorted(listed) == sorted(libraries(wheel, folder))


def test_the_notice_says_of_the_codecs_what_is_so() -> None:
    from av._core import library_meta  # noqa: PLC0415

    assert f"For av {av.__version__}, " in NOTICE
    meta = library_meta["libavcodec"]
    assert f'"{meta["license"]}"' in NOTICE.partition("3. Libraries")[0]
    assert ("--enable-libx264" in meta["configuration"], "--enable-gpl" in meta["configuration"]) == (True, False)
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=1)
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        container.mux([*stream.encode(picture), *stream.encode()])
    assert b"Copyleft" in written.getvalue()
