"""Structured output: the grammar that makes the model keep to what a request asks for.

A small stand-in loops in free white space and in strings without end, so its grammars have no
white space, and what a schema leaves open gets a bound: strings, lists, extra keys and nesting.
Every output is still valid for the schema as it was sent. Real weights are not bounded.
"""

from __future__ import annotations

from typing import Any

from model_fixtures.schema_budget import TooLargeError

from .errors import StructureError
from .gbnf_limits import check_grammar
from .gbnf_to_regex import llguidance_grammar
from .json_schema_grammar import NothingFitsError, json_grammar


def grammar_for(setting: dict[str, Any], *, bounded: bool) -> str | None:
    """Return the grammar of an `llm.prediction.structured` setting, None when it is off.

    Args:
        setting: `{"type": "none" | "json" | "gbnf", "jsonSchema"?, "gbnfGrammar"?}`.
        bounded: whether to bound what the schema leaves open.

    Raises:
        StructureError: the setting has no known form, or asks for what can't be enforced.
    """
    match setting:
        case {"type": "json"}:
            schema = setting.get("jsonSchema")
            return _json(schema if isinstance(schema, dict) else {}, bounded=bounded)
        case {"type": "gbnf", "gbnfGrammar": str(text)} if text.strip():
            return _gbnf(text)
        case {"type": "none"}:
            return None
        case {} if not setting:
            return None
    raise StructureError(
        "The structured output setting is invalid",
        cause="expected type json with a jsonSchema, or type gbnf with a gbnfGrammar",
    )


def _json(schema: dict[str, Any], *, bounded: bool) -> str:
    try:
        return json_grammar(schema, bounded=bounded)
    except TooLargeError as error:
        raise StructureError(
            "The JSON schema of the structured output is too large",
            cause=str(error),
            suggestion="Split it, or leave out what the answer doesn't need",
        ) from error
    except RecursionError:
        # Without a cause, whose traceback has a thousand entries.
        raise StructureError(
            "The JSON schema of the structured output nests too deep",
            suggestion="Describe the inner levels less precisely",
        ) from None
    except NothingFitsError as error:
        raise StructureError(
            "The JSON schema of the structured output can't be satisfied", cause=str(error)
        ) from error
    except (TypeError, AttributeError, KeyError) as error:
        # For example from a number where a list must be.
        raise StructureError(
            "The JSON schema of the structured output is invalid", cause=str(error)
        ) from error


def _gbnf(text: str) -> str:
    converted = llguidance_grammar(text)
    if converted is not None:
        return converted
    try:
        check_grammar(text)
    except TooLargeError as error:
        raise StructureError(
            "The grammar of the structured output is too large", cause=str(error)
        ) from error
    return text
