"""The disk's floor holds for all uploads under way together."""

from __future__ import annotations

from contextlib import closing

import pytest

from api.space import Space
from errors import InsufficientStorage
from tests.service import BASE, Service, until
from tests.test_deadlines import connected, form


def test_what_others_announced_is_not_given_twice() -> None:
    space = Space(lambda: 1000, floor_bytes=100)
    first = space.claim(600)
    with pytest.raises(InsufficientStorage):
        space.claim(301)
    first.wrote(200)
    space.claim(500).release()
    first.release()
    first.release()
    assert space.claimed == 0


def test_an_upload_of_unknown_size_leaves_what_others_announced() -> None:
    space = Space(lambda: 1000, floor_bytes=100)
    announced, unknown = space.claim(600), space.claim(0)
    assert (announced.free_bytes(), unknown.free_bytes()) == (1000, 400)


def test_more_than_was_announced_frees_nobody_elses() -> None:
    space = Space(lambda: 1000, floor_bytes=0)
    space.claim(300)
    space.claim(10).wrote(200)
    assert space.claimed == 300


def test_an_upload_under_way_counts_until_it_is_gone(service: Service) -> None:
    with closing(connected(service)) as client:
        client.sendall(form(f"{BASE}/upload"))
        until(lambda: 0 < service.house.space.claimed < 100_000)
    until(lambda: service.house.space.claimed == 0)
