"""The words the eyes are asked with, and what is taken out of words that strangers bring.

A model of half a billion parameters answers a short, plain question best; it writes no JSON and counts nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from vision import Question

STRANGE_CHARACTERS = 500
"""The most that is passed on of a text from outside: beyond, a small model forgets what it sees."""

LABEL_CHARACTERS = 60

QUESTION_CHARACTERS = 1000
"""The most of a whole question, a stranger's part of it included."""

LEVELS = ("low", "medium", "high")
"""Likelihood over a few levels agrees with people better than yes/no or a generated label does (arXiv 2310.14122). Such
common words are a token each; where one is not, the likelihood of its tokens counts."""

SPECIAL = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<end_of_utterance>",
    "<fake_token_around_image>",
    "<global-img>",
    "<image>",
    "<video>",
)
"""What steers a model and so may never come from outside. A tokenizer knows more of them: a model takes out its own."""

NAME_EXERCISE = "Which exercise is the person doing? Answer with the name of the exercise."
NAME_PHASE = "Which part of a workout is this? Answer with a few words."
DESCRIBE_MOMENT = "Describe what happens in this video in one short sentence."
DESCRIBE_SET = "Describe in one short sentence how the person moves in this video."


def rating_question(query: str | None = None) -> Question:
    """How much a stretch deserves to be a highlight; with `query`, how much of that there is in it."""
    wish = clean(query or "").rstrip(".?! ")
    asked = (
        f'How clearly does this video show "{wish}"?'
        if wish
        else "How exciting and important is what happens in this video?"
    )
    return Question(f"{asked} Answer with one word: low, medium or high.", LEVELS)


def describing(task: str, user_prompt: str | None = None) -> str:
    """The prompt of a description; what a client wants to hear of comes before the task, which has the last word."""
    wish = clean(user_prompt or "")
    return f"{wish}\n{task}" if wish else task


def clean(text: str, special: Iterable[str] = SPECIAL, most: int = STRANGE_CHARACTERS) -> str:
    """Text from a stranger, as it may be put before a model: no special tokens, no control characters, not too long.

    Taking a token out may join two halves to another one, so this goes on until none is left.
    """
    text = "".join(mark for mark in text if mark.isspace() or unicodedata.category(mark)[0] != "C")
    steering = re.compile("|".join(re.escape(token) for token in sorted({*SPECIAL, *special}, key=len, reverse=True)))
    while True:
        shorter = steering.sub("", text)
        if shorter == text:
            break
        text = shorter
    text = re.sub(r"[^\S\n]+", " ", re.sub(r"\s*\n\s*", "\n", text)).strip()
    return text if len(text) <= most else text[: most + 1].rsplit(maxsplit=1)[0][:most]


def clean_label(label: str, special: Iterable[str] = SPECIAL) -> str:
    """A name from a client's own list, on one line."""
    return clean(label.replace("\n", " "), special, LABEL_CHARACTERS)
