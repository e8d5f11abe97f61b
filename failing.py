"""How a session that failed is told of: in its row, in words for its client."""

from __future__ import annotations

from typing import Any

from errors import AnalysisFailed, InsufficientStorage, OutOfMemory, ServiceError, StorageUnavailable
from schemas import Status
from stores.files import FULL_DISK


def failure(error: ServiceError) -> dict[str, Any]:
    """What a failed session's row says of the error."""
    return {"status": Status.FAILED, "error": str(error), "message": str(error), "reason": error.reason}


def in_words(error: Exception) -> ServiceError:
    """The error as its session's client is told of it; what was not raised on purpose stays in the log."""
    if isinstance(error, AnalysisFailed | InsufficientStorage | StorageUnavailable):
        return error
    if isinstance(error, ServiceError):
        return AnalysisFailed(str(error))
    if isinstance(error, MemoryError):
        return OutOfMemory("The analysis needed more memory than this machine has")
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return InsufficientStorage("The disk filled up before the result could be kept")
    return AnalysisFailed("An unexpected error ended the analysis; the service's log has the details")
