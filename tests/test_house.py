"""The floor plan holds: imports go downstairs only, and heavy packages have one door each."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = [
    {"errors", "config", "schemas", "logs", "blas", "processes"},
    {"progress", "expiry", "moves", "figures"},
    {"video", "analysis", "stores", "roster", "hands", "watchdog", "sending", "metrics", "relay"},
    {"vision", "showcase", "failing", "shared_roster", "counting"},
    {"session_manager", "railway_video_generator"},
    {"reporting", "endings", "caretaker"},
    {"carrying", "leases"},
    {"task_manager"},
    {"api", "crews", "gauges"},
    {"async_api", "wiring", "scraped"},
    {"commands"},
    {"app", "cli", "cluster", "celery_child"},
    {"celery_worker"},
]
"""From the ground up. `client` stands apart, and knows only the ground floor."""

ON_THE_GROUND = {"config": {"errors"}}
"""The one stair inside the ground floor: settings raise errors."""

DOORS = {
    "av": {"video"},
    "cv2": {"analysis", "vision"},  # in the eyes it makes the JPEG files that a server is sent: one call, any thread
    "fastapi": {"app", "async_api", "api"},
    "starlette": {"api"},
    "uvicorn": {"app", "api"},
    "python_multipart": {"api"},
    "httpx": {"client", "vision"},
    "torch": {"vision"},
    "transformers": {"vision"},
    "tokenizers": {"vision"},
    "safetensors": {"vision"},
    "huggingface_hub": {"vision"},
    "redis": {"stores"},
    "obstore": {"stores"},
    "prometheus_client": {"metrics"},
    "celery": {"celery_worker", "sending"},
}
HEAVY = {"celery", "redis", "obstore", "torch", "transformers", "tokenizers", "safetensors", "huggingface_hub"}
"""Not loaded before they are needed: a service without eyes does without them."""

EYELIDS = {
    *(
        "__init__",
        "batcher",
        "exercises",
        "eyes",
        "layout",
        "looks",
        "opening",
        "prompts",
        "scoring",
        "telling",
        "watching",
    ),
    *("address", "answers", "blanks", "circuit", "remote", "sweeping"),
}
"""The files of `vision/` that anybody may import without loading torch."""


OUTSIDE = ("tests/", "benchmarks/", "tools/")
"""What knows every room, and is known by none."""


def files() -> list[Path]:
    named = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in named.stdout.split() if not line.startswith(OUTSIDE)]


def room(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def floor(name: str) -> int:
    return next(level for level, rooms in enumerate(FLOORS) if name in rooms)


def test_every_file_stands_in_a_room_on_the_plan() -> None:
    assert {room(file) for file in files()} == set().union(*FLOORS, {"client"})


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_every_import_goes_down_the_stairs(file: Path) -> None:
    here, rooms = room(file), set().union(*FLOORS)
    others = imports(file) & (rooms | {"client"}) - {here}
    if here == "client":
        assert others <= {"errors", "schemas"}
        return
    for other in others - {"client"} - ON_THE_GROUND.get(here, set()):
        assert floor(other) < floor(here), f"{here} may not import {other}"
    assert "client" not in others or here == "commands"


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_heavy_packages_come_in_by_their_door(file: Path) -> None:
    found = imports(file)
    for package in found & DOORS.keys():
        assert room(file) in DOORS[package], f"{file.name} may not import {package}"


def test_no_room_is_named_like_the_standard_library() -> None:
    assert not set().union(*FLOORS, {"client"}) & sys.stdlib_module_names


def test_importing_the_app_loads_nothing_heavy() -> None:
    assert heavy_after_importing("app") == "[]"


def test_what_needs_no_torch_in_the_eyes_loads_none() -> None:
    assert {file.stem for file in files() if room(file) == "vision"} > EYELIDS
    assert heavy_after_importing("vision", *(f"vision.{name}" for name in EYELIDS - {"__init__"})) == "[]"


def heavy_after_importing(*names: str) -> str:
    script = f"import sys, {', '.join(names)}; print([name for name in {sorted(HEAVY)} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
