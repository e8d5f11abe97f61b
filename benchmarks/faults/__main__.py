"""Faults done to a real service, one row each: what was done, what was measured, the bar, and whether it was met.

The exit status is 1 when a bar is missed. The short form does a twentieth of what the full one does.

python -m benchmarks.faults [--full] [--only NAME …] [--seed N] [--markdown FILE]
"""

from __future__ import annotations

import sys

from benchmarks.faults.cancels import cancels, hang_ups
from benchmarks.faults.crowd import crowd
from benchmarks.faults.disk import full_disk
from benchmarks.faults.endurance import endurance
from benchmarks.faults.fuzzing import fuzzing
from benchmarks.faults.kills import kills
from benchmarks.faults.lies import lies
from benchmarks.faults.running import Trials, carry_out
from benchmarks.faults.slow import slow
from benchmarks.faults.stops import stops
from benchmarks.faults.storms import cleanups, storm
from benchmarks.faults.strangers import strangers
from benchmarks.faults.typed import typed

SEED = 20

TRIALS: Trials = {
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
    "typed": ("Ctrl-C at random instants of `cli.py analyze`, here and at a service", typed),
}


def main() -> int:
    return carry_out(TRIALS, __doc__, SEED)


if __name__ == "__main__":
    sys.exit(main())
