"""Faults done to a cluster: Redis, a store that speaks S3, front doors and Celery's workers, all real, on this machine.

One row each: what was done, what was measured, the bar, and whether it was met. The exit status is 1 when a bar is
missed. The short form does a tenth of what the full one does.

python -m benchmarks.cluster [--full] [--only NAME …] [--seed N] [--markdown FILE]
"""

from __future__ import annotations

import sys

from benchmarks.cluster.away import redis_away
from benchmarks.cluster.cancels import cancels
from benchmarks.cluster.costs import costs
from benchmarks.cluster.frozen import frozen
from benchmarks.cluster.kills import kills
from benchmarks.cluster.overhead import overhead
from benchmarks.cluster.poison import poison
from benchmarks.cluster.stops import stops
from benchmarks.cluster.storage import store_cuts, store_refuses, store_slow
from benchmarks.cluster.throughput import throughput
from benchmarks.cluster.watched import watched
from benchmarks.faults.running import Trials, carry_out

SEED = 20

SHORT = 10

TRIALS: Trials = {
    "kill": ("kill -9 at random over two workers and two front doors", kills),
    "redis": ("Redis killed and started again, and paused for 10 s", redis_away),
    "cancel": ("cancel of a running session through the other front door", cancels),
    "frozen": ("a worker frozen past its lease, then thawed", frozen),
    "poison": ("a video that takes down whoever works on it, among good ones", poison),
    "stop": ("SIGTERM to a worker in the middle of an analysis", stops),
    "refusing": ("the store refuses connections", store_refuses),
    "slow": ("the store is slow", store_slow),
    "cut": ("the store cuts connections in the middle of a part", store_cuts),
    "throughput": ("two workers beside one, a slow model elsewhere", throughput),
    "overhead": ("one session in a cluster beside one in the service alone", overhead),
    "watched": ("a real Prometheus beside it, while a worker's child and a front door are killed", watched),
    "cost": ("what a session costs Redis", costs),
}


def main() -> int:
    return carry_out(TRIALS, __doc__, SEED, SHORT)


if __name__ == "__main__":
    sys.exit(main())
