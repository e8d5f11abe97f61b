"""A real redis-server on a port of its own, for tests: one for all of them, emptied for each."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

import redis

from tests.browser import needed
from tests.service import until


class RedisServer:
    """Appends to its file and evicts nothing, as it should where it keeps rows."""

    def __init__(self, folder: Path) -> None:
        self._program = needed("redis-server")
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port, socket_timeout=30)
        self.start()

    def start(self) -> None:
        kept = ("--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
        self.process = subprocess.Popen(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), *kept],
            stdout=subprocess.DEVNULL,
        )
        until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def send(self, sent: signal.Signals) -> None:
        """SIGSTOP and SIGCONT let it stand still for a while."""
        self.process.send_signal(sent)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self.client.close()
