"""Analyses a video at a service, and leaves nothing there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from client import Event, Interrupted, NoAnswer, StatusTold, UploadOptions, VideoClient
from commands.job import Done, Job
from commands.showing import Report, sized
from errors import HttpRefusal

LEAVE_SECONDS = 2.0
"""For which the service is asked to forget a session, where it does not answer at once."""


@contextmanager
def reached(url: str, key: str | None, tokens: Mapping[str, str] | None = None) -> Iterator[VideoClient]:
    """A client of a service that answers. Raises NoAnswer at once where none does."""
    with VideoClient(url, api_key=key, session_tokens=tokens) as client:
        if not client.alive():
            raise NoAnswer(f"no service answers at {url}")
        yield client


def analyse(job: Job, place: Path | None, url: str, key: str | None) -> Done:
    """Files go to the place, if there is one. Raises ServiceError."""
    params = job.settings()
    begun: list[str] = []
    percent = 0

    def sent(count: int, total: int) -> None:
        job.report(Report(100 * count // max(1, total), f"Sending {sized(count)} of {sized(total)}"))

    def tell(event: Event) -> None:
        nonlocal percent
        if isinstance(event, StatusTold):
            percent = event.status["progress"]
            job.report(Report(percent, event.status["message"], event.status["etaSeconds"]))
        elif isinstance(event, Interrupted):
            job.report(Report(percent, f"{event.error}; asking again in {event.seconds:.0f} s"))

    with reached(url, key) as client:
        try:
            # In parts, however small: so its id is known before anything of it can be left behind.
            options = UploadOptions(
                in_parts=True, on_begun=begun.append, on_sent=sent, undisturbed=job.stopping.undisturbed
            )
            client.upload(job.video, job.kind, params, **options)
            client.wait(begun[-1], tell)
            data = client.results(begun[-1])
            names = frozenset(path.name for path in client.download(begun[-1], place)) if place else frozenset()
        finally:
            with job.stopping.undisturbed():
                _leave_nothing(url, key, begun)
    return Done(data, names)


def _leave_nothing(url: str, key: str | None, begun: list[str]) -> None:
    with VideoClient(url, api_key=key, patience=LEAVE_SECONDS) as client:
        for session_id in begun:
            with suppress(NoAnswer, HttpRefusal):
                client.cleanup(session_id)
