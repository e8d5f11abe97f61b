"""The Python client: upload, follow, fetch and clean up over HTTP, with the service's own words for errors.

`VideoClient` blocks, `AsyncVideoClient` awaits; they are the same otherwise.
"""

from client.answers import (
    AnalysisType,
    Data,
    Ended,
    Event,
    FindingMade,
    Interrupted,
    SessionsPage,
    Started,
    Status,
    StatusTold,
)
from client.awaiting import AsyncVideoClient
from client.blocking import VideoClient
from client.steps import NoAnswer
from client.uploads import UploadOptions

__all__ = [
    "AnalysisType",
    "AsyncVideoClient",
    "Data",
    "Ended",
    "Event",
    "FindingMade",
    "Interrupted",
    "NoAnswer",
    "SessionsPage",
    "Started",
    "Status",
    "StatusTold",
    "UploadOptions",
    "VideoClient",
]
