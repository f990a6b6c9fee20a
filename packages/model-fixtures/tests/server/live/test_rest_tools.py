"""Tool use over REST, with OpenAI's own client and the stand-in that calls tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

MODEL = "qwen2.5-7b-instruct-1m"
pytestmark = pytest.mark.usefixtures("nothing_left_loaded")


def tool(name: str, description: str) -> Any:
    """Return the definition of a tool that takes two numbers."""
    numbers = {"a": {"type": "integer"}, "b": {"type": "integer"}}
    parameters = {"type": "object", "properties": numbers, "required": ["a", "b"]}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


ADD = tool("add", "Given two numbers a and b, returns the sum of them.")
DIVIDE = tool("divide", "Divides a by b.")
ASKED: Any = [{"role": "user", "content": "What is the sum of 123 and 3210?"}]
ASKED_TWICE: Any = [
    {"role": "user", "content": "What is the sum of 1 and 2, and what is the sum of 3 and 4?"}
]


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """Provide OpenAI's own client, unchanged."""
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def calls(answer: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the names and arguments of an answer's calls."""
    found = answer.choices[0].message.tool_calls or []
    return [(call.function.name, json.loads(call.function.arguments)) for call in found]


def test_call(client: openai.OpenAI) -> None:
    """A call is the whole answer: there is no text, and the arguments are JSON."""
    answer = client.chat.completions.create(model=MODEL, messages=ASKED, tools=[ADD])
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content is None
    assert calls(answer) == [("add", {"a": 123, "b": 3210})]
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.id


def test_streamed_call(client: openai.OpenAI) -> None:
    """The first chunk has the call's id and name, those after it have pieces of the arguments."""
    stream = client.chat.completions.create(model=MODEL, messages=ASKED, tools=[ADD], stream=True)
    first, *others = [chunk.choices[0] for chunk in stream]
    assert first.delta.role == "assistant"
    assert first.delta.content is None
    (begun,) = first.delta.tool_calls or []
    assert begun.function is not None
    assert (begun.index, begun.type, begun.function.name) == (0, "function", "add")
    assert begun.id
    assert begun.function.arguments == ""
    *pieces, last = others
    text = ""
    for piece in pieces:
        (part,) = piece.delta.tool_calls or []
        assert part.function is not None
        assert (part.index, part.id, part.function.name) == (0, None, None)
        text += part.function.arguments or ""
    assert len(pieces) > 1
    assert json.loads(text) == {"a": 123, "b": 3210}
    assert (last.delta.tool_calls, last.finish_reason) == (None, "tool_calls")


def test_clients_own_way_of_streaming(client: openai.OpenAI) -> None:
    """OpenAI's client puts the chunks of a call together."""
    with client.chat.completions.stream(model=MODEL, messages=ASKED, tools=[ADD]) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content is None
    assert calls(answer) == [("add", {"a": 123, "b": 3210})]


@pytest.mark.parametrize(
    ("result", "told"), [("3333", "3333"), ("Error: add is out of order", "out of order")]
)
def test_result_is_fed_back(client: openai.OpenAI, result: str, told: str) -> None:
    """A call and its result, or its error, lead to an answer in text and without calls."""
    function = {"name": "add", "arguments": '{"a": 123, "b": 3210}'}
    call = {"id": "7", "type": "function", "function": function}
    messages: Any = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "7", "content": result},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[ADD])
    assert told in (answer.choices[0].message.content or "")
    assert answer.choices[0].message.tool_calls is None
    assert answer.choices[0].finish_reason == "stop"


def test_choice(client: openai.OpenAI) -> None:
    """The choice of tools forbids calls, demands one, or demands one of a certain tool."""
    ask = client.chat.completions.create
    none = ask(model=MODEL, messages=ASKED, tools=[ADD], tool_choice="none")
    assert none.choices[0].message.tool_calls is None
    hello: Any = [{"role": "user", "content": "Hello!"}]
    some = ask(model=MODEL, messages=hello, tools=[ADD], tool_choice="required")
    assert calls(some)
    wanted: Any = {"type": "function", "function": {"name": "divide"}}
    one = ask(model=MODEL, messages=ASKED, tools=[ADD, DIVIDE], tool_choice=wanted)
    assert {name for name, _ in calls(one)} == {"divide"}


def test_several_calls_or_one(client: openai.OpenAI) -> None:
    """One answer can have several calls, and has at most one if the request wants it so."""
    ask = client.chat.completions.create
    both = ask(model=MODEL, messages=ASKED_TWICE, tools=[ADD])
    assert calls(both) == [("add", {"a": 1, "b": 2}), ("add", {"a": 3, "b": 4})]
    assert len({call.id for call in both.choices[0].message.tool_calls or []}) == 2
    stream = ask(model=MODEL, messages=ASKED_TWICE, tools=[ADD], stream=True)
    indexes = [call.index for chunk in stream for call in chunk.choices[0].delta.tool_calls or []]
    assert indexes == sorted(indexes)
    assert set(indexes) == {0, 1}
    one = ask(model=MODEL, messages=ASKED_TWICE, tools=[ADD], parallel_tool_calls=False)
    assert calls(one) == [("add", {"a": 1, "b": 2})]


def test_call_that_is_cut_off(client: openai.OpenAI) -> None:
    """A call that the token limit cuts off ends with the reason `length`, as with OpenAI."""
    answer = client.chat.completions.create(
        model=MODEL, messages=ASKED, tools=[ADD], tool_choice="required", max_tokens=25
    )
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content is None
