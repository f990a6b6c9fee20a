"""The act() loop with a model that decides by itself which tools to call.

test_act_async.py covers what a model cannot be made to do reliably, with scripted tool calls.
"""

import re
from typing import Any

import pytest
from lmstudio import AsyncClient, AsyncLLM
from lmstudio._sdk_models import ToolCallRequestData
from lmstudio.history import AnyChatMessage, TextData, ToolCallResultData
from sdk_tests import tool_prompts
from sdk_tests.model_names import TOOL_LLM_KEY
from sdk_tests.sample_tools import add
from sdk_tests.tool_prompts import TOOLS, lookup

pytestmark = [pytest.mark.anyio, pytest.mark.models]

GREEDY: Any = {"temperature": 0, "maxTokens": 120}
Call = tuple[str, dict[str, Any]]


@pytest.fixture
async def tool_llm(client: AsyncClient) -> AsyncLLM:
    """Provide the loaded LLM that calls tools."""
    return AsyncLLM(TOOL_LLM_KEY, client.llm)


def calls(messages: list[AnyChatMessage]) -> list[Call]:
    """Return the name and the arguments of each call in messages."""
    requests = [
        part.tool_call_request
        for message in messages
        for part in message.content
        if isinstance(part, ToolCallRequestData)
    ]
    return [(each.name, dict(each.arguments or {})) for each in requests]


def results(messages: list[AnyChatMessage]) -> set[str]:
    """Return the tools' results as the model got them, as a set: calls end in any order."""
    parts = [part for message in messages for part in message.content]
    return {part.content for part in parts if isinstance(part, ToolCallResultData)}


def text_of(message: AnyChatMessage) -> str:
    """Return the text of a message."""
    return "".join(part.text for part in message.content if isinstance(part, TextData))


@pytest.mark.slow
async def test_one_call(tool_llm: AsyncLLM) -> None:
    """The model calls the tool with the numbers from the prompt, and answers with the result."""
    messages: list[AnyChatMessage] = []
    result = await tool_llm.act(tool_prompts.SUM, TOOLS, config=GREEDY, on_message=messages.append)
    assert result.rounds == 2
    assert [message.role for message in messages] == ["assistant", "tool", "assistant"]
    assert calls(messages) == [("add", {"a": 123, "b": 3210})]
    assert results(messages) == {"3333"}
    assert "3333" in text_of(messages[-1]).replace(",", "")


@pytest.mark.slow
async def test_text_before_a_call(tool_llm: AsyncLLM) -> None:
    """Text before a call is part of its message, and callbacks follow both rounds in order."""
    messages: list[AnyChatMessage] = []
    said = ["", ""]
    seen: list[Any] = []

    def on_fragment(fragment: Any, index: int) -> None:
        said[index] += fragment.content

    def on_message(message: AnyChatMessage) -> None:
        messages.append(message)
        seen.append(message.role)

    await tool_llm.act(
        tool_prompts.GREETING_THEN_SUM,
        TOOLS,
        config=GREEDY,
        on_round_start=lambda index: seen.append(("start", index)),
        on_first_token=lambda index: seen.append(("first token", index)),
        on_prediction_fragment=on_fragment,
        on_prediction_completed=lambda result: seen.append(("completed", result.round_index)),
        on_message=on_message,
        on_round_end=lambda index: seen.append(("end", index)),
    )
    assert [message.role for message in messages] == ["assistant", "tool", "assistant"]
    assert re.search(r"\b(hi|hello)\b", text_of(messages[0]).lower())
    assert calls(messages[:1]) == [("add", {"a": 5, "b": 7})]
    assert "12" in text_of(messages[-1])
    assert text_of(messages[0]) in said[0]
    assert said[1] == text_of(messages[-1])
    assert seen == [
        ("start", 0),
        ("first token", 0),
        ("completed", 0),
        "assistant",
        "tool",
        ("end", 0),
        ("start", 1),
        ("first token", 1),
        ("completed", 1),
        "assistant",
        ("end", 1),
    ]


@pytest.mark.slow
async def test_two_calls(tool_llm: AsyncLLM) -> None:
    """The model gets the results of both calls, whether in one round or in two."""
    messages: list[AnyChatMessage] = []
    result = await tool_llm.act(
        tool_prompts.SUM_AND_PRODUCT, TOOLS, config=GREEDY, on_message=messages.append
    )
    assert result.rounds in (2, 3)
    assert calls(messages) == [("add", {"a": 3, "b": 4}), ("multiply", {"a": 5, "b": 6})]
    assert results(messages) == {"7", "30"}
    assert messages[-1].role == "assistant"


@pytest.mark.slow
async def test_right_tool_of_several(tool_llm: AsyncLLM) -> None:
    """The model calls the right one of several tools."""

    async def times(a: int, b: int) -> int:
        """Multiply two numbers."""
        return a * b

    times.__name__ = "multiply"
    messages: list[AnyChatMessage] = []
    await tool_llm.act(
        tool_prompts.PRODUCT, [add, times, lookup], config=GREEDY, on_message=messages.append
    )
    assert calls(messages) == [("multiply", {"a": 12, "b": 34})]
    assert "408" in text_of(messages[-1])


@pytest.mark.slow
async def test_failing_tool(tool_llm: AsyncLLM) -> None:
    """A model that is told of a tool's exception answers that the call did not work."""
    messages: list[AnyChatMessage] = []
    result = await tool_llm.act(
        tool_prompts.PHONE, TOOLS, config=GREEDY, on_message=messages.append
    )
    assert result.rounds == 2
    assert calls(messages) == [("lookup", {"name": "Anna"})]
    assert results(messages) == {"\"Unhandled Python exception: LookupError('no entry for Anna')\""}
    assert re.search(r"\b(no|not|error|failed|unable)\b|n't\b", text_of(messages[-1]).lower())


async def test_no_tool_needed(tool_llm: AsyncLLM) -> None:
    """The model answers a question that needs no tool in one round, without a call."""
    messages: list[AnyChatMessage] = []
    result = await tool_llm.act(
        tool_prompts.NO_TOOL, TOOLS, config=GREEDY, on_message=messages.append
    )
    assert result.rounds == 1
    assert [message.role for message in messages] == ["assistant"]
    assert calls(messages) == []
    assert "Paris" in text_of(messages[0])


async def test_limit_of_one_round(tool_llm: AsyncLLM) -> None:
    """The model answers without its tool when only one round is allowed."""
    messages: list[AnyChatMessage] = []
    result = await tool_llm.act(
        tool_prompts.SUM,
        TOOLS,
        max_prediction_rounds=1,
        config={"temperature": 0, "maxTokens": 5},
        on_message=messages.append,
    )
    assert result.rounds == 1
    assert [message.role for message in messages] == ["assistant"]
    assert calls(messages) == []
    assert text_of(messages[0]), "the model's only message has no text"


async def test_info_says_whether_a_model_is_trained_for_tools(tool_llm: AsyncLLM) -> None:
    """A model's info says whether the model was trained to call tools."""
    info: Any = await tool_llm.get_info()
    assert info.trained_for_tool_use
