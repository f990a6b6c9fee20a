"""Translate GBNF grammars without recursion into one regular expression for llguidance.

llama.cpp's own engine for GBNF tries all tokens of the model one by one wherever the likeliest one
isn't allowed; llguidance, which llama.cpp includes, walks a tree of them. The expression admits
exactly the texts of the grammar. What it can't express is left to llama.cpp: recursion, tokens,
whatever grows too large, and mistakes, so that its messages stay the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeAlias

from model_fixtures.schema_budget import Budget, TooLargeError

MOST_CHARACTERS = 100_000  # of grammar and expression; rules that use one another grow fast
PIECE = 10  # characters that copying a piece costs
MOST_REPETITIONS = 200  # the highest count in a grammar
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_COUNTS = re.compile(r"\{[ \t]*([0-9]+)[ \t]*(?:(,)[ \t]*([0-9]+)?[ \t]*)?\}")
_CHARACTER = re.compile(
    r"\\x(?P<x>[0-9a-fA-F]{2})|\\u(?P<u>[0-9a-fA-F]{4})|\\U(?P<U>[0-9a-fA-F]{8})"
    r'|\\(?P<escaped>[trn\\"\[\]])|(?P<plain>[^\\\0])',
    re.DOTALL,
)
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}


def llguidance_grammar(text: str) -> str | None:
    """Return an llguidance grammar with the same outputs, None if llama.cpp must take the text."""
    if len(text) > MOST_CHARACTERS:
        return None
    try:
        return "%llguidance {}\nstart: /" + _Reader(text).expression() + "/"
    except (_LeftToLlamaError, TooLargeError, RecursionError):  # the last from nested groups
        return None


class _LeftToLlamaError(Exception):
    """A grammar is not regular, too large or not understood."""


class _Part(NamedTuple):
    """A part of a rule.

    `pieces` are the pieces of its expression, with names of other rules as tuples. `empty` says
    whether the part admits the empty text: a known value, or the name of the rule that decides, or
    `all` or `any` with the parts that decide.
    """

    pieces: list[str | tuple[str]]
    empty: _Empty


_Empty: TypeAlias = "bool | str | tuple[Callable[[Iterable[bool]], bool], list[_Part]]"
_NOTHING = _Part([], True)


class _Reader:
    """Reads rules as llama.cpp's parser does; each becomes an expression with references."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._rules: dict[str, _Part] = {}
        self._expanded: dict[str, str] = {}
        self._repeated: list[_Part] = []  # without limit
        self._budget = Budget()  # of all copies
        self._skip(_SPACE_AND_LINES)
        while self._at < len(text):
            self._rule()

    def expression(self) -> str:
        for name in self._rules:  # mistakes count even in rules that root doesn't use
            self._expand(name, ())
        # llama.cpp takes a part that repeats the empty text for recursion, or for a mistake.
        if any(map(self._admits_nothing, self._repeated)):
            raise _LeftToLlamaError
        return self._expand("root", ())

    def _expand(self, name: str, inside: tuple[str, ...]) -> str:
        if name in self._expanded:
            return self._expanded[name]
        if name in inside or name not in self._rules:
            raise _LeftToLlamaError
        length, pieces = 0, list[str]()
        for piece in self._rules[name].pieces:
            pieces.append(
                piece if isinstance(piece, str) else self._expand(piece[0], (*inside, name))
            )
            length += len(pieces[-1])
            if length > MOST_CHARACTERS:
                raise _LeftToLlamaError
        self._budget.spend(characters=length)
        self._expanded[name] = f"(?:{''.join(pieces)})"
        return self._expanded[name]

    def _admits_nothing(self, part: _Part) -> bool:
        """Return whether a part admits the empty text; no rule may be recursive."""
        if isinstance(part.empty, bool):
            return part.empty
        if isinstance(part.empty, str):
            rule = self._rules[part.empty]
            self._rules[part.empty] = rule._replace(empty=self._admits_nothing(rule))
            return self._admits_nothing(self._rules[part.empty])
        combine, others = part.empty
        return combine(map(self._admits_nothing, others))

    def _rule(self) -> None:
        name = self._take(_NAME).group()
        self._skip(_SPACE)
        self._take(re.compile("::="))
        self._skip(_SPACE_AND_LINES)
        if name in self._rules:
            raise _LeftToLlamaError
        self._rules[name] = self._alternatives(_SPACE)
        if self._at < len(self._text):
            self._take(re.compile(r"\r\n|\r|\n"))
        self._skip(_SPACE_AND_LINES)

    def _alternatives(self, space: re.Pattern[str]) -> _Part:
        first = self._sequence(space)
        pieces, sequences = list(first.pieces), [first]
        while self._here("|"):
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            sequences.append(self._sequence(space))
            pieces += ["|", *sequences[-1].pieces]
        return self._part(pieces, (any, sequences))

    def _sequence(self, space: re.Pattern[str]) -> _Part:
        items: list[_Part] = []
        while self._at < len(self._text):
            item = self._item()
            if item is None:
                break
            self._skip(space)
            while repetition := self._repetition(item):
                item = repetition
                self._skip(space)
            items.append(item)
        return self._part([piece for item in items for piece in item.pieces], (all, items))

    def _item(self) -> _Part | None:
        """Return the next literal, class, group or name; None if a sequence ends here."""
        if self._here('"'):
            text = "".join(map(_literal, self._quoted()))
            return _Part(["(?:", text, ")"], not text)
        if self._here("["):
            return _Part([self._class()], False)
        if self._here("."):
            self._at += 1
            return _Part(["(?s:.)"], False)
        if self._here("("):
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            inner = self._alternatives(_SPACE_AND_LINES)
            self._take(re.compile(r"\)"))
            return self._part(["(?:", *inner.pieces, ")"], inner.empty)
        name = _NAME.match(self._text, self._at)
        if name is None:
            return None
        self._at = name.end()
        return _Part([(name.group(),)], name.group())

    def _quoted(self) -> list[str]:
        """Return the characters of a literal."""
        self._at += 1
        found: list[str] = []
        while not self._here('"'):
            found.append(self._character())
        self._at += 1
        if "\0" in found:  # llama.cpp takes it for the end of the text
            raise _LeftToLlamaError
        return found

    def _class(self) -> str:
        self._at += 1
        no = "^" if self._here("^") else ""
        self._at += len(no)
        ranges: list[str] = []
        while not self._here("]"):
            first = last = self._character()
            if self._here("-") and not self._text.startswith("]", self._at + 1):
                self._at += 1
                last = self._character()
            if last < first:
                raise _LeftToLlamaError
            ranges.append(f"{_literal(first)}-{_literal(last)}")
        if not ranges:
            raise _LeftToLlamaError
        self._at += 1
        return f"[{no}{''.join(ranges)}]"

    def _character(self) -> str:
        match = self._take(_CHARACTER)
        digits = match["x"] or match["u"] or match["U"]
        if digits is None:
            escaped = match["escaped"]
            return match["plain"] or _ESCAPED.get(escaped, escaped)
        if int(digits, 16) > 0x10FFFF:
            raise _LeftToLlamaError
        return chr(int(digits, 16))

    def _repetition(self, item: _Part) -> _Part | None:
        """Return the item with the repetition that comes next, None if there is none."""
        sign = self._text[self._at : self._at + 1]
        if sign in ("*", "+", "?"):
            self._at += 1
            least, endless = int(sign == "+"), sign != "?"
        elif sign == "{":
            counts = self._take(_COUNTS)
            least, most = int(counts[1]), int(counts[3] or counts[1])
            if most < least or most > MOST_REPETITIONS:
                raise _LeftToLlamaError
            endless = bool(counts[2]) and counts[3] is None
            sign = f"{{{least}{counts[2] or ''}{'' if counts[3] is None else most}}}"
        else:
            return None
        if item.empty is True:  # an empty literal has nothing to repeat
            raise _LeftToLlamaError
        if endless:
            self._repeated.append(item)
        # The group is needed because in an expression a second sign means something else.
        empty: _Empty = item.empty if least else (any, [_NOTHING])
        return self._part(["(?:", *item.pieces, ")", sign], empty)

    def _part(self, pieces: list[str | tuple[str]], empty: _Empty) -> _Part:
        """Return a part that copies the pieces of others, at a cost that limits the levels."""
        self._budget.spend(characters=PIECE * len(pieces))
        return _Part(pieces, empty)

    def _here(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _skip(self, space: re.Pattern[str]) -> None:
        self._at = self._take(space).end()

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _LeftToLlamaError
        self._at = match.end()
        return match


def _literal(character: str) -> str:
    """Return a character as it is written in an expression between slashes."""
    if character.isascii() and character.isalnum():
        return character
    if 0xD800 <= ord(character) <= 0xDFFF:
        raise _LeftToLlamaError
    return f"\\x{{{ord(character):X}}}"
