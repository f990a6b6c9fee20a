"""Rules that decide whether an answer is right, wherever the answer comes from.

Every rule ignores white space around the answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

TERSE = 60  # characters of a terse answer, at most
GREETING = 200  # characters of the answer to a greeting, at most
_WORDS_OF_AN_ITEM = 6  # a longer one is a sentence about the item
_ONE_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*[.!]?")
_MARKER = re.compile(r"(?:\(?\d+[.):]|[-*\u2022\u2013])\s+")
_OPENING = re.compile(
    r"(?:hello|hi|hey|hiya|howdy|welcome|greetings"
    r"|good (?:morning|afternoon|evening|day)"
    r"|(?:it(?:['\u2019]s| is) )?(?:nice|pleased|glad|great|good|lovely|a pleasure)"
    r" to (?:meet|see) you)\b"
)


class Rule(Protocol):
    """Decides whether an answer is right."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""


@dataclass(frozen=True)
class Exactly:
    """The answer is the text and nothing else, so quotes around it are wrong."""

    text: str

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        return answer.strip() == self.text


@dataclass(frozen=True)
class Times:
    """The answer is the phrase ``count`` times, separated by spaces, commas or line breaks."""

    phrase: str
    count: int

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        phrase = re.escape(self.phrase)
        pattern = rf"{phrase}(?:[\s,]+{phrase}){{{self.count - 1}}}"
        return re.fullmatch(pattern, answer.strip()) is not None


@dataclass(frozen=True)
class Holds:
    """The answer has the value as a whole word in any case, and none of the ``others``."""

    value: str
    others: Sequence[str] = ()

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        return _holds(answer, self.value) and not any(_holds(answer, o) for o in self.others)


@dataclass(frozen=True)
class OneWord:
    """The answer is one word, true or not, maybe with a period or an exclamation mark."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        return _ONE_WORD.fullmatch(answer.strip()) is not None


@dataclass(frozen=True)
class YesOrNo:
    """The answer is Yes or No, true or not, maybe with a period."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        return answer.strip() in ("Yes", "No", "Yes.", "No.")


@dataclass(frozen=True)
class Capitals:
    """The answer has letters, and all of them are capital letters."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        return answer.isupper()


@dataclass(frozen=True)
class Listed:
    """The answer is ``count`` different items, on lines or separated by commas, maybe numbered."""

    count: int

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        items = _items(answer.strip())
        return (
            len(items) == self.count == len(set(items))
            and all(re.search(r"[^\W\d_]", item) and "," not in item for item in items)
            and all(len(item.split()) <= _WORDS_OF_AN_ITEM for item in items)
        )


@dataclass(frozen=True)
class Counted:
    """The answer is the whole numbers from ``first`` to ``last`` in order, without words."""

    first: int
    last: int

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        parts = [part for part in re.split(r"[\W_]+", answer) if part]
        return parts == [str(number) for number in range(self.first, self.last + 1)]


@dataclass(frozen=True)
class JsonObject:
    """The answer is JSON, with no text around it, and equal to ``value`` in values and types."""

    value: dict[str, Any]

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        try:
            found = json.loads(answer)
        except ValueError:
            return False
        # Compared as text, since True equals 1 in Python.
        return json.dumps(found, sort_keys=True) == json.dumps(self.value, sort_keys=True)


@dataclass(frozen=True)
class EndsWith:
    """The answer has at least one word before the last, which is ``word``."""

    word: str

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        words = re.findall(r"\w+", answer)
        return len(words) > 1 and words[-1] == self.word


@dataclass(frozen=True)
class Terse:
    """The answer is one line of at most ``TERSE`` characters."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        text = answer.strip()
        return 0 < len(text) <= TERSE and len(text.splitlines()) == 1


@dataclass(frozen=True)
class Greets:
    """The answer begins with a greeting, asks something, and is at most ``GREETING`` long."""

    def right(self, answer: str) -> bool:
        """Return whether an answer is right."""
        text = answer.strip()
        return bool(_OPENING.match(text.lower())) and "?" in text and len(text) <= GREETING


def _holds(text: str, value: str) -> bool:
    """Return whether a text has a value that is no part of a longer word, number or code."""
    pattern = rf"(?<![\w-])(?<!\d[.:]){re.escape(value.lower())}(?![\w-]|[.:]\d)"
    return re.search(pattern, text.lower()) is not None


def _items(text: str) -> list[str]:
    """Return the items of a list in small letters, without markers and periods."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        parts = re.split(r",\s*(?:and\s+)?", lines[0])
        lines = [*parts[:-1], *re.split(r"\s+and\s+", parts[-1])] if parts else []
    return [_MARKER.sub("", line, count=1).strip(" .,;").lower() for line in lines]
