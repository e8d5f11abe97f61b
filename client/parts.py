"""Sends a video in parts, by the tus protocol (1.0.0, https://tus.io/protocols/resumable-upload).

What has come stays there over lost connections, restarts of the service and, where that is asked for, of the program.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from client.answers import Started
from client.asking import BASE, Pauses, may_pass, once, persist, read
from client.memory import Begun, Memory, print_of
from client.steps import Answer, Ask, Do, NoAnswer, Script
from client.uploads import Place, Sending
from errors import HttpRefusal, ServiceError

TUS = {"Tus-Resumable": "1.0.0"}
UPLOADS = f"{BASE}/uploads"

PART_BYTES = 8 << 20

BEGIN_SECONDS = 10.0
"""For the answer to an upload that begins: nothing has to be read for it."""

GIVE_UP_SECONDS = 5.0
"""Who interrupts an upload does not wait for long."""

AT_WORK = (409, 423)
"""Refusals of a part that pass: it came already, or an earlier request with it is still being looked at."""


class PartsSender:
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
        started: Started = read(answer, "sessionId")
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
        ask = Ask("POST", UPLOADS, headers, silence_seconds=BEGIN_SECONDS)
        pauses = Pauses(self._place.patience)
        while (error := (yield from self._begun_or_why(ask))) is not None:
            yield pauses.after(error)

    def _begun_or_why(self, ask: Ask) -> Script[ServiceError | None]:
        with self._sending.undisturbed():
            try:
                answer = yield from once(ask)
            except (NoAnswer, HttpRefusal) as error:
                return error  # where it was begun and the answer lost, it is empty and expires
            # By its last part: a proxy may have the service below another path.
            begun = Begun(answer.headers.get("location", "").rpartition("/")[2], answer.headers.get("x-session-token"))
            self._sending.note(begun)
            if self._memory:
                self._memory.keep(self._print, begun)
        return None

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
