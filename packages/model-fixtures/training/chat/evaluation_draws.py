"""A case of the evaluation, and random draws from the evaluation's own text files."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from model_fixtures.tool_format import Message

from .chat_judge import Rule

_FOLDER = Path(__file__).parent
_QUOTES = ('"{}"', '"{}"', '"{}"', "'{}'", "\u201c{}\u201d", "\u2018{}\u2019", "`{}`", "«{}»")
_SECTION = re.compile(r"\[(.+)\]")


@dataclass(frozen=True)
class ChatCase:
    """A conversation of one to eight turns, whose last answer is judged.

    ``part`` names the sub-kind; ``earlier`` holds user and assistant messages in turn.
    """

    kind: str
    part: str
    system: str | None
    earlier: Sequence[Message]
    prompt: str
    rule: Rule

    def messages(self) -> list[Message]:
        """Return the system prompt, if any, and all messages up to the one to answer."""
        start = [] if self.system is None else [Message("system", self.system)]
        return [*start, *self.earlier, Message("user", self.prompt)]


@dataclass(frozen=True)
class Fact:
    """Something that a user tells; in each wording ``{v}`` stands for the value."""

    key: str
    kind: str
    noted: Sequence[str]  # as a system prompt notes it; often none
    told: Sequence[str]
    corrected: Sequence[str]
    asked: Sequence[str]


@cache
def sections(name: str) -> Mapping[str, Sequence[str]]:
    r"""Return the lines of a text file by section; ``\n`` in a line stands for a line break."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
        if heading := _SECTION.fullmatch(line):
            lines = found.setdefault(heading[1], [])
        elif line and not line.startswith("#"):
            lines.append(line.replace("\\n", "\n"))
    return found


def wordings() -> Mapping[str, Sequence[str]]:
    """Return the sentences with slots, by section."""
    return sections("evaluation_wordings.txt")


def words() -> Mapping[str, Sequence[str]]:
    """Return names and other values, by kind."""
    return sections("evaluation_words.txt")


def phrases() -> Mapping[str, Sequence[str]]:
    """Return phrases, texts and questions, by section."""
    return sections("evaluation_phrases.txt")


@cache
def facts() -> Sequence[Fact]:
    """Return the facts that users tell."""
    found = []
    for heading, lines in sections("evaluation_facts.txt").items():
        key, kind = heading.split(": ")
        wordings_by_mark = ([line[2:] for line in lines if line[0] == mark] for mark in "@+~?")
        found.append(Fact(key, kind, *wordings_by_mark))
    return found


class Draw:
    """Draws wordings, values and earlier turns with one random generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def chance(self, share: float) -> bool:
        """Return True in a ``share`` of draws."""
        return self.rng.random() < share

    def worded(self, section: str, **slots: object) -> str:
        """Return a wording of a section with its slots filled."""
        return self.rng.choice(wordings()[section]).format(**slots)

    def phrase(self) -> str:
        """Return a phrase to repeat: a written one, a single word or a made-up sentence."""
        rng, share = self.rng, self.rng.random()
        if share < 0.5:
            return rng.choice(phrases()["phrases"])
        if share < 0.65:
            return rng.choice(words()["short words"])
        if share < 0.75:
            return f"{rng.choice(words()['nouns'])} {rng.randint(2, 999)}"
        adjective, noun, doing = (
            rng.choice(words()[name]) for name in ("adjectives", "nouns", "doings")
        )
        start = rng.choice(("The", "That", "Our", "Every", "the", "my"))
        return f"{start} {adjective} {noun} {doing}{rng.choice(('', '.', '!'))}"

    def quoted(self, text: str) -> str:
        """Return a text in quotes of some kind that it does not hold itself."""
        fitting = [each for each in _QUOTES if "'" not in each or "'" not in text]
        return self.rng.choice(fitting).format(text)

    def value(self, kind: str) -> str:
        """Return a value of a fact's kind."""
        rng = self.rng
        if kind == "numbers":
            return str(rng.choice((rng.randint(11, 99), rng.randint(101, 9899))))
        if kind == "times":
            return f"{rng.randint(5, 23)}:{rng.choice(('05', '10', '20', '25', '35', '40', '55'))}"
        if kind == "codes":
            letters = "".join(rng.choices("BDFGHKMPRTXZ", k=rng.randint(1, 3)))
            return f"{letters}{rng.choice(('', '-'))}{rng.randint(100, 9999)}"
        return rng.choice(words()[kind])

    def values(self, kind: str, count: int) -> list[str]:
        """Return ``count`` different values of a kind."""
        found: dict[str, None] = {}
        while len(found) < count:
            found[self.value(kind)] = None
        return list(found)

    def turns(self, count: int, *, long: float = 0.3) -> list[Message]:
        """Return ``count`` different turns about something else, a share of them ``long`` ones."""
        chosen: dict[str, None] = {}
        every = sections("evaluation_turns.txt")
        while len(chosen) < count:
            chosen[self.rng.choice(every["long" if self.chance(long) else "short"])] = None
        return [message for line in chosen for message in turn(*line.split(" | "))]

    def acknowledged(self, text: str, section: str = "acknowledgements") -> list[Message]:
        """Return a turn in which the user tells something and the assistant acknowledges it."""
        return turn(text, self.rng.choice(sections("evaluation_turns.txt")[section]))

    def system(self, share: float = 0.4) -> str | None:
        """Return a system prompt that asks for no form, or none."""
        return self.worded("system") if self.chance(share) else None


def turn(user: str, assistant: str) -> list[Message]:
    """Return one turn of a conversation."""
    return [Message("user", user), Message("assistant", assistant)]


def said(messages: Sequence[Message], role: str) -> list[str]:
    """Return the texts of one role."""
    return [message.text for message in messages if message.role == role]
