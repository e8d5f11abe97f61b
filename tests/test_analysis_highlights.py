"""Which moments are chosen, how they are scored and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from analysis.highlights import find_highlights
from schemas import HighlightsParams, Moment, Sound
from tests.drawn import curves, film, grainy, look, scene, tone, with_square

ANY = HighlightsParams(min_significance=1)


def _hits(moment: Moment, start: float, end: float) -> bool:
    shared = min(moment.end, end) - max(moment.start, start)
    return shared >= 0.5 * min(moment.end - moment.start, end - start)


def test_one_burst_in_a_dull_video_comes_first() -> None:
    found = find_highlights(curves(60, motion={(31.0, 32.0): 0.3}), HighlightsParams())
    assert _hits(found.moments[0], 31, 32)
    assert found.moments[0].score >= 6
    assert found.warnings == []


def test_an_event_shorter_than_a_second_is_found() -> None:
    found = find_highlights(curves(60, motion={(20.0, 20.5): 0.4}), HighlightsParams())
    assert _hits(found.moments[0], 20, 20.5)


def test_what_lasts_gets_a_longer_moment() -> None:
    found = find_highlights(curves(80, motion={(20, 26): 0.3, (50, 50.5): 0.3}), HighlightsParams())
    lasting, short = (next(m for m in found.moments if _hits(m, *span)) for span in ((20, 26), (50, 50.5)))
    assert lasting.end - lasting.start >= 4
    assert short.end - short.start <= 2


def test_somebody_quietly_there_for_long_is_found_by_novelty() -> None:
    found = find_highlights(curves(90, novelty={(40, 47): 0.3}), HighlightsParams())
    assert _hits(found.moments[0], 40, 47)


def test_a_drawn_throw_and_a_loud_sound_are_found_and_named() -> None:
    room, random = look(scene(1)), np.random.default_rng(0)

    def draw(time: float) -> np.ndarray:
        return grainy(with_square(room, 160 * (time - 12)) if 12 <= time < 12.7 else room, random, 1.5)

    found = find_highlights(film(24, draw, (Sound(0.0, tone(24, 5, 6)),)), ANY)
    thrown = next(moment for moment in found.moments if _hits(moment, 12, 12.7))
    heard = next(moment for moment in found.moments if _hits(moment, 5, 6))
    assert "motion" in thrown.words
    assert "sound" in heard.words.lower()
    assert "motion" not in heard.words


@pytest.mark.parametrize("seed", range(4))
def test_a_flat_noisy_video_scores_low_everywhere_and_says_so(seed: int) -> None:
    room, random = look(scene(seed)), np.random.default_rng(seed)
    hiss = random.normal(size=12 * 16_000).astype(np.float32) * 0.02
    found = find_highlights(film(12, lambda _: grainy(room, random, 4), (Sound(0.0, hiss),)), HighlightsParams())
    assert max(window.score for window in found.windows) <= 4
    assert found.moments
    assert max(moment.score for moment in found.moments) <= 4
    assert "No moment reaches" in found.warnings[0]


def test_a_still_video_is_not_a_ten_for_a_trifle() -> None:
    found = find_highlights(curves(60, motion={(30, 31): 0.01}, noise=0.0), HighlightsParams())
    assert found.moments[0].score <= 4


def test_steady_strong_motion_is_worth_more_than_stillness() -> None:
    lively, still = (find_highlights(curves(40, motion={(0, 40): speed}), ANY).moments[0] for speed in (0.6, 0.0))
    assert lively.score > still.score + 1
    assert lively.words == "Steady strong motion"
    assert still.words == "Little happens here"


def test_only_moments_that_reach_the_threshold_come() -> None:
    signals = curves(100, motion={(20, 22): 0.4, (60, 62): 0.05})
    assert len(find_highlights(signals, HighlightsParams(min_significance=7)).moments) == 1
    assert len(find_highlights(signals, ANY).moments) > 1


def test_moments_come_best_first_and_no_more_than_asked() -> None:
    signals = curves(120, motion={(at, at + 1): 0.1 + at / 400 for at in range(10, 110, 10)})
    moments = find_highlights(signals, HighlightsParams(min_significance=1, max_highlights=5)).moments
    assert len(moments) == 5
    assert [moment.score for moment in moments] == sorted((moment.score for moment in moments), reverse=True)
    assert [moment.rank for moment in moments] == sorted((moment.rank for moment in moments), reverse=True)


def test_a_start_moves_to_the_cut_beside_it_and_an_end_stops_at_one() -> None:
    found = find_highlights(curves(60, motion={(30, 33): 0.3}, cuts=(29.6, 33.2)), HighlightsParams())
    assert (found.moments[0].start, found.moments[0].end) == (29.6, 33.2)


def test_a_moment_just_after_a_cut_says_so() -> None:
    found = find_highlights(curves(60, motion={(30, 30.75): 0.3}, cuts=(29.9,)), HighlightsParams())
    assert found.moments[0].words.endswith(", just after a cut")


def test_who_enters_an_empty_scene_is_called_that_and_who_stays_gets_a_long_moment() -> None:
    room, random = look(scene(2)), np.random.default_rng(0)
    found = find_highlights(
        film(
            40,
            lambda time: grainy(with_square(room, 4 * (time - 20) + 30, 20, 24) if 20 <= time < 26 else room, random),
        ),
        HighlightsParams(),
    )
    assert _hits(found.moments[0], 20, 26)
    assert found.moments[0].end - found.moments[0].start >= 3
    assert found.moments[0].words.startswith("Someone or something enters an empty scene")
    assert (found.moments[0].levels.presence or 0) > 0.02


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ((20.0, 26.0), "Someone or something enters an empty scene"),
        ((34.0, 40.0), "Something in the scene changes and stays so"),
    ],
)
def test_only_who_leaves_again_is_said_to_have_entered(there: tuple[float, float], words: str) -> None:
    room, random = look(scene(2)), np.random.default_rng(0)
    visit = with_square(room, 50, 20, 24)
    found = find_highlights(
        film(40, lambda time: grainy(visit if there[0] <= time < there[1] else room, random)), HighlightsParams()
    )
    assert found.moments[0].words.startswith(words)


def test_a_dull_hour_with_one_event_ranks_it_first_and_high() -> None:
    found = find_highlights(curves(3600, motion={(2000.0, 2001.0): 0.4}), HighlightsParams())
    assert [_hits(moment, 2000, 2001) for moment in found.moments] == [True]


def test_a_rise_in_a_lively_video_must_be_larger_to_count_as_much() -> None:
    calm, lively = (
        find_highlights(curves(60, motion={(0, 60): usual, (30, 31): 0.3}), ANY).moments[0].score for usual in (0, 0.4)
    )
    assert calm > lively + 1


def test_reaching_for_the_camera_is_no_moment() -> None:
    signals = curves(40, motion={(0, 1): 0.4, (20, 21): 0.3})
    taken_up = replace(signals, camera=np.where(np.arange(160) < 4, 0.4, 0.02))
    assert _hits(find_highlights(signals, ANY).moments[0], 0, 1)
    assert _hits(find_highlights(taken_up, ANY).moments[0], 20, 21)


def test_a_covered_lens_counts_for_less_than_what_is_seen() -> None:
    signals = curves(40, motion={(10, 11): 0.4, (20, 21): 0.3})
    covered = replace(signals, sharpness=np.where((np.arange(160) >= 40) & (np.arange(160) < 46), 2.0, 20.0))
    assert _hits(find_highlights(covered, ANY).moments[0], 20, 21)


def test_limits_hold_for_any_video_and_any_params() -> None:
    random = np.random.default_rng(7)
    for seed in range(150):
        duration = float(np.exp(random.uniform(np.log(0.05), np.log(600))))
        low, high = np.sort(random.uniform(0.5, 60, 2))
        params = HighlightsParams(
            min_significance=random.uniform(1, 10),
            max_highlights=int(random.integers(1, 51)),
            min_clip_seconds=low,
            max_clip_seconds=high,
            segment_duration=random.uniform(2, 60),
        )
        events = {(at, at + random.uniform(0.2, 9)): random.uniform(0, 0.5) for at in random.uniform(0, duration, 8)}
        cuts = tuple(sorted(random.uniform(0, duration, 5).tolist()))
        found = find_highlights(curves(duration, motion=events, cuts=cuts, seed=seed), params)
        moments = sorted(found.moments, key=lambda moment: moment.start)
        assert 1 <= len(moments) <= params.max_highlights
        assert moments[0].start >= 0
        assert moments[-1].end <= duration + 1e-9
        assert all(one.end <= other.start for one, other in pairwise(moments))
        longest = min(high, duration / 2)
        assert all(min(low, longest) - 0.0015 <= m.end - m.start <= longest + 1e-6 for m in moments)
        assert all(1 <= m.score <= 10 and 0 <= m.confidence <= 1 and m.words for m in moments)
        assert found.windows[0].start == 0
        assert found.windows[-1].end == duration
        assert all(one.end == other.start for one, other in pairwise(found.windows))


@pytest.mark.parametrize(("duration", "longest"), [(0.1, 0.05), (1.0, 0.5), (2.4, 1.2), (60.0, 8.0)])
def test_a_moment_is_never_longer_than_half_a_short_video(duration: float, longest: float) -> None:
    moments = find_highlights(curves(duration), HighlightsParams()).moments
    assert moments
    assert all(0 < moment.end - moment.start <= longest + 1e-9 for moment in moments)


def test_the_ends_of_a_video_are_not_favoured() -> None:
    tops = [find_highlights(curves(40, seed=seed, noise=0.1), ANY).moments[0] for seed in range(120)]
    at_an_end = sum(top.start < 2 or top.end > 38 for top in tops)
    assert at_an_end <= 0.2 * len(tops)


def test_the_last_window_takes_in_a_tail_too_short_to_rate() -> None:
    ends = [window.end for window in find_highlights(curves(20.3), ANY).windows]
    assert ends == [10, 20.3]


def test_long_curves_are_thinned_without_losing_the_peak() -> None:
    found = find_highlights(curves(3 * 3600, motion={(5000, 5001): 0.5}), ANY)
    assert len(found.curves.significance) == len(found.curves.motion) <= 2000
    peak = int(np.argmax(found.curves.significance))
    assert peak * found.curves.step_seconds == pytest.approx(5000, abs=2 * found.curves.step_seconds)
    assert max(found.curves.significance) > 6


def test_the_same_video_gives_the_same_highlights() -> None:
    first, second = (find_highlights(curves(90, motion={(40, 44): 0.2}), ANY) for _ in range(2))
    assert first == second
