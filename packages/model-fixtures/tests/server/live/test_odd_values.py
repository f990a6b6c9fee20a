"""Odd values in requests are skipped, or refused with an error that says what is wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError

from .talking import EMPTY_STACK, MODEL, load, loaded, predict, prediction, stack, text_of

pytestmark = pytest.mark.anyio
BAD_PARAMETERS: list[Any] = [
    {"properties": [1]},
    {"properties": {"a": {"type": "integer"}}, "required": 5},
    {"properties": {"a": {"type": "object", "properties": [3]}}},
]
HUGE = 10**30


@pytest.fixture(scope="module")
async def identifier(llm: Connection) -> AsyncIterator[str]:
    """Provide a loaded instance."""
    async with loaded(llm) as name:
        yield name


def short(**fields: Any) -> dict[str, Any]:
    """Return a stack with prediction settings and a limit of two tokens."""
    limit = {"maxPredictedTokens": {"checked": True, "value": 2}}
    named = {f"llm__prediction__{key}": value for key, value in {**limit, **fields}.items()}
    return stack(**named)


async def refusal(llm: Connection, identifier: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return the error of a prediction that must fail."""
    with pytest.raises(ChannelError) as caught:
        await predict(llm, "Hi", config, identifier)
    error: dict[str, Any] = caught.value.error
    return error


@pytest.mark.parametrize(
    "fields",
    [
        {"topKSampling": HUGE},
        {"temperature": HUGE},
        {"maxPredictedTokens": {"checked": True, "value": HUGE}, "stopStrings": ["e", "a"]},
        {"seed": {"checked": True, "value": HUGE}},
        {"repeatPenalty": {"checked": True, "value": -5}},
        {"topPSampling": {"checked": 1, "value": []}},
        {"llama__mirostatSampling": {"version": 7, "learningRate": -3, "targetEntropy": HUGE}},
        {"llama__logitBias": [[HUGE, 1], [-5, 2], [True, 1], [1], {}]},
        {"reasoning__parsing": {"enabled": True, "startString": 5, "endString": ""}},
        {"structured": 5},
        {"tools": {"type": "toolArray", "tools": [5, {"function": 5}, {"function": {}}]}},
        {"tools": {"type": "toolArray", "tools": 5}},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_odd_settings_are_skipped(
    llm: Connection, identifier: str, fields: dict[str, Any]
) -> None:
    """A nonsensical value does not make the prediction fail."""
    packets = await predict(llm, "Hi", short(**fields), identifier)
    assert packets[-1]["type"] == "success"


@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
async def test_tool_without_a_schema(llm: Connection, identifier: str, parameters: Any) -> None:
    """A tool whose parameters are no JSON schema is an error that names it."""
    tool = {"type": "function", "function": {"name": "broken", "parameters": parameters}}
    error = await refusal(llm, identifier, short(tools={"type": "toolArray", "tools": [tool]}))
    assert error["title"] == "The parameters of the tool broken are no JSON schema"


async def test_tool_definitions_of_a_template(llm: Connection, identifier: str) -> None:
    """Nameless definitions are left out of a template; broken ones are an error."""

    async def formatted(*tools: Any) -> Any:
        parameter = {
            "specifier": {"type": "query", "query": {"identifier": identifier}},
            "history": {"messages": []},
            "predictionConfigStack": EMPTY_STACK,
            "opts": {"toolDefinitions": list(tools)},
        }
        return await llm.rpc("applyPromptTemplate", parameter)

    assert await formatted({"a": 1}) == await formatted()
    with pytest.raises(RpcError, match="no JSON schema"):
        await formatted({"function": {"name": "broken", "parameters": BAD_PARAMETERS[0]}})


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": 5},
        {"type": "object", "properties": {"a": {}}, "required": 7},
        {"type": "array", "minItems": "x"},
        {"type": "array", "prefixItems": 9},
        {"type": "string", "minLength": "x"},
    ],
    ids=str,
)
async def test_schema_that_is_none(
    llm: Connection, identifier: str, schema: dict[str, Any]
) -> None:
    """A JSON schema with values of wrong types is refused as such."""
    error = await refusal(llm, identifier, short(structured={"type": "json", "jsonSchema": schema}))
    assert error["title"] == "The JSON schema of the structured output is invalid"


async def test_template_that_divides_by_zero(llm: Connection, identifier: str) -> None:
    """Any failure in a request's own template is an error about the template."""
    template = {"type": "jinja", "jinjaPromptTemplate": {"template": "{{ 1 / 0 }}"}}
    error = await refusal(llm, identifier, short(promptTemplate=template))
    assert error["title"] == "The prompt template failed"


async def test_bad_grammar_beside_good_ones(llm: Connection, identifier: str) -> None:
    """An invalid grammar fails its own prediction, not those that run at the same time."""
    good = short(structured={"type": "json", "jsonSchema": {"enum": ["yes"]}})
    good["layers"][0]["config"]["fields"][0]["value"] = {"checked": False, "value": 0}
    bad = short(structured={"type": "json", "jsonSchema": {"enum": 5}})
    texts: list[str] = []
    titles: list[str] = []

    async def succeed() -> None:
        packets = await predict(llm, "Hi", good, identifier)
        texts.append(text_of(packets))

    async def fail() -> None:
        titles.append((await refusal(llm, identifier, bad))["title"])

    async with anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(succeed)
            tasks.start_soon(fail)
    assert texts == ['"yes"'] * 4
    assert titles == ["The grammar of the structured output is invalid"] * 4


@pytest.mark.parametrize("value", [1, HUGE, -1, [], True])
async def test_odd_batch_size(llm: Connection, value: Any) -> None:
    """A nonsensical batch size, or the smallest, does not keep a model from loading."""
    config = stack(llm__load__llama__evalBatchSize=value, llm__load__contextLength=512)
    info = await load(llm, "odd", loadConfigStack=config)
    packets = await predict(llm, "Hi", short(), "odd")
    await llm.rpc("unloadModel", {"identifier": "odd"})
    assert info["modelKey"] == MODEL
    assert packets[-1]["type"] == "success"


async def test_context_of_one_token(llm: Connection) -> None:
    """A model loads with the smallest context; a chat that doesn't fit it is an error."""
    await load(llm, "tiny", context=1)
    error = await refusal(llm, "tiny", short(contextOverflowPolicy="stopAtLimit"))
    await llm.rpc("unloadModel", {"identifier": "tiny"})
    assert error["title"].endswith("tokens does not fit the context of 1 tokens")


async def test_template_without_end(llm: Connection, identifier: str) -> None:
    """While an endless template runs, other clients are answered; then it is an error."""
    text = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
    template = {"type": "jinja", "jinjaPromptTemplate": {"template": text}}
    request = prediction("Hi", short(promptTemplate=template), identifier)
    with anyio.fail_after(60):
        async with llm.channel("predict", request) as channel:
            for _ in range(10):
                loaded_now = [info["identifier"] for info in await llm.rpc("listLoaded")]
                assert identifier in loaded_now
            assert text_of(await predict(llm, "Hi", short(), identifier))
            with pytest.raises(ChannelError, match="more than 4 s"):
                await channel.__anext__()


async def test_template_that_multiplies_a_text(llm: Connection, identifier: str) -> None:
    """A template that makes 300 million characters fails before the model's process sees them."""
    template = {"type": "jinja", "jinjaPromptTemplate": {"template": "{{ 'a' * 300000000 }}"}}
    error = await refusal(llm, identifier, short(promptTemplate=template))
    assert error["title"] == "The prompt template failed"
    assert text_of(await predict(llm, "Hi", short(), identifier))


async def test_parameters_that_nest_deep(llm: Connection, identifier: str) -> None:
    """Valid parameters of a tool, 300 levels deep, are an error about their depth."""
    schema: dict[str, Any] = {"type": "integer"}
    for _ in range(300):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    error = await refusal(llm, identifier, short(tools={"type": "toolArray", "tools": tools}))
    assert error["title"] == "The parameters of the tool f nest too deep"
