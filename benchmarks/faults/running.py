"""Carries out trials by name: tells of each as it is done, and of all in a table."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.faults.frame import SHORT, Outcome, Plan
from benchmarks.faults.report import Row, table

Trials = Mapping[str, tuple[str, Callable[[Plan], Outcome]]]
"""By name: what is done, in words, and who does it."""


def carry_out(trials: Trials, about: str | None, seed: int, short: int = SHORT) -> int:
    """As the command line asks; `about` is its help. The short form does one `short`-th."""
    ask = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--full", action="store_true", help="all of it, not the short form")
    ask.add_argument("--only", choices=list(trials), nargs="+", default=list(trials))
    ask.add_argument("--seed", type=int, default=seed)
    ask.add_argument("--markdown", type=Path, help="write the table to this file too")
    wanted = ask.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before this began, seed {wanted.seed}", flush=True
    )
    rows = []
    for name in wanted.only:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(_row(name, *trials[name], Plan(Path(folder), wanted.full, wanted.seed, short)))
        print(rows[-1], flush=True)
    form = "full" if wanted.full else "short"
    text = table(rows, f"The {form} form, seed {wanted.seed}, {sum(row.seconds for row in rows) / 60:.0f} minutes.")
    print(f"\n{text}")
    if wanted.markdown:
        wanted.markdown.write_text(text)
    return int(not all(row.outcome.good for row in rows))


def _row(name: str, fault: str, trial: Callable[[Plan], Outcome], plan: Plan) -> Row:
    """A trial that cannot be carried out has missed its bar."""
    began = time.monotonic()
    try:
        outcome = trial(plan)
    except Exception as error:  # noqa: BLE001  whatever broke, the other faults are still to be tried
        outcome = Outcome(f"broke off: {error!r}", "", False)
    return Row(name, fault, outcome, time.monotonic() - began)
