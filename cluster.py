"""The whole service on one machine for trying it out: its own Redis and S3 store, two front doors, two workers.

`python cluster.py` (make run-cluster) runs it until Ctrl-C. Tests and trials start, freeze and kill its parts singly.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from errors import CannotStart

ROOT = Path(__file__).parent

START_SECONDS = 60.0
"""For a part to say that it is there, on a machine that is busy."""

LEAVE_SECONDS = 15.0
"""For a part that was told to end."""

PAUSE_SECONDS = 0.02

PORTS = (20_000, 32_000)

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

BUCKET = "videos"

S3 = {"AWS_ACCESS_KEY_ID": "cluster", "AWS_SECRET_ACCESS_KEY": "cluster", "AWS_REGION": "us-east-1"}
"""What clients of the store show it; it believes anybody."""


class Part:
    """One program of the cluster, at the head of a process group of its own. It may end and be started again."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path, ready: str) -> None:
        """`ready` is what it writes once it can be used; what it writes goes to `log`."""
        self.name = name
        self.log = log
        self.environment = dict(environment)
        self._command = command
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self._from = 0
        """Where in the log the last start begins."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The last one that was started."""
        if self._process is None:
            raise CannotStart(f"{self.name} was never started")
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Returns once it can be used, unless it is not to be waited for. Raises CannotStart with its last words."""
        self._from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log, _named(self._command[0]):
            # A group of its own, so that Ctrl-C reaches this program alone, which then ends the others in order.
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        if wait:
            self.wait_until_ready()

    def written(self) -> str:
        """What it wrote since it was last started."""
        return self.log.read_bytes()[self._from :].decode(errors="replace")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._ready not in (told := self.written()):
            if not self.running() or time.monotonic() > deadline:
                raise CannotStart(f"{self.name} did not start:\n{told}")
            time.sleep(PAUSE_SECONDS)

    def send(self, sent: signal.Signals) -> None:
        """To the part's first process alone."""
        self.process.send_signal(sent)

    def stop(self) -> int:
        """Tell it to end and wait for that; gives its exit status. One that does not end is killed."""
        if self.running():
            self.send(signal.SIGTERM)
        try:
            return self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """All of its processes at one stroke, as a machine that loses power would."""
        self.signal_all(signal.SIGKILL)
        return self.process.wait()

    def signal_all(self, sent: signal.Signals) -> None:
        """To all of its processes: SIGSTOP and SIGCONT freeze and thaw it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, sent)


class Api(Part):
    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        port = free_port()  # the same one each time that it is started
        self.url = f"http://127.0.0.1:{port}"
        settings = {**environment, "HOST": "127.0.0.1", "PORT": str(port)}
        super().__init__(name, [sys.executable, "app.py"], settings, log, "Serving at")


class Cluster:
    """Parts that find each other by what their environment says. To be entered; all that runs ends when it is left."""

    def __init__(self, folder: Path, *, objects: bool = True, **settings: str) -> None:
        """`folder` takes logs and data. Without `objects`, files lie in one folder that all share. `settings` are
        variables for every front door and worker, besides those of this process's environment."""
        self._folder = folder
        self._objects = objects
        self._parts = ExitStack()
        self.apis: list[Api] = []
        self.workers: list[Part] = []
        self.redis = _redis(folder)
        self.redis_url = f"redis://127.0.0.1:{self.redis.environment['PORT']}/0"
        self.store = _store(folder) if objects else None
        self.settings = os.environ | {"REDIS_URL": self.redis_url, "TASK_QUEUE": "celery"} | self._storage() | settings

    def __enter__(self) -> Cluster:
        with ExitStack() as starting:
            starting.callback(self.close)
            for part in filter(None, (self.redis, self.store)):
                self._take(part, wait=False)
            self.redis.wait_until_ready()
            if self.store:
                self.store.wait_until_ready()
                _make_bucket(int(self.store.environment["PORT"]))
            starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start_api(self, *, wait: bool = True, **settings: str) -> Api:
        """One more front door, with settings of its own."""
        name = f"api-{len(self.apis) + 1}"
        api = Api(name, self._environment(name, settings), self._folder / f"{name}.log")
        self.apis.append(api)
        self._take(api, wait=wait)
        return api

    def start_worker(self, *, wait: bool = True, **settings: str) -> Part:
        name = f"worker-{len(self.workers) + 1}"
        command, log = [sys.executable, "celery_worker.py"], self._folder / f"{name}.log"
        own = {"METRICS_PORT": str(free_port()), **settings}
        worker = Part(name, command, self._environment(name, own), log, "Working on")
        self.workers.append(worker)
        self._take(worker, wait=wait)
        return worker

    def close(self) -> None:
        """End all that runs: front doors and workers first and at the same time, what they stand on last."""
        for part in (*self.apis, *self.workers):
            if part.running():
                part.signal_all(signal.SIGCONT)  # one that is frozen could not end
                part.send(signal.SIGTERM)
        self._parts.close()

    def _take(self, part: Part, *, wait: bool) -> None:
        self._parts.callback(_end, part)
        part.start(wait=wait)

    def _storage(self) -> dict[str, str]:
        if self.store is None:
            return {"DATA_DIR": str(self._folder / "data"), "STORAGE_URL": ""}
        endpoint = {"AWS_ENDPOINT": f"http://127.0.0.1:{self.store.environment['PORT']}", "AWS_ALLOW_HTTP": "true"}
        return {"STORAGE_URL": f"s3://{BUCKET}/try", **S3, **endpoint}

    def _environment(self, name: str, settings: Mapping[str, str]) -> dict[str, str]:
        # With a store for the files, the folders of two parts need have nothing in common.
        own = {"DATA_DIR": str(self._folder / name)} if self._objects else {}
        return {**self.settings, **own, **settings}


@contextmanager
def _named(program: str) -> Iterator[None]:
    """Raises CannotStart where the program is not installed."""
    try:
        yield
    except FileNotFoundError as error:
        raise CannotStart(f"{program} is not installed here") from error


def _end(part: Part) -> None:
    if part.running():
        part.stop()
        part.signal_all(signal.SIGKILL)  # what it left behind, if anything


def _redis(folder: Path) -> Part:
    port, data = free_port(), folder / "redis"
    data.mkdir(parents=True, exist_ok=True)
    kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data), *kept]
    return Part("redis", command, os.environ | {"PORT": str(port)}, folder / "redis.log", "Ready to accept connections")


def _store(folder: Path) -> Part:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return Part("store", command, os.environ | {"PORT": str(port)}, folder / "store.log", "Running on")


def _make_bucket(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    connection.request("PUT", f"/{BUCKET}")
    status = connection.getresponse().status
    connection.close()
    if status >= 300:
        raise CannotStart(f"the store makes no bucket: it answers {status}")


def free_port() -> int:
    """By chance, and below those that the system gives to clients: one of them may not take it in the meantime."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python cluster.py", description=__doc__)
    parser.add_argument("--apis", type=int, default=2, help="front doors; default: 2")
    parser.add_argument("--workers", type=int, default=2, help="default: 2")
    wanted = parser.parse_args(arguments)
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="cluster-") as folder, Cluster(Path(folder)) as cluster:
            _run(cluster, wanted.apis, wanted.workers)
    except CannotStart as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        return 1
    return 0


def _run(cluster: Cluster, apis: int, workers: int) -> None:
    """Until a signal comes."""
    try:
        # All at once: each takes seconds to load what it needs.
        for _ in range(workers):
            cluster.start_worker(wait=False)
        for _ in range(apis):
            cluster.start_api(wait=False)
        for part in (*cluster.apis, *cluster.workers):
            part.wait_until_ready()
        print("".join(f"Serving at {api.url}/  the page is {api.url}/app/\n" for api in cluster.apis), end="")
        for worker in cluster.workers:
            print(f"{worker.name} tells http://127.0.0.1:{worker.environment['METRICS_PORT']}/metrics what it does")
        print(f"{workers} workers, rows in {cluster.redis_url}, logs in {cluster.redis.log.parent}; Ctrl-C ends it all")
        sys.stdout.flush()
        signal.pause()
    except KeyboardInterrupt:
        for ending in ENDINGS:
            signal.signal(ending, signal.SIG_IGN)  # nothing may keep it from ending what it started
        print("\nEnding …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
