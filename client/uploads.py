"""One upload: what it asks for, where it goes, and what is known of it on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from client.answers import AnalysisType
from client.memory import Begun

LARGE_BYTES = 50_000_000
"""More of them are sent in parts."""

SentSoFar = Callable[[int, int], object]
"""(bytes that were sent, bytes in all)"""


class UploadOptions(TypedDict, total=False):
    filename: str
    """The name to show; default: the file's own."""
    token: bool
    """Ask for a `sessionToken`, without which nobody may see the session. The client remembers and sends it."""
    in_parts: bool
    """Whether it is sent in parts; default: where it has more than LARGE_BYTES."""
    idempotency_key: str
    """The same upload under the same key is the same session again. It is sent in one piece, however large."""
    remember_in: Path
    """A file that remembers the upload while it is under way. The same call, also by a program that was started anew,
    goes on where it was. It is sent in parts, however small."""
    on_begun: Callable[[str], object]
    """Told the id that the session will have, before the first byte is sent in parts; after the last of a form."""
    on_sent: SentSoFar
    undisturbed: Callable[[], AbstractContextManager[object]]
    """Entered for as long as it is being begun in parts: signals that are raised as exceptions had better wait then, or
    nobody knows what to give up."""


@dataclass
class Sending:
    """One upload, from its wish to its end."""

    video: Path
    fields: Mapping[str, str]
    options: UploadOptions
    begun: Begun | None = field(default=None)
    """In parts: where they are going."""

    @classmethod
    def of(
        cls, video: Path, analysis_type: AnalysisType, params: Mapping[str, Any] | None, options: UploadOptions
    ) -> Sending:
        fields = {"analysis_type": str(analysis_type), "params": json.dumps(dict(params or {}))}
        return cls(video, fields | ({"token": "true"} if options.get("token") else {}), options)

    @property
    def filename(self) -> str:
        given = self.options.get("filename") or self.video.name
        return given.encode(errors="replace").decode()  # a name on a disk need not be text

    @property
    def in_parts(self) -> bool:
        if "idempotency_key" in self.options:
            return False
        return self.options.get("in_parts", "remember_in" in self.options or self.size > LARGE_BYTES)

    @property
    def size(self) -> int:
        return self.video.stat().st_size

    @property
    def is_to_go_on(self) -> bool:
        """Whether somebody may take it up once it is interrupted."""
        return "remember_in" in self.options

    def undisturbed(self) -> AbstractContextManager[object]:
        return self.options.get("undisturbed", nullcontext)()

    def note(self, begun: Begun) -> None:
        self.begun = begun
        self.tell_id(begun.id)

    def tell_id(self, session_id: str) -> None:
        if tell := self.options.get("on_begun"):
            tell(session_id)

    def tell_sent(self, count: int, total: int) -> None:
        if tell := self.options.get("on_sent"):
            tell(count, total)


@dataclass(frozen=True)
class Place:
    """Where to send it, with which headers on every request, and for how long (seconds) without a byte that came."""

    url: str
    headers: Mapping[str, str]
    patience: float
