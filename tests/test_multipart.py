"""The body's parser: any split of the bytes gives the same file and fields; what is no form is refused."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from api.desk import BATCH_BYTES, Desk
from api.multipart import FileSink, FormReader
from errors import InsufficientStorage, InvalidRequest, UploadTooLarge

EDGE = "edge"
TYPE = f"multipart/form-data; boundary={EDGE}"
VIDEO = random.Random(7).randbytes(3 * BATCH_BYTES + 17)


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


END = f"--{EDGE}--\r\n".encode()


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def sink_at(folder: Path) -> FileSink:
    return FileSink(folder / "source.part", lambda: 1 << 40, 1 << 20)


def reader(max_bytes: int = 1 << 30) -> FormReader:
    return FormReader(TYPE, "video", max_bytes, lambda fields: None)


async def read(folder: Path, body: bytes, size: int = 1 << 16, form: FormReader | None = None) -> FormReader:
    form, sink = form or reader(), sink_at(folder)
    try:
        with closing(Desk()) as desk:
            await form.read(pieces(body, size), sink, desk)
    finally:
        sink.abandon()
    return form


@pytest.mark.parametrize("size", [1000, 4099, BATCH_BYTES - 1, len(VIDEO) * 2])
async def test_a_file_is_the_same_however_its_body_is_split(tmp_path: Path, size: int) -> None:
    body = part("analysis_type", b"highlights") + part("video", VIDEO, "clip.mp4") + part("params", b"{}") + END
    form, sink = reader(), sink_at(tmp_path)
    with closing(Desk()) as desk:
        await form.read(pieces(body, size), sink, desk)
    assert sink.finish() == hashlib.sha256(VIDEO).hexdigest()
    assert (tmp_path / "source.part").read_bytes() == VIDEO
    assert form.fields == {"analysis_type": "highlights", "params": "{}"}
    assert (form.filename, form.file_bytes) == ("clip.mp4", len(VIDEO))


async def test_one_byte_at_a_time_is_fine_too(tmp_path: Path) -> None:
    form = await read(tmp_path, part("params", b"{}") + part("video", b"abc\r\n--edg", "a.mp4") + END, size=1)
    assert (tmp_path / "source.part").read_bytes() == b"abc\r\n--edg"
    assert form.fields == {"params": "{}"}


async def test_files_in_other_fields_are_skipped(tmp_path: Path) -> None:
    form = await read(tmp_path, part("extra", b"x" * 100, "x.bin") + part("video", b"abc", "a.mp4") + END)
    assert (form.file_bytes, (tmp_path / "source.part").read_bytes()) == (3, b"abc")


@pytest.mark.parametrize("size", [1000, 1 << 16])
async def test_a_long_file_name_is_taken(tmp_path: Path, size: int) -> None:
    named = "x" * 10_000 + ".mp4"
    form = await read(tmp_path, part("video", b"abc", named) + END, size)
    assert (form.filename, form.file_bytes) == (named, 3)


async def test_the_file_is_counted_while_it_arrives(tmp_path: Path) -> None:
    with pytest.raises(UploadTooLarge):
        await read(tmp_path, part("video", VIDEO, "a.mp4") + END, form=reader(max_bytes=BATCH_BYTES))
    assert (tmp_path / "source.part").stat().st_size <= BATCH_BYTES


@pytest.mark.parametrize(
    "body",
    [
        part("extra", b"x" * (3 << 20), "x.bin") + part("video", b"abc", "a.mp4") + END,
        part("video", b"abc", "a.mp4") + END + b"x" * (3 << 20),
    ],
)
async def test_what_surrounds_the_file_is_counted_too(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(UploadTooLarge):
        await read(tmp_path, body, form=reader(max_bytes=1 << 20))


async def test_fields_before_the_file_may_refuse_it(tmp_path: Path) -> None:
    def refuse(fields: Mapping[str, str]) -> None:
        raise InvalidRequest(f"not {fields['analysis_type']}")

    form = FormReader(TYPE, "video", 1 << 30, refuse)
    with pytest.raises(InvalidRequest, match="not dance"):
        await read(tmp_path, part("analysis_type", b"dance") + part("video", VIDEO, "a.mp4") + END, form=form)
    assert (tmp_path / "source.part").stat().st_size == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "ends in the middle"),
        (b"no form at all", "not a multipart form"),
        (part("video", b"abc", "a.mp4"), "ends in the middle"),
        (part("video", b"abc") + END, "must be a file"),
        (part("video", b"a", "a") + part("video", b"b", "b") + END, "given twice"),
        (part("params", b"{}") + part("params", b"{}") + END, "given twice"),
        (part("params", b"\xff\xfe") + END, "not UTF-8"),
        (part("params", b"x" * 64_001) + END, "longer than"),
        (b"".join(part(f"f{n}", b"") for n in range(33)) + END, "more than 32 parts"),
    ],
)
async def test_what_is_no_proper_form_is_refused(tmp_path: Path, body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read(tmp_path, body)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", f"multipart/form-data; boundary={'x' * 500}"]
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidRequest):
        FormReader(content_type, "video", 1 << 30, lambda fields: None)


async def test_writing_stops_at_the_disks_floor(tmp_path: Path) -> None:
    free = iter([3 << 20, 2 << 20, 1 << 19])
    sink = FileSink(tmp_path / "source.part", lambda: next(free), 1 << 20)
    with pytest.raises(InsufficientStorage), closing(Desk()) as desk:
        await reader().read(pieces(part("video", VIDEO, "a.mp4") + END, 1 << 16), sink, desk)
    sink.abandon()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full exists on Linux only")
def test_a_disk_that_fills_up_while_writing_is_told_in_words(tmp_path: Path) -> None:
    sink = sink_at(tmp_path)
    sink.abandon()
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(InsufficientStorage, match="disk is full"):
        sink._file = full
        sink.write(b"one more byte")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (part("params", b"x" * 64_001), "params: is longer than 64000 bytes"),
        (b"".join(part(f"field{n}", b"x") for n in range(33)), "body: has more than 32 parts"),
        (b"".join(part(f"file{n}", b"x", "x.bin") for n in range(33)), "body: has more than 32 parts"),
        (part("video", b"abc", "a.mp4") + part("video", b"abc", "b.mp4"), "video: is given twice"),
        (part("x" * 16_000, b""), "body: has a part with a header, such as a file name, longer than 16000 bytes"),
    ],
)
async def test_fields_and_files_are_counted_and_measured(tmp_path: Path, body: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        await read(tmp_path, body + END)
