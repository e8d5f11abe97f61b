"""What is kept of measurements between runs: each part's last lines, and the ratios that later runs are held to."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from benchmarks.speed.report import Line, Mark

HERE = Path(__file__).parent
LAST, KEPT = "last.json", "kept.json"


@dataclass(frozen=True)
class Run:
    """When and where a part was measured. `load` is that of the minute before, without which no ratio can be judged."""

    date: str
    commit: str
    machine: str
    load: float
    seconds: float

    @classmethod
    def now(cls, load: float, seconds: float) -> Self:
        return cls(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", commit(), machine(), round(load, 1), round(seconds))


@dataclass(frozen=True)
class Measured:
    """A part as it was measured last."""

    run: Run
    lines: tuple[Line, ...]


def machine() -> str:
    """In words: processors, memory, system, Python."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = names[0] if names else cpu
    return (
        f"{os.cpu_count()} × {cpu}, {pages * size / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}"
    )


def commit() -> str:
    """The commit that is checked out; with a plus where files differ from it, those of the measurements' own aside."""
    ours = [f":!{name}" for name in (LAST, KEPT, "README.md")]
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no", "--", ":/", *ours) else "")
    except (OSError, subprocess.CalledProcessError):
        return "no commit"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=HERE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Shelf:
    """The folder where all that is kept lies. What is not there yet reads as empty."""

    folder: Path

    @property
    def page(self) -> Path:
        return self.folder / "README.md"

    def read_last(self) -> dict[str, Measured]:
        return {name: _measured(part) for name, part in _read(self.folder / LAST).items()}

    def write_last(self, last: Mapping[str, Measured]) -> None:
        _write({name: asdict(part) for name, part in last.items()}, self.folder / LAST)

    def read_kept(self) -> dict[str, float]:
        return {name: float(ratio) for name, ratio in _read(self.folder / KEPT).items()}

    def write_kept(self, kept: Mapping[str, float]) -> None:
        _write(kept, self.folder / KEPT)


def _measured(part: Mapping[str, Any]) -> Measured:
    lines = [Line(**line | {"mark": Mark(**line["mark"]) if line["mark"] else None}) for line in part["lines"]]
    return Measured(Run(**part["run"]), tuple(lines))


def kept_with(kept: Mapping[str, float], lines: Sequence[Line]) -> dict[str, float]:
    """The kept ratios, those of the lines in place of earlier ones."""
    return dict(kept) | {line.mark.name: round(line.mark.ratio, 4) for line in lines if line.mark}


def worse(line: Line, kept: Mapping[str, float]) -> bool:
    """Whether the line's ratio is worse than the kept one by more than chance does."""
    mark = line.mark
    if mark is None or mark.name not in kept:
        return False
    was = kept[mark.name]
    return mark.ratio > was * (1 + mark.slack) if mark.less_is_better else mark.ratio < was * (1 - mark.slack)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _write(value: Mapping[str, Any], path: Path) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
