"""What the service answers, as type checkers see it: the very JSON, so that a key that comes later is there as well.

Outside a result's `data` keys are camelCase, inside snake_case. Instants are RFC 3339 text; times in a video are
seconds from its first picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

from errors import ServiceError

AnalysisType = Literal["highlights", "workout"]
SessionStatus = Literal["queued", "processing", "completed", "failed", "cancelled", "expired"]


class Video(TypedDict):
    filename: str
    durationSeconds: float
    fps: float
    width: int
    height: int
    codec: str
    hasAudio: bool
    sizeBytes: int


class Links(TypedDict):
    status: str
    results: str
    cancel: str
    cleanup: str
    events: str


class Started(TypedDict):
    """A session as it begins."""

    sessionId: str
    status: SessionStatus
    message: str
    queuePosition: int | None
    video: Video
    sha256: str
    links: Links
    sessionToken: NotRequired[str]
    """Only where it was asked for."""


class Status(TypedDict):
    sessionId: str
    status: SessionStatus
    progress: int
    """0-100; it never falls."""
    message: str
    analysisType: AnalysisType
    stage: str
    segmentsDone: int | None
    segmentsTotal: int | None
    queuePosition: int | None
    """1 for the next to start; None once started."""
    etaSeconds: float | None
    createdAt: str
    updatedAt: str
    expiresAt: str | None
    error: str | None
    reason: str | None
    attempt: int


class Listed(Status):
    """A session as a list tells it."""

    filename: str


class SessionsPage(TypedDict):
    sessions: list[Listed]
    """Newest first."""
    nextCursor: str | None
    """Asks for the page after; None where there is none."""


class SessionToken(TypedDict):
    sessionId: str
    sessionToken: str
    expiresAt: str


class Cancelled(TypedDict):
    sessionId: str
    status: SessionStatus
    message: str


class CleanedUp(TypedDict):
    sessionId: str
    message: str


class Health(TypedDict):
    """Of what a service tells of itself, what its clients may want to know."""

    status: str
    ready: bool
    troubles: list[str]
    """What is wrong, a sentence each."""
    analyzer: str
    eyes: str
    version: str
    keys: bool


Data = dict[str, Any]
"""A result: the README and `/docs` say what is in it."""


class Finding(TypedDict):
    """A part of the result, told as soon as it is certain; `item` is what the result will list."""

    kind: Literal["moment", "set"]
    item: dict[str, Any]


# ── What following a session tells ────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class StatusTold:
    """Where the session stands. One that falls back to queued begins anew: what was found before is void."""

    status: Status
    id: str = ""
    """What to come back with; empty where there is no stream of events."""


@dataclass(frozen=True)
class FindingMade:
    finding: Finding
    id: str = ""


@dataclass(frozen=True)
class Interrupted:
    """Nobody answers, and so it is tried again after some seconds."""

    error: ServiceError
    seconds: float


@dataclass(frozen=True)
class Ended:
    """Nothing more comes."""

    status: str
    """A session's status, or `deleted`."""
    id: str = ""


Event = StatusTold | FindingMade | Interrupted | Ended
