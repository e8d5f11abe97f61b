"""kill -9 at random moments, at front doors and workers alike, while clients upload; then all must come to one end."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.cluster.frame import Field, acknowledged, events, field, hands_of
from benchmarks.faults.frame import SMALL, Outcome, Plan
from cluster import Part
from tests.service import until
from video.draw import draw_video

ALL_BAR_SECONDS = 180.0
CLIENTS = 3
BETWEEN_SECONDS = (0.5, 2.5)
"""Between two kills."""

GHOST_SECONDS = 30.0


def kills(plan: Plan) -> Outcome:
    """Each client comes again under its key until it is answered, so that there are as many sessions as videos."""
    times, videos = plan.count(50, least=5), plan.count(60, least=6)
    clips = [draw_video(plan.folder / f"clip{n}.mp4", 50 + 25 * n, style=SMALL).path for n in range(CLIENTS)]
    with field(plan, MAX_ATTEMPTS="100", MAX_QUEUED="1000", LEASE_SECONDS="3") as cluster:
        began = time.monotonic()
        sessions, dead = _storm(cluster, clips, times, videos, plan.seed)
        ends = cluster.wait_until_ended(sessions, timeout=600)
        seconds = time.monotonic() - began
        ways = Counter(end["status"] for end in ends)
        doubles = sum(_is_double(cluster, session_id) for session_id in sessions)
        attempts = max(end["attempt"] for end in ends)
        ghosts = _still_there(dead)
        cluster.clean_up(sessions)
        left = cluster.left()
    lost = len(sessions) - ways["completed"]
    measured = (
        f"{times} kills, {len(set(sessions))} sessions of {videos} videos: {ways['completed']} completed, {lost} lost, "
        f"{doubles} double results, {attempts} attempts at most, all over after {seconds:.0f} s; "
        f"{len(left)} objects and {ghosts} processes left"
    )
    good = not (lost or doubles or left or ghosts) and len(set(sessions)) == videos and seconds <= ALL_BAR_SECONDS
    return Outcome(measured, f"{videos} ended, 0 lost, 0 double results, ≤ {ALL_BAR_SECONDS / 60:.0f} min", good)


def _storm(cluster: Field, clips: list[Path], times: int, videos: int, seed: int) -> tuple[list[str], list[int]]:
    """The sessions that the clients were told of, and the process groups that lost their first."""
    chance = random.Random(seed)
    pause = times * sum(BETWEEN_SECONDS) / 2 / videos * CLIENTS

    def client(number: int) -> list[str]:
        choice = random.Random(f"{seed}/{number}")
        told = []
        for _ in range(videos // CLIENTS + (number < videos % CLIENTS)):
            told.append(acknowledged(lambda: choice.choice(cluster.doors), choice.choice(clips)) or "")
            time.sleep(choice.uniform(0, 2 * pause))
        return told

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        parts: list[Part] = [*cluster.cluster.apis, *cluster.workers]
        dead = []
        for _ in range(times):
            time.sleep(chance.uniform(*BETWEEN_SECONDS))
            dead.append(_kill(chance, chance.choice(parts), cluster.workers))
        told = [session_id for one in clients for session_id in one.result()]
        return told, dead


def _kill(chance: random.Random, part: Part, workers: list[Part]) -> int:
    """A whole machine, one program, or of a worker only the children that work; what died is started again at once.
    Gives the process group that was hit."""
    how, group = chance.choice(("machine", "program", "child")), part.pid
    if how == "child" and part in workers and part.running():
        for child in hands_of(part):
            child.kill()
        return group
    if how == "machine":
        part.kill()
    else:
        part.send(signal.SIGKILL)
        part.process.wait()
    part.start(wait=False)
    return group


def _still_there(groups: list[int]) -> int:
    """Processes that outlived by half a minute the one that they belonged to; they are ended."""
    groups = [group for group in groups if _leaderless(group)]
    with suppress(AssertionError):
        until(lambda: not any(map(_leaderless, groups)), timeout=GHOST_SECONDS, pause=0.2)
    left = sum(len(_leaderless(group)) for group in groups)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    return left


def _leaderless(group: int) -> list[int]:
    """The processes of a group whose first is gone."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError):
            if os.getpgid(pid) == group:
                found.append(pid)
    return [] if group in found else found


def _is_double(cluster: Field, session_id: str) -> bool:
    """Whether two results were kept of it, or two workers were told that theirs was."""
    results = [key for key in cluster.stored(session_id) if "result" in key.rpartition("/")[2]]
    completed = sum(len(events(worker, "completed", session_id)) for worker in cluster.workers)
    return len(results) > 1 or completed > 1
