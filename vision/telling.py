"""What becomes of the words a model generates: where it runs in circles it is stopped, and an echo is taken off."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_LOOP = 24
"""Tokens of the longest repetition that is looked for."""

ROUNDS = 3
"""So many times in a row is a loop; twice may be meant ("left, right, left, right")."""

LOOP_TOKENS = 6
"""A loop covers at least so many tokens: three dots are none."""

ECHO_LETTERS = 8
"""The least of a line that is taken for an echo: shorter ones a client wrote may stand in any sentence."""

NO_CHARACTER = "\ufffd"
"""Stands where a model's tokens end in the middle of a character."""


def looping(tokens: Sequence[int]) -> int:
    """How many tokens to drop from the end, because there the same few go round and round; 0 while they do not.

    Of a loop one round is left.
    """
    for size in range(1, min(LONGEST_LOOP, len(tokens) // ROUNDS) + 1):
        rounds = max(ROUNDS, -(-LOOP_TOKENS // size))
        tail = tokens[-size * rounds :]
        if len(tail) == size * rounds and all(tail[i] == tail[i + size] for i in range(len(tail) - size)):
            return size * (rounds - 1)
    return 0


def tidy(text: str, prompt: str, whole: bool) -> str:
    """A description as it is shown: on one line, without an echo of the prompt, and no broken-off sentence at its end.

    `whole` says that the model ended by itself.
    """
    for echo in (prompt, *prompt.splitlines()):
        text = text.replace(echo, " ") if len(echo.strip()) >= ECHO_LETTERS else text
    text = re.split(r"\b(?:User|Assistant|System):", text.strip().removeprefix("Assistant:"))[0]
    text = "".join(mark for mark in text if mark.isspace() or (mark.isprintable() and mark != NO_CHARACTER))
    text = " ".join(text.split())
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", text)]
    if not whole and ends:
        text = text[: ends[-1]]
    return text
