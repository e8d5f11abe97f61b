"""Sessions' files in an object store: what is there after each move, and what is said when it cannot be."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from obstore.exceptions import BaseError

from config import Settings
from errors import AnalysisFailed, AnalysisStopped, CannotStart, StorageUnavailable
from stores import bucket as bucket_module
from stores import open_session_files
from stores.bucket import PART_BYTES
from stores.connecting import Patience, wrong_with
from stores.files import ROW, SessionFiles
from stores.objects import ObjectFiles
from stores.shown import Shown
from stores.signing import Keys, signed
from tests.faulty_proxy import FaultyProxy
from tests.object_store import ObjectStore

ID = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"

IMPATIENT = Patience(connect=1, silence=1.5, request=5, together=1.5, repeats=2)

Open = Callable[..., SessionFiles]


def settings_for(tmp_path: Path, place: str, **others: object) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path / "data", "storage_url": place, **others})


@pytest.fixture(params=["s3", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_keys: ObjectStore) -> str:
    return s3_keys.place() if request.param == "s3" else f"file://{tmp_path / 'store'}"


@pytest.fixture
def files(tmp_path: Path, place: str) -> ObjectFiles:
    opened = open_session_files(settings_for(tmp_path, place))
    assert isinstance(opened, ObjectFiles)
    return opened


@pytest.fixture
def elsewhere(tmp_path: Path, place: str) -> SessionFiles:
    """Another machine's files, in the same store."""
    return open_session_files(settings_for(tmp_path, place, data_dir=tmp_path / "elsewhere"))


def uploaded(files: SessionFiles, data: bytes = b"video") -> Path:
    path = files.reserve(ID) / "source.mp4"
    path.write_bytes(data)
    files.keep(ID, path)
    return path


def held(files: SessionFiles, *names: str) -> list[str]:
    """Which of the names are in the store."""
    there = []
    for name in names:
        try:
            files.open(ID, name).close()
            there.append(name)
        except FileNotFoundError:
            pass
    return there


def test_what_one_machine_keeps_another_fetches(files: SessionFiles, elsewhere: SessionFiles, tmp_path: Path) -> None:
    data = os.urandom(2 * PART_BYTES + 12345)
    uploaded(files, data)
    files.let_go(ID)
    assert not files.folder(ID).exists(), "nothing stays where nobody works"
    fetched = elsewhere.fetch(ID, "/wherever/it/was/source.mp4")
    assert (fetched, fetched.read_bytes()) == (tmp_path / "elsewhere" / ID / "source.mp4", data)
    assert [path.name for path in fetched.parent.iterdir()] == ["source.mp4"]


def test_what_the_work_made_is_published_without_the_video_the_row_and_parts(
    files: SessionFiles, elsewhere: SessionFiles
) -> None:
    folder = uploaded(files).parent
    for name in ("reel.mp4", "still-1.jpg", "still-2.jpg.part", ROW):
        (folder / name).write_bytes(name.encode())
    files.publish(ID)
    assert held(elsewhere, "source.mp4", "reel.mp4", "still-1.jpg", "still-2.jpg.part", ROW) == [
        *("source.mp4", "reel.mp4", "still-1.jpg")
    ]


def test_a_result_has_a_name_of_its_own_and_is_read_anywhere(files: SessionFiles, elsewhere: SessionFiles) -> None:
    first, second = files.write_result(ID, b'{"a":1}'), files.write_result(ID, b'{"a":2}')
    assert elsewhere.read_result(ID, first) == b'{"a":1}'
    assert elsewhere.has_result(ID, second)
    assert not elsewhere.has_result(ID, "result-0.json")
    with pytest.raises(FileNotFoundError):
        elsewhere.read_result(ID, "result-0.json")


def test_a_result_that_is_no_object_is_refused(files: SessionFiles) -> None:
    with pytest.raises(ValueError, match="no object"):
        files.read_result(ID, files.write_result(ID, b"[1]"))


def test_discarding_keeps_what_is_named(files: SessionFiles) -> None:
    uploaded(files)
    name = files.write_result(ID, b"{}")
    assert files.discard(ID, keep=["source.mp4"]) == 1
    assert held(files, "source.mp4", name) == ["source.mp4"]
    assert files.discard(ID) == 2, "the copy, and the object"
    assert (files.discard(ID), held(files, "source.mp4")) == (0, [])


def test_what_comes_after_all_was_discarded_is_discarded_too(files: SessionFiles) -> None:
    files.discard(ID)
    name = files.write_result(ID, b"{}")
    assert (files.discard(ID), held(files, name)) == (1, [])


def test_removing_leaves_neither_folder_nor_object(files: SessionFiles) -> None:
    uploaded(files)
    files.write_result(OTHER, b"{}")
    files.discard_source(ID, "source.mp4")
    files.remove(ID)
    assert not files.folder(ID).exists()
    assert held(files, "source.mp4") == []
    files.remove(ID)


def test_a_file_is_read_in_stretches(files: SessionFiles) -> None:
    data = os.urandom(100_000)
    uploaded(files, data)
    opened = files.open(ID, "source.mp4")
    assert (opened.size, opened.read(5, 10), opened.read(99_000, 5000)) == (100_000, data[5:15], data[99_000:])
    assert opened.etag.startswith('"')


def test_a_copy_is_left_to_who_will_want_it_soon(files: SessionFiles, place: str) -> None:
    path = uploaded(files)
    files.let_go(ID, wanted_soon=True)
    assert path.exists()
    kept = path.stat().st_ino
    assert files.fetch(ID, "source.mp4").stat().st_ino == kept, "not fetched again"
    files.let_go(ID)
    assert not path.exists()


def test_nobody_takes_a_copy_from_who_works_on_it(files: SessionFiles, tmp_path: Path, place: str) -> None:
    uploaded(files)
    beside = open_session_files(settings_for(tmp_path, place))
    assert files.fetch(ID, "source.mp4").exists()
    beside.let_go(ID)
    files.let_go(ID)
    assert files.folder(ID).exists(), "held by the upload and by the work"
    files.let_go(ID)
    assert not files.folder(ID).exists()


def test_letting_go_leaves_the_row(files: SessionFiles) -> None:
    (uploaded(files).parent / ROW).write_bytes(b"{}")
    files.let_go(ID)
    assert [path.name for path in files.folder(ID).iterdir()] == [ROW]


def test_fetching_stops_when_it_is_told_to(files: SessionFiles, elsewhere: SessionFiles) -> None:
    uploaded(files)
    with pytest.raises(AnalysisStopped):
        elsewhere.fetch(ID, "source.mp4", lambda: True)
    elsewhere.let_go(ID)
    assert not elsewhere.folder(ID).exists()


def test_a_video_that_is_gone_is_told_in_words(files: SessionFiles) -> None:
    with pytest.raises(AnalysisFailed, match="not in the store"):
        files.fetch(ID, "source.mp4")


def test_what_nobody_knows_is_swept_once_it_is_old(files: ObjectFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded(files)
    files.let_go(ID)
    name = files.write_result(OTHER, b"{}")
    files.sweep(lambda session_id: session_id == OTHER)
    files.tidy()
    assert held(files, "source.mp4") == ["source.mp4"], "its row may be about to be written"
    monkeypatch.setattr("stores.objects.ORPHAN_AGE", timedelta(hours=-1))
    monkeypatch.setattr("stores.objects.SWEEP_SECONDS", 0.0)
    files.tidy()
    assert held(files, "source.mp4") == []
    assert files.has_result(OTHER, name)


# ── Where it cannot be had ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://no-such-bucket/x", "there is no such bucket"),
        ("file:///proc/nothing", "STORAGE_URL=file:///proc/nothing: "),
        ("az://container/x", "Account must be specified"),
    ],
)
def test_a_store_that_cannot_be_used_stops_the_start_in_words(
    tmp_path: Path, s3_keys: ObjectStore, address: str, words: str
) -> None:
    with pytest.raises(CannotStart, match="STORAGE_URL") as refused:
        open_session_files(settings_for(tmp_path, address))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_who_has_no_credentials_is_told_so_and_not_of_the_address_where_roles_are_told() -> None:
    asked = "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 3 s"
    assert wrong_with(BaseError(asked)).startswith("the environment has no credentials")


def test_a_store_that_is_away_stops_the_start(
    tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("stores.bucket.ANSWERING", IMPATIENT)
    with pytest.raises(CannotStart, match="error sending request"):
        open_session_files(settings_for(tmp_path, s3_keys.place()))


def test_google_and_azure_are_opened_by_what_their_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "somebody")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    azure = bucket_module.Bucket("az://container/videos")
    link = azure.signed("GET", "a/b.mp4", 60)
    assert link and link.startswith("https://somebody.blob.core.windows.net/container/videos/a/b.mp4?")
    assert bucket_module.Bucket("gs://bucket/videos").prefix == "videos"


@pytest.fixture
def faulty(tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> tuple[FaultyProxy, str]:
    """A proxy before the store, all patience being short; and a place."""
    monkeypatch.setattr("stores.bucket.ANSWERING", IMPATIENT)
    monkeypatch.setattr("stores.bucket.WORKING", IMPATIENT)
    proxy = FaultyProxy(s3_keys.port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    return proxy, s3_keys.place()


@pytest.mark.parametrize("fault", ["refuse", "stall", "cut"])
def test_a_store_that_goes_wrong_mid_file_fails_in_words_and_keeps_nothing_of_it(
    tmp_path: Path, faulty: tuple[FaultyProxy, str], s3: ObjectStore, fault: str
) -> None:
    proxy, place = faulty
    with proxy:
        files = open_session_files(settings_for(tmp_path, place))
        proxy.go_wrong(fault, after=PART_BYTES // 2)  # type: ignore[arg-type]
        with pytest.raises(StorageUnavailable, match="cannot be reached"):
            uploaded(files, os.urandom(PART_BYTES + 1))
        assert proxy.struck.is_set()
        proxy.heal()
        files.remove(ID)
        files.tidy()
        assert (s3.names(place), s3.unfinished(place)) == ([], [])


@pytest.mark.parametrize("fault", ["stall", "cut"])
def test_a_fetch_that_is_cut_is_tried_again_or_fails_in_words(
    tmp_path: Path, faulty: tuple[FaultyProxy, str], s3: ObjectStore, fault: str
) -> None:
    proxy, place = faulty
    data = os.urandom(PART_BYTES + 1)
    with proxy:
        files = open_session_files(settings_for(tmp_path, place))
        httpx.put(f"http://127.0.0.1:{s3.port}{place.removeprefix('s3:/')}/{ID}/source.mp4", content=data)
        proxy.go_wrong(fault, after=700)  # type: ignore[arg-type]  # after the first request or two
        with pytest.raises(StorageUnavailable, match="cannot be reached"):
            files.fetch(ID, "source.mp4")
        proxy.heal()
        assert [path.name for path in files.folder(ID).iterdir()] == []
        assert files.fetch(ID, "source.mp4").read_bytes() == data


def test_what_could_not_be_deleted_is_deleted_when_the_store_is_back(
    tmp_path: Path, faulty: tuple[FaultyProxy, str], s3: ObjectStore
) -> None:
    proxy, place = faulty
    with proxy:
        files = open_session_files(settings_for(tmp_path, place))
        uploaded(files)
        proxy.go_wrong("refuse")
        files.remove(ID)
        assert s3.names(place) == [f"{ID}/source.mp4"]
        proxy.heal()
        files._bucket._away_until = 0.0  # type: ignore[attr-defined]
        files.tidy()
        assert s3.names(place) == []


def test_what_a_killed_process_left_is_given_up_when_it_was_seen_for_long(
    tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = s3_keys.place()
    files = open_session_files(settings_for(tmp_path, place))
    key = place.removeprefix("s3:/")
    begun = httpx.post(f"http://127.0.0.1:{s3_keys.port}{key}/{ID}/source.mp4?uploads")
    assert begun.status_code == 200
    files.sweep(lambda _: True)
    monkeypatch.setattr("stores.objects.SWEEP_SECONDS", 0.0)
    files.tidy()
    assert s3_keys.unfinished(place) == [f"{ID}/source.mp4"], "somebody may still be sending"
    monkeypatch.setattr("stores.unfinished.LEFT_SECONDS", 0.0)
    files.tidy()
    assert s3_keys.unfinished(place) == []


def test_what_a_killed_process_left_in_a_folder_goes_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = open_session_files(settings_for(tmp_path, f"file://{tmp_path / 'store'}"))
    uploaded(files)
    left = tmp_path / "store" / ID / "source.mp4#1"
    left.write_bytes(b"half")
    files.sweep(lambda _: True)
    monkeypatch.setattr("stores.objects.SWEEP_SECONDS", 0.0)
    files.tidy()
    assert left.exists(), "somebody may still be writing"
    monkeypatch.setattr("stores.unfinished.LEFT_SECONDS", 0.0)
    files.tidy()
    assert [path.name for path in left.parent.iterdir()] == ["source.mp4"]


def test_deleting_does_not_wait_long_for_a_store_that_hangs(tmp_path: Path, faulty: tuple[FaultyProxy, str]) -> None:
    proxy, place = faulty
    with proxy:
        files = open_session_files(settings_for(tmp_path, place))
        uploaded(files)
        proxy.go_wrong("stall")
        assert files.discard(ID) == 1, "the copy alone"
        assert files.discard(ID) == 0, "and this was refused at once"
        proxy.heal()


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────

SHOWN = Shown("video/mp4", "attachment; filename=\"a_b.mp4\"; filename*=UTF-8''%C3%A4%20b.mp4")


def test_a_link_gives_the_file_under_its_name_and_in_stretches(tmp_path: Path, s3_keys: ObjectStore) -> None:
    files = open_session_files(settings_for(tmp_path, s3_keys.place()))
    uploaded(files, b"0123456789")
    link = files.link(ID, "source.mp4", SHOWN)
    assert link and files.link_origin and link.startswith(files.link_origin)
    answer = httpx.get(link, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == SHOWN.disposition
    head = files.link(ID, "source.mp4", SHOWN, "HEAD")
    assert head and httpx.head(head).headers["content-length"] == "10"


def test_a_link_is_the_same_for_a_while(tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stores.links._rounded", lambda at: datetime(2026, 11, 28, 12, tzinfo=UTC))
    files = open_session_files(settings_for(tmp_path, s3_keys.place()))
    assert files.link(ID, "reel.mp4", SHOWN) == files.link(ID, "reel.mp4", SHOWN)


@pytest.mark.parametrize("token", ["", "of a role"])
def test_links_are_signed_as_amazon_does(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    at = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: at.replace(tzinfo=None))
    address = "http://localhost:9000/bucket/a%20b/%C3%BC.mp4"
    query = {"response-content-disposition": SHOWN.disposition, "uploads": ""}
    request = AWSRequest("GET", address, params=query)
    S3SigV4QueryAuth(Credentials("key", "secret", token or None), "s3", "eu-west-1", 60).add_auth(request)
    ours = httpx.URL(signed("GET", address, query, Keys("key", "secret", "eu-west-1", token), at, 60))
    assert dict(ours.params) == dict(httpx.URL(request.url).params)


def test_without_keys_of_our_own_only_what_is_shown_in_place_is_linked_to(
    tmp_path: Path, s3_keys: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stores.objects.Keys.of", lambda environ: None)
    files = open_session_files(settings_for(tmp_path, s3_keys.place()))
    uploaded(files, b"0123456789")
    assert files.link(ID, "source.mp4", SHOWN) is None
    link = files.link(ID, "source.mp4", Shown("video/mp4", "inline"))
    assert link
    answer = httpx.get(link)
    assert (answer.content, answer.headers["content-type"]) == (b"0123456789", "video/mp4")


def test_there_are_no_links_where_none_are_wanted_or_possible(tmp_path: Path, s3_keys: ObjectStore) -> None:
    for place, wanted in ((s3_keys.place(), False), (f"file://{tmp_path / 'store'}", True)):
        files = open_session_files(settings_for(tmp_path, place, storage_links=wanted))
        assert (files.link(ID, "source.mp4", SHOWN), files.link_origin) == (None, None)


def test_what_all_objects_take_is_known(files: ObjectFiles) -> None:
    before = files.used_bytes()
    uploaded(files, bytes(12_345))
    assert files.used_bytes() - before == 12_345
