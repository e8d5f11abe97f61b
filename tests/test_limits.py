"""How often one client may call, and who a client is."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from api import limits
from api.keyring import Keyring
from api.limits import Proxies, Rate
from config import Settings
from tests.service import BASE, Program, Service

KEYS = "alice:alice-0123456789-secret,bob:bob-0123456789-secret-too"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_allowance_may_be_spent_at_once_and_comes_back_bit_by_bit() -> None:
    clock = Clock()
    rate = Rate(6, clock)
    assert [rate.seconds_to_wait("a") for _ in range(6)] == [0.0] * 6
    assert rate.seconds_to_wait("a") == pytest.approx(10)
    clock.now += 4
    assert rate.seconds_to_wait("a") == pytest.approx(6)
    clock.now += 6
    assert rate.seconds_to_wait("a") == 0
    assert rate.seconds_to_wait("a") == pytest.approx(10)
    clock.now += 3600
    assert [rate.seconds_to_wait("a") for _ in range(7)][-2:] == [0, pytest.approx(10)]


def test_one_clients_calls_are_not_anothers() -> None:
    rate = Rate(1, Clock())
    assert [rate.seconds_to_wait(client) > 0 for client in ("a", "b", "a")] == [False, False, True]


def test_however_many_clients_come_no_more_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 100)
    rate = Rate(1, Clock())
    assert not any(rate.seconds_to_wait(str(number)) for number in range(1000))
    assert len(rate) == 100
    assert rate.seconds_to_wait("999") > 0


def test_none_a_minute_is_no_limit_and_remembers_nobody() -> None:
    rate = Rate(0)
    assert not any(rate.seconds_to_wait("a") for _ in range(1000))
    assert len(rate) == 0


def client(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8", "fd00::1/128")) -> str:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Proxies(trusted).client({"client": peer and (peer, 1234), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),  # nobody asked this one
        ("10.1.2.3", (), "10.1.2.3"),
        ("10.1.2.3", ("198.51.100.1",), "198.51.100.1"),
        ("10.1.2.3", ("198.51.100.1:4711",), "198.51.100.1"),
        ("10.1.2.3", ("1.1.1.1, 198.51.100.1, 10.9.9.9",), "198.51.100.1"),  # the first is the client's own word
        ("10.1.2.3", ("1.1.1.1", "198.51.100.1"), "198.51.100.1"),
        ("10.1.2.3", ("198.51.100.1, nonsense",), "10.1.2.3"),
        ("10.1.2.3", ("",), "10.1.2.3"),
        ("10.1.2.3", ("10.4.4.4, 10.5.5.5",), "10.4.4.4"),
        ("::ffff:10.1.2.3", ("198.51.100.1",), "198.51.100.1"),
        ("fd00::1", ("[2001:db8:1:2:3:4:5:6]:80",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2::7", (), "2001:db8:1:2::/64"),
        (None, ("198.51.100.1",), ""),
    ],
)
def test_a_client_is_its_address_and_only_a_trusted_proxy_may_say_another(
    peer: str | None, forwarded: tuple[str, ...], expected: str
) -> None:
    assert client(peer, *forwarded) == expected


def test_uploads_and_polls_are_limited_apart_and_told_when_to_come_again(serve_with: Callable[..., Service]) -> None:
    service = serve_with(rate_uploads_per_minute=2, rate_polls_per_minute=3)
    uploads = [service.http.post(path).status_code for path in ("/analyze/highlights", f"{BASE}/upload")]
    refused = service.http.post(f"{BASE}/upload", files={"video": b"x" * 100_000})
    body = refused.json()
    assert (uploads, refused.status_code, body["reason"]) == ([400, 400], 429, "rate_limited")
    assert 25 < int(refused.headers["Retry-After"]) <= 30
    assert body.keys() == {"error", "code", "reason", "requestId"}
    legacy = service.http.post("/analyze/workout")
    assert (legacy.status_code, legacy.json().keys()) == (429, {"detail"})
    polls = [service.http.get(f"{BASE}/{what}/{UNKNOWN}").status_code for what in ("status", "results", "events")]
    more = [service.http.get(f"{BASE}/{what}/{UNKNOWN}").status_code for what in ("status", "files/x")]
    assert (polls, more) == ([404] * 3, [429] * 2)
    assert [service.http.get(path).status_code for path in ("/livez", "/health", "/app/")] == [200] * 3


def test_a_key_is_counted_wherever_it_is_used_and_a_header_is_not_believed(
    serve_with: Callable[..., Service],
) -> None:
    service = serve_with(rate_polls_per_minute=1, api_keys=KEYS)

    def code(name: str, **headers: str) -> int:
        key = dict(one.split(":") for one in KEYS.split(","))[name]
        path = f"{BASE}/status/{UNKNOWN}"
        return service.http.get(path, headers={"X-API-Key": key, **headers}).status_code

    assert [code("alice"), code("bob"), code("alice", **{"X-Forwarded-For": "198.51.100.1"})] == [404, 404, 429]


def test_who_is_refused_for_its_key_takes_nobodys_allowance(serve_with: Callable[..., Service]) -> None:
    service = serve_with(rate_polls_per_minute=1, api_keys=KEYS)
    assert [service.http.get(f"{BASE}/sessions").status_code for _ in range(3)] == [401] * 3
    key = KEYS.split(",", maxsplit=1)[0].partition(":")[2]
    assert service.http.get(f"{BASE}/sessions", headers={"X-API-Key": key}).status_code == 200


def from_addresses(http: httpx.Client, *addresses: str) -> list[int]:
    path = f"{BASE}/status/{UNKNOWN}"
    return [http.get(path, headers={"X-Forwarded-For": address}).status_code for address in addresses]


def test_behind_a_trusted_proxy_each_client_has_its_own_allowance(serve_with: Callable[..., Service]) -> None:
    service = serve_with(rate_polls_per_minute=1, trusted_proxies=("127.0.0.1",))
    assert from_addresses(service.http, "198.51.100.1", "198.51.100.2", "198.51.100.1") == [404, 404, 429]


def test_the_program_believes_no_header_by_itself(program: Callable[..., Program]) -> None:
    running = program(RATE_POLLS_PER_MINUTE="1")
    assert from_addresses(running.http, "198.51.100.1", "198.51.100.2") == [404, 429]


def test_a_ticket_ends_with_its_time_and_with_its_key() -> None:
    clock, keys = Clock(), Settings.model_validate({"api_keys": KEYS}).api_keys
    ticket, until = Keyring(keys, clock).ticket("alice", UNKNOWN)
    assert Keyring(keys, clock).admits(ticket, "alice", UNKNOWN), "a restart changes nothing"
    assert not Keyring(keys, clock).admits(ticket, "bob", UNKNOWN)
    assert not Keyring(keys[1:], clock).admits(ticket, "alice", UNKNOWN)
    later = f"{until + 1:x}.{ticket.partition('.')[2]}"
    assert not Keyring(keys, clock).admits(later, "alice", UNKNOWN)
    clock.now = until + 1.0
    assert not Keyring(keys, clock).admits(ticket, "alice", UNKNOWN)
