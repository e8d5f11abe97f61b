"""How the server stops: it lingers, waits for what is under way, and gives it up only when patience ends."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
import uvloop

from api import server
from api.server import Server, listening, served_as


@dataclass
class Work:
    """Something under way, for as long as it says so."""

    busy: bool = False
    said: list[str] = field(default_factory=list)

    def drain(self) -> None:
        self.said.append("drain")

    def idle(self) -> bool:
        return not self.busy

    def abandon(self) -> None:
        self.said.append("abandon")
        self.busy = False


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same order of things, in tenths of seconds."""
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.3)
    yield


async def serving(work: Work) -> Server:
    async def app(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nobody asks anything here")

    config = uvicorn.Config(app, log_config=None)
    stopping = Server(config, drain=work.drain, idle=work.idle, abandon=work.abandon)
    stopping._loop = asyncio.get_running_loop()
    return stopping


async def stopped(stopping: Server) -> float:
    """Seconds until it would leave."""
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(0)  # the signal is answered on the loop
    assert stopping._stopping
    await asyncio.wait_for(stopping._stopping, 5)
    assert stopping.should_exit
    return asyncio.get_running_loop().time() - began


async def test_a_sigterm_drains_at_once_and_lingers() -> None:
    work = Work()
    stopping = await serving(work)
    stopping.handle_exit(signal.SIGTERM, None)
    await asyncio.sleep(0)
    assert (work.said, stopping.should_exit) == (["drain"], False)
    assert await stopped(stopping) >= 0.09
    assert work.said == ["drain"]


async def test_ctrl_c_ends_it_as_gently() -> None:
    stopping = await serving(Work())
    stopping.handle_exit(signal.SIGINT, None)
    await stopped(stopping)
    assert not stopping.force_exit


async def test_what_is_under_way_is_waited_for() -> None:
    work = Work(busy=True)
    stopping = await serving(work)
    stopping.handle_exit(signal.SIGTERM, None)
    asyncio.get_running_loop().call_later(0.15, setattr, work, "busy", False)
    assert await stopped(stopping) >= 0.14
    assert work.said == ["drain"]


async def test_what_stays_under_way_is_given_up() -> None:
    work = Work(busy=True)
    stopping = await serving(work)
    stopping.handle_exit(signal.SIGTERM, None)
    await stopped(stopping)
    assert work.said == ["drain", "abandon"]


async def test_a_second_signal_is_obeyed_at_once() -> None:
    work = Work(busy=True)
    stopping = await serving(work)
    stopping.handle_exit(signal.SIGTERM, None)
    await asyncio.sleep(0)
    stopping.handle_exit(signal.SIGTERM, None)
    assert (stopping.should_exit, stopping.force_exit) == (True, True)


async def test_no_signal_is_kept_to_be_raised_again() -> None:
    stopping = await serving(Work())
    stopping.handle_exit(signal.SIGINT, None)
    await stopped(stopping)
    assert stopping._captured_signals == []


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6, or keeps it apart")
@pytest.mark.parametrize("host", ["::", "0::0"])
def test_every_address_is_that_of_ipv4_too(host: str) -> None:
    with listening(host, 0) as listener:
        port = listener.getsockname()[1]
        for address in ("127.0.0.1", "::1"):
            socket.create_connection((address, port), timeout=1).close()


def test_all_who_wait_are_let_in_at_one_turn_of_the_loop() -> None:
    """By uvloop, as the service has it: asyncio's own loop accepts many by itself."""

    async def counted(listener: socket.socket) -> int:
        serving = Server(served_as(nothing), drain=lambda: None, idle=lambda: True, abandon=lambda: None)
        running = asyncio.create_task(serving.serve([listener]))
        while not serving.started:  # noqa: ASYNC110  it has no event
            await asyncio.sleep(0.01)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(40)]
        for _ in range(5):
            await asyncio.sleep(0)
        found = len(serving.server_state.connections)
        for client in clients:
            client.close()
        serving.should_exit = True
        await running
        return found

    async def nothing(scope: object, receive: object, send: object) -> None:
        raise AssertionError("nobody asks anything here")

    with listening("127.0.0.1", 0) as listener:
        assert uvloop.run(counted(listener)) == 40
