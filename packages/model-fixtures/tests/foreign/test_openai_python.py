"""OpenAI's Python client, as an application uses it that knows nothing of LM Studio."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

pytestmark = pytest.mark.slow
LLM = "llama-3.2-1b-instruct"
TOOL_LLM = "qwen2.5-7b-instruct-1m"
VISION_LLM = "mobilevlm_v2-1.7b"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
NOTES = [
    "A cat sits on the mat and purrs.",
    "Share prices fell sharply on the stock exchange today.",
    "Bread is baked from flour, water and yeast.",
]


class Book(pydantic.BaseModel):
    """What the application wants to know of a book."""

    title: str
    pages: int


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """Provide OpenAI's own client, unchanged."""
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def test_notes_are_found_and_quoted(client: openai.OpenAI) -> None:
    """An application finds a model, embeds notes, and streams an answer from the nearest one."""
    names = {model.id for model in client.models.list()}
    assert {LLM, TOOL_LLM, VISION_LLM, EMBEDDING} <= names
    question = "Which animal purrs?"
    answer = client.embeddings.create(model=EMBEDDING, input=[question, *NOTES])
    asked, *vectors = (each.embedding for each in answer.data)
    scores = [sum(a * b for a, b in zip(asked, vector, strict=True)) for vector in vectors]
    nearest = NOTES[scores.index(max(scores))]
    assert nearest == NOTES[0]
    messages: Any = [
        {"role": "system", "content": "Answer in one short sentence."},
        {"role": "user", "content": f"{nearest}\n\n{question}"},
    ]
    request: Any = {"model": LLM, "messages": messages, "temperature": 0, "max_tokens": 24}
    whole = client.chat.completions.create(**request)
    stream = client.chat.completions.create(
        **request, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [each.choices[0].delta.content or "" for each in chunks if each.choices]
    assert len([piece for piece in pieces if piece]) > 2
    assert "".join(pieces) == whole.choices[0].message.content
    assert whole.usage is not None
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert {each.id for each in chunks} == {chunks[0].id}


def test_tool_is_called_and_its_result_sent_back(client: openai.OpenAI) -> None:
    """An application requires a call, runs the tool, and sends the result in a second request."""
    tool: Any = {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Add two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        },
    }
    messages: Any = [{"role": "user", "content": "What is the sum of 123 and 3210?"}]
    request: Any = {"model": TOOL_LLM, "temperature": 0, "max_tokens": 96, "tools": [tool]}
    asked = client.chat.completions.create(**request, messages=messages, tool_choice="required")
    assert asked.choices[0].finish_reason == "tool_calls"
    (call,) = asked.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "add"
    given = json.loads(call.function.arguments)
    messages += [
        asked.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": str(given["a"] + given["b"])},
    ]
    answer = client.chat.completions.create(**request, messages=messages, tool_choice="none")
    assert answer.choices[0].finish_reason in {"stop", "length"}
    assert answer.choices[0].message.content


def test_answer_is_parsed(client: openai.OpenAI) -> None:
    """The client turns a model of pydantic into a schema, and the answer into an instance of it."""
    answer = client.chat.completions.parse(
        model=LLM,
        temperature=0,
        messages=[{"role": "user", "content": "Describe the book The Hobbit as JSON."}],
        response_format=Book,
    )
    book = answer.choices[0].message.parsed
    assert isinstance(book, Book)
    assert book.title


def test_image_is_described(client: openai.OpenAI, folder: Path) -> None:
    """An image in a data: URI goes to a model that sees."""
    data = base64.b64encode((folder / "blue.png").read_bytes()).decode()
    content: Any = [
        {"type": "text", "text": "What colour is the figure?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
    ]
    answer = client.chat.completions.create(
        model=VISION_LLM,
        temperature=0,
        max_tokens=24,
        messages=[{"role": "user", "content": content}],
    )
    assert "blue" in (answer.choices[0].message.content or "")


def test_mistakes_are_classes_of_the_client(client: openai.OpenAI) -> None:
    """What an application does wrong it gets as the client's own exceptions."""
    messages: Any = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.NotFoundError, match="nobody") as unknown:
        client.chat.completions.create(model="nobody", messages=messages)
    assert unknown.value.code == "model_not_found"
    wrong: Any = "hot"
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=LLM, messages=messages, temperature=wrong)
    assert refused.value.param == "temperature"
