"""A video that takes down whoever works on it, while good ones are worked on beside it.

No drawn video can do that to a worker: decoders are processes of their own, and shut in. So this trial does what the
kernel does when a video has a worker use up its machine's memory: it watches who works on the one video, and kills that
child each time.
"""

from __future__ import annotations

import threading
from contextlib import suppress

import psutil

from benchmarks.cluster.frame import Field, brief, decoders_of, field, hands_of, lasting
from benchmarks.faults.frame import Outcome, Plan
from cluster import Part

ATTEMPTS = 3
GOOD = 20


def poison(plan: Plan) -> Outcome:
    """All of them in the short form too: the number is what the bar is about."""
    bad, good = lasting(plan.folder), brief(plan.folder)
    with field(plan, MAX_ATTEMPTS=str(ATTEMPTS), LEASE_SECONDS="2") as cluster:
        before = [cluster.doors[n % 2].start(good) for n in range(GOOD // 2)]
        poisoned = cluster.doors[0].start(bad)
        killed, over = [], threading.Event()
        killer = threading.Thread(target=lambda: killed.extend(_kill_whoever_works(cluster, poisoned, over)))
        killer.start()
        after = [cluster.doors[n % 2].start(good) for n in range(GOOD - len(before))]
        end, *others = cluster.wait_until_ended([poisoned, *before, *after], timeout=180)
        over.set()
        killer.join()
        cluster.clean_up([poisoned, *before, *after])
        left = cluster.left()
    unharmed = sum(other["status"] == "completed" and other["attempt"] == 1 for other in others)
    measured = (
        f"{end['status']} ({end['reason']}) after {end['attempt']} attempts, of which {len(killed)} were killed; "
        f"{unharmed} of {GOOD} good sessions completed at their first attempt; {len(left)} objects left"
    )
    exact = end["status"] == "failed" and end["attempt"] == len(killed) == ATTEMPTS
    bar = f"failed after exactly {ATTEMPTS} attempts, {GOOD} good sessions unharmed"
    return Outcome(measured, bar, exact and unharmed == GOOD and not left)


def _kill_whoever_works(cluster: Field, session_id: str, over: threading.Event) -> list[int]:
    """The processes that were killed."""
    killed = []
    while not over.wait(0.02):
        for worker in cluster.workers:
            killed += [child.pid for child in _working(worker, session_id) if _ended(child)]
    return killed


def _working(worker: Part, session_id: str) -> list[psutil.Process]:
    """The worker's children whose offspring reads the video. Nobody reads, nobody is meant: it may be at a good one."""
    ancestors = set()
    for reader in decoders_of(worker, session_id):
        with suppress(psutil.Error):  # it may have read to the end meanwhile
            ancestors |= {one.pid for one in reader.parents()}
    with suppress(psutil.Error):
        return [child for child in hands_of(worker) if child.pid in ancestors]
    return []


def _ended(child: psutil.Process) -> bool:
    with suppress(psutil.Error):
        child.kill()
        child.wait(10)
        return True
    return False
