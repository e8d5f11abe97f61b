"""What may be asked for on the command line, and how the program ends that was asked."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from commands.ending import FAILED, UNANSWERED, Stopped, Stopping, die_by
from errors import CannotStart, ServiceError

DESCRIPTION = "Analyse videos, here or at a service; see to a service's sessions; run a service; check a machine."

STATUSES = """exit status:
  0    it was done; check: this machine is fit
  1    it was refused, or failed; check: something is bad
  2    it was asked for wrongly
  3    no service answers
  130  stopped by Ctrl-C, 143 by SIGTERM, 129 by its terminal's end: nothing is left of it
  141  nobody read on
"""

SILENCE = "network"
"""The reason by which the client says that nobody answers."""

ROOT = Path(__file__).parent.parent

PROGRAMS = {"serve": "app.py", "worker": "celery_worker.py"}


def main(arguments: list[str] | None = None) -> int:
    stopping = Stopping()
    stopping.listen()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a word shows the rest
    wanted = _parser().parse_args(arguments)
    try:
        status: int = _command(wanted.command)(wanted, stopping)
        if sys.stdout:
            sys.stdout.flush()
    except Stopped as stopped:
        die_by(stopped.number)
    except BrokenPipeError:
        die_by(signal.SIGPIPE)
    except OSError as error:
        return _tell(f"{error.filename}: {error.strerror}" if error.filename else error, FAILED)
    except ServiceError as error:
        return _tell(error, UNANSWERED if error.reason == SILENCE else FAILED)
    except CannotStart as error:
        return _tell(error, FAILED)
    return status


def _tell(what: object, status: int) -> int:
    print(f"error: {what}", file=sys.stderr)
    return status


def _command(name: str) -> Callable[[argparse.Namespace, Stopping], int]:
    """Loaded when it is wanted: a list of sessions should not wait for what an analysis needs."""
    if name in PROGRAMS:
        return _become
    if name == "sessions":
        from commands.sessions import sessions  # noqa: PLC0415

        return sessions
    if name == "check":
        from commands.checking import check  # noqa: PLC0415

        return check
    from commands import analyzing  # noqa: PLC0415

    return {"analyze": analyzing.analyze, "demo": analyzing.demo, "draw": analyzing.draw}[name]


def _become(wanted: argparse.Namespace, stopping: Stopping) -> NoReturn:
    """The program itself takes this one's place, and hears its signals."""
    os.execv(sys.executable, [sys.executable, str(ROOT / PROGRAMS[wanted.command])])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python cli.py",
        description=DESCRIPTION,
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    analyze = commands.add_parser("analyze", help="analyse a video")
    analyze.add_argument("video", type=Path, help="the video to analyse")
    demo = commands.add_parser("demo", help="analyse a drawn video")
    for command in (analyze, demo):
        _add_analysis(command)
    draw = commands.add_parser("draw", help="draw a short video")
    draw.add_argument("video", type=Path, help="the file to draw")
    commands.add_parser("serve", help="run the service, by the settings of the environment")
    commands.add_parser("worker", help="work on sessions of services that share a Redis, by the same settings")
    _add_sessions(commands.add_parser("sessions", help="list, show or delete a service's sessions"))
    check = commands.add_parser("check", help="say whether this machine is fit for a service with these settings")
    _add_output(check)
    return parser


def _add_analysis(command: argparse.ArgumentParser) -> None:
    command.add_argument("--type", choices=["highlights", "workout"], default="highlights")
    command.add_argument("--params", default="{}", help="a JSON object, such as '{\"max_highlights\": 3}'")
    command.add_argument("--out", type=Path, metavar="FOLDER", help="keep the result, reel, stills and exports there")
    command.add_argument("--server", metavar="URL", help="have a service do it; default: this process")
    _add_key(command)
    _add_output(command)


def _add_sessions(command: argparse.ArgumentParser) -> None:
    deeds = command.add_subparsers(dest="deed", required=True, metavar="DEED")
    listing = deeds.add_parser("list", help="those of the key, the newest first")
    listing.add_argument("--limit", type=count, default=20, help="how many at most (%(default)s)")
    show = deeds.add_parser("show", help="where one stands, and its result")
    show.add_argument("session", help="its id")
    delete = deeds.add_parser("delete", help="stop, delete and forget")
    which = delete.add_mutually_exclusive_group(required=True)
    which.add_argument("session", nargs="*", default=[], help="their ids")
    which.add_argument("--all", action="store_true", help="all of the key; with --yes")
    delete.add_argument("--yes", action="store_true", help="that is meant")
    for deed in (listing, show, delete):
        deed.add_argument("--server", metavar="URL", help="default: the service of this environment's HOST and PORT")
        _add_key(deed)
        deed.add_argument("--token", help="the sessionToken of the sessions that are named")
        _add_output(deed)


def count(text: str) -> int:
    if (number := int(text)) < 0:
        raise ValueError
    return number


def _add_key(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--key", default=os.environ.get("API_KEY"), help="where the service asks for one; better: API_KEY's value"
    )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for programs")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors, or the JSON that is asked for")
