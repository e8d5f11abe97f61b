"""What a model says and what was measured become one strength, and names become exercises: known answers."""

from __future__ import annotations

import pytest

from analysis.fusion import fused, trust
from analysis.highlights import choose_highlights, find_candidates, find_highlights, with_words
from analysis.naming import with_names
from analysis.workout import put_together
from analysis.workout_results import exercise_step, summary
from schemas import Glance, HighlightsParams, Repetition, SetGlance, Workout, WorkoutParams, WorkoutSet
from tests.drawn import curves


def glances(*ratings: float, mass: float = 1.0) -> list[Glance]:
    return [Glance(rating, mass) for rating in ratings]


def test_an_opinion_that_blank_pictures_would_have_got_changes_nothing() -> None:
    assert fused([0.1, 0.97, 1.0], glances(0.5, 0.5, 0.5)) == [0.1, 0.97, 1.0]


def test_where_no_model_looked_the_signals_word_stands() -> None:
    assert fused([0.3, 0.6], [None, None]) == [0.3, 0.6]
    assert fused([0.3, 0.6], [None, Glance(0.9, 1.0)])[0] == 0.3


def test_odds_of_two_witnesses_multiply() -> None:
    """Of 1 to 1 and 4 to 1, with one more of 1 to 4 so that the usual opinion is none."""
    assert fused([0.5, 0.5, 0.2], glances(0.8, 0.2, 0.5)) == pytest.approx([0.8, 0.2, 0.2])


def test_what_it_was_asked_for_by_name_weighs_twice() -> None:
    assert fused([0.5, 0.5], glances(0.8, 0.2), asked=True) == pytest.approx([16 / 17, 1 / 17])


def test_a_model_that_finds_everything_exciting_says_little() -> None:
    praised = fused([0.5, 0.5, 0.5], glances(0.9, 0.9, 0.9))
    assert praised == pytest.approx([0.75] * 3)  # odds of 3 to 1: the root of 9 to 1
    assert fused([0.5, 0.5, 0.5], glances(0.9, 0.9, 0.5))[2] < 0.5


def test_a_model_that_hardly_understood_counts_for_less() -> None:
    assert [trust(Glance(0.9, mass)) for mass in (0.0, 0.25, 0.5, 0.9)] == [0, 0.5, 1, 1]
    sure, unsure = (fused([0.5, 0.5], glances(0.9, 0.1, mass=mass))[0] for mass in (0.9, 0.1))
    assert fused([0.5, 0.5], glances(0.9, 0.1, mass=0.0)) == [0.5, 0.5]
    assert 0.5 < unsure < sure


def test_no_opinion_is_worth_more_than_twenty_to_one() -> None:
    top, bottom = fused([0.5, 0.5], glances(1.0, 0.0), asked=True)
    assert (top, bottom) == pytest.approx((0.9526, 0.0474), abs=1e-3)
    assert fused([1.0, 0.0], glances(0.9, 0.1)) == [1.0, 0.0]  # and what is clear becomes no less so by praise


def test_a_model_changes_the_order_and_every_part_is_told() -> None:
    signals, params = curves(80, motion={(20, 24): 0.3, (50, 54): 0.2}), HighlightsParams(min_significance=1)
    candidates = find_candidates(signals, params, 2)
    first, second = sorted(candidates.moments, key=lambda moment: moment.start)
    assert first.absolute > second.absolute
    said = [Glance(0.1 if moment is first else 0.9, 1.0) for moment in candidates.moments]
    found = choose_highlights(signals, candidates, params, said)
    assert [moment.start for moment in found.moments] == [second.start, first.start]
    assert [moment.eyes for moment in found.moments] == [0.9, 0.1]
    assert [moment.absolute for moment in found.moments] == [second.absolute, first.absolute]
    assert [moment.rank for moment in found.moments] == [1.0, 0.5]


def test_no_more_moments_are_chosen_than_wanted_however_many_were_looked_at() -> None:
    signals = curves(200, motion={(at, at + 3): 0.3 for at in range(10, 190, 20)})
    params = HighlightsParams(min_significance=1, max_highlights=3)
    candidates = find_candidates(signals, params, 6)
    assert len(candidates.moments) == 6
    assert len(choose_highlights(signals, candidates, params, [None] * 6).moments) == 3


def test_a_segment_that_a_model_likes_gets_a_moment_where_no_signal_stands_out() -> None:
    signals, params = curves(80, motion={(20, 24): 0.3}), HighlightsParams(min_significance=1)
    swept = glances(0.4, 0.4, 0.4, 0.4, 0.4, 0.9, 0.4, 0.4)
    plain, told = find_candidates(signals, params, 10), find_candidates(signals, params, 10, swept)
    (more,) = [moment for moment in told.moments if moment not in plain.moments]
    assert 50 <= more.start < more.end <= 60
    found = choose_highlights(
        signals, told, params, [Glance(0.95 if one == more else 0.5, 1.0) for one in told.moments]
    )
    assert more.start in [moment.start for moment in found.moments]
    windows = find_highlights(signals, params).windows
    moved = [new.score - old.score for new, old in zip(found.windows, windows, strict=True)]
    assert moved.index(max(moved)) == 5
    assert moved[5] > 0 >= max(moved[:5])


def test_a_segment_that_has_a_moment_already_gets_no_second_one_for_being_liked() -> None:
    signals, params = curves(80, motion={(20, 24): 0.3}), HighlightsParams(min_significance=1)
    plain = find_candidates(signals, params, 10)
    assert find_candidates(signals, params, 10, glances(0.4, 0.4, 0.9)).moments == plain.moments


def test_what_is_chosen_never_lasts_longer_than_half_the_video_however_much_is_liked() -> None:
    signals = curves(160, motion={(at + 2, at + 6): 0.3 for at in range(0, 160, 8)})
    params = HighlightsParams(min_significance=1, min_clip_seconds=4, segment_duration=2, max_highlights=50)
    liked = [Glance(0.9 if number % 5 < 2 else 0.3, 1.0) for number in range(80)]
    candidates = find_candidates(signals, params, 50, liked)
    found = choose_highlights(signals, candidates, params, [Glance(0.9, 1.0)] * len(candidates.moments))
    wanted, shown = (sum(one.end - one.start for one in some) for some in (candidates.moments, found.moments))
    assert wanted > 80 >= shown > 70


def test_signals_alone_are_as_without_any_opinion() -> None:
    signals, params = curves(80, motion={(20, 26): 0.3}), HighlightsParams()
    candidates = find_candidates(signals, params, params.max_highlights)
    alone = find_highlights(signals, params).moments
    assert choose_highlights(signals, candidates, params, [None] * len(candidates.moments)).moments == alone


def test_words_are_put_beside_what_was_measured() -> None:
    found = find_highlights(curves(60, motion={(30, 32): 0.3}), HighlightsParams())
    told = with_words(found, ["A goal is scored."] * len(found.moments))
    assert told.moments[0].told == "A goal is scored."
    assert told.moments[0].words == found.moments[0].words


def done(exercise: int, start: float, set_index: int = 1) -> WorkoutSet:
    turns = [start + 1.6 * number for number in range(5)]
    reps = tuple(Repetition(turn, turn + 0.8, turn + 1.6, 1.0, False) for turn in turns)
    return WorkoutSet(start, start + 8, "periodic", 5, 5, 5, "reps", reps, 0.9, exercise, set_index)


def seen(exercise: str | None, share: float = 0.5) -> SetGlance:
    return SetGlance(exercise, share, "exercising", "Somebody moves.")


def workout(*sets: WorkoutSet) -> Workout:
    return put_together(curves(100), sets, WorkoutParams())


def names(found: Workout) -> list[tuple[str, str, int]]:
    steps = [exercise_step(one) for one in found.sets]
    return [(step.exercise_name, step.exercise_source, step.set_index) for step in steps]


def test_sets_that_move_alike_bear_one_name() -> None:
    sets = done(0, 0), done(1, 20), done(0, 40, 2)
    found = with_names(workout(*sets), [seen("squats", 0.4), seen("push-ups"), seen("lunges", 0.6)], 51)
    assert names(found) == [("lunges", "model", 1), ("push-ups", "model", 1), ("lunges", "model", 2)]


def test_movements_of_one_name_are_one_exercise() -> None:
    found = with_names(workout(done(0, 0), done(1, 20)), [seen("squats"), seen("squats")], 51)
    assert names(found) == [("squats", "model", 1), ("squats", "model", 2)]
    assert summary(found, 100).total_exercises_identified == 1
    assert summary(found, 100).total_reps == 10


def test_where_no_name_fits_the_letter_stays() -> None:
    found = with_names(workout(done(0, 0), done(1, 20)), [seen(None), seen("squats", share=0.02)], 51)
    assert names(found) == [("Exercise A", "motion", 1), ("Exercise B", "motion", 1)]


def test_what_a_model_says_follows_what_was_measured() -> None:
    (one,) = with_names(workout(done(0, 0)), [seen("squats")], 51).sets
    step = exercise_step(one)
    assert step.description == "5 repetitions in 8 seconds, 1.6 seconds each. Somebody moves."
    assert step.movement_phase == "exercising"
    assert (step.reps, step.method) == (5, "periodic")


def test_without_a_model_a_workout_stays_as_it_is() -> None:
    found = workout(done(0, 0), done(1, 20))
    assert with_names(found, [None, None], 51) is found
