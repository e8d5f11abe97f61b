"""What is shown of the moments found: which clips, around what, by which still, and as text for other programs."""

from __future__ import annotations

import csv
import io

import cv2
import numpy as np
import pytest

from analysis.exports import chapters_vtt, highlights_csv, highlights_edl
from analysis.framing import MotionCentre
from analysis.reel import clips_of
from analysis.results import highlight_results
from analysis.thumbnails import best_still, contact_sheet, jpeg, nearest_still
from schemas import (
    Clip,
    Curves,
    HighlightResult,
    Highlights,
    HighlightsParams,
    Moment,
    Samples,
    SignalLevels,
    Window,
)

LEVELS = SignalLevels(motion=0.5, loudness=None, novelty=0.25)


def moment(start: float, end: float, words: str = "Strong motion") -> Moment:
    return Moment(start, end, 8.0, 0.9, LEVELS, 0.8, 1.0, words)


def records(*moments: Moment) -> list[HighlightResult]:
    windows = [Window(1, 0, 4000, 5.0, LEVELS, "")]
    return highlight_results(Highlights(list(moments), windows, Curves(0.25, [], [], None)), HighlightsParams())


def test_a_reel_shows_all_moments_in_the_order_of_time() -> None:
    assert clips_of([moment(20, 25), moment(3, 6)], None, 1.5) == [Clip(3, 6), Clip(20, 25)]


def test_moments_that_adjoin_are_one_clip() -> None:
    assert clips_of([moment(6, 9), moment(3, 6)], None, 1.5) == [Clip(3, 9)]


def test_a_short_reel_takes_the_best_first_and_trims_the_last() -> None:
    found = [moment(20, 24), moment(3, 7), moment(40, 44)]
    assert clips_of(found, 6.0, 1.5) == [Clip(4, 6), Clip(20, 24)]


def test_what_is_left_for_the_last_is_not_shown_when_it_is_too_short() -> None:
    assert clips_of([moment(20, 24), moment(3, 7)], 5.0, 1.5) == [Clip(20, 24)]


def test_a_clip_that_ends_with_its_shot_says_so() -> None:
    cuts = [3.0, 6.0, 25.05, 32.95]
    found = clips_of([moment(3, 6), moment(20, 25), moment(30, 33)], None, 1.5, cuts)
    assert found == [Clip(3, 6, doubtful=0.1), Clip(20, 25), Clip(30, 32.95, doubtful=0.1)]


def test_even_the_shortest_reel_shows_something() -> None:
    assert clips_of([moment(20, 24)], 1.0, 1.5) == [Clip(21.5, 22.5)]
    assert clips_of([], 10.0, 1.5) == []


def walking(left: int, right: int, seconds: float = 6.0) -> MotionCentre:
    """A square that walks over a grey picture 128 wide, 10 samples a second."""
    count = round(seconds * 10)
    grey = np.full((count, 72, 128), 80, np.uint8)
    for number, x in enumerate(np.linspace(left, right, count).astype(int)):
        grey[number, 30:44, x : x + 12] = 220
    centre = MotionCentre()
    times = np.arange(count) / 10
    for part in (slice(0, count // 2), slice(count // 2, count)):
        centre.add(Samples(times[part], grey[part], np.zeros((count, 12, 12, 3), np.uint8)[part]))
    return centre


def test_the_centre_follows_what_moves() -> None:
    path = walking(5, 110).within(1.0, 5.0)
    assert path[0].x == pytest.approx((5 + 105 / 6 + 6) / 128, abs=0.1)
    assert path[-1].x == pytest.approx((5 + 5 * 105 / 6 + 6) / 128, abs=0.1)
    assert all(one.y == pytest.approx(37 / 72, abs=0.05) for one in path)
    assert (path[0].time, path[-1].time) == (1.0, 5.0)


def test_the_centre_never_jumps() -> None:
    path = walking(5, 110, seconds=2.0).within(0.0, 2.0)
    steps = np.abs(np.diff([one.x for one in path])) / np.diff([one.time for one in path])
    assert steps.max() < 0.5, "half a picture's width a second"


def test_where_nothing_moves_the_middle_is_shown() -> None:
    centre = MotionCentre()
    centre.add(Samples(np.arange(10) / 10, np.full((10, 72, 128), 90, np.uint8), np.zeros((10, 12, 12, 3), np.uint8)))
    assert {(one.x, one.y) for one in centre.within(0, 1)} == {(0.5, 0.5)}
    assert {(one.x, one.y) for one in MotionCentre().within(0, 1)} == {(0.5, 0.5)}


@pytest.mark.parametrize(
    ("details", "cuts", "best"),
    [
        ([1, 5, 2, 3, 1], [], 1),
        ([1, 5, 2, 3, 1], [2.1], 3),
        ([9, 1, 2, 3, 9], [], 3),
        ([8, 1, 1, 1, 9], [2.0, 2.9, 3.9], 4),
        ([1, 5, 2, 3, 1], [1.0, 2.0, 3.0, 4.0, 5.0], 1),
    ],
)
def test_a_still_is_sharp_away_from_cuts_and_well_within(details: list[float], cuts: list[float], best: int) -> None:
    assert best_still([1.0, 2.0, 3.0, 4.0, 5.0], details, 0.9, 5.1, cuts) == best


def test_a_stretch_without_a_still_has_none() -> None:
    assert best_still([1.0, 2.0], [1, 1], 1.2, 1.9, []) is None


@pytest.mark.parametrize(
    ("start", "cuts", "nearest"),
    [(5.0, [], 1), (5.0, [4.5], 2), (5.0, [4.5, 5.5], 1), (0.5, [], 0), (9.0, [2.0], 2)],
)
def test_a_stretch_without_a_still_takes_the_nearest_of_its_shot(start: float, cuts: list[float], nearest: int) -> None:
    assert nearest_still([1.0, 4.0, 6.0], start, cuts) == nearest
    assert nearest_still([], start, cuts) is None


def test_pictures_become_jpeg_and_a_sheet_of_them() -> None:
    red, blue = (np.full((270, 480, 3), colour, np.uint8) for colour in ((220, 10, 10), (10, 10, 220)))
    sheet = contact_sheet([jpeg(red), jpeg(blue)] * 3, ["00:01   no. 1"] * 6)
    read = cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    assert read.shape == (2 * (180 + 28 + 8) + 8, 4 * 328 + 8, 3)
    assert read[100, 100].argmax() == 2, "OpenCV has red last"
    assert read[100, 100 + 328].argmax() == 0


def test_large_pictures_are_reduced_for_a_card() -> None:
    read = cv2.imdecode(np.frombuffer(jpeg(np.zeros((1024, 576, 3), np.uint8)), np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    assert read.shape == (480, 270, 3)


def test_chapters_are_in_the_order_of_time_and_hold_no_markup() -> None:
    text = chapters_vtt(records(moment(3661.5, 3663, "A <b>goal</b> --> & more\nlines"), moment(3, 6.25)))
    assert text == (
        "WEBVTT\n\n"
        "00:00:03.000 --> 00:00:06.250\n2. Strong motion\n\n"
        "01:01:01.500 --> 01:01:03.000\n1. A &lt;b&gt;goal&lt;/b&gt; --&gt; &amp; more lines\n"
    )


def test_a_cut_list_counts_pictures_and_lays_clips_end_to_end() -> None:
    lines = highlights_edl(records(moment(62.0, 64.5), moment(3, 6.24)), "my match.mp4", 25.0).split("\r\n")
    assert lines[:2] == ["TITLE: my match.mp4", "FCM: NON-DROP FRAME"]
    events = [line for line in lines if line[:3].isdigit()]
    assert events == [
        "001  AX       AA/V  C        00:00:03:00 00:00:06:06 00:00:00:00 00:00:03:06",
        "002  AX       AA/V  C        00:01:02:00 00:01:04:12 00:00:03:06 00:00:05:18",
    ]


def test_a_cut_list_of_a_broken_rate_numbers_every_picture() -> None:
    lines = highlights_edl(records(moment(1001.0, 1002.001)), "a.mp4", 30000 / 1001).split("\r\n")
    assert lines[3].endswith("00:16:40:00 00:16:41:00 00:00:00:00 00:00:01:00")


@pytest.mark.parametrize("words", ["=1+1", "@cmd", "+x", "-x", "\t=1"])
def test_a_spreadsheet_runs_nothing_of_a_table(words: str) -> None:
    (row,) = csv.DictReader(io.StringIO(highlights_csv(records(moment(1, 2, words)))))
    assert row["description"] == f"'{words}"
    assert (row["start"], row["end"], row["loudness"]) == ("1.0", "2.0", "")
