"""Records cross the pipe unchanged, and nothing else does."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from schemas import Limits, Samples, Scanned, Sound, VideoInfo
from video.wire import decode, encode

INFO = VideoInfo(1.5, 25.0, 320, 180, "h264", "mp4", True, 1000, 38)


def raw(head: object, blob: bytes = b"") -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("!I", len(text)) + text + blob


def test_a_record_comes_back_equal() -> None:
    assert decode(encode(INFO)) == INFO


def test_a_piece_of_a_scan_comes_back_with_its_arrays() -> None:
    samples = Samples(np.array([0.0, 0.1]), np.ones((2, 72, 128), np.uint8), np.ones((2, 12, 12, 3), np.uint8))
    sounds = (Sound(0.0, np.zeros(10, np.float32)), Sound(0.5, np.ones(3, np.float32)))
    piece = decode(encode(Scanned(0.2, 2, samples, sounds)))
    assert isinstance(piece, Scanned)
    assert piece.samples is not None
    assert (piece.samples.times == samples.times).all()
    assert piece.samples.grey.shape == (2, 72, 128)
    assert [len(sound.pcm) for sound in piece.sounds] == [10, 3]


def test_plain_values_and_bytes_travel_too() -> None:
    assert decode(encode((1, "two", None, True, (b"three", 4.5)))) == (1, "two", None, True, (b"three", 4.5))


@pytest.mark.parametrize("value", [{"a": 1}, object(), np.array([1], np.int64), np.array([None]), Limits()])
def test_other_things_are_not_sent(value: object) -> None:
    with pytest.raises(TypeError):
        encode(value)


FIELDS = {"start": 0.0, "pcm": {"array": "<f4", "shape": [1]}}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\0",
        b"\0\0\0\x7f{}",
        raw(1, b"left over"),
        raw({"bytes": 5}, b"four"),
        raw({"bytes": -1}),
        raw({"array": "<f4", "shape": [1 << 40]}),
        raw({"array": "<f4", "shape": [-1, -1]}, b"four"),
        raw({"array": "|O", "shape": [1]}, b"pointers"),
        raw({"record": "Popen", "fields": {}}),
        raw({"record": "Sound", "fields": {"start": 0.0}}),
        raw({"record": "Sound", "fields": {**FIELDS, "start": "now"}}, b"four"),
        raw({"record": "Sound", "fields": {**FIELDS, "start": True}}, b"four"),
        raw({"record": "Sound", "fields": {**FIELDS, "start": float("nan")}}, b"four"),
        raw({"record": "Sound", "fields": {**FIELDS, "pcm": {"array": "<f8", "shape": [1]}}}, b"eight..."),
        raw({"record": "Scanned", "fields": {"position": 0.0, "pictures": 1, "samples": None, "sounds": [1]}}),
        b"\0\0\0\x0a[[[[[[[[[[",
    ],
)
def test_bytes_that_were_never_encoded_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode(data)
