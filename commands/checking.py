"""`check`: whether this machine is fit for a service with this environment's settings, in a line for each thing."""

from __future__ import annotations

import logging
from argparse import Namespace
from dataclasses import asdict

from commands.checks import CHECKS, Found, looked_at
from commands.ending import DONE, FAILED, Stopping
from commands.showing import as_json
from config import Settings
from video import lair


def check(wanted: Namespace, stopping: Stopping) -> int:
    """FAILED where anything is bad. Raises CannotStart where settings are wrong."""
    logging.disable()  # what is to be said is said in lines
    settings = Settings.from_env()
    found: list[Found] = []
    try:
        for name in CHECKS:
            if one := looked_at(name, settings):
                found.append(one)
                _tell(wanted, one)
    finally:
        lair.leave()
    if wanted.json:
        print(as_json([asdict(one) for one in found]))
    return FAILED if any(one.state == "bad" for one in found) else DONE


def _tell(wanted: Namespace, one: Found) -> None:
    """As soon as it is known: some take seconds."""
    if not wanted.json and (not wanted.quiet or one.state != "ok"):
        print(f"{one.state:8} {one.name:9} {one.words}", flush=True)
