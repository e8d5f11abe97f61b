"""A small TCP proxy before a real server: it passes all on, until it is told to refuse, to be slow or to cut."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

Address = tuple[str, int]

PIECE = 1 << 16
LOOK_SECONDS = 0.05
"""How often a quiet connection asks whether it is over."""


class Proxy:
    """On one port for as long as it lives. What it does to whom is counted."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._over = threading.Event()
        self._refusing = threading.Event()
        self._pace = 0.0
        self._cuts_left, self._cut_after = 0, 0
        self._lock = threading.Lock()
        self.refused = self.cut = 0
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = listening.getsockname()[1]
        self._door = threading.Thread(target=self._accept, args=(listening,), daemon=True)
        self._connections: list[threading.Thread] = []
        self._door.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def refuse(self) -> None:
        """Reset every connection there is and every one that comes, as a server does that is gone."""
        self._refusing.set()

    def slow(self, bytes_a_second: float) -> None:
        """Pass so many bytes on, a connection and a way; 0 for as many as come."""
        self._pace = bytes_a_second

    def cut_next(self, times: int, after: int) -> None:
        """Reset so many connections in the middle of a request, once that many bytes of it were passed on."""
        with self._lock:
            self._cuts_left, self._cut_after = times, after

    def behave(self) -> None:
        """Pass all on again."""
        self._refusing.clear()
        self.slow(0)
        self.cut_next(0, 0)

    def close(self) -> None:
        self._over.set()
        self._door.join()
        for thread in self._connections:
            thread.join()

    def _accept(self, listening: socket.socket) -> None:
        with listening:
            listening.settimeout(LOOK_SECONDS)
            while not self._over.is_set():
                with suppress(TimeoutError):
                    client, _ = listening.accept()
                    thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                    thread.start()
                    self._connections = [one for one in self._connections if one.is_alive()] + [thread]

    def _serve(self, client: socket.socket) -> None:
        if self._refusing.is_set():
            self.refused += 1
            _reset(client)
            return
        with suppress(OSError), socket.create_connection(self._server) as server:
            self._pass_on(client, server)
        if self._refusing.is_set():
            _reset(client)
        client.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        """Both ways, until one side ends, or as it was told."""
        request = 0
        while not (self._over.is_set() or self._refusing.is_set()):
            for one in select.select([client, server], [], [], LOOK_SECONDS)[0]:
                data = one.recv(PIECE)
                if not data:
                    return
                (server if one is client else client).sendall(data)
                request = request + len(data) if one is client else 0
                if self._to_be_cut(request):
                    _reset(client)
                    return
                if pace := self._pace:
                    self._over.wait(len(data) / pace)

    def _to_be_cut(self, request: int) -> bool:
        with self._lock:
            due = self._cuts_left > 0 and request > self._cut_after
            if due:
                self._cuts_left -= 1
                self.cut += 1
        return due


def _reset(connection: socket.socket) -> None:
    """End it as a process does that dies: no farewell."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@contextmanager
def proxy_before(server: Address) -> Iterator[Proxy]:
    proxy = Proxy(server)
    try:
        yield proxy
    finally:
        proxy.close()
