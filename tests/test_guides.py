"""What README and guides tell somebody to type works as it is written there, against one running service."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.service import ROOT, Service
from tools.documents import NOT_RUN, RUN_WITH_KEYS, Block, blocks, documents
from video.draw import Style, draw_video

WRITTEN = "http://127.0.0.1:8000"
KEY = "guides-0123456789abcdef"

GUIDES = [document for document in documents() if document.parent.name != "benchmarks"]
BLOCKS = {document.relative_to(ROOT): list(blocks(document)) for document in GUIDES}
COMMANDS = {name: [one for one in found if one.language == "bash"] for name, found in BLOCKS.items()}
RUN = {name: [one for one in found if not one.mark.startswith(NOT_RUN)] for name, found in COMMANDS.items()}
LEFT_OUT = [one for found in COMMANDS.values() for one in found if one.mark.startswith(NOT_RUN)]

PRINTED = {
    "guides/quick-start.md": (
        *('"status":"queued"', "event: end", '"highlights":[{"rank":1,', "Session cleaned up successfully"),
        *("Processing cancelled successfully", '"success":true'),
    ),
    "guides/api.md": (
        "event: partial",
        "304\n",
        "upload-session-id: ",
        '"reason":"invalid_request"',
        '{"sessions":[',
    ),
    "guides/access.md": ('"sessionToken":"',),
}
"""What the commands of a document print, among other things."""

TRIED_ELSEWHERE = {
    **dict.fromkeys(("html", "js", "javascript", "tsx"), "guides/frontend.md"),  # by tests/test_web_api.py
    **dict.fromkeys(("json", "promql"), "guides/operations.md"),  # by tests/test_monitoring.py
    "python": "guides/client.md",  # by tests/test_client.py
}
"""Languages of other blocks than commands, and the one document that may have them."""


@dataclass(frozen=True)
class Site:
    """Where commands are typed: a folder that looks like a clone, and the services that they reach."""

    folder: Path
    open: Service
    keyed: Service

    def type_in(self, found: list[Block]) -> str:
        """All blocks of a document in one shell, from top to bottom; gives what it printed."""
        script = "\n".join(f"here={shlex.quote(one.place)}\n{self._addressed(one)}" for one in found)
        trap = "trap 'echo \"it failed in the block at $here\" >&2' ERR"
        done = subprocess.run(
            ["bash", "-Eeuo", "pipefail", "-c", f"{trap}\n{script}"],
            cwd=self.folder,
            env=self._environment(),
            timeout=110,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _addressed(self, block: Block) -> str:
        service = self.keyed if block.mark == RUN_WITH_KEYS else self.open
        return block.text.replace(WRITTEN, str(service.http.base_url).rstrip("/"))

    def _environment(self) -> dict[str, str]:
        inherited = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
        return inherited | {"HOME": str(self.folder), "KEY": KEY, "VISION_MODEL": "none"}


@pytest.fixture(scope="module")
def site(opening: Serve, tmp_path_factory: pytest.TempPathFactory, long_clip: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("clone")
    for entry in ROOT.iterdir():
        if entry.name not in (".git", "data"):
            (folder / entry.name).symlink_to(entry)
    draw_video(folder / "video.mp4", 4, style=Style(width=160, height=90, rate=10))
    shutil.copy(long_clip, folder / "long.mp4")
    serving = opening(folder.with_name("data")), opening(folder.with_name("keyed"), api_keys=f"guides:{KEY}")
    yield Site(folder, *(next(one) for one in serving))
    for one in serving:
        next(one, None)


@pytest.mark.parametrize("document", [name for name, found in RUN.items() if found], ids=str)
def test_the_commands_of_a_document_work_from_top_to_bottom(site: Site, document: Path) -> None:
    printed = site.type_in(RUN[document])
    assert [words for words in PRINTED.get(str(document), ()) if words not in printed] == []


@pytest.mark.parametrize("block", LEFT_OUT, ids=lambda block: block.place)
def test_a_command_that_is_not_run_here_says_why(block: Block) -> None:
    pytest.skip(block.mark)


def test_no_command_hides_in_a_block_of_another_kind() -> None:
    others = [one for found in BLOCKS.values() for one in found if one.language not in ("bash", "text")]
    assert [one.place for one in others if TRIED_ELSEWHERE.get(one.language) != one.document] == []


def test_what_prose_tells_to_make_or_to_run_is_there() -> None:
    text = "\n".join(document.read_text() for document in documents())
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()
    modules = set(re.findall(r"python -m ((?:benchmarks|tools)[\w.]*)", text))
    places = {name: ROOT.joinpath(*name.rstrip(".").split(".")) for name in modules}
    assert [name for name, place in places.items() if not (place.with_suffix(".py").exists() or place.is_dir())] == []


def test_a_command_that_fails_is_told_with_its_place(site: Site) -> None:
    with pytest.raises(AssertionError, match=r"in the block at guide\.md:7"):
        site.type_in([Block("guide.md", 7, "bash", "", "true\nfalse\ntrue")])
