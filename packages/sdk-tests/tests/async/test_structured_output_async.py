"""Structured output: every form of asking for it, and what the result makes of it."""

import json
import re
from enum import Enum
from typing import Any

import pytest
from lmstudio import AsyncLLM, BaseModel, LlmPredictionConfig, LMStudioServerError
from sdk_tests.forced_outputs import written
from sdk_tests.response_formats import FORMS, SCHEMA, SETTING, Reply

pytestmark = [pytest.mark.anyio, pytest.mark.models]

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
async def test_response_format(llm: AsyncLLM, form: str) -> None:
    """Every form of response format makes the model write JSON for the schema, which is parsed."""
    result = await llm.complete(PROMPT, response_format=FORMS[form], config={"maxTokens": LIMIT})
    check_reply(result)


async def test_response_format_in_a_chat(llm: AsyncLLM) -> None:
    """Chat responses take a response format, too, as completions do."""
    check_reply(await llm.respond("Wet?", response_format=Reply, config={"maxTokens": LIMIT}))


@pytest.mark.parametrize(
    "config",
    [
        {"structured": SETTING, "maxTokens": LIMIT},
        LlmPredictionConfig.from_dict({"structured": SETTING, "maxTokens": LIMIT}),
    ],
    ids=["dict", "struct"],
)
async def test_structured_setting_in_the_config(llm: AsyncLLM, config: Any) -> None:
    """The setting in the prediction config does the same as a response format."""
    check_reply(await llm.complete(PROMPT, config=config))


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
async def test_any_json(llm: AsyncLLM, options: dict[str, Any]) -> None:
    """Asking for JSON without a schema gives one JSON value; objects alone are parsed."""
    result = await llm.complete("A small JSON object: ", **options)
    value = json.loads(result.content)
    assert result.structured == isinstance(value, dict)
    assert result.parsed == (value if isinstance(value, dict) else result.content)


async def test_streamed_structured_output(llm: AsyncLLM) -> None:
    """Fragments of a structured stream are text, which the result has parsed at the end."""
    stream = await llm.complete_stream(PROMPT, response_format=SCHEMA, config={"maxTokens": LIMIT})
    pieces = [fragment.content async for fragment in stream]
    assert "".join(pieces) == stream.result().content
    check_reply(stream.result())


async def test_text_form_of_a_structured_result(llm: AsyncLLM) -> None:
    """The text form of a structured result is its JSON, indented and with sorted keys."""
    schema = {
        "type": "object",
        "properties": {"b": {"const": 1}, "a": {"const": 2}},
        "required": ["b", "a"],
    }
    result = await llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert str(result) == '{\n  "a": 2,\n  "b": 1\n}'


async def test_nested_model(llm: AsyncLLM) -> None:
    """References, enumerations and lists in a schema hold for the output."""
    result = await llm.complete(PROMPT, response_format=Whole, config={"maxTokens": LIMIT})
    parsed: Any = result.parsed
    assert list(parsed) == ["first", "more", "note"]
    assert parsed["first"] in ({"size": "small"}, {"size": "large"})
    assert {type(each) for each in parsed["more"]} <= {bool}
    assert parsed["note"] is None


async def test_grammar(llm: AsyncLLM) -> None:
    """A GBNF grammar as response format holds for the whole output, which stays text."""
    grammar = 'root ::= day "." month\nday ::= [0-3] [0-9]\nmonth ::= [01] [0-9]'
    result = await llm.complete(
        PROMPT, response_format={"type": "gbnf", "gbnfGrammar": grammar}, config={"maxTokens": 20}
    )
    assert re.fullmatch(r"[0-3][0-9]\.[01][0-9]", result.content)
    assert result.parsed is result.content
    assert not result.structured


async def test_grammar_for_json(llm: AsyncLLM) -> None:
    """Output of a grammar that is a JSON object is parsed."""
    result = await llm.complete(PROMPT, config=written('{ \\"a\\": [1, null] }'))
    assert result.parsed == {"a": [1, None]}
    assert result.structured


async def test_json_that_is_no_object(llm: AsyncLLM) -> None:
    """JSON that is no object stays text."""
    schema = {"type": "array", "items": {"const": 1}, "minItems": 2, "maxItems": 2}
    result = await llm.complete(PROMPT, response_format=schema, config={"maxTokens": LIMIT})
    assert json.loads(result.content) == [1, 1]
    assert result.parsed is result.content
    assert not result.structured


async def test_json_cut_off(llm: AsyncLLM) -> None:
    """JSON that a token limit cuts off stays text."""
    result = await llm.complete(PROMPT, response_format=SCHEMA, config={"maxTokens": 2})
    assert result.content.startswith("{")
    assert result.parsed is result.content
    assert result.stats.stop_reason == "maxPredictedTokensReached"


async def test_broken_grammar_is_an_error(llm: AsyncLLM) -> None:
    """A grammar that can't be read is a server error, and the next prediction works."""
    with pytest.raises(LMStudioServerError, match=r"^Completion error: "):
        await llm.complete(PROMPT, response_format={"type": "gbnf", "gbnfGrammar": "root ::= ("})
    assert (await llm.complete(PROMPT, config=written("ok"))).content == "ok"
