"""A table of lies: what strangers may put into params, names, prompts and files, and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from api.forms import MAX_TOLD, display_name, read_params
from benchmarks.lies import boxes
from benchmarks.lies.bombs import SLOW_TO_MAKE, bombs
from benchmarks.lies.seeds import draw
from benchmarks.lies.trial import Told, decoded, mutation, trial
from benchmarks.lies.weighing import weighed
from errors import InvalidRequest, UnsupportedVideo
from schemas import AnalysisType, Limits
from tests import misbehaving
from tests.service import BASE, PATIENCE, Program, Service, until
from video import child
from video.probe import probe
from video.sniff import reader_of
from video.source import MOST_STREAMS, open_container
from vision.prompts import SPECIAL, clean, clean_label

PARAMS_THAT_LIE = {
    "too large": json.dumps({"query": "x" * 16_000}),
    "too deep": '{"query":' * 2000 + "1" + "}" * 2000,
    "deep in a list": '{"exercises":' + "[" * 5000 + "]" * 5000 + "}",
    "no number": '{"min_significance": NaN}',
    "beyond numbers": '{"min_significance": -1e999}',
    "a number of ten thousand digits": '{"max_highlights": ' + "9" * 10_000 + "}",
    "a number past every integer": '{"max_highlights": 18446744073709551616}',
    "said twice": '{"reel": true, "reel": false}',
    "unknown": '{"__class__": "os.system"}',
    "a thousand unknown": json.dumps({f"k{number}": 1 for number in range(1000)}),
    "a key of ten thousand letters": json.dumps({"k" * 10_000: 1}),
    "half a character": '{"query": "\\ud83d"}',
    "a NUL": '{"query": "a\\u0000b"}',
    "text for a number": '{"segment_duration": "10"}',
    "no object": '["highlights"]',
    "markup": "<script>alert(1)</script>",
}


@pytest.mark.parametrize("lie", PARAMS_THAT_LIE)
def test_params_that_lie_are_refused_in_few_words(lie: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_params(AnalysisType.HIGHLIGHTS, PARAMS_THAT_LIE[lie])
    told = json.dumps([str(refusal.value), refusal.value.details["details"]])
    assert len(told) < 5000
    assert len(refusal.value.details["details"]) <= MAX_TOLD  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x" * 10_000 + ".mp4", "x" * 200),
        ("clip\u202e4pm.exe", "clip4pm.exe"),
        ("\u2066\u2067a\u2069.mp4", "a.mp4"),
        ("one\u2028two\u2029three.mp4", "onetwothree.mp4"),
        ("a\x85b\x1cc.mp4", "abc.mp4"),
        ("../../\x00/etc/passwd\x00.mp4", "passwd.mp4"),
        ("\\\\server\\share\\..\\clip.mp4", "clip.mp4"),
        ("\u200b\u200d\ufeff", "video"),
        ("\ud800.mp4", ".mp4"),
        ("<img src=x onerror=alert(1)>.mp4", "<img src=x onerror=alert(1)>.mp4"),
    ],
)
def test_a_name_that_lies_is_shown_as_one_honest_line(given: str, shown: str) -> None:
    assert display_name(given) == shown


@pytest.mark.parametrize(
    "text",
    [
        *SPECIAL,
        "".join(f"{token[:2]}{token}{token[2:]}" for token in SPECIAL),
        "".join("\u200b".join(token) for token in SPECIAL),
        "<|im_\u202estart|>\x1c<image>\u2028<|im_end|>\x00",
    ],
)
def test_words_that_steer_a_model_never_reach_it(text: str) -> None:
    for left in (clean(f"a dog {text} runs"), clean_label(f"a dog {text} runs")):
        assert not any(token in left for token in SPECIAL)
        assert all(mark.isprintable() for mark in left)


def test_a_lying_name_stays_on_its_line_of_the_log(program: Callable[..., Program], clip: Path) -> None:
    name = 'a\u2028{"level":"error"}\u202e\x1b[31m"\u0085.mp4'
    running = program()
    answer = running.http.post(
        f"{BASE}/upload", data={"analysis_type": "highlights"}, files={"video": (name, clip.read_bytes())}
    )
    assert answer.status_code == 200
    (line,) = [line for line in running.logged() if line["event"] == "uploaded"]
    assert "[31m" in line["file"]
    assert line["file"].isprintable()
    assert all(text.count("\n") == 0 for text in running.log.read_text().splitlines())


@pytest.mark.parametrize("session_id", ["%00", "..%2f..%2fetc", "%e2%80%ae", "x" * 5000, "<b>", "a%0d%0aSet-Cookie:x"])
def test_an_id_that_lies_is_a_session_that_is_not_there(shared_service: Service, session_id: str) -> None:
    answer = shared_service.http.get(f"{BASE}/status/{session_id}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert "set-cookie" not in answer.headers


QUICK = sorted(name for name in bombs() if name not in SLOW_TO_MAKE)


def test_no_bomb_goes_off(tmp_path: Path) -> None:
    said = {}
    for name in QUICK:
        bombs()[name](tmp_path / name)
        said[name] = decoded(tmp_path / name)
        (tmp_path / name).unlink()
    assert set(said.values()) <= {"read", "UnsupportedVideo", "VideoTooLarge", "DecodeTimeout"}, said


@pytest.mark.parametrize(
    "name", ["zeros-behind-a-head.mkv", "elsewhere.mov", "playlist-behind-a-box.mp4", "edits-that-go-back.mp4"]
)
def test_a_bomb_that_is_uploaded_is_a_400_in_words(shared_service: Service, tmp_path: Path, name: str) -> None:
    bombs()[name](tmp_path / name)
    with (tmp_path / name).open("rb") as file:
        head = file.read(4 << 20)
    answer = shared_service.upload(head)
    assert (answer.status_code, answer.json()["reason"]) == (400, "unsupported_video")


def test_a_film_whose_pictures_lie_elsewhere_is_not_followed_there(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "film.mov").write_bytes(boxes.with_data_elsewhere(f"file://{clip}".encode()))
    assert decoded(tmp_path / "film.mov") == "UnsupportedVideo"


@pytest.mark.parametrize("before", [0, 32_740, 32_747])
def test_a_table_of_contents_that_is_packed_is_never_unfolded(tmp_path: Path, before: int) -> None:
    """However the pieces fall in which the file is read."""
    packed = boxes.squeezed(1 << 20)
    for film in (packed, boxes.FTYP + boxes.box(b"moov", boxes.box(b"trak", packed[8:]))):
        (tmp_path / "film.mov").write_bytes(boxes.box(b"free", bytes(before)) + film)
        with pytest.raises(UnsupportedVideo, match="table of contents is compressed"):
            probe(tmp_path / "film.mov", Limits())


def test_of_streams_by_the_hundred_few_are_known_and_the_video_is_read(tmp_path: Path) -> None:
    path = tmp_path / "many.mkv"
    with av.open(str(path), "w") as film:
        video = film.add_stream("mpeg4", rate=5, width=64, height=36, pix_fmt="yuv420p")
        for _ in range(300):
            film.add_stream("pcm_s16le", rate=8000)
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 40 * number, np.uint8))
            picture.pts = number
            film.mux(video.encode(picture))
        film.mux(video.encode(None))
    known = child.run(
        streams_of,
        str(path),
        expect=int,
        limits=Limits(),
        reads=str(path),
        silence_seconds=PATIENCE,
        wall_seconds=PATIENCE,
    )
    assert [*known] == [MOST_STREAMS]
    assert probe(path, Limits()).pictures == 5


def streams_of(path: str) -> Iterator[int]:
    """For a child."""
    with open_container(path) as container:
        yield len(container.streams)


def test_a_few_mutations_do_no_harm() -> None:
    told = trial(count=16, over_http=4, seed=7, bombs=False)
    assert (told.files, told.alive, told.worst) == (20, True, [])


def test_a_file_that_leads_before_its_beginning_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "v").write_bytes(mutation(draw(tmp_path), 90132))
    assert decoded(tmp_path / "v") == "UnsupportedVideo"


def test_a_trial_tells_bad_from_good() -> None:
    assert Told().good
    assert not Told(alive=False).good
    assert not Told(worst=["mutation 3: 500 internal"]).good
    assert not Told(slowest_seconds=2.1).good
    assert not Told(growth_mb=201).good
    assert not Told(child_mb=201).good


def test_a_child_that_swells_is_seen_by_who_weighs_it() -> None:
    child.sealed()
    with weighed(os.getpid()) as weight, closing(_holding(150 << 20)) as messages:
        next(messages)
        until(lambda: weight.mb > 150)
    assert weight.mb < 400


def _holding(size: int) -> Generator[int, None, None]:
    limits = Limits(memory_bytes=2 * size)
    return child.run(
        misbehaving.holds, size, expect=int, limits=limits, silence_seconds=PATIENCE, wall_seconds=PATIENCE
    )


@pytest.mark.parametrize(
    ("head", "reader"),
    [
        (b"\0\0\0\x18ftypmp42", "mov"),
        (b"\0\0\0\1mdat", "mov"),
        (b"\0\0\0\3moov", None),
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        ((b"G" + bytes(187)) * 20, "mpegts"),
        (b"half" + (b"G" + bytes(191)) * 20, "mpegts"),
        (b"G" * 3 + bytes(4000), None),
        (b"\0\0\1\xba", "mpeg"),
        (b"OggS", "ogg"),
        (b"FLV\1", "flv"),
        (b"\xff\xfe\0\0#EXTM3U", None),
    ],
)
def test_one_reader_is_told_by_the_first_bytes(head: bytes, reader: str | None) -> None:
    assert reader_of(head) == reader
