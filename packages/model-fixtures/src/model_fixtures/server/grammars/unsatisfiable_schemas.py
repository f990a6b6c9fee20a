"""Recognise JSON schemas that admit no value, where one or two keywords show it."""

from __future__ import annotations

from typing import Any

# Of each pair the first must not be above the second.
BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minimum", "maximum"),
    ("exclusiveMinimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
)
# The types that a pair applies to.
BOUNDED_TYPES = {"Length": ("string",), "Items": ("array",), "Properties": ("object",)}
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def contradicts_itself(schema: dict[str, Any]) -> bool:
    """Return whether a schema's own keywords exclude every value; its parts aren't examined."""
    if schema.get("not") is True or schema.get("not") == {}:
        return True
    if isinstance(schema.get("enum"), list) and not fitting(schema):
        return True
    if "const" in schema and not _is(schema["const"], _kinds(schema)):
        return True
    return any(_crossed(schema, *pair) for pair in BOUNDS)


def fitting(schema: dict[str, Any]) -> Any:
    """Return the values of an `enum` that have the schema's own type."""
    values, kinds = schema["enum"], _kinds(schema)
    if not isinstance(values, list) or not kinds:
        return values
    return [value for value in values if _is(value, kinds)]


def required_names(schema: dict[str, Any]) -> dict[str, None]:
    """Return the names of `required` in their order, each once."""
    names = schema.get("required", [])
    if not isinstance(names, list):
        raise TypeError("required must be a list")
    return dict.fromkeys(name for name in names if isinstance(name, str))


def _kinds(schema: dict[str, Any]) -> frozenset[str]:
    """Return the types of a schema; none if it has none, or an unknown one."""
    kinds = schema.get("type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    known = frozenset(kind for kind in listed if isinstance(kind, str))
    return known if len(known) == len(listed) and known <= TYPES.keys() else frozenset()


def _is(value: Any, kinds: frozenset[str]) -> bool:
    return not kinds or any(_is_one(value, kind) for kind in kinds)


def _is_one(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[kind])


def _crossed(schema: dict[str, Any], low: str, high: str) -> bool:
    """Return whether a lower bound that applies to the schema's type is above the upper one."""
    least, most = schema.get(low), schema.get(high)
    if not isinstance(least, (int, float)) or not isinstance(most, (int, float)):
        return False
    words = [word for word in BOUNDED_TYPES if low.endswith(word)]
    kinds = BOUNDED_TYPES[words[0]] if words else ("number", "integer")
    if schema.get("type") not in kinds:
        return False
    open_end = low.startswith("exclusive") or high.startswith("exclusive")
    return least > most or (open_end and least == most)
