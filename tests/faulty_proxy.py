"""A TCP proxy that goes wrong on demand: refuses, stalls, is slow, or cuts a connection after so many bytes."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self

Fault = Literal["none", "refuse", "stall", "slow", "cut"]

SLOW_BYTES_A_SECOND = 8e6
"""Of one connection, each way."""


class FaultyProxy:
    """Listens on `port` and passes everything on to another. A fault begins once `after` more bytes have gone
    upstream, for all connections, and holds until `heal`."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._guard = threading.Lock()
        self._open: set[socket.socket] = set()
        self._healed = threading.Event()
        self._fault: Fault = "none"
        self._left = 0
        self.hits = 0
        """Connections that were refused or cut."""
        self.struck = threading.Event()
        """Set once a fault hit somebody."""
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.heal()
        self._listener.close()
        self._close_all()

    def go_wrong(self, fault: Fault, after: int = 0) -> None:
        with self._guard:
            self._healed.clear()
            self.struck.clear()
            self._fault, self._left = fault, after

    def heal(self) -> None:
        with self._guard:
            self._fault = "none"
        self._healed.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._fault == "refuse" or self._due(0) == "cut":
                self._hit()
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            with self._guard:
                self._open |= {client, server}
            for source, target, counted in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, target, counted), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                fault = self._due(len(data) if counted else 0)
                if fault in ("cut", "refuse"):
                    self._hit()
                    break
                if fault == "stall":
                    self._healed.wait()
                elif fault == "slow":
                    self._healed.wait(len(data) / SLOW_BYTES_A_SECOND)
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        with self._guard:
            self._open -= {source, target}

    def _hit(self) -> None:
        with self._guard:
            self.hits += 1
        self.struck.set()

    def _due(self, size: int) -> Fault:
        with self._guard:
            if self._fault == "none":
                return "none"
            self._left -= size
            if self._left > 0:
                return "none"
            self.struck.set()
            return self._fault

    def _close_all(self) -> None:
        with self._guard:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
