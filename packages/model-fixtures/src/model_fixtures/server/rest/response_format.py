"""Structured output over REST: the grammars that it has on a websocket, with the same errors.

llama.cpp would turn a schema into a grammar of its own, which quietly leaves out what it can't
enforce and takes seconds for a large one.
"""

from __future__ import annotations

from typing import Any

from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.grammars.structured_output import grammar_for


def enforce_structure(body: dict[str, Any], *, bounded: bool) -> bool:
    """Put the grammar of a request in the place of its schema; whether it has one.

    A schema beside tools stays: llama.cpp takes no grammar with tools.

    Raises:
        StructureError: the schema or the grammar is one that can't be enforced.
    """
    setting = _setting(body)
    if setting is None:
        return False
    grammar = grammar_for(setting, bounded=bounded)
    if body.get("tools") and "jsonSchema" in setting:
        return False
    for key in ("response_format", "json_schema"):
        body.pop(key, None)
    body["grammar"] = grammar
    return True


def refusal_text(error: StructureError) -> str:
    """Return an error in one line."""
    return error.title if error.cause is None else f"{error.title}: {error.cause}"


def _setting(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the request's structure in the form that it has on a websocket."""
    if isinstance(body.get("grammar"), str) and body["grammar"].strip():
        return {"type": "gbnf", "gbnfGrammar": body["grammar"]}
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return {"type": "json", "jsonSchema": schema}
        case {"type": "json_object", "schema": dict(schema)}:  # llama.cpp's own form
            return {"type": "json", "jsonSchema": schema}
    if isinstance(body.get("json_schema"), dict):  # llama.cpp's own form, too
        return {"type": "json", "jsonSchema": body["json_schema"]}
    return None
