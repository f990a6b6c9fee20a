"""Turn JSON schemas into llguidance grammars that keep the order of properties.

llguidance, which llama.cpp includes, accepts a schema as it is, but sorts the properties of objects
and sets no limit to strings and lists. Here objects, lists and alternatives become rules of their
own; only scalars are left to llguidance's `%json`. What a schema says beyond that (`allOf`, `not`,
conditions) is not enforced, as with llama.cpp's own converter.

Where nesting is bounded, definitions that refer to one another can expand enormously. So nesting is
counted in several ways, from generous to strict, and the first one with a small enough grammar is
taken.
"""

from __future__ import annotations

import json
import re
from itertools import count
from typing import Any

from model_fixtures.errors import ModelFixturesError
from model_fixtures.schema_budget import TOO_MUCH, Budget, TooLargeError

from .schema_references import References
from .unsatisfiable_schemas import contradicts_itself, fitting, required_names

MAX_STRING = 120  # characters
MAX_ITEMS = 8
MAX_NUMBER = 999_999_999  # away from 0, or from the only bound that a schema sets
MAX_REFERENCES = 3  # levels of one `$ref` inside itself
FEW_LEVELS = 4  # levels of all references that lead back to themselves
MAX_RULES_DEEP = 1500  # nested rules; llguidance's stack overflows somewhere above 2,500
# The same for values that the schema doesn't describe at all.
ANY_STRING = 40
ANY_ITEMS = 4
ANY_DEPTH = 2  # of objects and lists
NUMBERS = {
    "integer": r"/-?(0|[1-9][0-9]{0,8})/",
    "number": r"/-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?/",
}
# `title` and the like say nothing about values; `%json` refuses some of them.
SCALAR_WORDS = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "boolean": set[str](),
    "null": set[str](),
}
# A literal, or the name of a rule.
_NAME = re.compile(r'"(?:[^"\\]|\\.)*"|\b((?:r|d|any)[0-9]+)\b')


class NothingFitsError(ModelFixturesError):
    """No value fits a schema."""


def json_grammar(schema: dict[str, Any], *, bounded: bool) -> str:
    """Return a grammar for exactly one JSON value that fits the schema.

    Args:
        schema: a JSON schema; `{}` admits any value, and so does a dangling `$ref`.
        bounded: whether to limit strings, lists, extra keys and nesting that the schema leaves
            open, and to leave out white space.

    Raises:
        NothingFitsError: no value fits the schema, and that is easy to see.
        TooLargeError: the schema is too large, or what it refers to is.
    """
    if not bounded:
        return _Writer(schema, bounded=False).text()
    unknown: TooLargeError | None = None
    try:
        circles = References(schema).circles()
    except TooLargeError as error:
        circles, unknown = frozenset(), error
    failure: Exception
    for levels in (0, len(circles) + MAX_REFERENCES, FEW_LEVELS) if circles else (0,):
        try:
            return _Writer(schema, bounded=True, circles=circles, levels=levels).text()
        except (TooLargeError, RecursionError) as error:
            failure = unknown or error
    raise failure


class _NoValueError(Exception):
    """No value fits a part of the schema; `too_deep` if only because a reference has to end."""

    def __init__(self, *, too_deep: bool = False) -> None:
        super().__init__()
        self.too_deep = too_deep


class _Writer:
    """Writes the rules of a schema.

    Args:
        root: the schema.
        bounded: see `json_grammar`.
        circles: references that lead back to themselves.
        levels: how many of them may be nested in all; 0 counts each by itself.
    """

    def __init__(
        self,
        root: dict[str, Any],
        *,
        bounded: bool,
        circles: frozenset[str] = frozenset(),
        levels: int = 0,
    ) -> None:
        self._root = root
        self._bounded = bounded
        self._budget = Budget()
        self._rules: list[str] = []
        self._names: dict[str, str] = {}  # by body, so that equal rules are one
        self._deep: dict[str, int] = {}  # how deep each rule nests others, by name
        self._definitions = count()
        self._targets = References(root)
        self._references: dict[tuple[str, ...], str | _NoValueError] = {}
        self._circles, self._levels = circles, levels
        self._inside: list[str] = []  # the references that are being written
        self._any: dict[int, str] = {}
        # As pieces of rules: a colon, a comma, and what may stand inside brackets.
        self._colon, self._comma, self._gap = (
            ('":"', '","', "") if bounded else ('":" gap', '"," gap', "gap")
        )

    def text(self) -> str:
        """Return the whole grammar.

        Raises:
            NothingFitsError: no value fits.
            TooLargeError: the grammar is too large.
        """
        try:
            start = self._value(self._root)
        except _NoValueError as error:
            if not error.too_deep:
                raise NothingFitsError("no value fits it") from error
            if self._levels:  # a value might fit further inside
                raise TooLargeError(TOO_MUCH) from error
            start = self._anything(ANY_DEPTH)
        head = ["%llguidance {}", f"start: {start}"]
        gap = [] if self._bounded else [r"gap: /[ \n\r\t]{0,40}/"]
        return "\n".join(head + self._rules + gap)

    def _rule(self, body: str) -> str:
        if body not in self._names:
            self._names[body] = f"r{len(self._names)}"
            self._write(self._names[body], body)
        return self._names[body]

    def _write(self, name: str, body: str) -> None:
        """Add a rule."""
        self._budget.spend(characters=len(body))
        parts = () if body.startswith("%json") else _NAME.findall(body)
        self._deep[name] = 1 + max((self._deep.get(part, 0) for part in parts), default=0)
        if self._deep[name] > MAX_RULES_DEEP:
            raise TooLargeError(f"it needs more than {MAX_RULES_DEEP:,} rules inside one another")
        self._rules.append(f"{name}: {body}")

    def _scalar(self, schema: dict[str, Any]) -> str:
        return self._rule("%json " + json.dumps(schema))

    def _value(self, schema: Any) -> str:
        self._budget.spend()
        if schema is False:
            raise _NoValueError
        if not isinstance(schema, dict):
            return self._anything(ANY_DEPTH)
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if contradicts_itself(schema):
            raise _NoValueError
        for word in ("enum", "const"):
            if word in schema:
                return self._scalar({word: fitting(schema) if word == "enum" else schema[word]})
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list) and schema[word]:
                return self._either(schema[word])
        if len(schema.get("allOf", ())) == 1:
            return self._value(schema["allOf"][0])
        kind = schema.get("type", _implied_type(schema))
        if isinstance(kind, list) and kind:
            self._budget.spend(len(kind) * len(schema))
            return self._either([{**schema, "type": one} for one in kind])
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            return self._list(schema)
        if isinstance(kind, str) and kind in SCALAR_WORDS:
            return self._plain(kind, schema)
        return self._anything(ANY_DEPTH)

    def _either(self, branches: list[Any]) -> str:
        """Return the rule of alternatives, without those that no value fits if others remain."""
        rules: list[str] = []
        too_deep = False
        for branch in branches:
            try:
                rules.append(self._value(branch))
            except _NoValueError as error:
                too_deep = too_deep or error.too_deep
        if not rules:
            raise _NoValueError(too_deep=too_deep)
        return self._rule(" | ".join(rules))

    def _plain(self, kind: str, schema: dict[str, Any]) -> str:
        words = SCALAR_WORDS[kind]
        if self._bounded and kind in NUMBERS and not words & schema.keys():
            return self._rule(NUMBERS[kind])
        result = {"type": kind, **{key: schema[key] for key in schema if key in words}}
        if kind == "string" and self._bounded and not {"pattern", "format"} & result.keys():
            least = result.get("minLength", 0)
            result.setdefault("maxLength", max(least, MAX_STRING))
        if kind in NUMBERS and self._bounded:
            _bound_number(result)
        result["x-guidance"] = {"lenient": True}  # an unknown `format` is no error
        return self._scalar(result)

    def _object(self, schema: dict[str, Any]) -> str:
        extra = schema.get("additionalProperties", True)
        required = required_names(schema)
        properties = schema.get("properties")
        properties = dict(properties) if isinstance(properties, dict) else {}
        # A required property that isn't described is an additional one, or its name fits a pattern.
        other = True if schema.get("patternProperties") else extra
        for name in required:
            properties.setdefault(name, other)
        if not properties:
            if extra is False:
                return self._rule(f'"{{" {self._gap} "}}"')
            inner = self._anything(ANY_DEPTH - 1) if extra is True else self._value(extra)
            return self._open_object(inner, ANY_ITEMS if extra is True else self._most_items())
        # From the last property to the first: `tail` follows another member, `head` begins.
        tail = head = self._rule('""')
        run: list[str] = []  # of required members, which are one rule to keep nesting low
        for key, value in reversed(properties.items()):
            try:
                rule = self._value(value)
            except _NoValueError:
                if key in required:
                    raise
                continue
            literal = json.dumps(json.dumps(key, ensure_ascii=False), ensure_ascii=False)
            member = self._rule(f"{literal} {self._colon} {rule}")
            if key in required:
                run.append(member)
                continue
            head, tail = self._begun(run, head, tail)
            run = []
            head = self._rule(f"{member} {tail} | {head}")
            tail = self._rule(f"{self._comma} {member} {tail} | {tail}")
        head, _ = self._begun(run, head, tail)
        return self._rule(f'"{{" {self._gap} {head} {self._gap} "}}"')

    def _begun(self, run: list[str], head: str, tail: str) -> tuple[str, str]:
        """Return head and tail with required members before them; `run` has these in reverse."""
        if not run:
            return head, tail
        members = f" {self._comma} ".join(reversed(run))
        return self._rule(f"{members} {tail}"), self._rule(f"{self._comma} {members} {tail}")

    def _open_object(self, values: str, most: int) -> str:
        key = self._plain("string", {"maxLength": ANY_STRING} if self._bounded else {})
        member = self._rule(f"{key} {self._colon} {values}")
        several = self._several(member, 0, most if self._bounded else None)
        return self._rule(f'"{{" {self._gap} {several} {self._gap} "}}"')

    def _list(self, schema: dict[str, Any]) -> str:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        items = schema.get("items")
        first = [self._value(item) for item in schema.get("prefixItems", [])]
        if first:
            inner = f" {self._comma} ".join(first)
            if items is not False and isinstance(items, dict):
                more = self._rule(f"{self._comma} {self._value(items)}")
                inner += f" {more}{{0,{self._most_items()}}}"
        else:
            try:
                item = self._anything(ANY_DEPTH - 1) if items is None else self._value(items)
                inner = self._several(item, least, most)
            except _NoValueError:
                if least > 0:
                    raise
                inner = '""'
        return self._rule(f'"[" {self._gap} {inner} {self._gap} "]"')

    def _several(self, item: str, least: int, most: int | None) -> str:
        """Return a list of items between commas; if bounded, its length always has a limit."""
        if self._bounded:
            limit = max(least, self._most_items())
            most = limit if most is None else min(most, limit)
        if most == 0:
            return '""'
        one_or_more = item
        if most != 1:
            more = self._rule(f"{self._comma} {item}")
            upper = "" if most is None else str(most - 1)
            one_or_more = f"{item} {more}{{{max(0, least - 1)},{upper}}}"
        return f"({one_or_more})" if least else f"({one_or_more})?"

    def _most_items(self) -> int:
        """Return how many items a list may have: half as many at each level of what holds itself.

        Otherwise the items of all levels multiply, and a tree outgrows any context.
        """
        return max(1, MAX_ITEMS >> self._nested())

    def _nested(self) -> int:
        """Return how many references that hold themselves are being written."""
        return sum(one in self._circles for one in self._inside)

    def _anything(self, depth: int) -> str:
        """Return the rule of any JSON value; if bounded, objects and lists nest to a depth only."""
        if not self._bounded:
            depth = ANY_DEPTH  # one rule that names itself
        if depth not in self._any:
            name = self._any[depth] = f"any{depth}"
            kinds = [self._plain("string", {"maxLength": ANY_STRING} if self._bounded else {})]
            kinds += [self._plain(kind, {}) for kind in ("number", "boolean", "null")]
            if depth > 0:
                inner = self._anything(depth - 1)
                several = self._several(inner, 0, ANY_ITEMS if self._bounded else None)
                kinds += [
                    self._open_object(inner, ANY_ITEMS),
                    self._rule(f'"[" {self._gap} {several} {self._gap} "]"'),
                ]
            self._write(name, " | ".join(kinds))
        return self._any[depth]

    def _reference(self, reference: object) -> str:
        """Return the rule of the target of a local reference."""
        if not isinstance(reference, str):
            return self._anything(ANY_DEPTH)
        endless = reference in self._circles
        if self._levels:
            depth = self._nested()
            if endless and depth >= self._levels:
                raise _NoValueError(too_deep=True)
            key: tuple[str, ...] = (reference, str(depth))
        elif self._bounded:
            if self._inside.count(reference) > MAX_REFERENCES:
                raise _NoValueError(too_deep=True)
            # The same target has other rules further inside, where less nesting is left.
            key = (reference, *sorted(self._inside))
        else:
            key = (reference,)
        if key not in self._references:
            name = f"d{next(self._definitions)}"
            if not self._bounded:
                self._references[key] = name  # its own rule may name it
            self._inside.append(reference)
            try:
                body = self._value(self._targets.target(reference))
            except _NoValueError as error:
                self._references[key] = _NoValueError(too_deep=error.too_deep)
                raise
            finally:
                self._inside.pop()
            if body == name:  # refers to itself and nothing else
                body = self._anything(ANY_DEPTH)
            self._references[key] = name
            self._write(name, body)
        found = self._references[key]
        if isinstance(found, _NoValueError):
            raise _NoValueError(too_deep=found.too_deep)
        return found


def _bound_number(schema: dict[str, Any]) -> None:
    """Limit the digits before and after the point, within what the schema admits."""
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if any(isinstance(bound, (str, bool, list, dict)) for bound in (least, most)):
        return  # llama.cpp says what is wrong
    if least is None:
        least = schema["minimum"] = min(0, 0 if most is None else most) - MAX_NUMBER
    if most is None:
        most = schema["maximum"] = max(0, least) + MAX_NUMBER
    if schema["type"] == "number" and "multipleOf" not in schema:
        if most < 0 and most - least >= 1:
            schema["type"] = "integer"  # llguidance has no multiples in negative ranges
        elif most - least >= 0.01:
            schema["multipleOf"] = 0.001


def _implied_type(schema: dict[str, Any]) -> str | None:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else None
