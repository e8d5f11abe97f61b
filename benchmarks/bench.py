"""Everything that is measured, in one table: a line each, its reference beside it; fails when a bar is missed, or a
ratio is worse than the one that was kept.

Absolute numbers say little on a machine that is shared; each ratio is of two that took turns in the same minutes.
Even ratios suffer where others want the processors too, for a server with more threads then waits more often.
What was measured goes to benchmarks/README.md and benchmarks/last.json, part by part, each with its commit and date.

python -m benchmarks.bench [--only PART …] [--keep] [--quick] [--footage FOLDER] [--table]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.kept import HERE, Measured, Run, Shelf, kept_with, worse
from benchmarks.parts import PARTS, measured
from benchmarks.speed.report import Line


def main() -> int:
    wanted, shelf = _asked(), Shelf(HERE)
    if wanted.table:
        table.write(shelf)
        return 0
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began", flush=True)
    passed = []
    with tempfile.TemporaryDirectory() as temporary:
        footage: Path = wanted.footage or Path(temporary)
        footage.mkdir(parents=True, exist_ok=True)
        for name in wanted.only or PARTS:
            load, began = os.getloadavg()[0], time.monotonic()
            lines = measured(name, footage, quick=wanted.quick)
            run = Run.now(load, time.monotonic() - began)
            print(*lines, f"       {name} took {run.seconds:.0f} s", sep="\n", flush=True)
            passed.append(met(lines) if wanted.quick else noted(shelf, name, Measured(run, tuple(lines)), wanted.keep))
    if not wanted.quick:
        passed.append(none_gone(shelf))
    return int(not all(passed))


def _asked() -> argparse.Namespace:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", choices=list(PARTS), nargs="+", metavar="PART", help=", ".join(PARTS))
    ask.add_argument("--keep", action="store_true", help="hold later runs to the ratios of this one")
    ask.add_argument(
        "--quick", action="store_true", help="smaller, fewer rounds: to try it; nothing is written or held"
    )
    ask.add_argument("--footage", type=Path, help="keep drawn footage and weights here, and take them from here")
    ask.add_argument("--table", action="store_true", help="measure nothing; write benchmarks/README.md anew")
    return ask.parse_args()


def met(lines: Sequence[Line]) -> bool:
    return not any(line.good is False for line in lines)


def noted(shelf: Shelf, name: str, part: Measured, keep: bool) -> bool:
    """Note a part down at once, hold it to what was kept, and say what got worse; whether all is as good as it has to
    be. With `keep`, later runs are held to this one instead."""
    before = shelf.read_last()
    last = before | {name: part}
    shelf.write_last({each: last[each] for each in PARTS if each in last})
    kept = shelf.read_kept()
    if keep:
        gone = marks_of(before, name) - marks_of(last, name)
        kept = kept_with({mark: ratio for mark, ratio in kept.items() if mark not in gone}, part.lines)
        shelf.write_kept(kept)
    table.write(shelf)
    for line in part.lines:
        if line.mark and line.mark.name not in kept:
            print(f"UNHELD {line.what}: {line.measured}; none was kept (--keep)", flush=True)
    lost = [line for line in part.lines if worse(line, kept)]
    for line in lost:
        print(f"WORSE  {line.what}: {line.measured}; kept was {table.allowed(line, kept)}", flush=True)
    return met(part.lines) and not lost


def marks_of(last: Mapping[str, Measured], *names: str) -> set[str]:
    """The names of the ratios that these parts measured last; all that were measured, if none are named."""
    parts = [last[name] for name in names or last if name in last]
    return {line.mark.name for part in parts for line in part.lines if line.mark}


def none_gone(shelf: Shelf) -> bool:
    """Whether each kept ratio is still one that is measured; says which is not. Nobody knows while a part was never
    measured, for it may be its."""
    last, kept = shelf.read_last(), shelf.read_kept()
    gone = [] if PARTS.keys() - last.keys() else sorted(kept.keys() - marks_of(last))
    for mark in gone:
        print(f"GONE   {mark}: no line measures it any more; kept was {kept[mark]:.2f}", flush=True)
    return not gone


if __name__ == "__main__":
    sys.exit(main())
