"""Structured output: grammars that end in good time.

JSON schemas go to llguidance, which llama.cpp carries. A small stand-in loops in free white
space and in strings without end, so its grammars have no free white space, and what a schema
leaves open gets a bound: strings, lists, extra keys and nesting. Every output is still valid
for the schema as it was sent. Real weights get the schema unbounded.
"""

from __future__ import annotations

import json
from typing import Any

from model_fixtures.server.protocol.errors import ServerError

MAX_STRING = 120  # characters
MAX_ITEMS = 8
MAX_DEPTH = 3  # of objects and lists that the schema doesn't describe
MAX_REFERENCES = 64  # `$ref` hops; a cycle ends here

_SCALARS: list[dict[str, Any]] = [
    {"type": "string", "maxLength": MAX_STRING},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "null"},
]


def grammar_for(setting: dict[str, Any], *, bounded: bool) -> str | None:
    """The grammar of an `llm.prediction.structured` setting, None when it is off.

    Args:
        setting: `{"type": "none" | "json" | "gbnf", "jsonSchema"?, "gbnfGrammar"?}`.
        bounded: whether to bound what the schema leaves open.

    Raises:
        ServerError: the setting is of no known form.
    """
    match setting:
        case {} if not setting:
            return None
        case {"type": "none"}:
            return None
        case {"type": "json"}:
            schema = setting.get("jsonSchema")
            if not isinstance(schema, dict):
                schema = {}
            return json_grammar(schema, bounded=bounded)
        case {"type": "gbnf", "gbnfGrammar": str(text)} if text.strip():
            return text
    raise ServerError(
        "The structured output setting is invalid",
        cause="expected type json with a jsonSchema, or type gbnf with a gbnfGrammar",
    )


def json_grammar(schema: dict[str, Any], *, bounded: bool) -> str:
    """An llguidance grammar for exactly one JSON value that fits the schema."""
    root = _Bounder(schema).bound(schema) if bounded else dict(schema)
    root["x-guidance"] = {"whitespace_flexible": not bounded, "lenient": True}
    return "%llguidance {}\nstart: %json " + json.dumps(root)


def any_json(depth: int = MAX_DEPTH) -> dict[str, Any]:
    """A schema of all JSON values up to a depth."""
    if depth == 0:
        return {"anyOf": _SCALARS}
    inner = any_json(depth - 1)
    return {"anyOf": [_open_object(inner), _open_list(inner), *_SCALARS]}


def _open_object(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values, "maxProperties": MAX_ITEMS}


def _open_list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": MAX_ITEMS}


class _Bounder:
    """Rewrites a schema so that every value it admits is short, and valid for the original."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def bound(self, schema: Any, hops: int = 0) -> dict[str, Any]:
        if not isinstance(schema, dict):
            return any_json(1)
        if hops > MAX_REFERENCES:
            raise ServerError("The JSON schema refers to itself without end")
        if "$ref" in schema:
            return self.bound(self._resolve(schema["$ref"]), hops + 8)
        for word in ("anyOf", "oneOf"):
            if isinstance(schema.get(word), list):
                branches = [self.bound(branch, hops + 1) for branch in schema[word]]
                return {"anyOf": branches}
        if "enum" in schema or "const" in schema:
            return {key: schema[key] for key in ("enum", "const") if key in schema}
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return {"anyOf": [self.bound({**schema, "type": kind}, hops + 1) for kind in kinds]}
        if kinds is None:
            kinds = _implied_type(schema)
        if kinds == "object":
            return self._object(schema, hops)
        if kinds == "array":
            return self._list(schema, hops)
        if kinds == "string":
            return self._string(schema)
        if kinds in {"number", "integer", "boolean", "null"}:
            return {**_without_notes(schema), "type": kinds}
        return any_json()

    def _object(self, schema: dict[str, Any], hops: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, dict) or not properties:
            extra = schema.get("additionalProperties", {})
            inner = any_json(MAX_DEPTH - 1) if extra in ({}, True) else self.bound(extra, hops + 1)
            if extra is False:
                return {"type": "object", "properties": {}, "additionalProperties": False}
            return _open_object(inner)
        required = schema.get("required")
        return {
            "type": "object",
            "properties": {key: self.bound(value, hops + 1) for key, value in properties.items()},
            "required": required if isinstance(required, list) else [],
            "additionalProperties": False,
        }

    def _list(self, schema: dict[str, Any], hops: int) -> dict[str, Any]:
        result: dict[str, Any] = {"type": "array"}
        least = schema.get("minItems", 0)
        result["minItems"] = least
        result["maxItems"] = min(schema.get("maxItems", MAX_ITEMS), max(least, MAX_ITEMS))
        if isinstance(schema.get("prefixItems"), list):
            result["prefixItems"] = [self.bound(item, hops + 1) for item in schema["prefixItems"]]
            if schema.get("items") is False:
                result["items"] = False
                return result
        items = schema.get("items")
        result["items"] = any_json(MAX_DEPTH - 1) if items is None else self.bound(items, hops + 1)
        return result

    @staticmethod
    def _string(schema: dict[str, Any]) -> dict[str, Any]:
        result = {**_without_notes(schema), "type": "string"}
        if "pattern" in schema or "format" in schema:
            return result
        least = schema.get("minLength", 0)
        result["maxLength"] = min(schema.get("maxLength", MAX_STRING), max(least, MAX_STRING))
        return result

    def _resolve(self, reference: object) -> Any:
        """What a local reference points at; a dangling one admits anything."""
        if reference == "#":
            return self._root
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return {}
        target: Any = self._root
        for step in reference[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or step not in target:
                return {}
            target = target[step]
        return target


def _implied_type(schema: dict[str, Any]) -> str | None:
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return None


def _without_notes(schema: dict[str, Any]) -> dict[str, Any]:
    notes = {"title", "description", "default", "examples", "$schema", "$defs", "deprecated"}
    return {key: value for key, value in schema.items() if key not in notes}
