"""The most telling tests of the contract, as they are, in a small cluster; `make test-cluster` runs nearly all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clustered import serve_clustered
from tests.object_store import ObjectStore
from tests.redis_server import RedisServer
from tests.service import BASE, Service, serve, until
from tests.test_async_api import (  # noqa: F401
    test_100_percent_means_that_results_can_be_read,
    test_a_video_becomes_its_moments,
    test_cancelling_twice_at_once_is_fine,
    test_progress_is_followed_from_start_to_end,
)
from tests.test_compose import SERVICES
from tests.test_files_api import (  # noqa: F401
    data,
    session_id,
    test_a_file_before_and_after,
    test_a_player_may_ask_for_a_stretch,
    test_every_kind_of_file_has_its_type,
    test_only_what_the_result_lists_is_there,
    test_who_has_a_file_already_is_told_so,
)
from tests.test_follow import (  # noqa: F401
    test_a_snapshot_comes_first_and_its_id_is_the_revision,
    test_every_end_ends_the_stream,
    test_findings_of_an_attempt_that_was_interrupted_are_void,
    test_last_event_id_resumes_with_no_event_lost_or_told_again,
    test_partial_events_bring_each_finding_as_it_is_made,
    test_the_work_hands_on_what_its_result_will_hold,
    test_then_one_event_a_change,
    test_whoever_comes_late_gets_what_was_found_before,
)
from tests.test_poll import (  # noqa: F401
    test_a_waiting_poll_answers_at_the_next_change,
    test_nothing_new_is_told_by_304_without_a_body,
)
from tests.test_state_table import (  # noqa: F401
    test_a_session_that_is_not_there,
    test_cancelling_a_session,
    test_cleaning_up_a_session,
    test_results_of_a_session,
    test_status_of_a_session,
)


@pytest.fixture(scope="module")
def shared_service(
    tmp_path_factory: pytest.TempPathFactory, _redis_server: RedisServer, s3: ObjectStore
) -> Iterator[Service]:
    yield from serve_clustered(tmp_path_factory.mktemp("clustered") / "data", _redis_server, s3)


@pytest.fixture
def service(shared_service: Service) -> Service:
    return shared_service


def test_any_front_door_serves_any_session(service: Service, tmp_path: Path, clip: Path) -> None:
    settings = service.house.settings.model_copy(update={"data_dir": tmp_path / "data"})
    doors = serve(settings)
    other = next(doors)
    one = service.start(clip)
    told = other.http.get(f"{BASE}/events/{one}").text
    assert told.count('{"status":"completed"}') == 1
    result = other.results(one)
    assert service.http.get(result["reel_url"]).content == other.http.get(result["reel_url"]).content
    assert other.http.delete(f"{BASE}/cleanup/{one}").status_code == 200
    assert service.http.get(f"{BASE}/status/{one}").status_code == 404
    next(doors, None)


def test_a_container_can_tell_whether_its_worker_is_well(
    service: Service, _redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As compose.yaml asks."""
    monkeypatch.setenv("REDIS_URL", _redis_server.url)
    _, _, _, script = SERVICES["worker"]["healthcheck"]["test"]
    until(lambda: service.http.get("/health").json()["workers"])
    assert ended_with(script) == 0
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    assert ended_with(script) == 1


def ended_with(script: str) -> int:
    with pytest.raises(SystemExit) as ended:
        exec(script, {})
    return int(ended.value.code or 0)
