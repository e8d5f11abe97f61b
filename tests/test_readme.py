"""The README is short, and leads to everything else."""

from __future__ import annotations

from tests.service import ROOT

README = (ROOT / "README.md").read_text()


def test_a_newcomer_reads_it_in_a_few_minutes() -> None:
    assert len(README.splitlines()) <= 150


def test_every_guide_and_every_other_document_is_led_to() -> None:
    others = {
        path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *(ROOT / "guides").glob("*.md"), ROOT / "LICENSE"]
    }
    assert [str(path) for path in others if f"]({path})" not in README and path.name != "README.md"] == []


def test_every_file_of_code_and_every_folder_stands_in_the_tree() -> None:
    _, told = README.split("## What is where")
    files = {path.name for path in ROOT.glob("*.py")}
    folders = {
        f"{path.parent.name}/" for path in ROOT.glob("[a-z]*/*") if path.suffix in (".py", ".md", ".html", ".yml")
    }
    assert [name for name in sorted(files | folders | {"deploy/"}) if name not in told] == []
