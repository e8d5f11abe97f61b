"""Where a session stands, as its clients are told it; and what they say they know already."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from api.rows import known
from errors import InvalidRequest
from schemas import Session, Status, StatusBody
from session_manager import SessionManager
from task_manager import BackgroundTaskManager

OF_THE_ROW = tuple(name for name in StatusBody.model_fields if name in Session.__annotations__)
"""What a status says as the session's row has it."""

MAX_WAIT_SECONDS = 30.0

ASK_AGAIN = {Status.QUEUED: [(b"retry-after", b"2")], Status.PROCESSING: [(b"retry-after", b"1")]}
"""In how many seconds who polls is advised to ask again."""

REVALIDATE = (b"cache-control", b"private, no-cache")
"""A browser may keep the answer, and asks with its tag whether it still holds."""

_TAGS = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


@dataclass(frozen=True)
class Standing:
    """One status of a session, ready to be sent."""

    row: Session
    etag: str
    """Weak: how long the rest may take is told anew each time, and is no change."""
    body: bytes

    @property
    def revision(self) -> int:
        return self.row["revision"]

    @property
    def status(self) -> Status:
        return self.row["status"]

    @property
    def running(self) -> bool:
        return self.status in ASK_AGAIN

    def headed(self, answer: Response) -> Response:
        """The answer with the tag, and advice when to ask again. In bytes, because polls come by the thousand."""
        answer.raw_headers += [(b"etag", self.etag.encode()), REVALIDATE, *ASK_AGAIN.get(self.status, ())]
        return answer


class Standings:
    """What the ledger and the queue say together."""

    def __init__(self, sessions: SessionManager, tasks: BackgroundTaskManager) -> None:
        self._sessions = sessions
        self._tasks = tasks

    def now(self, session_id: str) -> Standing:
        """Raises SessionNotFound."""
        row = known(self._sessions, session_id)
        place = self._place_of(row)
        if place is None and row["status"] is Status.QUEUED:
            row = known(self._sessions, session_id)  # it may have begun in between
        return self._told(row, place)

    def of(self, row: Session) -> Standing:
        return self._told(row, self._place_of(row))

    def instant(self) -> datetime:
        """Now, by the clock that sessions live by."""
        return self._sessions.now()

    def _place_of(self, row: Session) -> int | None:
        return self._tasks.queue_position(row["session_id"]) if row["status"] is Status.QUEUED else None

    def _told(self, row: Session, place: int | None) -> Standing:
        place = place if row["status"] is Status.QUEUED else None
        told = {name: row[name] for name in OF_THE_ROW}  # type: ignore[literal-required]
        if place is not None and not self._tasks.is_taken(row["analysis_type"]):
            told["message"] = f"Waiting for a worker that takes {row['analysis_type']} analyses; there is none now"
        body = StatusBody(
            **told,
            queue_position=place,
            eta_seconds=self._tasks.eta_seconds(row) if row["status"] in ASK_AGAIN else None,
        )
        # A place in the queue moves with other sessions: no change of this one's row, but news to its client.
        etag = f'W/"{row["revision"]}"' if place is None else f'W/"{row["revision"]}.{place}"'
        return Standing(row, etag, body.model_dump_json(by_alias=True).encode())


def known_by(request: Request) -> str | None:
    """What the client says it knows, in If-None-Match; None if it says nothing."""
    given = [value for name, value in request.scope["headers"] if name == b"if-none-match"]
    return b",".join(given).decode("latin-1") if given else None


def is_known(etag: str, known: str | None) -> bool:
    """Whether a client has what the tag stands for: compared weakly, as RFC 9110 (13.1.2) has it for If-None-Match."""
    if known is None:
        return False
    return known.strip() == "*" or etag.removeprefix("W/") in _TAGS.findall(known)


def seconds_to_wait(query: Mapping[str, str]) -> float:
    """How long a poll may be held, 0 where nothing is said of it. Raises InvalidRequest."""
    if "wait" not in query:
        return 0.0
    try:
        seconds = float(query["wait"])
    except ValueError:
        seconds = math.nan
    if 0 <= seconds <= MAX_WAIT_SECONDS:
        return seconds
    words = f"must be a number of seconds from 0 to {MAX_WAIT_SECONDS:g}"
    raise InvalidRequest(f"wait: {words}", details=[{"loc": ["query", "wait"], "msg": words}])
