"""What keeps an upload from becoming a session: counted, and told in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect

from errors import ServiceError
from logs import event
from metrics import Meter

logger = logging.getLogger(__name__)

NOT_THE_END = (404, 409, 412, 423)
"""By which a resumable upload is told to begin elsewhere, or again: nothing of it is lost."""

CLIENT_LEFT = "client_left"


@contextmanager
def refusals_counted(meter: Meter) -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if error.status_code not in NOT_THE_END:
            upload_refused(meter, error.exact_reason)
        raise
    except ClientDisconnect:
        upload_refused(meter, CLIENT_LEFT)
        raise


def upload_refused(meter: Meter, reason: str) -> None:
    meter.upload_refused(reason)
    event(logger, "upload refused", reason=reason)
