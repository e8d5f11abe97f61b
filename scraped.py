"""The port at which a worker answers Prometheus. A service that takes videos answers it at the port that it has."""

from __future__ import annotations

import socket
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from api.keyring import Keyring
from config import Settings
from errors import CannotStart
from metrics import Metrics

PATH = "/metrics"

PATIENCE_SECONDS = 5.0
"""For a request to arrive and for its answer to be taken."""


class Scraped:
    """Asks for a key where the settings have some, as the service's own endpoint does."""

    def __init__(self, metrics: Metrics, settings: Settings) -> None:
        """Raises CannotStart where the port cannot be had."""
        answer = partial(_Answer, metrics, Keyring(settings.api_keys))
        try:
            self._server = _server(settings.host)((settings.host, settings.metrics_port), answer)
        except OSError as error:
            where = f"HOST={settings.host} METRICS_PORT={settings.metrics_port}"
            raise CannotStart(f"cannot listen on {where}: {error.strerror}") from error

    @property
    def socket(self) -> socket.socket:
        return self._server.socket

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, name="scraped", daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _server(host: str) -> type[ThreadingHTTPServer]:
    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, *_: Any) -> None:
            """Whoever asked has gone: that is nobody's concern."""

    return Server


class _Answer(BaseHTTPRequestHandler):
    timeout = PATIENCE_SECONDS
    server_version, sys_version = "video", ""

    def __init__(self, metrics: Metrics, keyring: Keyring, *connection: Any) -> None:
        self._metrics, self._keyring = metrics, keyring
        super().__init__(*connection)  # which answers

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._send(404, b"There is only /metrics here\n")
        elif self._keyring and self._keyring.owner_of(self._key()) is None:
            self._send(401, b"The worker asks for a key: send it as X-API-Key, or as Authorization: Bearer\n")
        else:
            text, media_type = self._metrics.text(self.headers.get("Accept"))
            self._send(200, text, media_type)

    def _key(self) -> bytes:
        """As the service's own door reads it."""
        given = self.headers.get("Authorization", "")
        bearer = given[7:].strip() if given[:7].lower() == "bearer " else ""
        return str(self.headers.get("X-API-Key", bearer)).encode("latin-1", errors="replace")

    def _send(self, status: int, body: bytes, media_type: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: it is asked several times a minute."""
