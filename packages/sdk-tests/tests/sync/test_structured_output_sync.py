# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_structured_output_async.py
# Change that, then: hatch run sync:generate
"""Structured output: every way to request it, and how results parse it."""

import json
import re
from enum import Enum
from typing import Any

import pytest
from lmstudio import LLM, BaseModel, LlmPredictionConfig, LMStudioServerError
from sdk_tests.forced_outputs import written
from sdk_tests.response_formats import FORMS, SCHEMA, SETTING, Reply

pytestmark = [pytest.mark.models]

PROMPT = "Is water wet? "
LIMIT = 100  # tokens; enough for each of these schemas


class Size(Enum):
    """A choice of two values."""

    SMALL = "small"
    LARGE = "large"


class Part(BaseModel):
    """An object inside another object."""

    size: Size


class Whole(BaseModel):
    """An object with a reference, a list and a null value."""

    first: Part
    more: list[bool]
    note: None


def check_reply(result: Any) -> None:
    """Check that the result is an object with exactly the two fields of the output formats."""
    assert result.structured
    assert list(result.parsed) == ["answer", "digit"]
    assert isinstance(result.parsed["answer"], bool)
    assert type(result.parsed["digit"]) is int
    assert json.loads(result.content) == result.parsed


@pytest.mark.parametrize("form", FORMS)
def test_response_format(llm: LLM, form: str) -> None:
    """Every form of response format makes the model write JSON for the schema, which is parsed."""
    result = llm.complete(PROMPT, response_format=FORMS[form], config={"maxTokens": LIMIT})
    check_reply(result)


def test_response_format_in_a_chat(llm: LLM) -> None:
    """Chat responses accept a response format, as completions do."""
    check_reply(llm.respond("Wet?", response_format=Reply, config={"maxTokens": LIMIT}))


@pytest.mark.parametrize(
    "config",
    [
        {"structured": SETTING, "maxTokens": LIMIT},
        LlmPredictionConfig.from_dict({"structured": SETTING, "maxTokens": LIMIT}),
    ],
    ids=["dict", "struct"],
)
def test_structured_setting_in_the_config(llm: LLM, config: Any) -> None:
    """The setting in the prediction config has the same effect as a response format."""
    check_reply(llm.complete(PROMPT, config=config))


@pytest.mark.parametrize(
    "options",
    [
        {"config": {"structured": {"type": "json"}, "maxTokens": 200}},
        pytest.param(  # sent as a schema with a type that does not exist
            {"config": {"maxTokens": 200}, "response_format": {"type": "json"}},
            marks=pytest.mark.embedded,
        ),
    ],
    ids=["config", "response-format"],
)
def test_any_json(llm: LLM, options: dict[str, Any]) -> None:
    """Structured output without a schema is one JSON value, which is parsed if it is an object."""
    result = llm.complete("A small JSON object: ", **options)
    value = json.loads(result.content)
    assert result.structured == isinstance(value, dict)
    assert result.parsed == (value if isinstance(value, dict) else result.content)


def test_streamed_structured_output(llm: LLM) -> None:
    """A structured stream yields fragments of text, and its result has them parsed."""
    stream = llm.complete_stream(PROMPT, response_format=SCHEMA, config={"maxTokens": LIMIT})
    pieces = [fragment.content for fragment in stream]
    assert "".join(pieces) == stream.result().content
    check_reply(stream.result())


def test_text_form_of_a_structured_result(llm: LLM) -> None:
    """str() of a structured result is its JSON, indented and with sorted keys."""
    schema = {
        "type": "object",
        "properties": {"b": {"const": 1}, "a": {"const": 2}},
        "required": ["b", "a"],
    }
    result = llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert str(result) == '{\n  "a": 2,\n  "b": 1\n}'


def test_nested_model(llm: LLM) -> None:
    """The output obeys references, enumerations and lists in the schema."""
    result = llm.complete(PROMPT, response_format=Whole, config={"maxTokens": LIMIT})
    parsed: Any = result.parsed
    assert list(parsed) == ["first", "more", "note"]
    assert parsed["first"] in ({"size": "small"}, {"size": "large"})
    assert {type(each) for each in parsed["more"]} <= {bool}
    assert parsed["note"] is None


def test_grammar(llm: LLM) -> None:
    """The whole output obeys a GBNF grammar as response format, and stays text."""
    grammar = 'root ::= day "." month\nday ::= [0-3] [0-9]\nmonth ::= [01] [0-9]'
    result = llm.complete(
        PROMPT, response_format={"type": "gbnf", "gbnfGrammar": grammar}, config={"maxTokens": 20}
    )
    assert re.fullmatch(r"[0-3][0-9]\.[01][0-9]", result.content)
    assert result.parsed is result.content
    assert not result.structured


def test_grammar_for_json(llm: LLM) -> None:
    """A grammar's output is parsed if it is a JSON object."""
    result = llm.complete(PROMPT, config=written('{ \\"a\\": [1, null] }'))
    assert result.parsed == {"a": [1, None]}
    assert result.structured


def test_json_that_is_no_object(llm: LLM) -> None:
    """JSON output that is not an object stays text."""
    schema = {"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 2}
    result = llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert json.loads(result.content) == [1, 1]
    assert result.parsed is result.content
    assert not result.structured


def test_json_cut_off(llm: LLM) -> None:
    """JSON output that a token limit cuts off stays text."""
    result = llm.complete(PROMPT, response_format=SCHEMA, config={"maxTokens": 2})
    assert result.content.startswith("{")
    assert result.parsed is result.content
    assert result.stats.stop_reason == "maxPredictedTokensReached"


def test_broken_grammar_is_an_error(llm: LLM) -> None:
    """An unreadable grammar raises a server error, and the next prediction works."""
    with pytest.raises(LMStudioServerError, match=r"^Completion error: "):
        llm.complete(PROMPT, response_format={"type": "gbnf", "gbnfGrammar": "root ::= ("})
    assert (llm.complete(PROMPT, config=written("ok"))).content == "ok"
