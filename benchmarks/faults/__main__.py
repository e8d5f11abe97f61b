"""Faults done to a real service, one row each: what was done, what was measured, the bar, and whether it was met.

The exit status is 1 when a bar is missed. The short form does a twentieth of what the full one does.

python -m benchmarks.faults [--full] [--only NAME …] [--seed N] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.faults.cancels import cancels, hang_ups
from benchmarks.faults.crowd import crowd
from benchmarks.faults.disk import full_disk
from benchmarks.faults.endurance import endurance
from benchmarks.faults.frame import Outcome, Plan
from benchmarks.faults.fuzzing import fuzzing
from benchmarks.faults.kills import kills
from benchmarks.faults.lies import lies
from benchmarks.faults.report import Row, table
from benchmarks.faults.slow import slow
from benchmarks.faults.stops import stops
from benchmarks.faults.storms import cleanups, storm
from benchmarks.faults.strangers import strangers

SEED = 20

TRIALS: dict[str, tuple[str, Callable[[Plan], Outcome]]] = {
    "kill": ("kill -9 during uploads and analyses", kills),
    "lies": ("mutated files over 10 containers and codecs, and bombs made by hand", lies),
    "fuzzing": ("requests made up by schemathesis and hypothesis", fuzzing),
    "crowd": ("uploads of 5 MB and pollers at once, two jobs running", crowd),
    "slow": ("slow bodies and slow headers", slow),
    "storm": ("a storm of cancels", storm),
    "cleanup": ("cleanup of running sessions", cleanups),
    "disk": ("full disk", full_disk),
    "stop": ("SIGTERM with uploads, jobs and streams open", stops),
    "endurance": ("many sessions, 10 % cancelled, 10 % bad files", endurance),
    "strangers": ("other key, other token, guessed id, traversal", strangers),
    "cancel": ("cancel while the decoder runs", cancels),
    "hang-up": ("a legacy client hangs up", hang_ups),
}


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--full", action="store_true", help="all of it: hours, not minutes")
    ask.add_argument("--only", choices=list(TRIALS), nargs="+", default=list(TRIALS))
    ask.add_argument("--seed", type=int, default=SEED)
    ask.add_argument("--markdown", type=Path, help="write the table to this file too")
    wanted = ask.parse_args()
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began, seed {wanted.seed}", flush=True
    )
    rows = []
    for name in wanted.only:
        rows.append(_row(name, wanted.full, wanted.seed))
        print(rows[-1], flush=True)
    form = "full" if wanted.full else "short"
    text = table(rows, f"The {form} form, seed {wanted.seed}, {sum(row.seconds for row in rows) / 60:.0f} minutes.")
    print(f"\n{text}")
    if wanted.markdown:
        wanted.markdown.write_text(text)
    return int(not all(row.outcome.good for row in rows))


def _row(name: str, full: bool, seed: int) -> Row:
    """A trial that cannot be carried out has missed its bar."""
    fault, trial = TRIALS[name]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            outcome = trial(Plan(Path(folder), full, seed))
        except Exception as error:  # noqa: BLE001  whatever broke, the other faults are still to be tried
            outcome = Outcome(f"broke off: {error!r}", "", False)
    return Row(name, fault, outcome, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
