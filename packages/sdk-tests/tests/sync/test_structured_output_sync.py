# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/sdk-tests/tests/async/test_structured_output_async.py
# Change that, then: hatch run sync:generate
"""Structured output: every form of asking for it, and what the result makes of it."""

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
LIMIT = 100  # tokens; more than any of these schemas takes


class Size(Enum):
    """A choice."""

    SMALL = "small"
    LARGE = "large"


class Part(BaseModel):
    """An object inside of another."""

    size: Size


class Whole(BaseModel):
    """References, a list and a value that may be absent."""

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
    """Chat responses take a response format, too, as completions do."""
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
    """The setting in the prediction config does the same as a response format."""
    check_reply(llm.complete(PROMPT, config=config))


@pytest.mark.parametrize(
    "options",
    [
        {"config": {"structured": {"type": "json"}, "maxTokens": 200}},
        pytest.param(  # travels as a schema of a type that there is not
            {"config": {"maxTokens": 200}, "response_format": {"type": "json"}},
            marks=pytest.mark.embedded,
        ),
    ],
    ids=["config", "response-format"],
)
def test_any_json(llm: LLM, options: dict[str, Any]) -> None:
    """Asking for JSON without a schema gives one JSON value; objects alone are parsed."""
    result = llm.complete("A small JSON object: ", **options)
    value = json.loads(result.content)
    assert result.structured == isinstance(value, dict)
    assert result.parsed == (value if isinstance(value, dict) else result.content)


def test_streamed_structured_output(llm: LLM) -> None:
    """Fragments of a structured stream are text, which the result has parsed at the end."""
    stream = llm.complete_stream(PROMPT, response_format=SCHEMA, config={"maxTokens": LIMIT})
    pieces = [fragment.content for fragment in stream]
    assert "".join(pieces) == stream.result().content
    check_reply(stream.result())


def test_text_form_of_a_structured_result(llm: LLM) -> None:
    """The text form of a structured result is its JSON, indented and with sorted keys."""
    schema = {
        "type": "object",
        "properties": {"b": {"const": 1}, "a": {"const": 2}},
        "required": ["b", "a"],
    }
    result = llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert str(result) == '{\n  "a": 2,\n  "b": 1\n}'


def test_nested_model(llm: LLM) -> None:
    """References, enumerations and lists in a schema hold for the output."""
    result = llm.complete(PROMPT, response_format=Whole, config={"maxTokens": LIMIT})
    parsed: Any = result.parsed
    assert list(parsed) == ["first", "more", "note"]
    assert parsed["first"] in ({"size": "small"}, {"size": "large"})
    assert {type(each) for each in parsed["more"]} <= {bool}
    assert parsed["note"] is None


def test_grammar(llm: LLM) -> None:
    """A GBNF grammar as response format holds for the whole output, which stays text."""
    grammar = 'root ::= day "." month\nday ::= [0-3] [0-9]\nmonth ::= [01] [0-9]'
    result = llm.complete(
        PROMPT, response_format={"type": "gbnf", "gbnfGrammar": grammar}, config={"maxTokens": 20}
    )
    assert re.fullmatch(r"[0-3][0-9]\.[01][0-9]", result.content)
    assert result.parsed is result.content
    assert not result.structured


def test_grammar_for_json(llm: LLM) -> None:
    """Output of a grammar that is a JSON object is parsed."""
    result = llm.complete(PROMPT, config=written('{ \\"a\\": [1, null] }'))
    assert result.parsed == {"a": [1, None]}
    assert result.structured


def test_json_that_is_no_object(llm: LLM) -> None:
    """JSON that is no object stays text."""
    schema = {"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 2}
    result = llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert json.loads(result.content) == [1, 1]
    assert result.parsed is result.content
    assert not result.structured


def test_json_cut_off(llm: LLM) -> None:
    """JSON that a token limit cuts off stays text."""
    result = llm.complete(PROMPT, response_format=SCHEMA, config={"maxTokens": 2})
    assert result.content.startswith("{")
    assert result.parsed is result.content
    assert result.stats.stop_reason == "maxPredictedTokensReached"


def test_broken_grammar_is_an_error(llm: LLM) -> None:
    """A grammar that can't be read is a server error, and the next prediction works."""
    with pytest.raises(LMStudioServerError, match=r"^Completion error: "):
        llm.complete(PROMPT, response_format={"type": "gbnf", "gbnfGrammar": "root ::= ("})
    assert (llm.complete(PROMPT, config=written("ok"))).content == "ok"
