"""How a model is told what it sees: a stretch of video and a question, laid out in tokens as it was trained on.

Equal to what SmolVLM2's own processor and chat template make; the pictures come first and the question last, so that
what the pictures cost is shared by all questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from errors import CannotStart

START, END_OF_TURN = "<|im_start|>", "<end_of_utterance>"
FAKE, GLOBAL, IMAGE = "<fake_token_around_image>", "<global-img>", "<image>"

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class Tokenizer(Protocol):
    """What is needed of a transformers tokenizer."""

    all_special_tokens: list[str]

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...

    def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str: ...

    def get_vocab(self) -> dict[str, int]: ...


@dataclass(frozen=True)
class Sheet:
    """A question with possible answers side by side, each to be read as if it alone followed the question.

    What is wanted are the log-probabilities of the answers' tokens, one after the other.
    """

    question: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]

    @property
    def tokens(self) -> int:
        return len(self.question) + sum(map(len, self.answers))

    def parts(self, most: int) -> list[Sheet]:
        """The same in sheets of at most so many tokens of answers each; one answer may have more."""
        parts: list[list[tuple[int, ...]]] = []
        room = 0
        for answer in self.answers:
            if not parts or len(answer) > room:
                parts.append([])
                room = most
            parts[-1].append(answer)
            room -= len(answer)
        return [Sheet(self.question, tuple(part)) for part in parts]


class Layout:
    """Makes tokens. `per_picture` is how many tokens a picture becomes."""

    def __init__(self, tokenizer: Tokenizer, per_picture: int, image_id: int) -> None:
        """Raises CannotStart if the tokenizer is not one of SmolVLM2's."""
        known = tokenizer.get_vocab()
        missing = [token for token in (START, END_OF_TURN, FAKE, GLOBAL, IMAGE) if token not in known]
        if missing:
            raise CannotStart(f"the model's tokenizer lacks {', '.join(missing)}: it is not SmolVLM2's")
        if known[IMAGE] != image_id:
            raise CannotStart(f"the model's tokenizer calls {IMAGE} {known[IMAGE]}, and its config {image_id}")
        self._tokenizer = tokenizer
        self._picture = f"{FAKE}{GLOBAL}{IMAGE * per_picture}{FAKE}"
        self.image_id = image_id
        self.end_id = known[END_OF_TURN]
        self.special = frozenset(tokenizer.all_special_tokens) | {t for t in known if t[:1] == "<" and t[-1:] == ">"}

    def pictures(self, times: Sequence[float], duration: float, system: str = "") -> tuple[int, ...]:
        """Everything before the question, up to the marker behind the last picture. Times and duration in seconds,
        from the stretch's start.

        No word reaches over a marker, so the rest can be made into tokens apart from this.
        """
        before = f"System: {system}{END_OF_TURN}\n" if system else ""
        intro = (
            f"You are provided the following series of {in_words(len(times))} frames from a "
            f"{timedelta(seconds=int(duration))} [H:MM:SS] video.\n"
        )
        frames = "".join(f"\nFrame from {int(t // 60):02d}:{int(t % 60):02d}:{self._picture}" for t in times)
        return self._ids(f"{START}{before}User: {intro}{frames}")

    def question(self, text: str) -> tuple[int, ...]:
        """The question behind the pictures, and the model's turn."""
        return self._ids(f"\n\n{text}{END_OF_TURN}\nAssistant:")

    def answer(self, label: str) -> tuple[int, ...]:
        """An answer as the model would give it, with the end of its turn."""
        return (*self._ids(f" {label}"), self.end_id)

    def spellings(self, level: str) -> tuple[int, ...]:
        """The tokens that alone spell a level, as it is and capitalised, with a space before it and without;
        none if that takes more than one token."""
        ways = [self._ids(space + word) for space in (" ", "") for word in (level, level.capitalize(), level.upper())]
        single = [way[0] for way in ways if len(way) == 1]
        spelt = len(self._ids(f" {level}")) == 1 or len(self._ids(f" {level.capitalize()}")) == 1
        return tuple(dict.fromkeys(single)) if spelt else ()

    def text(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=False))


def in_words(number: int) -> str:
    """A count of frames as the processor spells it: 0 to 99 in words."""
    if number < 20:
        return _SMALL[number]
    if number > 99:
        return str(number)
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
