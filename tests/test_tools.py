"""What `make check` asks of documents and settings holds, and it would tell where it did not."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import errors
from config import Settings
from tests.service import ROOT
from tests.test_house import imports
from tools import links, unread, written
from tools.api_text import ApiText, described, refusals
from tools.marked import rewritten, words_of
from tools.settings_text import default_of, settings

GUIDE = (ROOT / "guides" / "api.md").read_text()


@pytest.fixture(scope="module")
def text() -> ApiText:
    return ApiText(described())


def test_the_description_that_is_checked_in_is_the_services_own(text: ApiText) -> None:
    assert json.loads((ROOT / "openapi.json").read_text()) == text.openapi


def test_the_written_parts_of_all_documents_are_fresh(text: ApiText) -> None:
    assert [file.name for file, new in written.parts(text) if file.read_text() != new] == []


def test_every_endpoint_every_body_and_every_setting_has_one_place(text: ApiText) -> None:
    assert list(written.misplaced(text)) == []


def test_every_field_and_every_parameter_has_a_sentence(text: ApiText) -> None:
    operations = [one for path in text.openapi["paths"].values() for one in path.values()]
    forms = [form["schema"] for one in operations for form in one.get("requestBody", {}).get("content", {}).values()]
    bodies = [*text.openapi["components"]["schemas"].values(), *forms]
    fields = [field for body in bodies for field in body.get("properties", {}).items()]
    asked = [(each["name"], each) for one in operations for each in one.get("parameters", []) if each["in"] != "path"]
    assert [name for name, schema in [*fields, *asked] if not schema.get("description")] == []


def test_an_endpoint_without_a_place_is_told(text: ApiText) -> None:
    openapi = text.openapi | {"paths": text.openapi["paths"] | {"/new": {"get": {}}}}
    assert list(written.misplaced(ApiText(openapi))) == ["GET:/new: 0 times in its guide, not once"]


def test_what_stands_between_marks_is_written_anew_and_nothing_else() -> None:
    marked = "before\n<!-- written: letters A b -->\nold | text\n<!-- end -->\nafter\n"
    assert words_of(marked, "letters") == ["A", "b"]
    assert rewritten(marked, {"letters": "".join}) == marked.replace("old | text", "Ab")


def test_a_setting_is_told_as_it_is_declared() -> None:
    told = "Sessions that may wait for their turn; uploads beyond are refused with 429. (1 to 100000)"
    assert settings(["MAX_QUEUED"]).splitlines()[-1] == f"| `MAX_QUEUED` | `100` | {told} |"
    assert (default_of("keep_source"), default_of("api_keys"), default_of("vision_api_key")) == ("`true`", "", "")


def reasons() -> Iterator[str]:
    """All slugs that the code gives as reasons: an error's own, and what single refusals say."""
    yield from (error.reason for error in told())
    for file in (ROOT / "api").glob("*.py"):
        if "errors" in imports(file):
            for call in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)):
                given = [*call.args[2:3], *(word.value for word in call.keywords if word.arg == "reason")]
                slugs = (one.value for one in given if isinstance(one, ast.Constant))
                yield from (slug for slug in slugs if isinstance(slug, str) and re.fullmatch(r"[a-z]+(_[a-z]+)+", slug))


def subclasses(of: type[errors.ServiceError]) -> Iterator[type[errors.ServiceError]]:
    for one in of.__subclasses__():
        if one.__module__ == "errors":
            yield from (one, *subclasses(one))


def told() -> list[type[errors.ServiceError]]:
    """All but what only a client meets: nobody answered."""
    return [error for error in subclasses(errors.ServiceError) if error.status_code]


def test_every_reason_is_explained_to_clients() -> None:
    assert {"http_error", "upload_locked", "stalled", "draining"} <= (given := set(reasons()) - {"any"})
    assert sorted(slug for slug in given if f"`{slug}`" not in GUIDE) == []


def test_the_tree_of_errors_is_drawn_as_it_grows() -> None:
    rows = {tuple(re.findall(r"\| (\d+) \| `(\w+)`", row)[0]) for row in refusals([]).splitlines()[2:]}
    fixed = [error for error in told() if error is not errors.HttpRefusal]
    assert rows == {(str(error.status_code), error.reason) for error in fixed}
    drawn = set(re.findall(r"^[│├└─ ]*(\w+) +(?:\d+|any|-|–) ", errors.__doc__ or "", re.MULTILINE))
    assert drawn == {"ServiceError", *(error.__name__ for error in subclasses(errors.ServiceError))}


def test_no_link_leads_nowhere() -> None:
    assert links.wrong() == []


def test_links_that_lead_nowhere_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "ROOT", tmp_path)
    document = tmp_path / "guide.md"
    document.write_text(
        "# One's `own` way\n\n[a](#ones-own-way) [b](#elsewhere) [c](gone.md)\n[d](../up.md)\n"
        "[e](https://x.org/y) [f](https:/z)\n"
        "```bash\n[not](a-link)\n```\n"
        '[g][there] <a href="gone.html">h</a> <img src="gone.png">\n\n[there]: gone-too.md\n'
    )
    assert [line.partition(" ")[2] for line in links.dead(document)] == [
        "#elsewhere is a heading that is not there",
        "gone.md is not there",
        "../up.md leads out of the repository",
        "https:/z is no address",
        "gone.html is not there",
        "gone.png is not there",
        "gone-too.md is not there",
    ]


def test_every_setting_is_read_somewhere() -> None:
    assert sorted(Settings.model_fields.keys() - unread.read()) == []
