"""Names for a workout's sets, from what a model sees in each and from how they move: pure functions.

Sets that move alike are one exercise, so they bear one name; movements that bear the same name are one exercise too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from schemas import SetGlance, Workout, WorkoutSet

LEAST_SHARE = 1.2
"""How many times likelier than by chance a name must be, among as many as there were: a model has to choose one even
where it sees nothing, and then all are about as likely."""


def with_names(found: Workout, glances: Sequence[SetGlance | None], labels: int) -> Workout:
    """The workout with what a model saw in its sets. Counts, times and tempo stay the signals'. `labels` is how many
    names there were to choose from."""
    if not any(glances):
        return found
    names = exercise_names(found.sets, glances, labels)
    named = [
        replace(
            one,
            name=names.get(one.exercise),
            phase=glance.phase if glance else None,
            told=glance.words if glance else "",
        )
        for one, glance in zip(found.sets, glances, strict=True)
    ]
    return replace(found, sets=_numbered(named))


def exercise_names(
    sets: Sequence[WorkoutSet], glances: Sequence[SetGlance | None], labels: int
) -> dict[int, str | None]:
    """For each movement the name that the model gives its sets, all of them together; None if it gives none."""
    votes: dict[int, dict[str | None, float]] = {}
    for one, glance in zip(sets, glances, strict=True):
        if glance:
            name = glance.exercise if glance.share >= LEAST_SHARE / labels else None
            shares = votes.setdefault(one.exercise, {})
            shares[name] = shares.get(name, 0.0) + glance.share
    return {exercise: max(shares, key=lambda name: shares[name]) for exercise, shares in votes.items()}


def _numbered(sets: Sequence[WorkoutSet]) -> list[WorkoutSet]:
    """Counts the sets of each exercise anew, where names joined some."""
    counts: Counter[str | int] = Counter()
    numbered = []
    for one in sets:
        exercise = one.name or one.exercise
        counts[exercise] += 1
        numbered.append(replace(one, set_index=counts[exercise]))
    return numbered
