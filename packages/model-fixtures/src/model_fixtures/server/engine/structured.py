"""Structured output: which grammar holds the model to what a request wants.

A small stand-in loops in free white space and in strings without end, so its grammars have no
white space, and what a schema leaves open gets a bound: strings, lists, extra keys and nesting.
Every output is still valid for the schema as it was sent. Real weights are not bounded.
"""

from __future__ import annotations

from typing import Any

from model_fixtures.server.protocol.errors import ServerError

from .gbnf import llguidance_grammar
from .json_grammar import json_grammar


def grammar_for(setting: dict[str, Any], *, bounded: bool) -> str | None:
    """The grammar of an `llm.prediction.structured` setting, None when it is off.

    Args:
        setting: `{"type": "none" | "json" | "gbnf", "jsonSchema"?, "gbnfGrammar"?}`.
        bounded: whether to bound what the schema leaves open.

    Raises:
        ServerError: the setting is of no known form.
    """
    match setting:
        case {"type": "json"}:
            schema = setting.get("jsonSchema")
            try:
                return json_grammar(schema if isinstance(schema, dict) else {}, bounded=bounded)
            except (TypeError, AttributeError, KeyError, RecursionError) as error:
                # Such as a number where a list must be.
                raise ServerError(
                    "The JSON schema of the structured output is invalid", cause=str(error)
                ) from error
        case {"type": "gbnf", "gbnfGrammar": str(text)} if text.strip():
            return llguidance_grammar(text) or text
        case {"type": "none"}:
            return None
        case {} if not setting:
            return None
    raise ServerError(
        "The structured output setting is invalid",
        cause="expected type json with a jsonSchema, or type gbnf with a gbnfGrammar",
    )
