"""Sends a video: a small one as a form, a large one in parts (tus 1.0.0).

What has come of parts stays there over lost connections, restarts of the service and, where that is asked for, of the
program."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypedDict, cast

from client.answers import AnalysisType, Started
from client.asking import BASE, Pauses, may_pass, once, persist, read
from client.memory import Begun, Memory, print_of
from client.steps import Answer, Ask, Do, Form, Script
from errors import HttpRefusal, NoAnswer, ServiceError

TUS = {"Tus-Resumable": "1.0.0"}
UPLOADS = f"{BASE}/uploads"

PART_BYTES = 8 << 20

LARGE_BYTES = 50_000_000
"""More of them are sent in parts."""

GIVE_UP_SECONDS = 5.0
"""Who interrupts an upload does not wait for long."""

AT_WORK = (409, 423)
"""Refusals of a part that pass: it came already, or an earlier request with it is still being looked at."""

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
        return self.options.get("filename") or self.video.name

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


def send(sending: Sending, place: Place) -> Script[Started]:
    """Raises HttpRefusal, NoAnswer and OSError."""
    if sending.in_parts:
        return (yield from _Parts(sending, place).send())
    return (yield from _send_form(sending, place))


def _send_form(sending: Sending, place: Place) -> Script[Started]:
    """Under a key of its own, so that a lost answer does not have it analysed twice."""
    key = sending.options.get("idempotency_key") or uuid.uuid4().hex
    headers = {**place.headers, "Idempotency-Key": key}
    with sending.video.open("rb") as file:
        counted = cast(BinaryIO, _Counted(file, partial(sending.tell_sent, total=sending.size)))
        form = Form(sending.fields, sending.filename, counted)
        answer = yield from persist(Ask("POST", f"{BASE}/upload", headers, form=form), place.patience)
    started: Started = read(answer)
    sending.tell_id(started["sessionId"])
    return started


class _Counted:
    """A file that tells how much of it was read since it was last at its beginning."""

    def __init__(self, file: BinaryIO, tell: Callable[[int], object]) -> None:
        self._file, self._tell = file, tell
        self.fileno, self.tell = file.fileno, file.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        if piece:
            self._tell(self._file.tell())
        return piece


class _Parts:
    """An upload in parts. What has come of it is asked whenever that is not sure."""

    def __init__(self, sending: Sending, place: Place) -> None:
        self._sending, self._place = sending, place
        self._size, self._offset, self._done = sending.size, 0, False
        self._memory = Memory(sending.options["remember_in"]) if sending.is_to_go_on else None
        self._print = print_of(place.url, sending.video, {**sending.fields, "filename": sending.filename})

    def send(self) -> Script[Started]:
        try:
            if not (yield from self._taken_up()):
                yield from self._begin()
            yield from self._send_all()
            answer = yield from persist(self._ask("GET"), self._place.patience)
        except ServiceError as error:
            if not may_pass(error):
                self._forget()
            raise
        self._forget()
        started: Started = read(answer)
        if token := self._begun.token:
            started["sessionToken"] = token
        return started

    @property
    def _begun(self) -> Begun:
        assert self._sending.begun
        return self._sending.begun

    def _taken_up(self) -> Script[bool]:
        """Whether it goes on from where an earlier run was stopped."""
        begun = self._memory.get(self._print) if self._memory else None
        if begun is None:
            return False
        self._sending.begun = begun
        try:
            self._note((yield from persist(self._ask("HEAD"), self._place.patience)))
        except HttpRefusal as error:
            if may_pass(error):
                raise
            self._forget()
            self._sending.begun = None
            return False
        self._sending.note(begun)
        return True

    def _begin(self) -> Script[None]:
        fields = {"filename": self._sending.filename, **self._sending.fields}
        told = ",".join(f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in fields.items())
        headers = {**self._place.headers, **TUS, "Upload-Length": str(self._size), "Upload-Metadata": told}
        # Begun twice, because the answer was lost, the first is empty and expires.
        answer = yield from persist(Ask("POST", UPLOADS, headers), self._place.patience)
        # By its last part: a proxy may have the service below another path.
        begun = Begun(answer.headers.get("location", "").rpartition("/")[2], answer.headers.get("x-session-token"))
        self._sending.note(begun)
        if self._memory:
            self._memory.keep(self._print, begun)

    def _send_all(self) -> Script[None]:
        pauses, sure = Pauses(self._place.patience), True
        with self._sending.video.open("rb") as file:
            while not self._done:
                before = self._offset
                try:
                    if sure:
                        part = yield Do(partial(self._read, file))
                        headers = {"Upload-Offset": str(before), "Content-Type": "application/offset+octet-stream"}
                        self._note((yield from once(self._ask("PATCH", headers, part))))
                    else:
                        self._note((yield from once(self._ask("HEAD"))))
                        sure = True
                except (NoAnswer, HttpRefusal) as error:
                    sure = False
                    yield pauses.after(NoAnswer(str(error)) if error.status_code in AT_WORK else error)
                if self._offset > before:
                    pauses.reset()

    def _read(self, file: BinaryIO) -> bytes:
        file.seek(self._offset)
        part = file.read(min(PART_BYTES, self._size - self._offset))
        if not part:
            raise OSError(f"{self._sending.video} became shorter while it was sent")
        return part

    def _note(self, answer: Answer) -> None:
        self._done = "upload-session-id" in answer.headers
        try:
            self._offset = int(answer.headers["upload-offset"])
        except (KeyError, ValueError) as error:
            raise HttpRefusal("This is not the service's answer", answer.status, "http_error") from error
        self._sending.tell_sent(self._offset, self._size)

    def _ask(self, method: str, headers: Mapping[str, str] | None = None, content: bytes | None = None) -> Ask:
        return parts_of(self._begun, self._place, method, headers, content)

    def _forget(self) -> None:
        if self._memory:
            self._memory.forget(self._print)


def parts_of(
    begun: Begun,
    place: Place,
    method: str,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Ask:
    token = {"X-Session-Token": begun.token} if begun.token else {}
    return Ask(method, f"{UPLOADS}/{begun.id}", {**place.headers, **token, **TUS, **(headers or {})}, content=content)


def give_up(begun: Begun, place: Place) -> Script[None]:
    """Delete what has come, or the session that it became already. What the service cannot be told of expires there."""
    token = {"X-Session-Token": begun.token} if begun.token else {}
    session = Ask("DELETE", f"{BASE}/cleanup/{begun.id}", {**place.headers, **token})
    for ask in (parts_of(begun, place, "DELETE"), session):
        try:
            yield from once(replace(ask, silence_seconds=GIVE_UP_SECONDS))
        except NoAnswer:
            return
        except HttpRefusal:
            continue
