"""Answers over REST: structure, probabilities, counts, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import jsonschema
import openai
import pytest
from model_fixtures.wire_client import connect

from .talking import MODEL, limit, load, predict, text_of

HI: Any = [{"role": "user", "content": "Say hi."}]
TREE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"$ref": "#/$defs/name"},
        "children": {"type": "array", "items": {"$ref": "#"}, "maxItems": 1},
    },
    "required": ["name", "children"],
    "additionalProperties": False,
    "$defs": {"name": {"enum": ["a", "b"]}},
}

pytestmark = pytest.mark.usefixtures("nothing_left_loaded")


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[openai.OpenAI]:
    """Provide OpenAI's own client, unchanged."""
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def content(answer: Any) -> str:
    """Return the text of a chat's answer."""
    text: str = answer.choices[0].message.content
    return text


@pytest.mark.parametrize(
    ("more", "schema"),
    [
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "tree", "strict": True, "schema": TREE},
                }
            },
            TREE,
        ),
        ({"extra_body": {"json_schema": TREE}}, TREE),
        ({"response_format": {"type": "json_object"}}, {"type": "object"}),
    ],
    ids=["response_format", "json_schema", "json_object"],
)
def test_structure(client: openai.OpenAI, more: dict[str, Any], schema: dict[str, Any]) -> None:
    """A schema is kept, also one that holds itself; without one any JSON object is."""
    answer = client.chat.completions.create(model=MODEL, messages=HI, temperature=0, **more)
    jsonschema.validate(json.loads(content(answer)), schema)
    assert answer.choices[0].finish_reason == "stop"


async def from_the_websocket(address: str, text: str, tokens: int) -> str:
    """Return the greedy answer to a text over a websocket."""
    async with connect(address, "llm") as llm:
        return text_of(await predict(llm, text, limit(tokens), MODEL))


def test_same_text_as_over_a_websocket(address: str, client: openai.OpenAI) -> None:
    """At temperature 0 a chat has the same text over REST as over a websocket."""
    answer = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=8, temperature=0)
    assert content(answer) == anyio.run(from_the_websocket, address, "Say hi.", 8)


def test_probabilities_of_a_chat(client: openai.OpenAI) -> None:
    """Each token is told with its probability and the likeliest others, whole and streamed."""
    request: dict[str, Any] = {"model": MODEL, "messages": HI, "max_tokens": 3, "temperature": 0}
    request |= {"logprobs": True, "top_logprobs": 2}
    answer = client.chat.completions.create(**request)
    assert answer.choices[0].logprobs is not None
    whole = answer.choices[0].logprobs.content or []
    assert "".join(entry.token for entry in whole) == content(answer)
    assert [bytes(entry.bytes or []).decode() for entry in whole] == [one.token for one in whole]
    for entry in whole:
        assert entry.logprob <= 0
        assert [other.token for other in entry.top_logprobs].count(entry.token) == 1
        assert len(entry.top_logprobs) == 2
    streamed: list[str] = []
    for chunk in client.chat.completions.create(stream=True, **request):
        told = chunk.choices[0].logprobs
        if told is not None:
            streamed += [entry.token for entry in told.content or []]
    assert streamed == [entry.token for entry in whole]
    plain = client.chat.completions.create(**{**request, "logprobs": False, "top_logprobs": None})
    assert plain.choices[0].logprobs is None


def test_probabilities_of_a_text(client: openai.OpenAI) -> None:
    """A text completion has lists with one entry for each token."""
    answer = client.completions.create(
        model=MODEL, prompt="one, two, three,", max_tokens=3, temperature=0, logprobs=1
    )
    lists = answer.choices[0].logprobs
    assert lists is not None
    tokens = lists.tokens or []
    assert "".join(tokens) == answer.choices[0].text
    assert lists.text_offset == [len("".join(tokens[:index])) for index in range(3)]
    assert lists.top_logprobs is not None
    for token, logprob, top in zip(
        tokens, lists.token_logprobs or [], lists.top_logprobs, strict=True
    ):
        assert top[token] == logprob


def test_usage_of_a_stream(client: openai.OpenAI) -> None:
    """The last chunk has the tokens and no choice, if the request asks for it."""
    stream = client.chat.completions.create(
        model=MODEL, messages=HI, max_tokens=2, stream=True, stream_options={"include_usage": True}
    )
    *others, last = list(stream)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 2
    assert last.usage.total_tokens == last.usage.prompt_tokens + 2
    assert [chunk.usage for chunk in others] == [None] * len(others)
    assert others[-1].choices[0].finish_reason == "length"


def test_stop(client: openai.OpenAI) -> None:
    """The text ends before any of the stop strings, of which there may be more than four."""
    stops = ["1", "2", "3", "4", "5", "five"]
    answer = client.completions.create(
        model=MODEL,
        prompt="one, two, three, four,",
        max_tokens=20,
        stop=stops,
        extra_body={"grammar": 'root ::= " five, six"'},
    )
    assert answer.choices[0].text == " "
    assert answer.choices[0].finish_reason == "stop"


def test_bias(client: openai.OpenAI) -> None:
    """A token with a bias of -100 is not chosen."""
    request: dict[str, Any] = {"model": MODEL, "messages": HI, "max_tokens": 1, "temperature": 0}
    first = content(client.chat.completions.create(**request))
    second = content(client.chat.completions.create(logit_bias={first: -100}, **request))
    assert first not in {"", second}


@pytest.mark.difference("rest-several-prompts")
def test_several_prompts(client: openai.OpenAI) -> None:
    """Each prompt of a text completion has a choice of its own; tokens are a prompt, too."""
    ask = client.completions.create
    prompts: Any = ["one, two, three,", "a, b, c,"]
    answer = ask(model=MODEL, prompt=prompts, max_tokens=3, temperature=0)
    assert [choice.index for choice in answer.choices] == [0, 1]
    single = [ask(model=MODEL, prompt=each, max_tokens=3, temperature=0) for each in prompts]
    assert [one.text for one in answer.choices] == [one.choices[0].text for one in single]
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    texts = ["", ""]
    for chunk in ask(model=MODEL, prompt=prompts, max_tokens=3, temperature=0, stream=True):
        texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == [one.text for one in answer.choices]
    assert ask(model=MODEL, prompt=[1, 2, 3], max_tokens=2).choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_reasoning(client: openai.OpenAI, stream: bool) -> None:
    """Reasoning is told apart from the answer, without its tags."""
    body = {"grammar": 'root ::= "<think>Why?</think>Yes."'}
    answer: Any = client.chat.completions.create(
        model=MODEL, messages=HI, extra_body=body, stream=stream
    )
    if stream:
        deltas = [chunk.choices[0].delta for chunk in answer]
        thought = "".join(getattr(delta, "reasoning_content", "") or "" for delta in deltas)
        said = "".join(delta.content or "" for delta in deltas)
    else:
        thought, said = answer.choices[0].message.reasoning_content, content(answer)
    assert (thought, said) == ("Why?", "Yes.")


@pytest.mark.anyio
async def test_equal_requests_at_a_time(address: str) -> None:
    """Equal requests at the same time have equal texts, whole and in pieces."""
    base = f"http://{address}/v1"
    request: dict[str, Any] = {"model": MODEL, "messages": HI, "max_tokens": 6, "seed": 3}
    texts: list[str] = []
    async with openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as client:

        async def whole() -> None:
            texts.append(content(await client.chat.completions.create(**request)))

        async def streamed() -> None:
            text = ""
            async for chunk in await client.chat.completions.create(stream=True, **request):
                text += chunk.choices[0].delta.content or ""
            texts.append(text)

        async with anyio.create_task_group() as tasks:
            for ask in (whole, streamed, whole, streamed):
                tasks.start_soon(ask)
    assert texts == [texts[0]] * 4
    assert texts[0]


@pytest.mark.anyio
async def test_unloading_ends_a_stream(address: str) -> None:
    """A stream whose model is unloaded ends with an error event that says so."""
    base = f"http://{address}/v1"
    async with (
        connect(address, "llm") as llm,
        openai.AsyncOpenAI(base_url=base, api_key="none", max_retries=0) as client,
    ):
        await load(llm, "mine")
        stream = await client.chat.completions.create(
            model="mine", messages=HI, stream=True, extra_body={"ignore_eos": True}
        )

        async def read() -> None:
            async for _ in stream:
                if "mine" in [info["identifier"] for info in await llm.rpc("listLoaded")]:
                    await llm.rpc("unloadModel", {"identifier": "mine"})

        with pytest.raises(openai.APIError, match="The model was unloaded") as caught:
            await read()
        assert caught.value.code == "model_gone"
