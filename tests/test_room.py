"""What followers of a session share, without a wire: each event encoded once, none lost, none of a void attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.followers import Followers
from api.room import Follower, Room
from errors import SessionNotFound
from schemas import Status
from session_manager import SessionManager
from stores.files import SessionFiles
from stores.memory import MemoryStore
from task_manager import BackgroundTaskManager
from tests.events import Event, finding, numbers, parsed


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[SessionManager]:
    store = MemoryStore(tmp_path)
    yield SessionManager(store, SessionFiles(tmp_path))
    store.close()


@pytest.fixture
def followers(sessions: SessionManager, tmp_path: Path) -> Iterator[Followers]:
    tasks = BackgroundTaskManager(sessions, SessionFiles(tmp_path), {})
    yield Followers(sessions, tasks)
    tasks.close()


@pytest.fixture
def session_id(sessions: SessionManager) -> str:
    session_id = sessions.create_session("source.mp4", "workout", {})
    sessions.begin(session_id, "worker", max_attempts=3)
    return session_id


def read(texts: list[bytes]) -> list[Event]:
    return list(parsed(b"".join(texts).decode().split("\n"), []))


async def rung(follower: Follower) -> list[Event]:
    async with asyncio.timeout(5):
        await follower.bell.wait()
    follower.bell.clear()
    return read(follower.news())


async def test_an_event_is_encoded_once_for_all(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    with followers.follow(session_id) as one, followers.follow(session_id) as other:
        assert one.news()[0] is other.news()[0]
        sessions.keep_finding(session_id, "worker", finding(1))
        sessions.update_session(session_id, progress=50)
        await one.bell.wait()
        for mine, theirs in zip(one.news(), other.news(), strict=True):
            assert mine is theirs


async def test_statuses_that_come_together_are_told_as_the_newest(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    with followers.follow(session_id) as follower:
        follower.news()
        for percent in range(1, 51):
            sessions.update_session(session_id, progress=percent)
            sessions.keep_finding(session_id, "worker", finding(percent))
        events = await rung(follower)
    assert numbers(events) == list(range(1, 51))
    assert [event.data["progress"] for event in events if event.name == "status"] == [50]


async def test_nothing_is_lost_or_doubled_whatever_happens_while_one_comes(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    """Work goes on in threads, while followers come, are cut off anywhere, and come back."""

    def work() -> None:
        for number in range(300):
            sessions.keep_finding(session_id, "worker", finding(number))
            sessions.update_session(session_id, message=str(number))

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        heard: list[Event] = []
        while numbers(heard)[-1:] != [299]:
            with followers.follow(session_id, heard[-1].revision if heard else None) as follower:
                heard += read(follower.news())
                for _ in range(len(heard) % 3):
                    if numbers(heard)[-1:] != [299]:
                        heard += await rung(follower)
            del heard[len(heard) - len(heard) % 2 :]  # cut off before the last arrived
            await asyncio.sleep(0)
        working.result()
    assert numbers(heard) == list(range(300))


async def test_findings_of_a_void_attempt_do_not_come_back(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    with followers.follow(session_id) as follower:
        follower.news()
        sessions.keep_finding(session_id, "worker", finding(1))
        sessions.give_back(session_id)
        sessions.begin(session_id, "worker", max_attempts=3)
        sessions.keep_finding(session_id, "worker", finding(2))
        assert numbers(await rung(follower)) == [2]
        with followers.follow(session_id) as late:
            assert numbers(read(late.news())) == [2]


async def test_a_finding_heard_late_is_not_taken_for_new(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    sessions.keep_finding(session_id, "worker", finding(1))
    known = sessions.get_with_findings(session_id)
    sessions.give_back(session_id)
    now = sessions.get_with_findings(session_id)
    assert known
    assert now
    room = Room(followers.standings)
    room.furnish(*now)
    room.take(known[1][0])
    room.take(known[0])
    assert (room.findings, room.standing.status) == ([], Status.QUEUED)


async def test_nobody_follows_what_is_not_there(followers: Followers) -> None:
    with pytest.raises(SessionNotFound), followers.follow("nobody"):
        pass
    assert len(followers) == 0


async def test_who_leaves_is_forgotten(followers: Followers, session_id: str) -> None:
    with followers.follow(session_id), followers.follow(session_id):
        assert len(followers) == 2
    assert followers._rooms == {}


async def test_a_session_that_is_deleted_is_over(
    followers: Followers, sessions: SessionManager, session_id: str
) -> None:
    with followers.follow(session_id) as follower:
        follower.news()
        sessions.forget(session_id)
        assert await rung(follower) == []
        assert follower.over
        assert b'{"status":"deleted"}' in follower.last_words()
        with pytest.raises(SessionNotFound), followers.follow(session_id):
            pass
