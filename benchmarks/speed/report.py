"""What a measurement says: one line, with the bar it is held to, and what of it is kept from run to run."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """Where a measurement works: a folder of what takes long to make and may be kept (footage, weights), an empty one,
    and whether to be quick: smaller, and not for judging."""

    footage: Path
    folder: Path
    quick: bool


@dataclass(frozen=True)
class Mark:
    """A ratio that says as much on another machine, under a name that stays. A later run may be worse by `slack`, a
    share of what was kept; that is how far such ratios differ by chance."""

    name: str
    ratio: float
    slack: float = 0.1
    less_is_better: bool = False


@dataclass(frozen=True)
class Line:
    """`good` is None where nothing is asked of it."""

    what: str
    measured: str
    bar: str = ""
    good: bool | None = None
    mark: Mark | None = None

    def __str__(self) -> str:
        verdict = {True: "ok", False: "MISSED", None: ""}[self.good]
        bar = f"  [bar: {self.bar}]" if self.bar else ""
        return f"{verdict:6} {self.what}: {self.measured}{bar}"


@dataclass(frozen=True)
class Pair:
    """Rounds of one thing and of its reference, taken in turns. More is better, as of a throughput."""

    ours: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The middle of the rounds' ratios: neighbours in time share what the machine did meanwhile."""
        return statistics.median(self.ratios)

    @property
    def best(self) -> float:
        """Best beside best: what is left when nothing else ran."""
        return max(self.ours) / max(self.reference)

    def told(self, unit: str, number: str = ".0f", *, turned: bool = False) -> str:
        """In words; `turned` tells the ratio of the times that were taken, not of the speeds."""
        ratios = [1 / ratio if turned else ratio for ratio in self.ratios]
        ratio, best = (1 / self.ratio, 1 / self.best) if turned else (self.ratio, self.best)
        return (
            f"{statistics.median(self.ours):{number}} beside {statistics.median(self.reference):{number}} {unit}: "
            f"ratio {ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} rounds; best beside best "
            f"{best:.2f})"
        )

    @property
    def ratios(self) -> list[float]:
        return [one / other for one, other in zip(self.ours, self.reference, strict=True)]


def in_turns(rounds: int, ours: Callable[[], float], reference: Callable[[], float]) -> Pair:
    """Each round runs both, every other round in the other order; the first of all, which warms up, is left out."""
    taken: list[tuple[float, float]] = []
    for number in range(rounds + 1):
        if number % 2:
            second = reference()
            first = ours()
        else:
            first, second = ours(), reference()
        taken.append((first, second))
    return pair_of(taken[1:])


def pair_of(taken: Sequence[tuple[float, float]]) -> Pair:
    return Pair(tuple(one for one, _ in taken), tuple(other for _, other in taken))
