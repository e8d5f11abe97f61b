"""The house that the guide draws is the house in the code: its rooms are the files there are, its floors the plan."""

from __future__ import annotations

import re
from pathlib import Path

from tests.test_house import FLOORS, ROOT, files
from tools.documents import blocks

ROOMS, DRAWN_FLOORS, *_ = (one.text for one in blocks(ROOT / "guides" / "architecture.md"))

NAME = re.compile(r"[\w.-]+(?:\.(?:py|js|ts|css|html|md)|/)$")


def drawn() -> set[Path]:
    """The files and folders that the guide names; what is indented stands in the folder above."""
    folder, found = ROOT, set()
    for line in ROOMS.splitlines():
        inside = folder if line.startswith(" ") else ROOT
        names = []
        for word in line.split():
            if not NAME.match(word):
                break
            names.append(inside / word)
        if names and inside == ROOT:
            folder = names[-1]
        found.update(names)
    return found


def test_every_room_that_is_drawn_is_there() -> None:
    assert sorted(path for path in drawn() if not path.exists()) == []


def test_every_file_is_drawn() -> None:
    there = {*files(), *(ROOT / "web").iterdir(), *(ROOT / "tools").glob("[!_]*.py")}
    plain = {file for file in there if file.name == "__init__.py" or file.suffix in (".svg", ".json")}
    assert sorted(there - plain - drawn()) == []


def test_the_floors_that_are_drawn_are_those_of_the_plan() -> None:
    lines = (line.replace("do not know each other", "").split() for line in DRAWN_FLOORS.splitlines())
    told = {int(number): set(rooms) for number, *rooms in lines}
    assert told == dict(enumerate(FLOORS, 1))
