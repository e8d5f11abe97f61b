"""What a service tells Prometheus, as a test reads it."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from figures import FIGURES, Figure


@dataclass(frozen=True)
class Told:
    """All samples of one answer."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def of(self, figure: Figure, suffix: str = "", **labels: str) -> float:
        """The sum over all series that have these labels; of a histogram, how many values it has seen."""
        name = figure.name + (suffix or ("_count" if figure.kind == "histogram" else ""))
        wanted = labels.items()
        return sum(value for (told, have), value in self.samples.items() if told == name and wanted <= have)

    def has(self, figure: Figure) -> bool:
        return any(name == figure.name for name, _ in self.samples)

    def values(self, figure: Figure, label: str) -> set[str]:
        """That the label has in any series."""
        return {dict(have)[label] for (name, have) in self.samples if name.startswith(figure.name)}


def read(text: str) -> Told:
    families = list(text_string_to_metric_families(text))
    unknown = {family.name for family in families} - {name.removesuffix("_total") for name in FIGURES}
    assert not unknown
    return Told({(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples})


def told(http: httpx.Client, path: str = "/metrics") -> Told:
    answer = http.get(path)
    assert answer.status_code == 200, answer.text
    return read(answer.text)
