"""Starts the servers that are measured, and watches them from outside: their memory, and how long they answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import psutil

from benchmarks.speed.wire import PATIENCE, Address, get
from tests.service import ROOT, Program

WATCH_SECONDS = 0.005
"""How often memory is read, and another request sent."""


def address_of(url: str) -> Address:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


@contextmanager
def product(data_dir: Path) -> Iterator[Program]:
    """`python app.py` in a process of its own."""
    program = Program(data_dir)
    try:
        yield program
    finally:
        program.kill()


@contextmanager
def served(*what: str, **environment: str) -> Iterator[tuple[Address, int]]:
    """One of `benchmarks.speed.serve`: its address and its process id."""
    command = [sys.executable, "-m", "benchmarks.speed.serve", *what]
    process = subprocess.Popen(command, cwd=ROOT, env=environment or None, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield address_of(process.stdout.readline().split()[-1]), process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def client() -> Iterator[ProcessPoolExecutor]:
    """One process to run clients in, so that they share nothing with what watches."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(int).result()
        yield pool


class Watch:
    """While entered, reads a process's memory and, where `path` is given, times a small request now and then."""

    def __init__(self, pid: int, address: Address, path: str | None = None, every: float = WATCH_SECONDS) -> None:
        self._process = psutil.Process(pid)
        self._address, self._path, self._every = address, path, every
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._memory)]
        if path:
            self._threads.append(threading.Thread(target=self._ask))
        self.before_bytes = self.most_bytes = self._process.memory_info().rss
        self.child_bytes = 0
        """The most that one child of the process held: a decoder, where it decodes."""
        self.answers: list[float] = []
        """Seconds that each request took."""

    @property
    def longest_seconds(self) -> float:
        return max(self.answers, default=0.0)

    @property
    def asked(self) -> int:
        return len(self.answers)

    @property
    def grown_mb(self) -> float:
        return (self.most_bytes - self.before_bytes) / 1e6

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _memory(self) -> None:
        while not self._over.wait(WATCH_SECONDS):
            with suppress(psutil.Error):
                self.most_bytes = max(self.most_bytes, self._process.memory_info().rss)

    def _ask(self) -> None:
        with socket.create_connection(self._address, PATIENCE) as connection:
            while not self._over.wait(self._every):
                began = time.perf_counter()
                get(connection, self._path or "/")
                self.answers.append(time.perf_counter() - began)


class Family(Watch):
    """Watches the process's children too; looking for them costs more, so that it is done less often."""

    def _memory(self) -> None:
        while not self._over.wait(20 * WATCH_SECONDS):
            with suppress(psutil.Error):
                self.most_bytes = max(self.most_bytes, self._process.memory_info().rss)
                held = [child.memory_info().rss for child in self._process.children(recursive=True)]
                self.child_bytes = max([self.child_bytes, *held])
