"""What a store does beyond the others' contract where several processes share it; here two, over a real Redis."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from errors import CannotStart, QueueFull, StoreAway
from schemas import AnalysisType, Found, Idempotency, Session, Status, new_session, unknown_metadata
from stores.link import Clock, Link
from stores.memory import MemoryStore
from stores.redis import RedisStore
from tests.redis_server import RedisServer
from tests.service import until

ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"
THIRD = "33333333-3333-4333-8333-333333333333"
LEASE_SECONDS = 0.3


@pytest.fixture
def pair(redis_server: RedisServer, tmp_path: Path) -> Iterator[tuple[RedisStore, RedisStore]]:
    """As two processes have it."""
    stores = [RedisStore(redis_server.url, tmp_path, LEASE_SECONDS) for _ in range(2)]
    yield stores[0], stores[1]
    for store in stores:
        store.close()


def row(session_id: str = ID, *, minute: int = 0, key: str | None = None, owner: str | None = None) -> Session:
    created = datetime(2030, 1, 1, 12, minute, tzinfo=UTC)
    metadata = unknown_metadata()
    metadata["owner"] = owner
    if key:
        metadata["idempotency"] = Idempotency(key=key, content="the same")
    return new_session(session_id, "source.mp4", AnalysisType.HIGHLIGHTS, {}, created, metadata)


def step(row: Session) -> Session:
    row["progress"] += 1
    return row


def begin(row: Session) -> Session | None:
    if row["status"] is not Status.QUEUED:
        return None
    row["status"], row["worker"] = Status.PROCESSING, "worker"
    return row


def give_back(row: Session) -> Session:
    row["status"], row["worker"] = Status.QUEUED, None
    return row


def end(row: Session) -> Session:
    row["status"], row["ended_at"] = Status.CANCELLED, row["created_at"]
    row["expires_at"] = row["created_at"] + timedelta(hours=2)
    return row


class Heard:
    """All news of some sessions that were just added."""

    def __init__(self, store: RedisStore, *followed: str) -> None:
        self.news: list[tuple[str, Session | Found | None]] = []
        store.watch(lambda session_id, news: self.news.append((session_id, news)), followed)

    @property
    def revisions(self) -> list[int]:
        """Of changes since: how it stands may be told at first."""
        all_news = [news for _, news in self.news if news is not None]
        revisions = [one.revision if isinstance(one, Found) else one["revision"] for one in all_news]
        return [one for one in revisions if one > 1]


# ── Rows ──────────────────────────────────────────────────────────────────────────────────────────


def test_one_process_reads_what_the_other_wrote(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    ours.add(row())
    theirs.change(ID, begin)
    ours.change(ID, step)
    theirs.change(ID, step)
    got = ours.get(ID)
    assert got
    assert (got["progress"], got["revision"]) == (2, 4)


def test_changes_of_two_processes_at_once_are_all_kept(pair: tuple[RedisStore, RedisStore]) -> None:
    pair[0].add(row())
    pair[0].change(ID, begin)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: pair[number % 2].change(ID, step), range(120)))
    got = pair[0].get(ID)
    assert got
    assert (got["progress"], got["revision"]) == (120, 122)


def test_of_two_who_begin_a_session_one_does(pair: tuple[RedisStore, RedisStore]) -> None:
    for number in range(20):
        session_id = f"{number:08}-1111-4111-8111-111111111111"
        pair[0].add(row(session_id))
        with ThreadPoolExecutor(2) as pool:
            begun = list(pool.map(lambda store, one=session_id: store.change(one, begin), pair))
        assert sum(one is not None for one in begun) == 1


def test_what_a_process_remembers_of_its_own_work_is_not_believed_when_it_is_refused(
    pair: tuple[RedisStore, RedisStore],
) -> None:
    ours, theirs = pair
    ours.add(row())
    ours.change(ID, begin)
    theirs.change(ID, give_back)
    begun_again = ours.change(ID, begin)
    assert begun_again
    theirs.change(ID, end)
    assert ours.change(ID, lambda row: step(row) if row["status"] is Status.PROCESSING else None) is None


def test_a_report_is_one_short_message_however_long_the_row(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    long = row()
    long["params"] = {"user_prompt": "x" * 16_000}
    pair[0].add(long)
    pair[0].change(ID, begin)
    before = redis_server.client.info("stats")["total_net_input_bytes"]
    redis_server.client.config_resetstat()
    for _ in range(50):
        pair[0].change(ID, step)
    sent = redis_server.client.info("stats")["total_net_input_bytes"] - before
    assert redis_server.client.info("commandstats")["cmdstat_evalsha"]["calls"] == 50
    assert sent / 50 < 500


def test_only_ended_rows_of_which_something_is_due_are_read(pair: tuple[RedisStore, RedisStore]) -> None:
    store, ended = pair[0], row()["created_at"]
    for session_id in (ID, OTHER):
        store.add(row(session_id))
    store.change(ID, end)
    ids = [
        [one["session_id"] for one in store.ended(ended + timedelta(hours=hours), timedelta(hours=age))]
        for hours, age in ((1.9, 2), (2, 2), (1, 0.5))
    ]
    assert ids == [[], [ID], [ID]]

    def expire(row: Session) -> Session:
        row["status"] = Status.EXPIRED
        return row

    store.change(ID, expire)
    tombstones = [store.ended(ended + timedelta(hours=hours), timedelta(hours=2)) for hours in (3.9, 4)]
    assert [len(rows) for rows in tombstones] == [0, 1]


# ── The queue, the leases ─────────────────────────────────────────────────────────────────────────


def test_the_oldest_is_the_next_to_start(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    for session_id, minute in ((ID, 2), (OTHER, 1), (THIRD, 3)):
        ours.add(row(session_id, minute=minute))
    assert theirs.waiting() == [OTHER, ID, THIRD]
    theirs.change(OTHER, begin)
    assert [ours.place(one) for one in (OTHER, ID, THIRD, "nobody")] == [None, 1, 2, None]
    theirs.change(OTHER, give_back)
    assert ours.waiting() == [OTHER, ID, THIRD]
    theirs.remove(OTHER)
    ours.change(THIRD, end)
    assert (ours.waiting(), ours.length()) == ([ID], 1)


def test_no_more_wait_than_may_however_many_come_at_once(pair: tuple[RedisStore, RedisStore]) -> None:
    def add(number: int) -> bool:
        try:
            pair[number % 2].add(row(f"{number:08}-1111-4111-8111-111111111111"), most_waiting=5)
        except QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, range(40))) == 5
    assert pair[0].length() == len(pair[0].all()) == 5


def test_a_lease_lapses_unless_its_worker_renews_it(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    ours.add(row())
    assert not ours.renew(ID, "worker")
    ours.change(ID, begin)
    assert theirs.lapsed() == []
    until(theirs.lapsed)
    assert not theirs.renew(ID, "somebody else")
    assert ours.renew(ID, "worker")
    assert theirs.lapsed() == []
    until(theirs.lapsed)
    ours.change(ID, step)
    assert theirs.lapsed() == [], "each change renews it"
    theirs.change(ID, give_back)
    assert not ours.renew(ID, "worker")


# ── What else they share ──────────────────────────────────────────────────────────────────────────


def test_one_key_makes_one_session_until_that_is_over(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    with ThreadPoolExecutor(2) as pool:
        made = set(pool.map(lambda store, one: store.add(row(one, key="key")), pair, (ID, OTHER)))
    (first,) = made
    second = OTHER if first == ID else ID
    assert (theirs.made_by("key"), len(ours.all())) == (first, 1)
    ours.remove(first)
    assert (theirs.made_by("key"), theirs.add(row(second, key="key"))) == (None, second)

    def expire(row: Session) -> Session:
        return row | {"ended_at": row["created_at"], "expires_at": row["created_at"], "status": Status.EXPIRED}

    ours.change(second, expire)
    assert theirs.made_by("key") is None


def test_an_owners_sessions_are_read_by_pages_the_newest_first(pair: tuple[RedisStore, RedisStore]) -> None:
    store = pair[0]
    for minute, (session_id, owner) in enumerate(((ID, "alice"), (OTHER, "bob"), (THIRD, "alice"))):
        store.add(row(session_id, minute=minute, owner=owner))
    page = [one["session_id"] for one in pair[1].owned("alice", None, 1)]
    last = store.get(THIRD)
    assert last
    before = int(last["created_at"].timestamp() * 1e6), THIRD
    assert (page, [one["session_id"] for one in pair[1].owned("alice", before, 5)]) == ([THIRD], [ID])
    store.remove(ID)
    assert store.owned("alice", before, 5) == []


def test_a_turn_is_one_processs_in_its_time(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    assert [store.board.turn("sweep", 0.2) for store in (ours, theirs, ours)] == [True, False, False]
    assert theirs.board.turn("another", 0.2)
    until(lambda: theirs.board.turn("sweep", 0.2))


def test_what_is_put_up_stays_for_its_time_and_what_is_settled_for_good(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair[0].board, pair[1].board
    assert (ours.settle("files", "here"), theirs.settle("files", "there")) == ("here", "here")
    ours.note("worker a", "works")
    ours.note("worker b", "works", 0.2)
    ours.note("pace", "1.5")
    assert theirs.noted("worker ").keys() == {"worker a", "worker b"}
    until(lambda: theirs.noted("worker ") == {"worker a": "works"})
    ours.strike("worker a")
    assert theirs.noted("") == {"pace": "1.5"}


def test_a_client_is_counted_wherever_it_calls(pair: tuple[RedisStore, RedisStore]) -> None:
    waits = [store.board.seconds_to_wait("client", 20) for store in (*pair, *pair)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3] == pytest.approx(20, abs=1)
    assert pair[0].board.seconds_to_wait("somebody else", 20) == 0


# ── News ──────────────────────────────────────────────────────────────────────────────────────────


def test_who_follows_a_session_hears_what_other_processes_do_to_it(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    ours.add(row())
    ours.add(row(OTHER))
    heard = Heard(ours, ID)
    theirs.change(ID, begin)
    theirs.change(OTHER, begin)
    for _ in range(3):
        theirs.change(ID, step)
        theirs.keep_finding(ID, b'{"number":1}', lambda row: True)
    theirs.remove(ID)
    until(lambda: heard.news and heard.news[-1] == (ID, None))
    assert heard.revisions == [2, 3, 4, 5, 6, 7, 8]
    assert {session_id for session_id, _ in heard.news} == {ID}


def test_who_begins_to_follow_in_the_middle_is_told_the_whole_row(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    ours.add(row())
    theirs.change(ID, begin)
    heard = Heard(ours, ID)
    theirs.change(ID, step)
    until(lambda: heard.revisions[-1:] == [3])
    assert heard.news[-1][1] == theirs.get(ID)


def test_whoever_watches_the_queue_hears_when_places_move(pair: tuple[RedisStore, RedisStore]) -> None:
    ours, theirs = pair
    moved = threading.Event()
    ours.watch_queue(moved.set)
    for change in (lambda: theirs.add(row()), lambda: theirs.change(ID, begin), lambda: theirs.change(ID, give_back)):
        moved.clear()
        change()
        assert moved.wait(10)


# ── Away and back ─────────────────────────────────────────────────────────────────────────────────


def test_the_clock_is_that_of_redis(pair: tuple[RedisStore, RedisStore], redis_server: RedisServer) -> None:
    seconds, micros = redis_server.client.time()
    assert abs((pair[0].now() - datetime.fromtimestamp(seconds + micros / 1e6, UTC)).total_seconds()) < 0.5


def test_a_clock_that_is_another_is_followed_without_trembling() -> None:
    ours, theirs = 100.0, 5000.0
    clock = Clock(lambda: (int(theirs), 0), lambda: ours)
    assert clock.now() == datetime.fromtimestamp(5000, UTC)
    ours, theirs = 101, 9000.0  # it was set
    assert clock.now() == datetime.fromtimestamp(5001, UTC)
    ours, theirs = 106, 9005.0
    assert clock.now() == datetime.fromtimestamp(9005, UTC)


def test_while_redis_is_gone_everything_is_refused_at_once_and_it_heals_by_itself(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    ours, theirs = pair
    ours.add(row())
    heard = Heard(ours, ID)
    redis_server.kill()
    with pytest.raises(StoreAway):
        ours.get(ID)
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(StoreAway):
            ours.change(ID, step)
    assert time.monotonic() - began < 1
    assert "cannot be reached" in ours.trouble
    assert abs((ours.now() - datetime.now(UTC)).total_seconds()) < 5
    redis_server.start()
    until(lambda: not ours.trouble and not theirs.trouble)
    theirs.change(ID, begin)
    until(lambda: heard.revisions[-1:] == [(theirs.get(ID) or row())["revision"]])


def test_redis_that_stands_still_holds_nobody_up_for_long(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    ours = pair[0]
    ours.add(row())
    redis_server.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(StoreAway):
            until(lambda: not ours.get(ID))
        assert time.monotonic() - began < 2
    finally:
        redis_server.send(signal.SIGCONT)
    until(lambda: not ours.trouble)
    assert ours.get(ID)


def test_a_call_that_waits_while_redis_is_won_back_is_refused_like_all_others(redis_server: RedisServer) -> None:
    link = Link(redis_server.url)
    with ThreadPoolExecutor(1) as another:
        waiting = another.submit(link.call, "BLPOP", "nothing", 0.9)
        until(lambda: bool(redis_server.client.info("clients")["blocked_clients"]))
        link.lost(redis.ConnectionError("as another thread found"))  # which closes all connections
        assert isinstance(waiting.exception(), StoreAway)
    until(lambda: not link.trouble)
    link.close()


def test_a_revision_that_was_lost_with_redis_comes_to_stand_for_nothing_else(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    """As if its last second had been lost: it starts anew with less than it was told."""
    ours = pair[0]
    ours.add(row())
    before = ours.change(ID, begin)
    assert before
    redis_server.kill()
    redis_server.start()
    until(lambda: not any(store.trouble for store in pair) and redis_server.answers())
    after = ours.change(ID, step)
    assert after
    assert after["revision"] > before["revision"] + 500


def test_what_was_missed_is_told_when_redis_is_heard_again(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    ours, theirs = pair
    ours.add(row())
    heard = Heard(ours, ID)
    theirs.change(ID, begin)
    until(lambda: heard.revisions == [2])
    redis_server.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    theirs.keep_finding(ID, b"{}", lambda row: True)
    theirs.change(ID, step)
    until(lambda: heard.revisions == [2, 3, 4])


def test_a_row_whose_adding_was_never_confirmed_is_taken_back(
    pair: tuple[RedisStore, RedisStore], redis_server: RedisServer
) -> None:
    ours = pair[0]
    redis_server.send(signal.SIGSTOP)
    try:
        with pytest.raises(StoreAway):
            ours.add(row())
    finally:
        redis_server.send(signal.SIGCONT)
    until(lambda: not ours.trouble and ours.get(ID) is None)
    assert ours.length() == 0


def test_a_redis_that_is_not_there_is_refused_in_words_that_tell_no_password(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"Redis at 127.0.0.1:1 cannot be reached") as refused:
        RedisStore("redis://somebody:secret@127.0.0.1:1/0", tmp_path, 30)
    assert "secret" not in str(refused.value)
    MemoryStore(tmp_path).close()


@pytest.mark.parametrize("option", ["socket_timeout=soon", "ssl_cert_reqs=required"])
def test_an_option_that_redis_clients_have_not_is_refused_in_words(tmp_path: Path, option: str) -> None:
    with pytest.raises(CannotStart, match=r"REDIS_URL: .*" + option.partition("=")[0]) as refused:
        RedisStore(f"redis://:secret@127.0.0.1:1/0?{option}", tmp_path, 30)
    assert "secret" not in str(refused.value)
    MemoryStore(tmp_path).close()


def test_a_redis_that_may_forget_sessions_is_refused_and_one_that_may_forget_holds_warned_of(
    redis_server: RedisServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        redis_server.client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(CannotStart, match=r"maxmemory-policy allkeys-lru: .* it forgets sessions"):
            RedisStore(redis_server.url, tmp_path, 30)
        redis_server.client.config_set("maxmemory-policy", "volatile-lru")
        with caplog.at_level(logging.WARNING):
            RedisStore(redis_server.url, tmp_path, 30).close()
    finally:
        redis_server.client.config_set("maxmemory-policy", "noeviction")
    assert "volatile-lru: when its memory is full, it forgets who holds what" in caplog.text


def test_a_folder_is_not_shared_with_who_keeps_rows_in_memory(
    pair: tuple[RedisStore, RedisStore], tmp_path: Path
) -> None:
    with pytest.raises(CannotStart, match="another process already works in DATA_DIR"):
        MemoryStore(tmp_path)
