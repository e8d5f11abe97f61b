"""`sessions`: list, show and delete those of a service."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import islice
from typing import Any

from client import Status, VideoClient
from commands.ending import DONE, FAILED, MISUSED, Stopping
from commands.showing import as_json, result_lines, table
from commands.there import reached
from config import Settings
from errors import HttpRefusal, ServiceError


def sessions(wanted: Namespace, stopping: Stopping) -> int:
    """Raises ServiceError and CannotStart."""
    deeds = {"list": _list, "show": _show, "delete": _delete}
    with reached(wanted.server or address_by(Settings.from_env()), wanted.key, _tokens(wanted)) as client:
        return deeds[wanted.deed](client, wanted)


def _tokens(wanted: Namespace) -> dict[str, str]:
    """Those of the sessions that are named."""
    named = [wanted.session] if wanted.deed == "show" else wanted.session if wanted.deed == "delete" else []
    return dict.fromkeys(named, wanted.token) if wanted.token else {}


def address_by(settings: Settings) -> str:
    """Of a service with these settings, for who is on its machine."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _list(client: VideoClient, wanted: Namespace) -> int:
    found = list(islice(client.every_session(), wanted.limit))
    if wanted.json:
        print(as_json(found))
    elif not wanted.quiet:
        for line in table(_row(one) for one in found):
            print(line)
    return DONE


def _row(one: Any) -> tuple[str, ...]:
    created = one["createdAt"][:16].replace("T", " ")
    return one["sessionId"], created, one["analysisType"], f"{one['status']} {one['progress']:3} %", one["filename"]


def _show(client: VideoClient, wanted: Namespace) -> int:
    status = client.status(wanted.session)
    data = client.results(wanted.session) if status["status"] == "completed" else None
    if wanted.json:
        print(as_json({**status, "data": data}))
    elif not wanted.quiet:
        for line in _status_lines(status):
            print(line)
        for line in result_lines(data) if data else ():
            print(line)
    return DONE


def _status_lines(status: Status) -> Iterator[str]:
    yield from table(
        (name, str(value))
        for name, value in (
            ("status", f"{status['status']}, {status['progress']} %"),
            ("message", status["error"] or status["message"]),
            ("analysis", status["analysisType"]),
            ("created", status["createdAt"]),
            ("expires", status["expiresAt"] or "not before it has ended"),
        )
    )


def _delete(client: VideoClient, wanted: Namespace) -> int:
    ids: list[str] = wanted.session
    if wanted.all:
        ids = [one["sessionId"] for one in client.every_session()]
        if not wanted.yes:
            print(f"nothing was deleted: --yes deletes all of these, {len(ids)} sessions", file=sys.stderr)
            return MISUSED
    deleted = [one for one in ids if _is_deleted(client, one)]
    if wanted.json:
        print(as_json({"deleted": deleted}))
    elif not wanted.quiet:
        for one in deleted:
            print(f"deleted {one}")
    return DONE if len(deleted) == len(ids) else FAILED


def _is_deleted(client: VideoClient, session_id: str) -> bool:
    """Whether it could be; one that cannot keeps none of the others from it. Raises ServiceError where that is the
    service's fault."""
    try:
        client.cleanup(session_id)
    except HttpRefusal as error:
        if error.reason != "session_not_found":
            raise ServiceError(f"{session_id}: {error}") from error
        print(f"error: {session_id}: {error}", file=sys.stderr)
        return False
    return True
