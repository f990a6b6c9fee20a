"""Structured output over REST, with the same grammars and errors as on a websocket.

llama.cpp's own conversion of a schema silently leaves out what it can't enforce, and takes seconds
for a large one.
"""

from __future__ import annotations

from typing import Any

from model_fixtures.server.grammars.errors import StructureError
from model_fixtures.server.grammars.structured_output import grammar_for


def enforce_structure(body: dict[str, Any], *, bounded: bool) -> bool:
    """Replace the schema of a request by its grammar; return whether it has one.

    A schema beside tools stays, because llama.cpp takes no grammar with tools.

    Raises:
        StructureError: the schema or the grammar can't be enforced.
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
