"""Sends a video: a small one as a form, a large one in parts."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, cast

from client.answers import Started
from client.asking import BASE, persist, read
from client.parts import PartsSender
from client.steps import Ask, Form, Script
from client.uploads import Place, Sending


def send(sending: Sending, place: Place) -> Script[Started]:
    """Raises HttpRefusal, NoAnswer and OSError."""
    if sending.in_parts:
        return (yield from PartsSender(sending, place).send())
    return (yield from _send_form(sending, place))


def _send_form(sending: Sending, place: Place) -> Script[Started]:
    """Under a key of its own, so that a lost answer does not have it analysed twice."""
    key = sending.options.get("idempotency_key") or uuid.uuid4().hex
    headers = {**place.headers, "Idempotency-Key": key}
    with sending.video.open("rb") as file:
        counted = cast(BinaryIO, _Counted(file, partial(sending.tell_sent, total=sending.size)))
        form = Form(sending.fields, sending.filename, counted)
        answer = yield from persist(Ask("POST", f"{BASE}/upload", headers, form=form), place.patience)
    started: Started = read(answer, "sessionId")
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
