"""The grammar (GBNF) of calls to the offered tools, for llama.cpp's lazy mode.

Lazy means that text is free until the model writes ``tool_format.CALL_START``; from there on only
calls with an offered name and arguments of the right form can follow. Spacing is fixed, as it was
in training. A reference that leads nowhere allows any value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from model_fixtures.schema_budget import Budget
from model_fixtures.tool_format import CALL_END, CALL_START, alternatives, definition, resolve

MAX_CALLS = 8  # in one message
_MAX_SELF = 3  # levels of a schema that refers to itself
_MAX_ITEMS = 50  # that "minItems" and "maxItems" can ask for: more would make the grammar huge

_PRIMITIVES = r"""
string ::= "\"" char* "\""
char ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ("0" | [1-9] [0-9]{0,17})
number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
boolean ::= "true" | "false"
null ::= "null"
any ::= scalar | array | object
array ::= "[" (inner (", " inner)*)? "]"
object ::= "{" (string ": " inner (", " string ": " inner)*)? "}"
inner ::= scalar | "[" (scalar (", " scalar)*)? "]" | "{" (pair (", " pair)*)? "}"
pair ::= string ": " scalar
scalar ::= string | number | boolean | null
"""
_PRIMITIVE_NAMES = ("string", "integer", "number", "boolean", "null", "array", "object")


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_escape_controls(escaped)}"'


def _escape_controls(text: str) -> str:
    return re.sub(r"[\x00-\x1f]", lambda match: f"\\x{ord(match.group()):02X}", text)


def _json_literal(value: Any) -> str:
    return _literal(json.dumps(value, ensure_ascii=False))


class _Rules:
    """Collects the rules of one tool's parameters."""

    def __init__(
        self, prefix: str, root: Mapping[str, Any], rules: list[str], budget: Budget
    ) -> None:
        self._prefix = prefix
        self._root = root
        self._rules = rules
        self._budget = budget
        self._depth = 0  # levels of recursive references around the current schema
        self._followed: dict[tuple[str, int], str] = {}  # reference and depth -> expression
        self._endless: dict[str, bool] = {}
        self._count = 0

    def _add(self, body: str) -> str:
        self._count += 1
        self._budget.spend(characters=len(body))
        name = f"{self._prefix}-{self._count}"
        self._rules.append(f"{name} ::= {body}")
        return name

    def value(self, schema: Any) -> str:
        """Return an expression for a value of ``schema``."""
        self._budget.spend()
        if isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
            return self._reference(schema)
        if not isinstance(schema, Mapping):
            return "any"
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._add(" | ".join(_json_literal(value) for value in schema["enum"]))
        if "const" in schema:
            return _json_literal(schema["const"])
        options = alternatives(schema, self._budget)
        if options is not None:
            return self._add(" | ".join(self.value(option) for option in options))
        if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
            return self.value(schema["allOf"][0])
        kind = schema.get("type")
        if kind == "array" or (kind is None and "items" in schema):
            return self._array(schema)
        if kind == "object" or (kind is None and schema.get("properties")):
            return self._object(schema)
        return kind if kind in _PRIMITIVE_NAMES else "any"

    def _reference(self, schema: Mapping[str, Any]) -> str:
        """Return the expression of a reference; a recursive schema ends after a few levels.

        A small model that may nest for ever does so.
        """
        reference = schema["$ref"]
        self._budget.spend(characters=len(reference))
        place = (reference, self._depth)
        if place not in self._followed:
            target = resolve(schema, self._root)
            if reference not in self._endless:
                self._endless[reference] = reference in self._references(target)
            endless = self._endless[reference]
            if endless and self._depth >= _MAX_SELF:
                return "scalar"
            self._depth += endless
            self._followed[place] = self.value(target)
            self._depth -= endless
        return self._followed[place]

    def _references(self, schema: Any) -> set[str]:
        """Return all references that a schema leads to."""
        found: set[str] = set()
        waiting = [schema]
        while waiting:
            inner = waiting.pop()
            self._budget.spend()
            if isinstance(inner, Mapping):
                reference = inner.get("$ref")
                if isinstance(reference, str) and reference not in found:
                    found.add(reference)
                    waiting.append(resolve(inner, self._root))
                waiting += inner.values()
            elif isinstance(inner, list):
                waiting += inner
        return found

    def _array(self, schema: Mapping[str, Any]) -> str:
        item = self.value(schema.get("items", {}))
        low = _bound(schema.get("minItems"), 0)
        high = _bound(schema.get("maxItems"), None)
        if high == 0:
            return '"[]"'
        more = f"{max(low - 1, 0)},{'' if high is None else max(high - 1, low - 1)}"
        filled = f'{item} (", " {item}){{{more}}}'
        return self._add(f'"[" ({filled}){"" if low else "?"} "]"')

    def _object(self, schema: Mapping[str, Any]) -> str:
        properties = schema.get("properties") or {}
        if not properties:
            extra = schema.get("additionalProperties")
            if not isinstance(extra, Mapping):
                return '"{}"' if extra is False else "object"
            inner = self.value(extra)
            return self._add(f'"{{" (string ": " {inner} (", " string ": " {inner})*)? "}}"')
        return self.object_of(properties, schema.get("required") or [])

    def object_of(self, properties: Mapping[str, Any], required: Sequence[str]) -> str:
        """Return an expression for an object with its properties in the order of the schema."""
        needed = frozenset(map(str, required))
        self._budget.spend(len(needed) // 10)
        first, rest = '"}"', '"}"'  # what may follow before any property was written, and after
        for name, schema in reversed(list(properties.items())):
            pair = f"{_literal(json.dumps(name, ensure_ascii=False) + ': ')} {self.value(schema)}"
            if name in needed:
                first, rest = self._add(f"{pair} {rest}"), self._add(f'", " {pair} {rest}')
            else:
                first = self._add(f"{pair} {rest} | {first}")
                rest = self._add(f'(", " {pair})? {rest}')
        return self._add(f'"{{" {first}')


def _bound(value: Any, default: int | None) -> Any:
    if isinstance(value, int) and 0 <= value <= _MAX_ITEMS:
        return value
    return default


def tool_grammar(
    tools: Iterable[Mapping[str, Any]], budget: Budget | None = None, most: int = MAX_CALLS
) -> str:
    """Return the lazy grammar of one to ``most`` calls of the offered tools.

    Use it with ``grammar_lazy`` and the trigger word ``tool_format.CALL_START``.

    Raises:
        ValueError: no tools.
        TooLargeError: their parameters are more than the budget allows.
    """
    budget = budget or Budget()
    rules: list[str] = []
    calls = []
    for index, tool in enumerate(tools):
        name, _, schema = definition(tool)
        properties = schema.get("properties") or {}
        head = _literal(f'{{"name": {json.dumps(name, ensure_ascii=False)}, "arguments": ')
        required = schema.get("required") or []
        arguments = '"{}"'
        if properties:
            arguments = _Rules(f"t{index}", schema, rules, budget).object_of(properties, required)
        calls.append(f't{index} ::= {head} {arguments} "}}"')
    if not calls:
        raise ValueError("a grammar of calls needs at least one tool")
    names = " | ".join(f"t{index}" for index in range(len(calls)))
    start = [
        f'root ::= call ("\\n" call){{0,{most - 1}}}',
        f"call ::= {_literal(CALL_START)} ({names}) {_literal(CALL_END)}",
    ]
    return "\n".join([*start, *calls, *rules]) + _PRIMITIVES
