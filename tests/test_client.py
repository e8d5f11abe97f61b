"""The Python clients, the blocking one and the awaiting one, against a real service."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import schemas
from api.health import Health
from api.keyed import ListedBody, SessionsBody, TokenBody
from client import (
    AsyncVideoClient,
    Ended,
    Event,
    FindingMade,
    Interrupted,
    NoAnswer,
    StatusTold,
    VideoClient,
    answers,
    parts,
)
from client.asking import Pauses, read
from client.calls import Calls
from client.fetching import checked
from client.following import EventReader
from client.memory import Begun, Memory
from client.steps import Answer
from errors import HttpRefusal, ServiceError
from tests.awaited import CLIENTS
from tests.between import Between, between, once
from tests.service import BASE, ROOT, Service, until

NOBODY = "http://127.0.0.1:9"


@pytest.fixture(params=CLIENTS, ids=["blocking", "awaiting"])
def kind(request: pytest.FixtureRequest) -> type[VideoClient]:
    given: type[VideoClient] = request.param
    return given


@pytest.fixture
def client(kind: type[VideoClient], shared_service: Service) -> Iterator[VideoClient]:
    with kind(str(shared_service.http.base_url)) as client:
        yield client


@pytest.fixture
def way(shared_service: Service) -> Iterator[Between]:
    """A way to the service on which something may go wrong."""
    with between(shared_service.http) as way:
        yield way


@pytest.fixture
def far(kind: type[VideoClient], way: Between) -> Iterator[VideoClient]:
    """A client at the other end of it."""
    with kind(way.url) as client:
        yield client


# ── The walk ──────────────────────────────────────────────────────────────────────────────────────


def test_from_upload_to_cleanup(client: VideoClient, shared_service: Service, short: Path, tmp_path: Path) -> None:
    told: list[Event] = []
    sent: list[tuple[int, int]] = []
    started = client.upload(short, params={"max_highlights": 2}, on_sent=lambda *so_far: sent.append(so_far))
    session_id, size = started["sessionId"], short.stat().st_size
    assert (started["video"]["sizeBytes"], sent[-1]) == (size, (size, size))
    assert client.wait(session_id, told.append)["status"] == "completed"
    data = client.results(session_id)
    assert data["settings"]["max_highlights"] == 2
    findings = [FindingMade] * data["highlights_found"]
    assert [type(event) for event in told if not isinstance(event, StatusTold)] == [*findings, Ended]
    came = {path.name for path in client.download(session_id, tmp_path)}
    assert {"reel.mp4", "contact-sheet.jpg", "chapters.vtt", "highlights.csv", "highlights.edl"} < came
    assert came == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "reel.mp4").read_bytes() == shared_service.http.get(data["reel_url"]).content
    client.cleanup(session_id)
    assert session_id not in shared_service.folders()


def test_a_session_can_be_stopped(client: VideoClient, long_clip: Path) -> None:
    session_id = client.upload(long_clip, "workout")["sessionId"]
    assert client.cancel(session_id)["status"] == "cancelled"
    assert client.wait(session_id)["status"] == "cancelled"
    client.cleanup(session_id)


def test_who_comes_back_is_told_what_is_new_alone(client: VideoClient, short: Path) -> None:
    session_id = client.upload(short)["sessionId"]
    events = list(client.follow(session_id))
    seen = next(event for event in events if isinstance(event, StatusTold)).id
    assert seen not in [getattr(event, "id", "") for event in client.follow(session_id, last_event_id=seen)]
    assert isinstance(events[-1], Ended)
    assert list(client.follow(session_id, last_event_id=events[-1].id)) == []
    client.cleanup(session_id)


def test_a_session_that_is_deleted_while_it_is_followed_is_told(client: VideoClient, long_clip: Path) -> None:
    session_id = client.upload(long_clip)["sessionId"]

    def delete(event: Event) -> None:
        if isinstance(event, StatusTold):
            with VideoClient(client.url) as another:
                another.cleanup(session_id)

    with pytest.raises(HttpRefusal, match="Session not found"):
        client.wait(session_id, delete)


def test_a_refusal_carries_the_services_words_and_reason(client: VideoClient, short: Path) -> None:
    with pytest.raises(HttpRefusal, match="max_highlights") as refusal:
        client.upload(short, params={"max_highlights": 0})
    assert (refusal.value.status_code, refusal.value.reason) == (400, "invalid_request")
    assert refusal.value.details["details"] == [
        {"loc": ["params", "max_highlights"], "msg": "Input should be greater than or equal to 1"}
    ]
    with pytest.raises(HttpRefusal, match="Session not found"):
        list(client.follow("nobody"))


def test_health_says_who_looks(client: VideoClient) -> None:
    assert client.alive()
    health = client.health()
    assert (health["ready"], health["analyzer"], health["troubles"]) == (True, "signals", [])


def test_a_service_that_is_elsewhere_is_told_with_its_address(far: VideoClient, way: Between) -> None:
    way.wrong = once("https://video.example/livez", "GET", "/livez")
    with pytest.raises(ServiceError, match=r"sends on to https://video\.example: use that address"):
        far.alive()


def test_where_nothing_can_be_remembered_nothing_is_begun(far: VideoClient, way: Between, short: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder to remember an upload in"):
        far.upload(short, remember_in=short.parent / "missing" / "uploads.json")
    assert way.of("POST") == []


def test_a_service_that_is_not_there_is_told(kind: type[VideoClient], short: Path) -> None:
    with kind(NOBODY, patience=0) as lonely:
        assert not lonely.alive()
        for ask in (lambda: lonely.status("x"), lambda: lonely.wait("x"), lambda: lonely.upload(short)):
            with pytest.raises(NoAnswer, match=r"no answer from http://127\.0\.0\.1:9"):
                ask()


# ── Keys and tokens ───────────────────────────────────────────────────────────────────────────────

KEY = "alice-0123456789-secret"


@pytest.fixture(scope="module")
def keyed(opening: Callable[..., Iterator[Service]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from opening(tmp_path_factory.mktemp("keyed") / "data", api_keys=f"alice:{KEY}")


def test_a_key_is_sent_with_every_call(kind: type[VideoClient], keyed: Service, short: Path) -> None:
    url = str(keyed.http.base_url)
    with kind(url, api_key=KEY) as client:
        session_id = client.upload(short)["sessionId"]
        ticket = client.token(session_id)["sessionToken"]
    with kind(url) as stranger, pytest.raises(HttpRefusal, match="asks for a key") as refusal:
        stranger.status(session_id)
    assert (refusal.value.status_code, refusal.value.reason) == (401, "unauthorized")
    with kind(url, session_tokens={session_id: ticket}) as guest:
        assert list(guest.follow(session_id))[-1].status == "completed"  # type: ignore[union-attr]


def test_sessions_come_page_by_page(kind: type[VideoClient], keyed: Service) -> None:
    made = [keyed.seeded(schemas.Status.COMPLETED, owner="alice") for _ in range(3)]
    with kind(str(keyed.http.base_url), api_key=KEY) as client:
        page = client.sessions(limit=2)
        assert [one["sessionId"] for one in page["sessions"]] == made[:0:-1]
        rest = client.sessions(cursor=page["nextCursor"])
        assert rest["sessions"][0]["sessionId"] == made[0]
        assert [one["sessionId"] for one in client.every_session()][:3] == made[::-1]


def test_a_token_that_was_asked_for_is_remembered(client: VideoClient, kind: type[VideoClient], short: Path) -> None:
    session_id = client.upload(short, token=True, in_parts=True)["sessionId"]
    assert client.status(session_id)["sessionId"] == session_id
    with kind(client.url) as stranger, pytest.raises(HttpRefusal, match="Session not found"):
        stranger.status(session_id)
    client.cleanup(session_id)


# ── When something goes wrong on the way ──────────────────────────────────────────────────────────


def test_an_upload_whose_answer_is_lost_is_not_analysed_twice(far: VideoClient, way: Between, short: Path) -> None:
    way.wrong = once("lost", "POST", "/upload")
    session_id = far.upload(short)["sessionId"]
    first, again = way.of("POST", "/upload")
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    way.wrong = once("lost", "DELETE")
    assert far.cleanup(session_id)["sessionId"] == session_id


def test_where_there_are_no_events_polls_tell_the_same(far: VideoClient, way: Between, short: Path) -> None:
    way.wrong = lambda asked: 502 if "/events/" in asked.path else None
    session_id = far.upload(short)["sessionId"]
    told = list(far.follow(session_id))
    percents = [event.status["progress"] for event in told if isinstance(event, StatusTold)]
    assert (percents, percents[-1], told[-1]) == (sorted(percents), 100, Ended("completed"))
    assert [type(event) for event in told[:1]] == [Interrupted]
    far.cleanup(session_id)


@pytest.fixture(scope="module")
def finished(shared_service: Service, short: Path) -> Iterator[str]:
    """A session that has a reel."""
    session_id = shared_service.start(short)
    shared_service.results(session_id)
    yield session_id
    shared_service.http.delete(f"{BASE}/cleanup/{session_id}")


def reel_of(way: Between, session_id: str) -> bytes:
    return httpx.get(f"{way.url}{BASE}/files/{session_id}/reel.mp4", trust_env=False).content


def test_a_file_goes_on_where_it_was_cut_off(far: VideoClient, way: Between, finished: str, tmp_path: Path) -> None:
    way.wrong = once("cut", "GET", "/reel.mp4")
    (reel,) = far.download(finished, tmp_path, ["reel.mp4"])
    whole, rest = way.of("GET", "/reel.mp4")
    assert "range" not in whole.headers
    half = reel.stat().st_size // 2
    assert (rest.headers["range"], bool(rest.headers["if-range"])) == (f"bytes={half}-", True)
    assert reel.read_bytes() == reel_of(way, finished)
    assert list(tmp_path.iterdir()) == [reel]


def test_what_came_of_a_file_stays_for_another_call_where_that_is_wished(
    kind: type[VideoClient], way: Between, finished: str, tmp_path: Path
) -> None:
    with kind(way.url, patience=0) as client:
        for keep_parts, kept in ((False, 0), (True, 1)):
            way.wrong = once("cut", "GET", "/reel.mp4")
            with pytest.raises(NoAnswer):
                client.download(finished, tmp_path, ["reel.mp4"], keep_parts=keep_parts)
            assert len(list(tmp_path.iterdir())) == kept
        (reel,) = client.download(finished, tmp_path, ["reel.mp4"], keep_parts=True)
    assert way.of("GET", "/reel.mp4")[-1].headers["range"].startswith("bytes=")
    assert reel.read_bytes() == reel_of(way, finished)
    assert list(tmp_path.iterdir()) == [reel]


def test_another_store_is_not_told_the_key(kind: type[VideoClient], way: Between, tmp_path: Path) -> None:
    elsewhere = way.url.replace("127.0.0.1", "localhost") + "/store"
    way.wrong = lambda asked: b"reel" if asked.path == "/store" else elsewhere
    with kind(way.url, api_key=KEY) as client:
        (reel,) = client.download("x", tmp_path, ["reel.mp4"])
    assert reel.read_bytes() == b"reel"
    assert [asked.headers.get("x-api-key") for asked in way.asked] == [KEY, None]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch, short: Path) -> int:
    """What is meant for large files is tried with a small one. Gives the bytes of a part."""
    monkeypatch.setattr(parts, "PART_BYTES", size := short.stat().st_size // 4 + 1)
    return size


def test_a_part_whose_answer_is_lost_is_not_sent_again(
    far: VideoClient, way: Between, short: Path, small_parts: int
) -> None:
    way.wrong = once("lost", "PATCH")
    session_id = far.upload(short, in_parts=True)["sessionId"]
    offsets = [int(asked.headers["upload-offset"]) for asked in way.of("PATCH")]
    assert offsets == [0, small_parts, 2 * small_parts, 3 * small_parts]
    far.cleanup(session_id)


def interrupt(sent: int, total: int) -> None:
    if sent > total // 2:
        raise KeyboardInterrupt


def test_a_program_that_was_stopped_goes_on_where_it_was(
    kind: type[VideoClient], way: Between, short: Path, tmp_path: Path, small_parts: int
) -> None:
    kept, ids = tmp_path / "uploads.json", list[str]()
    with VideoClient(way.url) as client, pytest.raises(KeyboardInterrupt):
        client.upload(short, remember_in=kept, on_begun=ids.append, on_sent=interrupt)
    with kind(way.url) as another:
        assert another.upload(short, remember_in=kept)["sessionId"] == ids[0]
        another.cleanup(ids[0])
    offsets = [int(asked.headers["upload-offset"]) for asked in way.of("PATCH")]
    assert offsets == [0, small_parts, 2 * small_parts, 3 * small_parts]
    assert list(tmp_path.iterdir()) == []


def test_what_the_service_forgot_is_sent_anew(far: VideoClient, short: Path, tmp_path: Path) -> None:
    kept, ids = tmp_path / "uploads.json", list[str]()
    with VideoClient(far.url) as client, pytest.raises(KeyboardInterrupt):
        client.upload(short, remember_in=kept, on_begun=ids.append, on_sent=interrupt)
    far.cleanup(ids[0])
    session_id = far.upload(short, remember_in=kept)["sessionId"]
    assert session_id != ids[0]
    far.cleanup(session_id)


def test_an_upload_that_is_interrupted_leaves_nothing(
    shared_service: Service, way: Between, short: Path, small_parts: int
) -> None:
    with VideoClient(way.url) as client, pytest.raises(KeyboardInterrupt):
        client.upload(short, in_parts=True, on_sent=interrupt)
    (gone,) = (asked.path.rpartition("/")[2] for asked in way.of("DELETE", "/uploads"))
    head = shared_service.http.head(f"{BASE}/uploads/{gone}", headers=parts.TUS)
    assert head.status_code == 404


async def test_an_upload_that_is_cancelled_leaves_nothing(way: Between, short: Path, small_parts: int) -> None:
    part_came = asyncio.Event()
    async with AsyncVideoClient(way.url) as client:
        sending = asyncio.create_task(client.upload(short, in_parts=True, on_sent=lambda *so_far: part_came.set()))
        await part_came.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert len(way.of("DELETE", "/uploads")) == 1


# ── Without a service ─────────────────────────────────────────────────────────────────────────────


def test_pauses_grow_heed_the_service_and_end() -> None:
    instant = [0.0]
    pauses = Pauses(20.0, lambda: instant[0])
    lost, busy = NoAnswer("nobody"), HttpRefusal("later", 429, "queue_full")
    busy.retry_after_seconds = 7
    assert 0.18 < pauses.after(lost).seconds < 0.32
    assert 0.37 < pauses.after(lost).seconds < 0.63
    assert pauses.after(busy).seconds == 7
    with pytest.raises(HttpRefusal, match="wrong"):
        pauses.after(HttpRefusal("wrong", 400, "invalid_request"))
    instant[0] = 19.9
    with pytest.raises(NoAnswer, match="nobody"):
        pauses.after(lost)
    pauses.reset()
    assert pauses.after(lost).seconds < 1


def test_events_are_read_wherever_they_are_cut() -> None:
    stream = ': still here\n\nretry: 1000\n\nevent: status\nid: 7\ndata: {"progress": 5}\n\nevent: later\ndata: {}\n\n'
    stream += 'event: partial\nid: 8\ndata: {"kind": "moment", "item": {"description": "façade"}}\n\n'
    whole = (stream + 'event: end\nid: 9.end\ndata: {"status": "completed"}\n\n').encode()
    reader = EventReader()
    told = [event for at in range(len(whole)) for event in reader.read(whole[at : at + 1])]
    assert [type(event) for event in told] == [StatusTold, FindingMade, Ended]
    assert told[2] == Ended("completed", "9.end")


@pytest.mark.parametrize("name", ["", "..", "../../x", "a/b", "a\\b", "C:x", "a\0b"])
def test_no_service_writes_outside_the_folder(name: str) -> None:
    with pytest.raises(ServiceError, match="no name"):
        checked(name)


def test_what_is_remembered_is_for_its_owner_and_may_be_damaged(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "kept.json")
    memory.keep("film", Begun("id", "token"))
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600
    assert memory.get("film") == Begun("id", "token")
    for damaged in ("nonsense", "[]", '{"film": 5}', '{"film": {}}'):
        (tmp_path / "kept.json").write_text(damaged)
        assert memory.get("film") is None


def test_types_are_those_of_the_service() -> None:
    same: dict[Any, type[schemas.Body]] = {
        answers.Video: schemas.VideoBody,
        answers.Links: schemas.Links,
        answers.Started: schemas.UploadBody,
        answers.Status: schemas.StatusBody,
        answers.Listed: ListedBody,
        answers.SessionsPage: SessionsBody,
        answers.SessionToken: TokenBody,
        answers.Cancelled: schemas.CancelBody,
        answers.CleanedUp: schemas.CleanupBody,
    }
    for told, body in same.items():
        aliases = {field.alias for field in body.model_fields.values()}
        assert told.__required_keys__ | told.__optional_keys__ == aliases
    assert answers.Health.__required_keys__ <= Health.model_fields.keys()


def test_both_clients_offer_the_same() -> None:
    def methods(of: type) -> dict[str, list[str]]:
        named = inspect.getmembers(of, inspect.isfunction)
        return {name: list(inspect.signature(method).parameters) for name, method in named if name[0] != "_"}

    assert methods(VideoClient) == methods(AsyncVideoClient)


def test_a_session_outlasts_what_follows_it(shared_service: Service, short: Path) -> None:
    """Whoever stops listening early closes its stream."""
    with VideoClient(str(shared_service.http.base_url)) as client:
        session_id = client.upload(short)["sessionId"]
        next(iter(client.follow(session_id)))
        until(lambda: not shared_service.house.followers)
        client.cleanup(session_id)


def test_what_the_guide_shows_in_python_runs(
    shared_service: Service,
    short: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    guide = (ROOT / "guides" / "client.md").read_text()
    (tmp_path / "video.mp4").symlink_to(short)
    monkeypatch.chdir(tmp_path)
    for written in re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL):
        block = written.replace("http://127.0.0.1:8000", str(shared_service.http.base_url))
        exec(compile(block, "client.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "ended as completed" in printed
    assert "reel.mp4" in printed
    assert printed.endswith("\n0\n")


# ── What is odd ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("url", ["http://[::1", "nowhere", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_told_at_once(kind: type[VideoClient], url: str) -> None:
    with pytest.raises(ServiceError, match="cannot be asked"), kind(url) as client:
        client.health()


def test_a_proxy_that_cannot_be_used_is_told(kind: type[VideoClient], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:9")
    with pytest.raises(ServiceError, match=r"http://service\.example cannot be asked"):
        kind("http://service.example")


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_told_at_once_and_not_shown(
    kind: type[VideoClient], shared_service: Service, key: str
) -> None:
    url = str(shared_service.http.base_url)
    with kind(url, api_key=key) as client, pytest.raises(ServiceError, match="cannot be asked") as told:
        client.health()
    assert not isinstance(told.value, NoAnswer)
    assert key[:3] not in str(told.value)


def test_a_file_whose_name_is_no_text_is_sent(client: VideoClient, short: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd-\udcff.mp4"
    odd.symlink_to(short)
    for in_parts in (False, True):
        client.cleanup(client.upload(odd, in_parts=in_parts)["sessionId"])
    with pytest.raises(HttpRefusal, match="Session not found"):
        client.status("odd-\udcff")


@pytest.mark.parametrize("name", ["contact-sheet.jpg?x", "contact-sheet.jpg#x", "contact%2Dsheet.jpg", "a\nb"])
def test_a_name_is_asked_for_to_the_letter(client: VideoClient, finished: str, tmp_path: Path, name: str) -> None:
    with pytest.raises(HttpRefusal) as refused:
        client.download(finished, tmp_path / "files", [name])
    assert refused.value.status_code == 404
    assert list((tmp_path / "files").iterdir()) == []


def test_a_stream_that_is_no_text_tells_nothing() -> None:
    assert list(EventReader().read(b"\xff\xfe: \xff\n\nevent: \xff\ndata: {}\n\n")) == []


def test_what_lacks_what_the_service_says_is_not_its_answer() -> None:
    with pytest.raises(HttpRefusal, match="not the service's"):
        read(Answer(200, {}, b'{"success": true}'), "data")


@pytest.mark.parametrize("deed", ["cleanup", "cancel", "token"])
@pytest.mark.parametrize("told", [b"{}", b'{"sessionId": "another", "status": "processing", "message": ""}'])
def test_whoever_says_yes_to_everything_has_done_nothing(deed: str, told: bytes) -> None:
    calls = Calls("http://elsewhere", None, {"some-id": "token"}, 0.0)
    script = getattr(calls, deed)("some-id")
    next(script)
    with pytest.raises(HttpRefusal, match="not the service's"):
        script.send(Answer(200, {}, told))
    assert calls.tokens == {"some-id": "token"}


def test_threads_may_share_what_is_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "uploads.json")
    at_once = threading.Barrier(8)

    def keep(number: int) -> None:
        at_once.wait()
        memory.keep(str(number), Begun(f"id-{number}"))

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [memory.get(str(number)) for number in range(8)] == [Begun(f"id-{number}") for number in range(8)]
    assert [file.name for file in tmp_path.iterdir()] == ["uploads.json"]
