"""A stranger's walk: a fresh clone in an empty environment, and all that the README has a newcomer type, with times.

Root walks as somebody else: a bare user id without a name, whose home is empty and read-only, with no cache and none of
the machine's variables. Others walk as themselves, with such a home. What is not committed is left behind. It ends with
status 1 where a step fails, or where something was written outside of the clone.

python -m benchmarks.stranger [--tests] [--python PROGRAM] [--let NAME …]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from video import lair

ROOT = Path(__file__).parent.parent
STRANGER = 61_234
WRITTEN = "http://127.0.0.1:8000"
"""The service's address, as the README writes it."""

START_SECONDS = 1800.0
"""Within which `make run` has to serve, with all that it downloads."""

ELSEWHERE = ("/tmp", "/var/tmp", "/dev/shm")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
HEADLESS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


class Stumbled(Exception):
    """A step did not do what was promised."""


@dataclass
class Walk:
    """Where the stranger is, and what each step took."""

    folder: Path
    environment: dict[str, str]
    prefix: tuple[str, ...]
    steps: list[tuple[str, float]] = field(default_factory=list)

    @property
    def clone(self) -> Path:
        return self.folder / "walk" / "clone"

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        print(f"{what} …", flush=True)
        began = time.monotonic()
        yield
        self.steps.append((what, time.monotonic() - began))
        print(f"    {self.steps[-1][1]:.1f} s", flush=True)

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """What it prints. Raises Stumbled with all of it where it fails."""
        done = subprocess.run(
            [*self.prefix, *command],
            cwd=cwd or self.clone,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Stumbled(f"{' '.join(command)[:200]} ended with status {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    @contextmanager
    def serving(self, *command: str) -> Iterator[None]:
        """While entered, the service runs; it ends as on Ctrl-C."""
        log = self.folder / "walk" / "service.log"
        with log.open("w") as told:
            process = subprocess.Popen(
                [*self.prefix, *command],
                cwd=self.clone,
                env=self.environment,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        try:
            with self.step("`make run`: installed, and serving"):
                _wait(lambda: _answers(f"{self.url}/readyz"), process, log)
            yield
        finally:
            with self.step("Ctrl-C"):
                with suppress(ProcessLookupError):  # it has ended by itself, which is told by whoever waited for it
                    os.killpg(process.pid, signal.SIGINT)
                process.wait(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['PORT']}"

    def megabytes(self, *parts: str) -> float:
        """What they take on the disk, as `du` counts it; nothing where they are not there."""
        there = [str(self.clone / part) for part in parts if (self.clone / part).exists()]
        if not there:
            return 0.0
        told = subprocess.run(["du", "-scm", *there], capture_output=True, text=True, check=True).stdout
        return float(told.split()[-2])


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Stumbled(f"the service did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--tests", action="store_true", help="`make test` too, with all that it installs")
    ask.add_argument("--python", default="python3", help="the interpreter, as in `make run PYTHON=…`")
    ask.add_argument("--let", nargs="+", default=[], metavar="NAME", help="variables to pass on: a proxy, an index")
    asked = ask.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stranger-"))
    before = _strangers_files()
    try:
        walk = _arrive(folder, asked.let)
        go(walk, asked.python, asked.tests)
        littered = sorted(path for path in _strangers_files() - before if not (asked.tests and _is_a_lair(path)))
        print(*table(walk), sep="\n")
        if littered or any((folder / "home").iterdir()):
            raise Stumbled(f"written outside of the clone: {littered or list((folder / 'home').iterdir())}")
    except Stumbled as stumbled:
        print(stumbled, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _arrive(folder: Path, let: Sequence[str]) -> Walk:
    """With nothing but a home that cannot be written, and a folder that can."""
    folder.chmod(0o755)
    (folder / "home").mkdir(mode=0o555)
    walk, scratch = folder / "walk", folder / "walk" / "tmp"
    scratch.mkdir(parents=True)
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        for place in (walk, scratch):
            os.chown(place, STRANGER, STRANGER)
        prefix = ("setpriv", "--reuid", f"{STRANGER}", "--regid", f"{STRANGER}", "--clear-groups", "--inh-caps=-all")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PORT": f"{port}"}
    environment |= {"HOME": f"{folder / 'home'}", "TMPDIR": f"{scratch}"}
    return Walk(folder, environment | {name: os.environ[name] for name in let}, prefix)


def go(walk: Walk, python: str, tests: bool) -> None:
    bundle = walk.folder / "repository.bundle"
    subprocess.run(["git", "bundle", "create", "--quiet", str(bundle), "HEAD"], cwd=ROOT, check=True)
    bundle.chmod(0o644)
    with walk.step("`git clone`"):
        walk.run("git", "clone", "--quiet", str(bundle), str(walk.clone), cwd=walk.folder)
    with walk.serving("make", "run", f"PYTHON={python}"):
        with walk.step("a drawn video"):
            walk.run(".venv/bin/python", "cli.py", "draw", "video.mp4")
        with walk.step("the walk with curl: upload, events, results, cleanup"):
            if "Session cleaned up successfully" not in walk.run("bash", "-euo", "pipefail", "-c", curl_walk(walk)):
                raise Stumbled("the walk with curl did not come to its end")
        _open_page(walk)
    with walk.step("`cli.py analyze`, without a server"):
        walk.run(".venv/bin/python", "cli.py", "analyze", "video.mp4", "--type", "highlights")
    if tests:
        with walk.step("`make test`"):
            print(walk.run("make", "test", f"PYTHON={python}").splitlines()[-1])


def curl_walk(walk: Walk) -> str:
    """The first block of the README, or of the quick start, that goes from upload to cleanup; at this service."""
    pages = [walk.clone / "README.md", walk.clone / "guides" / "quick-start.md"]
    text = "\n".join(page.read_text() for page in pages if page.exists())
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    found: str | None = next((block for block in blocks if "/upload" in block and "/cleanup/" in block), None)
    if found is None:
        raise Stumbled("neither the README nor the quick start has a walk with curl")
    return found.replace(WRITTEN, walk.url)


def _open_page(walk: Walk) -> None:
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        print("The page was not opened: there is no Chromium.")
        return
    with walk.step("the page, opened in Chromium"):
        profile = f"--user-data-dir={walk.folder / 'walk' / 'tmp' / 'chromium'}"
        dom = walk.run(browser, *HEADLESS, profile, "--virtual-time-budget=5000", "--dump-dom", f"{walk.url}/app/")
        if "<h1" not in dom:
            raise Stumbled(f"the page did not open:\n{dom[-2000:]}")
    shutil.rmtree(walk.folder / "walk" / "tmp" / "chromium", ignore_errors=True)


def _strangers_files() -> set[str]:
    """Where programs like to leave something, what is the stranger's."""
    found = set()
    for place in filter(os.path.isdir, ELSEWHERE):
        with os.scandir(place) as entries:
            found |= {entry.path for entry in entries if _owner_of(entry) == STRANGER}
    return found


def _is_a_lair(path: str) -> bool:
    """Whether it is what a killed service leaves for the next start to remove; the tests kill some."""
    return Path(path).name.startswith(lair.PREFIX)


def _owner_of(entry: os.DirEntry[str]) -> int | None:
    """None for what others deleted meanwhile."""
    with suppress(FileNotFoundError):
        return entry.stat(follow_symlinks=False).st_uid
    return None


def table(walk: Walk) -> Iterator[str]:
    yield "\n| step | took |\n|---|---|"
    yield from (f"| {what} | {seconds:.1f} s |" for what, seconds in walk.steps)
    clone = walk.megabytes(".") - walk.megabytes(".venv", "data")
    yield "\n| on the disk | |\n|---|---|"
    yield f"| the clone | {clone:.0f} MB |"
    yield f"| `.venv` | {walk.megabytes('.venv'):.0f} MB |"
    yield f"| `data`, when its sessions are deleted | {walk.megabytes('data'):.0f} MB |"


if __name__ == "__main__":
    sys.exit(main())
