"""Speed and memory, measured: one line each, its reference beside it; fails when a bar is missed.

Absolute numbers say little on a machine that is shared; each ratio is of two that took turns in the same minutes.
Even ratios suffer where others want the processors too, for a server with more threads then waits more often.

python -m benchmarks.bench [--only upload|ten|status|follow|scan|reel|session|length] [--quick] [--footage FOLDER]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import blas  # noqa: F401  # before numpy, as the service has it
from benchmarks.speed.follow import follow
from benchmarks.speed.length import length
from benchmarks.speed.reel import reel
from benchmarks.speed.report import Line
from benchmarks.speed.scan import looking
from benchmarks.speed.session import session
from benchmarks.speed.status import status
from benchmarks.speed.upload import one, ten

Measure = Callable[[Path, Path, bool], list[Line]]
"""(folder of drawn footage, empty folder, whether to be quick)"""

MEASUREMENTS: dict[str, Measure] = {
    "upload": lambda footage, folder, quick: one(folder, quick),
    "ten": lambda footage, folder, quick: ten(folder, quick),
    "status": lambda footage, folder, quick: status(folder, quick),
    "follow": lambda footage, folder, quick: follow(folder, quick),
    "scan": lambda footage, folder, quick: looking(footage, quick),
    "reel": lambda footage, folder, quick: reel(footage, quick),
    "session": session,
    "length": length,
}


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--only", choices=list(MEASUREMENTS))
    ask.add_argument("--quick", action="store_true", help="smaller sizes and fewer rounds: for trying, not for judging")
    ask.add_argument("--footage", type=Path, help="keep drawn footage here, and take it from here the next time")
    wanted = ask.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began", flush=True)
    chosen = [wanted.only] if wanted.only else list(MEASUREMENTS)
    with tempfile.TemporaryDirectory() as temporary:
        footage: Path = wanted.footage or Path(temporary)
        footage.mkdir(parents=True, exist_ok=True)
        passed = [told(name, footage, wanted.quick) for name in chosen]
    return int(not all(passed))


def told(name: str, footage: Path, quick: bool) -> bool:
    """Prints what a measurement says; whether it met its bars."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = MEASUREMENTS[name](footage, Path(folder), quick)
    for line in lines:
        print(line)
    print(f"       {name} took {time.monotonic() - began:.0f} s", flush=True)
    return not any(line.good is False for line in lines)


if __name__ == "__main__":
    sys.exit(main())
