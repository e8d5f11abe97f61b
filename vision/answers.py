"""What a chat-completions server's answers say: words, and how likely others were in their place. No network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vision import Named, Rating, scoring
from vision.exercises import NO_EXERCISE
from vision.prompts import clean
from vision.telling import looping

SPACES = " Ġ▁"
"""Before a word, as a text or as a tokenizer's own sign for it."""

STEERING = re.compile(r"<[^<>\s]{1,40}>|\[/?[A-Z_]{2,20}\]")
"""What looks like a token that steers some model: `<image>`, `<|im_end|>`, `</s>`, `[INST]`."""

A_LITTLE = 1e-6
"""More than rounding takes."""

MOST_TOKENS = 10_000_000
"""That a server may say it read or wrote for one answer."""

SURELY_A_BEGINNING = 2
"""Letters of a level's first token, where it takes several, by which it is known."""


@dataclass(frozen=True)
class Top:
    """The likeliest first tokens of an answer, with the logarithms of their probabilities."""

    tokens: tuple[tuple[str, float], ...]

    def of(self, way: Sequence[str]) -> list[float]:
        """What is told of an option that may be spelt in some ways."""
        return [log for token, log in self.tokens if token.strip(SPACES) in way]

    def weigh(self, ways: Sequence[Sequence[str]]) -> scoring.Logs:
        """For each option the logarithm of its probability. One that is not among the likeliest is at most as likely
        as the last of these, and taken for that; where none is, all are alike."""
        found = [self.of(way) for way in ways]
        last = min(log for _, log in self.tokens) if any(found) else 0.0
        return scoring.summed([one or [last] for one in found])

    def mass(self, ways: Sequence[Sequence[str]]) -> float:
        return min(1.0, sum(math.exp(log) for way in ways for log in self.of(way)))


@dataclass(frozen=True)
class Said:
    """An answer; `whole` if it came to its own end. `top` is None where the server told no likelihoods."""

    text: str
    whole: bool
    top: Top | None
    tokens_read: int = 0
    """0 where the server does not tell, and so below."""
    tokens_written: int = 0


def read_models(body: Any) -> str:
    """The first model that a server lists. Raises LookupError or TypeError where it lists none."""
    return str(body["data"][0]["id"])


def read_chat(body: Any) -> Said:
    """Raises LookupError, TypeError, ValueError, AttributeError or OverflowError for what is no chat completion."""
    choice = body["choices"][0]
    told = (choice.get("logprobs") or {}).get("content")
    text = choice["message"]["content"] or ""
    if not isinstance(text, str):
        raise TypeError("a message's content is text")
    top = None if told is None else Top(tuple(_token(one) for one in told[0]["top_logprobs"]) if told else ())
    read, written = (_count(body.get("usage"), kind) for kind in ("prompt_tokens", "completion_tokens"))
    return Said(text, choice.get("finish_reason") == "stop", top, read, written)


def _count(usage: Any, kind: str) -> int:
    """Whatever is no number of tokens counts as none: no session fails for that."""
    count = usage.get(kind) if isinstance(usage, dict) else None
    return count if type(count) is int and 0 <= count <= MOST_TOKENS else 0


def read_refusal(body: Any) -> str:
    """What a server says of its refusal; `{"error": {"message": …}}` in OpenAI's form, others leave out a layer."""
    error = body.get("error", body) if isinstance(body, dict) else body
    return str(error.get("message", error) if isinstance(error, dict) else error)


def _token(told: Any) -> tuple[str, float]:
    log = float(told["logprob"])
    if math.isnan(log):
        raise ValueError("a probability is a number")
    return str(told["token"]), min(0.0, log)


def rated(levels: Sequence[str], here: Top, blank: Top) -> Rating:
    """A rating from the likelihood of each level as the first word, less that before blank pictures."""
    ways = [_spellings(level, levels, here, blank) for level in levels]
    mass = here.mass(ways)
    if not mass:
        return _unrated(levels)
    return replace(scoring.rating(*_against(here, blank, ways)), mass=mass)


def _against(here: Top, blank: Top, ways: Sequence[Sequence[str]]) -> tuple[scoring.Logs, scoring.Logs]:
    """The options' logarithms here and before blank pictures. Of an option that is not told here only a bound is known:
    it gains less by the pictures than the least of those that are told, so what nobody said never wins."""
    logs, before = here.weigh(ways), blank.weigh(ways)
    told = np.array([bool(here.of(way)) for way in ways])
    least = (logs - before)[told].min() - A_LITTLE
    return np.where(told, logs, np.minimum(logs, before + least)), before


def _unrated(levels: Sequence[str]) -> Rating:
    return Rating(0.5, 0.0, (1 / len(levels),) * len(levels))


def _spellings(level: str, levels: Sequence[str], *tops: Top) -> tuple[str, ...]:
    """The tokens that stand for a level: itself, and where it is none its beginning, if it is no other's."""
    whole = (level, level.capitalize(), level.upper())
    tokens = {token.strip(SPACES) for top in tops for token, _ in top.tokens}
    if tokens & set(whole):
        return whole
    begins = {token for token in tokens if len(token) >= SURELY_A_BEGINNING and _begin(token, levels) == [level]}
    return (*whole, *sorted(begins))


def _begin(token: str, options: Sequence[str]) -> list[str]:
    return [option for option in options if option.casefold().startswith(token.casefold())]


def chosen(levels: Sequence[str], text: str) -> Rating:
    """A rating from words alone: the level that they name first; none, and no mass, where they name none."""
    places = {level: match.start() for level in levels if (match := _word(level).search(text))}
    if not places:
        return _unrated(levels)
    named = min(places, key=lambda level: (places[level], -len(level)))
    steps = np.linspace(0, 1, len(levels)) if len(levels) > 1 else np.array([0.5])
    shares = tuple(float(level == named) for level in levels)
    return Rating(float(np.array(shares) @ steps), 1.0, shares)


def name_of(labels: Sequence[str], texts: Sequence[str], letters: str, said: str) -> Named:
    """A label from words alone: by its letter, or by itself. How sure the model was they do not say: the share is 1,
    and the margin 0. Where they name none, it is `NO_EXERCISE` or else the last, with the share that chance has."""
    if letter := re.match(r"\W*([A-Z])(?:[.,:)]|\s*$)", said):
        place = letters.find(letter[1])
        if 0 <= place < len(labels):
            return Named(labels[place], 1.0, 0.0)
    held = [(len(text), label) for label, text in zip(labels, texts, strict=True) if _word(text).search(said)]
    if held:
        return Named(max(held)[1], 1.0, 0.0)
    return _unnamed(labels)


def picked(labels: Sequence[str], letters: str, here: Top, blank: Top) -> Named:
    """The label whose letter the pictures make likelier than blank ones do, more than any other's."""
    ways = [(letter,) for letter in letters[: len(labels)]]
    return scoring.named(labels, *_against(here, blank, ways)) if here.mass(ways) else _unnamed(labels)


def _unnamed(labels: Sequence[str]) -> Named:
    return Named(NO_EXERCISE if NO_EXERCISE in labels else labels[-1], 1 / len(labels), 0.0)


def _word(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)


def shortened(text: str) -> tuple[str, bool]:
    """Words up to where they go in circles, and whether they do; of a circle one round is left."""
    known: dict[str, int] = {}
    said: list[int] = []
    words = text.split()
    for word in words:
        said.append(known.setdefault(word, len(known)))
        if circle := looping(said):
            return " ".join(words[: len(said) - circle]), True
    return text, False


def harmless(text: str, most: int) -> str:
    """Cleaned of whatever may steer a model: which tokens do that only the server knows, so all that look so go."""
    while (shorter := STEERING.sub("", text)) != text:
        text = shorter
    return clean(text, most=most)
