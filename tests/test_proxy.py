"""The proxy does to a connection what the trials of store faults say it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.proxy import Proxy, proxy_before


class Taking(BaseHTTPRequestHandler):
    """Takes whatever is put, and says how much that was."""

    def do_PUT(self) -> None:
        body = str(len(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    with proxy_before(("127.0.0.1", server.server_port)) as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


def put(proxy: Proxy, size: int) -> str:
    return httpx.put(proxy.url, content=bytes(size)).text


def test_what_is_sent_through_it_comes_and_is_answered(proxy: Proxy) -> None:
    assert put(proxy, 1_000_000) == "1000000"


def test_it_refuses_and_behaves_again(proxy: Proxy) -> None:
    proxy.refuse()
    with pytest.raises(httpx.TransportError):
        put(proxy, 1)
    proxy.behave()
    assert (put(proxy, 1), proxy.refused) == ("1", 1)


def test_it_cuts_so_many_requests_in_their_middle(proxy: Proxy) -> None:
    proxy.cut_next(1, after=100_000)
    assert put(proxy, 10_000) == "10000"
    with pytest.raises(httpx.TransportError):
        put(proxy, 1_000_000)
    assert (put(proxy, 1_000_000), proxy.cut) == ("1000000", 1)


def test_it_passes_on_as_slowly_as_it_is_told(proxy: Proxy) -> None:
    proxy.slow(1_000_000)
    began = time.monotonic()
    assert put(proxy, 100_000) == "100000"
    assert time.monotonic() - began >= 0.1
