"""The README is short, and leads to everything else."""

from __future__ import annotations

from tests.service import ROOT

README = (ROOT / "README.md").read_text()


def test_a_newcomer_reads_it_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 120


def test_every_guide_and_every_other_document_is_led_to() -> None:
    others = {
        path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *(ROOT / "guides").glob("*.md"), ROOT / "LICENSE"]
    }
    assert [str(path) for path in others if f"]({path})" not in README and path.name != "README.md"] == []
