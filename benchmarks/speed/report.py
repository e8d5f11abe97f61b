"""What a measurement says: one line, with the bar it is held to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`good` is None where nothing is asked of it."""

    what: str
    measured: str
    bar: str = ""
    good: bool | None = None

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
