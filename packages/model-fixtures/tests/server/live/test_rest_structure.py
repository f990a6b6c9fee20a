"""Structured output over REST: a structure is enforced, or the request is an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import openai
import pytest

LLM = "llama-3.2-1b-instruct"
HI: Any = [{"role": "user", "content": "Say hi."}]
LOOK_AHEAD = {"type": "string", "pattern": "^(?=x)y$"}
OPTIONAL: dict[str, Any] = {
    "type": "object",
    "properties": {f"p{number}": {"type": "integer"} for number in range(1000)},
}
IMPOSSIBLE = {"type": "object", "properties": {"a": False}, "required": ["a"]}

pytestmark = pytest.mark.usefixtures("nothing_left_loaded")


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """Provide OpenAI's own client, unchanged."""
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def of_schema(schema: dict[str, Any]) -> Any:
    """Return the `response_format` for a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


def state_of_workers(client: openai.OpenAI) -> list[tuple[str, str]]:
    """Return the loaded models."""
    found: Any = client.get("../api/v0/models", cast_to=object)
    return [(entry["id"], entry["state"]) for entry in found["data"]]


@pytest.mark.difference("rest-structure")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (LOOK_AHEAD, "can't be enforced"),
        (OPTIONAL, "can't be enforced"),
        (IMPOSSIBLE, "can't be satisfied"),
        ({"type": "object", "properties": {"a": {}}, "required": 5}, "invalid"),
    ],
    ids=["look-ahead", "optional", "impossible", "invalid"],
)
def test_schemas_that_cannot_be_kept(
    client: openai.OpenAI, schema: dict[str, Any], words: str, stream: bool
) -> None:
    """A schema that can't be enforced is a bad request, also for a stream; the next is served."""

    def ask() -> None:
        answer = client.chat.completions.create(
            model=LLM,
            messages=HI,
            max_tokens=200,
            temperature=0,  # at random it may write {} as one token, which fits
            response_format=of_schema(schema),
            stream=stream,
        )
        for _ in answer:  # a stream may find out only after its start
            pass

    with pytest.raises(openai.APIError, match=words) as caught:
        ask()
    assert stream or isinstance(caught.value, openai.BadRequestError)
    answer = client.chat.completions.create(model=LLM, messages=HI, max_tokens=1)
    assert answer.choices[0].finish_reason == "length"


@pytest.mark.difference("rest-structure")
@pytest.mark.parametrize("stream", [False, True])
def test_schema_is_kept(client: openai.OpenAI, stream: bool) -> None:
    """The answer to a schema is complete and valid, in one piece or in many."""
    names = ["name", "age"]
    kinds: list[dict[str, Any]] = [{"type": "string"}, {"type": "integer", "minimum": 0}]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": dict(zip(names, kinds, strict=True)),
        "required": names,
    }
    answer = client.chat.completions.create(
        model=LLM, messages=HI, response_format=of_schema(schema), stream=stream
    )
    if isinstance(answer, openai.Stream):
        text = "".join(one.choices[0].delta.content or "" for one in answer if one.choices)
    else:
        text = answer.choices[0].message.content or ""
    jsonschema.validate(json.loads(text), schema)
    assert list(json.loads(text)) == names


@pytest.mark.parametrize(
    "grammar",
    [
        "root ::= " + "(" * 50_000 + '"a"' + ")" * 50_000,
        "root ::= again\nagain ::= " + "(" * 20_000 + '"a" again?' + ")" * 20_000,
        "%llguidance {}\nstart: r0\n"
        + "\n".join(f'r{number}: "a" r{number + 1}' for number in range(5000))
        + '\nr5000: "b"',
    ],
    ids=["brackets", "recursion", "llguidance"],
)
def test_grammars_that_would_crash_the_worker(client: openai.OpenAI, grammar: str) -> None:
    """A grammar that would crash llama.cpp never reaches it."""
    client.chat.completions.create(model=LLM, messages=HI, max_tokens=1)
    before = state_of_workers(client)
    with pytest.raises(openai.BadRequestError, match="too large"):
        client.chat.completions.create(
            model=LLM, messages=HI, max_tokens=4, extra_body={"grammar": grammar}
        )
    assert state_of_workers(client) == before


@pytest.mark.difference("rest-structure")
def test_grammar_is_kept(client: openai.OpenAI) -> None:
    """A grammar in llama.cpp's own field is enforced, also in a text completion."""
    body = {"grammar": 'root ::= "so be it" | "amen"'}
    chat = client.chat.completions.create(model=LLM, messages=HI, extra_body=body)
    assert chat.choices[0].message.content in {"so be it", "amen"}
    text = client.completions.create(model=LLM, prompt="Hi", extra_body=body)
    assert text.choices[0].text in {"so be it", "amen"}
