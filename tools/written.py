"""Writes what the code alone knows into the documents: openapi.json, and the marked parts of README and guides."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from config import Settings
from figures import FIGURES
from tools.api_text import ApiText, described, refusals
from tools.documents import ROOT, documents
from tools.figures_text import figures_table, told_by
from tools.marked import rewritten, words_of
from tools.settings_text import settings

API, CONFIGURATION = ROOT / "guides" / "api.md", ROOT / "guides" / "configuration.md"
OPERATIONS = ROOT / "guides" / "operations.md"


def parts(text: ApiText) -> Iterator[tuple[Path, str]]:
    """Every file that has written parts, and what it has to be."""
    writers = {"routes": text.routes, "bodies": text.bodies, "refusals": refusals, "settings": settings}
    writers["figures"] = figures_table
    yield ROOT / "openapi.json", json.dumps(text.openapi, indent=1, ensure_ascii=False) + "\n"
    for document in documents():
        yield document, rewritten(document.read_text(), writers)


def misplaced(text: ApiText) -> Iterator[str]:
    """What stands nowhere in its guide, or more than once."""
    api, configuration = API.read_text(), CONFIGURATION.read_text()
    for kind, names, guide in (
        ("routes", text.route_names, api),
        ("bodies", text.body_names, api),
        ("settings", {name.upper() for name in Settings.model_fields}, configuration),
        ("figures", {told_by(figure) for figure in FIGURES.values()}, OPERATIONS.read_text()),
    ):
        told = Counter(words_of(guide, kind))
        yield from (f"{name}: {told[name]} times in its guide, not once" for name in sorted(names) if told[name] != 1)


def write() -> None:
    for file, new in parts(ApiText(described())):
        if not file.exists() or file.read_text() != new:
            file.write_text(new)


def wrong() -> list[str]:
    text = ApiText(described())
    stale = [(file, file.read_text(), new) for file, new in parts(text)]
    told = "{} is not as `make written` writes it: {}"
    return [*misplaced(text), *(told.format(file.name, _change(old, new)) for file, old, new in stale if old != new)]


def _change(old: str, new: str) -> str:
    """The first line that is another, as it should be."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return next((line for line in lines if line.startswith("+") and not line.startswith("+++")), "lines too many")
