"""The drawn test bed for highlights: its pictures and sound are the same whoever draws them (the encoded files are not,
bit for bit), its halves are apart, and its measures are right."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.drawn.highlights import drawings, drawn
from benchmarks.drawn.scene import Film
from benchmarks.drawn.sketch import HALVES, Clip, Half
from benchmarks.drawn.sounds import RATE
from benchmarks.drawn.things import Cyclist
from benchmarks.drawn.truth import KINDS, Event, TrueCut, Truth
from benchmarks.grading import (
    PickGrade,
    Plain,
    at_random,
    baselines,
    evenly,
    grade_cuts,
    grade_picks,
    peaks,
    within_budget,
)
from schemas import Limits, Samples, Sound
from video.scan import scan

TWO = (Event(10, 12, "one"), Event(30, 34, "other"))


@pytest.fixture(scope="module")
def halves() -> dict[Half, list[Clip]]:
    return {half: [drawing.clip() for drawing in drawings(half)] for half in HALVES}


def _truth(*events: Event, seconds: float = 60.0) -> Truth:
    return Truth(seconds, "visitors", events, events[:1])


def _few_pictures(clip: Clip) -> NDArray[np.uint8]:
    film = Film(clip.parts, clip.style, clip.step)
    return np.stack([film.at(share * clip.truth.seconds) for share in (0.2, 0.7)])


def test_every_kind_is_in_both_halves_which_share_no_seed() -> None:
    seeds = {half: [drawing.seed for drawing in drawings(half)] for half in HALVES}
    assert not set(seeds["tuning"]) & set(seeds["evaluation"])
    for half in HALVES:
        assert len(set(seeds[half])) == len(seeds[half])
        assert set(Counter(drawing.kind for drawing in drawings(half))) == set(KINDS)


def test_the_evaluation_half_shows_places_and_figures_that_the_tuning_half_never_does(
    halves: dict[Half, list[Clip]],
) -> None:
    scenes = {half: [part.scene for clip in clips for part in clip.parts] for half, clips in halves.items()}
    families = {half: {scene.setting.family for scene in some} for half, some in scenes.items()}
    assert {"yard", "shore"} <= families["evaluation"] - families["tuning"]
    cyclists = {half: any(isinstance(f, Cyclist) for s in some for f in s.figures) for half, some in scenes.items()}
    assert cyclists == {"tuning": False, "evaluation": True}


def test_truth_lies_within_the_video(halves: dict[Half, list[Clip]]) -> None:
    for truth in (clip.truth for clips in halves.values() for clip in clips):
        assert all(0 <= event.start < event.end <= truth.seconds for event in truth.events)
        assert all(one.end <= other.start for one, other in pairwise(truth.events))
        assert all(0 < cut.time < truth.seconds for cut in truth.cuts)
        assert all(other.time - one.time > 0.5 for one, other in pairwise(truth.cuts))
        assert set(truth.best) <= set(truth.events)
        assert truth.flat == (not truth.events) == (not truth.best)


@pytest.mark.parametrize(("half", "kind"), list(product(HALVES, ("hand-held", "edited"))))
def test_the_same_seed_draws_the_same_pictures_and_sound(half: Half, kind: str) -> None:
    drawing = next(drawing for drawing in drawings(half) if drawing.kind == kind)
    one, other = drawing.clip(), drawing.clip()
    assert np.array_equal(_few_pictures(one), _few_pictures(other))
    if one.score and other.score:
        assert one.score is not other.score
        assert np.array_equal(one.score.mixed(2.0), other.score.mixed(2.0))


def test_another_seed_draws_other_pictures() -> None:
    one, other = (drawing.clip() for drawing in drawings("tuning")[:2])
    assert one.truth != other.truth


def test_a_hard_cut_is_drawn_where_the_truth_says(halves: dict[Half, list[Clip]]) -> None:
    clip = next(c for c in halves["tuning"] if any(cut.how == "hard" for cut in c.truth.cuts))
    cut = next(cut for cut in clip.truth.cuts if cut.how == "hard")
    film, frame = Film(clip.parts, clip.style, clip.step), clip.step / clip.style.rate
    before, last, first, after = (film.at(cut.time + number * frame).astype(int) for number in (-2, -1, 0, 1))
    assert np.abs(first - last).mean() > 3 * max(np.abs(last - before).mean(), np.abs(after - first).mean())


def test_a_video_is_drawn_once_for_one_state_of_the_code(tmp_path: Path, halves: dict[Half, list[Clip]]) -> None:
    clip = next(clip for clip in halves["tuning"] if clip.style.width == 320 and clip.score)
    short = replace(clip, truth=Truth(0.5, "flat", (), (), flat=True))
    drawing = replace(drawings("tuning")[0], make=lambda seed, half: short)
    path = drawn(drawing, tmp_path)
    changed = path.stat().st_mtime_ns
    assert drawn(drawing, tmp_path) == path
    assert path.stat().st_mtime_ns == changed
    assert list(tmp_path.iterdir()) == [path]
    with closing(scan(path, Limits())) as pieces:
        assert sum(len(piece.samples.times) for piece in pieces if piece.samples) >= 4


def test_a_pick_hits_an_event_when_half_of_the_shorter_one_overlaps() -> None:
    assert grade_picks(_truth(*TWO), [(11, 15), (30.5, 31)]) == PickGrade(2, 2, 1.0)
    assert grade_picks(_truth(*TWO), [(11.1, 15), (34, 38)]) == PickGrade(0, 2, 0.0)


def test_the_first_pick_alone_decides_whether_the_best_was_found() -> None:
    assert grade_picks(_truth(*TWO), [(30, 34), (10, 12)]) == PickGrade(2, 2, 0.0)
    assert grade_picks(_truth(*TWO), []) == PickGrade(0, 2, 0.0)


def test_picks_count_until_they_last_half_the_video_and_eight_at_most() -> None:
    assert within_budget([(0, 20), (20, 35), (40, 50)], 30) == [(0, 20), (40, 50)]
    assert grade_picks(_truth(*TWO), [(0, 1)] * 8 + [(10, 12)]).hit == 0


def test_each_true_cut_is_matched_once_and_within_a_quarter_of_a_second() -> None:
    true = [TrueCut(5, "hard"), TrueCut(9, "dissolve"), TrueCut(20, "fade")]
    grade = grade_cuts(true, [5.25, 5.1, 8.7, 20.0])
    assert (grade.found, grade.right) == (4, 2)
    assert grade.matched == Counter(hard=1, fade=1)
    assert grade.true == Counter(hard=1, dissolve=1, fade=1)


def test_peaks_are_picked_from_the_highest_down_and_none_over_another() -> None:
    curve = np.zeros(240)
    curve[[40, 44, 160]] = 2, 3, 1
    assert peaks(curve, 60)[0] == (11.125 - 2, 11.125 + 2)
    picks = sorted(peaks(curve, 60))
    assert all(one[1] <= other[0] for one, other in pairwise(picks))
    assert any(start <= 40.1 < end for start, end in picks)


def test_evenly_spread_picks_cover_half_of_a_short_video_and_each_is_first_once() -> None:
    rankings = evenly(24)
    assert sorted(rankings[0]) == [(2, 6), (10, 14), (18, 22)]
    assert sorted(ranked[0] for ranked in rankings) == sorted(rankings[0])


def test_picks_at_random_lie_within_the_video_and_never_over_each_other() -> None:
    for ranked in at_random(30, seed=1):
        picks = sorted(ranked)
        assert len(picks) == 3
        assert picks[0][0] >= 0
        assert picks[-1][1] <= 30 + 1e-9
        assert all(one[1] <= other[0] + 1e-9 for one, other in pairwise(picks))


def test_the_loudest_and_the_most_motion_find_what_is_loud_and_what_moves() -> None:
    truth, plain = _truth(Event(20, 21, "a bang"), seconds=60), Plain()
    times = np.arange(600) / 10
    grey = np.zeros((600, 9, 16), np.uint8)
    grey[200:210:2] = 255
    pcm = np.full(60 * 16_000, 0.001, np.float32)
    pcm[20 * 16_000 : 21 * 16_000] = 0.5
    plain.add(Samples(times, grey, np.zeros((600, 12, 12, 3), np.uint8)), (Sound(0.0, pcm),))
    graded = baselines(truth, plain, seed=0)
    assert graded["loudest"] == graded["most motion"] == PickGrade(1, 1, 1.0)
    # Eight picks of four seconds would be 32 of 60, and seven cover 28: a little under half.
    assert 0.3 < graded["random"].hit < 0.6
    assert graded["random"].top < 0.2


def test_without_sound_the_loudest_is_as_good_as_evenly_spread() -> None:
    plain = Plain()
    plain.add(None, (Sound(0.0, np.zeros(60 * 16_000, np.float32)),))
    graded = baselines(_truth(*TWO), plain, seed=0)
    assert graded["loudest"] == graded["uniform"]


def test_sound_is_as_loud_as_the_score_says(halves: dict[Half, list[Clip]]) -> None:
    clip = next(clip for clip in halves["tuning"] if clip.truth.kind == "loud or silent" and clip.score)
    assert clip.score is not None
    event = clip.truth.events[0]
    sound = clip.score.mixed(event.end)
    assert len(sound) == round(event.end * RATE)
    loud = sound[round(event.start * RATE) : round(event.end * RATE)]
    quiet = sound[round((event.start - 2) * RATE) : round((event.start - 0.5) * RATE)]
    assert 10 < 20 * np.log10(loud.std() / quiet.std()) < 60
