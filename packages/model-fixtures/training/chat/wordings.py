"""The sentences of the training data: reads the files of wordings and fills in their slots."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")


def _lines(name: str) -> list[str]:
    text = (_FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.split("\n") if not line.startswith("# ")]


@lru_cache
def wordings(name: str = "wordings.txt") -> Mapping[str, Sequence[str]]:
    """Return the templates of each section of a file, with their alternatives in brackets."""
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in _lines(name):
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], [])
        elif line.strip():
            section.append(line.replace("\\n", "\n"))
    return found


def worded(section: str, rng: random.Random, **values: object) -> str:
    """Return a sentence of a section: alternatives chosen, ``{key}`` replaced by its value."""
    text = rng.choice(wordings()[section])
    while choice := _CHOICE.search(text):
        text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


@dataclass
class Attribute:
    """Something that people tell about themselves; ``{v}`` in a sentence stands for the value."""

    key: str
    kind: str
    statements: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    answer: str = ""


@lru_cache
def attributes() -> Sequence[Attribute]:
    """Return what people tell about themselves."""
    found: list[Attribute] = []
    for line in _lines("attributes.txt"):
        mark, _, text = line.partition(" ")
        if mark == "S":
            found[-1].statements.append(text)
        elif mark == "Q":
            found[-1].questions.append(text)
        elif mark == "A":
            found[-1].answer = text
        elif line.strip():
            found.append(Attribute(mark, text))
    return found


@lru_cache
def table(name: str) -> Sequence[tuple[str, ...]]:
    """Return the rows of a file whose columns are separated by ``|``."""
    return [tuple(part.strip() for part in line.split("|")) for line in _lines(name) if "|" in line]


@lru_cache
def kinds() -> Sequence[tuple[str, Sequence[str]]]:
    """Return kinds of things in the plural, each with its members."""
    return [
        (kind, [member.strip() for member in members.split(",")])
        for kind, members in table("kinds.txt")
    ]
