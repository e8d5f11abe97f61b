"""The disk fills up: under an upload, and under a result that is to be written."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import RawIOBase
from pathlib import Path

from benchmarks.faults.frame import Outcome, Plan, brief, clean_up, has_ended, lasting, left_in, status, upload
from tests.service import BASE, Program, until

DISK_MB = 16
MB = 1 << 20


def full_disk(plan: Plan) -> Outcome:
    """On a small disk of its own where one may be mounted, else with a limit on how large a file may become."""
    with ExitStack() as opened:
        mounted = opened.enter_context(_small_disk(plan.data))
        # Without a floor: the writes themselves must fail.
        largest = None if mounted else DISK_MB * MB
        program = opened.enter_context(plan.serving(largest_file=largest, MIN_FREE_DISK_MB="0"))
        measured, good = _filled(plan, program, mounted)
    disk = f"a disk of {DISK_MB} MiB" if mounted else f"files of {DISK_MB} MiB at most (no disk may be mounted here)"
    return Outcome(f"{disk}: {measured}", "507, nothing left, the next upload works", good)


def _filled(plan: Plan, program: Program, mounted: bool) -> tuple[str, bool]:
    form = {"analysis_type": "highlights"}
    answers, left = [], 0
    for _ in range(plan.count(20)):
        # Neither its length nor how much is free gives it away: it is sent in pieces, and the disk is full half way.
        answer = program.http.post(f"{BASE}/upload", data=form, files={"video": bytes((DISK_MB + 4) * MB)})
        answers.append((answer.status_code, answer.json()["reason"]))
        left += len(left_in(plan.data))
    refused = sum(answer == (507, "insufficient_storage") for answer in answers)
    session_id = upload(program, brief(plan.folder))
    until(lambda: has_ended(program, session_id))
    next_one = status(program, session_id)["status"]
    words, fails = _while_analysing(plan, program) if mounted else ("no disk to fill under an analysis", True)
    clean_up(program, [session_id])
    left += len(left_in(plan.data))
    measured = f"{refused} of {len(answers)} uploads answered 507, the next {next_one}; {words}; {left} files left"
    return measured, refused == len(answers) and next_one == "completed" and fails and not left


def _while_analysing(plan: Plan, program: Program) -> tuple[str, bool]:
    """Every byte is taken while a session is analysed: it fails in words, and the next is served without a restart."""
    session_id = upload(program, lasting(plan.folder))
    until(lambda: status(program, session_id)["segmentsDone"])
    ballast = plan.data / "ballast"
    with ballast.open("wb", buffering=0) as file:

        def filled_and_ended() -> bool:
            _fill(file)
            return has_ended(program, session_id)

        # Again and again, for what the service deletes makes room.
        until(filled_and_ended, timeout=60)
    told = status(program, session_id)
    ballast.unlink()
    following = upload(program, brief(plan.folder))
    until(lambda: has_ended(program, following))
    after = status(program, following)["status"]
    clean_up(program, [session_id, following])
    words = f"a disk that fills under an analysis: {told['status']}, {told['reason']}, the next {after}"
    return words, (told["status"], told["reason"], after) == ("failed", "insufficient_storage", "completed")


def _fill(file: RawIOBase) -> None:
    with suppress(OSError):
        while True:
            file.write(bytes(4096))


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """The folder as a disk of its own; False where the system does not let us mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
