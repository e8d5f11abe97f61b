"""Params: types and ranges are held, and a refusal names what is wrong."""

from __future__ import annotations

import json

import pytest

from api.forms import display_name, read_analysis_type, read_legacy_params, read_params
from errors import InvalidRequest
from schemas import AnalysisType, HighlightsParams, WorkoutParams

HIGHLIGHTS, WORKOUT = AnalysisType.HIGHLIGHTS, AnalysisType.WORKOUT


def test_no_params_give_the_defaults() -> None:
    assert read_params(HIGHLIGHTS, "{}") == HighlightsParams()
    assert read_params(WORKOUT, "{}") == WorkoutParams()


def test_params_are_read_as_json() -> None:
    params = read_params(HIGHLIGHTS, '{"max_highlights": 3, "min_significance": 7, "query": "the dog"}')
    assert params == HighlightsParams(max_highlights=3, min_significance=7.0, query="the dog")


def test_a_blank_query_asks_for_nothing() -> None:
    assert read_params(HIGHLIGHTS, '{"query": "  \\t "}') == HighlightsParams()


@pytest.mark.parametrize(
    ("text", "loc"),
    [
        ('{"max_highlights": 0}', "max_highlights"),
        ('{"max_highlights": 51}', "max_highlights"),
        ('{"max_highlights": 2.5}', "max_highlights"),
        ('{"max_highlights": "3"}', "max_highlights"),
        ('{"max_highlights": true}', "max_highlights"),
        ('{"max_highlights": null}', "max_highlights"),
        ('{"min_significance": 0.9}', "min_significance"),
        ('{"min_significance": 1e999}', "min_significance"),
        ('{"segment_duration": 61}', "segment_duration"),
        ('{"aspect": "4:3"}', "aspect"),
        ('{"reel": 1}', "reel"),
        ('{"query": "\\ud800"}', "query"),
        ('{"query": "a\\u0000b"}', "query"),
        ('{"query": ["goals"]}', "query"),
        ('{"surprise": 1}', "surprise"),
    ],
)
def test_a_wrong_param_is_named(text: str, loc: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_params(HIGHLIGHTS, text)
    assert [detail["loc"] for detail in refusal.value.details["details"]] == [["params", loc]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "3",
        "null",
        '"{}"',
        '{"a": NaN}',
        '{"a": Infinity}',
        "[" * 9000,
        '{"a":' * 3000,
        "9" * 5000,
    ],
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^params: "):
        read_params(HIGHLIGHTS, text)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'max_highlights' is given twice"):
        read_params(HIGHLIGHTS, '{"max_highlights": 1, "max_highlights": 2}')


def test_a_key_that_cannot_be_encoded_is_refused_in_words_that_can() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_params(HIGHLIGHTS, '{"\\ud800": 1, "\\ud800": 2}')
    assert str(refusal.value).encode()


def test_params_have_a_size() -> None:
    assert read_params(WORKOUT, json.dumps({"user_prompt": "x" * 2000}))
    with pytest.raises(InvalidRequest, match="longer than 16000 bytes"):
        read_params(HIGHLIGHTS, json.dumps({"query": "x" * 16_000}))


def test_clip_lengths_must_agree() -> None:
    with pytest.raises(InvalidRequest, match="min_clip_seconds is larger"):
        read_params(HIGHLIGHTS, '{"min_clip_seconds": 9, "max_clip_seconds": 4}')


def test_a_workouts_own_exercises_are_read_and_bounded() -> None:
    assert read_params(WORKOUT, '{"exercises": ["squat", "lunge"]}') == WorkoutParams(exercises=["squat", "lunge"])
    for wrong in ("[]", '[""]', "[1]", json.dumps(["x"] * 201)):
        with pytest.raises(InvalidRequest, match="exercises"):
            read_params(WORKOUT, f'{{"exercises": {wrong}}}')


def test_every_wrong_param_is_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read_params(HIGHLIGHTS, '{"max_highlights": 0, "surprise": 1}')
    assert len(refusal.value.details["details"]) == 2  # type: ignore[arg-type]


def test_an_unknown_analysis_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match="one of: highlights, workout"):
        read_analysis_type("dance")


def test_legacy_fields_are_read_from_text() -> None:
    fields = {"min_significance": "7.5", "max_highlights": "3"}
    assert read_legacy_params(HIGHLIGHTS, fields) == HighlightsParams(min_significance=7.5, max_highlights=3)


@pytest.mark.parametrize("text", ["", "many", "nan", "99", "2.5"])
def test_a_wrong_legacy_field_is_named(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^max_highlights: "):
        read_legacy_params(HIGHLIGHTS, {"max_highlights": text})


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("holiday.mp4", "holiday.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\clip.mov", "clip.mov"),
        ("a\x00b\r\nc.mp4", "abc.mp4"),
        ("gpj.\u202e4pm.exe", "gpj.4pm.exe"),
        ("", "video"),
        ("..", ".."),
        ("日本 ✓.mp4", "日本 ✓.mp4"),
    ],
)
def test_a_file_name_is_only_shown(given: str, shown: str) -> None:
    assert display_name(given) == shown


def test_a_long_file_name_is_cut() -> None:
    assert len(display_name("x" * 10_000)) == 200
