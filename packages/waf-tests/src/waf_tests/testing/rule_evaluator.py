"""Evaluates the part of Cloudflare's rule language in which our rule is written.

`octorules-wirefilter` parses and type-checks expressions but does not evaluate them. This module
does, by Cloudflare's documentation of the language, so that tests can compare the printed rule with
the table of expected verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_TOKENS = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_][A-Za-z0-9_.]*)|(\[(?:\*|[0-9]+)\]|[()\[\]{},]))'
)
_INDEX = re.compile(r"\[[0-9]+\]\Z")

Predicate = Callable[["Fields"], bool]
Text = Callable[["Fields"], str]


@dataclass(frozen=True)
class Fields:
    """The fields of one request in the rule language; header names are in lower case."""

    host: str
    version: str = "HTTP/1.1"
    ssl: bool = True
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def compile_expression(expression: str) -> Predicate:
    """Return a function that tells whether the rule matches a request, and so blocks it.

    Raises ValueError for anything outside the part of the language that our rule uses.
    """
    parser = _Parser(_tokens(expression))
    test = parser.disjunction()
    parser.expect_end()
    return test


def _tokens(expression: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(expression.rstrip())
    while position < end:
        match = _TOKENS.match(expression, position)
        if match is None:
            raise ValueError(f"unknown text at {position}")
        literal, name, symbol = match.groups()
        if literal is not None:
            found.append(_Token("literal", re.sub(r"\\(.)", r"\1", literal)))
        else:
            found.append(_Token("name", name) if name else _Token("symbol", symbol))
        position = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def disjunction(self) -> Predicate:
        tests = [self._conjunction()]
        while self._accept("or"):
            tests.append(self._conjunction())
        return lambda fields: any(test(fields) for test in tests)

    def expect_end(self) -> None:
        if self._next != len(self._tokens):
            raise ValueError(f"unexpected {self._tokens[self._next].text}")

    def _conjunction(self) -> Predicate:
        tests = [self._negation()]
        while self._accept("and"):
            tests.append(self._negation())
        return lambda fields: all(test(fields) for test in tests)

    def _negation(self) -> Predicate:
        if self._accept("not"):
            inner = self._negation()
            return lambda fields: not inner(fields)
        return self._comparison()

    def _comparison(self) -> Predicate:
        if self._accept("("):
            inner = self.disjunction()
            self._expect(")")
            return inner
        if self._accept("ssl"):
            return lambda fields: fields.ssl
        for name, quantifier in (("any", any), ("all", all)):
            if self._accept(name):
                return self._quantified(quantifier)
        if self._accept("starts_with"):
            return self._starts_with()
        if self._accept("http.request.headers"):
            return self._indexed()
        text = self._text()
        if self._accept("eq"):
            wanted = self._literal()
            return lambda fields: text(fields) == wanted
        self._expect("in")
        choices = self._set()
        return lambda fields: text(fields) in choices

    def _indexed(self) -> Predicate:
        """Parse `http.request.headers["x"][1] eq "y"`; it is false if there is no such header."""
        header = self._bracketed()
        index = self._index()
        self._expect("eq")
        wanted = self._literal()

        def test(fields: Fields) -> bool:
            return fields.headers.get(header, ())[index : index + 1] == (wanted,)

        return test

    def _quantified(self, quantifier: Callable[[list[bool]], bool]) -> Predicate:
        """Parse `any(http.request.headers["x"][*] eq "y")`; without the header both are false."""
        self._expect("(")
        self._expect("http.request.headers")
        header = self._bracketed()
        self._expect("[*]")
        self._expect("eq")
        wanted = self._literal()
        self._expect(")")

        def test(fields: Fields) -> bool:
            values = fields.headers.get(header)
            return values is not None and quantifier([value == wanted for value in values])

        return test

    def _starts_with(self) -> Predicate:
        self._expect("(")
        text = self._text()
        self._expect(",")
        prefix = self._literal()
        self._expect(")")
        return lambda fields: text(fields).startswith(prefix)

    def _text(self) -> Text:
        if self._accept("lower"):
            self._expect("(")
            inner = self._text()
            self._expect(")")
            return lambda fields: inner(fields).lower()
        if self._accept("http.host"):
            return lambda fields: fields.host
        self._expect("http.request.version")
        return lambda fields: fields.version

    def _set(self) -> set[str]:
        self._expect("{")
        choices = set()
        while not self._accept("}"):
            choices.add(self._literal())
        return choices

    def _accept(self, text: str) -> bool:
        if self._next == len(self._tokens):
            return False
        token = self._tokens[self._next]
        if token.kind == "literal" or token.text != text:
            return False
        self._next += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise ValueError(f"expected {text} at word {self._next}")

    def _bracketed(self) -> str:
        self._expect("[")
        name = self._literal()
        self._expect("]")
        return name

    def _index(self) -> int:
        token = self._tokens[self._next] if self._next < len(self._tokens) else None
        if token is None or token.kind == "literal" or not _INDEX.match(token.text):
            raise ValueError(f"expected an index at word {self._next}")
        self._next += 1
        return int(token.text[1:-1])

    def _literal(self) -> str:
        if self._next == len(self._tokens) or self._tokens[self._next].kind != "literal":
            raise ValueError(f"expected a string at word {self._next}")
        self._next += 1
        return self._tokens[self._next - 1].text
