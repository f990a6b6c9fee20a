"""Invalid bodies over REST: the caller's mistakes are answered with 4xx, in OpenAI's shape."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import openai
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_fixtures.hosts.embedded_server import EmbeddedServer
from model_fixtures.wire_client import connect

from .talking import EMPTY_STACK

LLM, SEEING, CALLING = "llama-3.2-1b-instruct", "mobilevlm_v2-1.7b", "qwen2.5-7b-instruct-1m"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
CHAT, TEXT, VECTORS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
OWN_CHAT, OWN_TEXT, OWN_VECTORS = (path.replace("/v1", "/api/v0") for path in (CHAT, TEXT, VECTORS))
HI = [{"role": "user", "content": "Hi"}]
GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"model": LLM, "messages": HI, "max_tokens": 1},
    TEXT: {"model": LLM, "prompt": "Hi", "max_tokens": 1},
    VECTORS: {"model": EMBEDDING, "input": "Hi"},
}
GOOD |= {OWN_CHAT: GOOD[CHAT], OWN_TEXT: GOOD[TEXT], OWN_VECTORS: GOOD[VECTORS]}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """Provide a server with all models loaded, so that a request takes milliseconds."""
    with EmbeddedServer() as running:

        async def load() -> None:
            for namespace, names in (("llm", (LLM, SEEING, CALLING)), ("embedding", (EMBEDDING,))):
                async with connect(running.address, namespace) as models:
                    for name in names:
                        request = {"modelKey": name, "loadConfigStack": EMPTY_STACK}
                        async with models.channel("loadModel", request) as channel:
                            async for _ in channel:
                                pass

        anyio.run(load)
        yield running


@pytest.fixture(scope="module")
def http(server: EmbeddedServer) -> Iterator[httpx.Client]:
    """Provide a client of the server."""
    address = f"http://{server.address}"
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("path", ["/v1/responses", "/v1", "/api/v0", "/nothing/at/all"])
def test_unknown_path(http: httpx.Client, path: str) -> None:
    """A path that no route has is 404 in OpenAI's shape."""
    for method in ("GET", "POST"):
        answer = http.request(method, path)
        assert answer.status_code == 404
        assert answer.json() == {
            "error": {
                "message": f"Unknown request URL: {method} {path}",
                "type": "invalid_request_error",
                "param": None,
                "code": "unknown_url",
            }
        }


def test_unknown_path_in_openais_client(server: EmbeddedServer) -> None:
    """OpenAI's client tells what it has asked for in vain."""
    with (
        openai.OpenAI(base_url=f"http://{server.address}/v1", api_key="none") as client,
        pytest.raises(openai.NotFoundError, match="Unknown request URL: POST /v1/moderations"),
    ):
        client.moderations.create(input="Hi")


def test_wrong_method(http: httpx.Client) -> None:
    """A method that a route doesn't take is 405 in OpenAI's shape, and the answer names others."""
    answer = http.get(CHAT)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "method_not_supported"
    assert answer.json()["error"]["message"] == f"Not allowed: GET {CHAT}"


def picture() -> str:
    """Return a small image as a `data:` URI."""
    out = io.BytesIO()
    PIL.Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def check(response: httpx.Response) -> None:
    """Check that a request succeeds, or is refused as a mistake in OpenAI's shape."""
    if response.status_code == 200:
        return
    assert 400 <= response.status_code < 500, response.text
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert isinstance(error["message"], str)
    assert error["message"]
    assert isinstance(error["code"], str)
    assert isinstance(error["param"], (str, type(None)))


USER: dict[str, Any] = {"role": "user"}
SEES = [USER | {"content": [{"type": "image_url", "image_url": {"url": picture()}}]}]
SOUND = {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
HEARS = [USER | {"content": [SOUND]}]
LISTENS = [USER | {"content": [{"type": "audio_url", "audio_url": {"url": "data:audio/wav,"}}]}]
EMPTY = [USER | {"content": [{"type": "text"}]}]
CALLS_NOTHING = [{"role": "assistant", "tool_calls": [{}]}]
BAD_CALL = {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": '}}
BAD_ARGUMENTS = [*HI, {"role": "assistant", "tool_calls": [BAD_CALL]}]
CHOICE = {"type": "function", "function": {"name": "subtract"}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "add", "parameters": {}}}


@pytest.mark.difference("rest-mistakes", "rest-structure", "rest-unsupported")
@pytest.mark.parametrize(
    ("path", "change", "parameter"),
    [
        (CHAT, {"messages": [{"content": "Hi"}]}, "messages[0].role"),
        (CHAT, {"messages": [*HI, {"role": 5, "content": "Hi"}]}, "messages[1].role"),
        (CHAT, {"messages": [USER | {"content": 5}]}, "messages[0].content"),
        (CHAT, {"messages": [USER | {"content": [{}]}]}, "messages[0].content[0].type"),
        (CHAT, {"messages": EMPTY}, "messages[0].content[0].text"),
        (CHAT, {"messages": CALLS_NOTHING}, "messages[0].tool_calls[0].function"),
        (CHAT, {"messages": SEES}, "messages"),
        (CHAT, {"messages": LISTENS}, "messages"),
        (CHAT, {"messages": HEARS}, None),
        (CHAT, {"messages": HEARS, "model": SEEING}, None),
        (CHAT, {"messages": [USER | {"content": "Hi " * 9000}]}, None),
        (CHAT, {"messages": []}, "messages"),
        (CHAT, {"messages": None}, "messages"),
        (CHAT, {"max_tokens": 0}, "max_tokens"),
        (CHAT, {"max_completion_tokens": 0}, "max_completion_tokens"),
        (TEXT, {"max_tokens": 0}, "max_tokens"),
        (TEXT, {"max_tokens": 1.5}, "max_tokens"),
        (TEXT, {"max_tokens": 2**40}, "max_tokens"),
        (CHAT, {"temperature": "hot"}, "temperature"),
        (CHAT, {"n": 2}, "n"),
        (CHAT, {"stop": 5}, "stop"),
        (CHAT, {"logit_bias": {"5": "much"}}, "logit_bias"),
        (CHAT, {"logit_bias": {f"x{number}": 1 for number in range(101)}}, "logit_bias"),
        (CHAT, {"tools": {}}, "tools"),
        (CHAT, {"tools": [5]}, "tools"),
        (CHAT, {"tools": [{"type": "alien"}]}, "tools[0].type"),
        (CHAT, {"tools": [{"type": "function"}]}, "tools[0].function"),
        (CHAT, {"tools": [TOOL | {"function": {"name": 5}}]}, "tools[0].function.name"),
        (CHAT, {"tools": [TOOL], "tool_choice": "alien"}, "tool_choice"),
        (CHAT, {"response_format": {"type": "alien"}}, "response_format"),
        (CHAT, {"response_format": {"type": "json_schema"}}, "response_format"),
        (CHAT, {"reasoning_format": "alien"}, None),
        (CHAT, {"model": "gpt-99"}, "model"),
        (CHAT, {"model": EMBEDDING}, "model"),
        (CHAT, {"model": 5}, "model"),
        (TEXT, {"prompt": None}, "prompt"),
        (TEXT, {"prompt": {"prompt_string": "x", "multimodal_data": ["AAAA"]}}, "prompt"),
        (TEXT, {"prompt": [10**9]}, None),
        (TEXT, {"prompt": []}, "prompt"),
        (TEXT, {"prompt": ["x"] * 129}, "prompt"),
        (TEXT, {"echo": True}, "echo"),
        (TEXT, {"best_of": 2}, "best_of"),
        (TEXT, {"suffix": "!"}, "suffix"),
        (CHAT, {"tool_choice": "required"}, "tool_choice"),
        (CHAT, {"tools": [TOOL], "tool_choice": CHOICE}, "tool_choice"),
        (CHAT, {"tools": [TOOL], "json_schema": {}}, "tools"),
        (CHAT, {"messages": BAD_ARGUMENTS}, None),
        (CHAT, {"ttl": 0}, "ttl"),
        (CHAT, {"draft_model": 5}, "draft_model"),
        (CHAT, {"draft_model": "gpt-99"}, None),
        (OWN_CHAT, {"messages": []}, "messages"),
        (OWN_TEXT, {"prompt": None}, "prompt"),
        (OWN_VECTORS, {"input": []}, "input"),
        (VECTORS, {"input": {}}, "input"),
        (VECTORS, {"input": "x " * 9000}, None),
        (VECTORS, {"encoding_format": "alien"}, "encoding_format"),
        (VECTORS, {"model": LLM}, "model"),
    ],
)
def test_mistake(
    http: httpx.Client, path: str, change: dict[str, Any], parameter: str | None
) -> None:
    """A mistake is a 4xx that names its place in the request, where the server knows it."""
    response = http.post(path, json=GOOD[path] | change)
    check(response)
    assert response.status_code != 200
    assert response.json()["error"]["param"] == parameter
    assert http.post(path, json=GOOD[path]).status_code == 200


@pytest.mark.difference("rest-full-context")
def test_prompt_over_the_context_has_a_code_of_its_own(http: httpx.Client) -> None:
    """A prompt that is too long is reported as OpenAI reports it."""
    response = http.post(CHAT, json=GOOD[CHAT] | {"messages": [USER | {"content": "Hi " * 9000}]})
    assert response.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.difference("rest-full-context")
def test_prompt_with_an_image_over_the_context(http: httpx.Client) -> None:
    """The same is so for a prompt with an image, whose length only llama.cpp knows."""
    parts = [{"type": "text", "text": "Hi " * 9000}, *SEES[0]["content"]]
    response = http.post(
        CHAT, json=GOOD[CHAT] | {"model": SEEING, "messages": [USER | {"content": parts}]}
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"


@pytest.mark.difference("rest-mistakes")
def test_no_limit_is_minus_one_as_in_the_app(http: httpx.Client) -> None:
    """-1 means no limit, also over REST; here a grammar ends the answer."""
    change = {"max_tokens": -1, "grammar": 'root ::= "yes"'}
    answer = http.post(CHAT, json=GOOD[CHAT] | change).json()
    assert answer["choices"][0]["message"]["content"] == "yes"


def test_openais_client_raises_its_exception(server: EmbeddedServer) -> None:
    """OpenAI's own client raises the right exception for a refusal."""
    mistake: Any = [{"content": "Hi"}]
    base = f"http://{server.address}/v1"
    with (
        openai.OpenAI(base_url=base, api_key="none", max_retries=0) as client,
        pytest.raises(openai.BadRequestError) as caught,
    ):
        client.chat.completions.create(model=LLM, messages=mistake)
    assert caught.value.param == "messages[0].role"
    assert caught.value.code == "invalid_value"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "9" * 400, "[" * 500 + "]" * 500])
@pytest.mark.parametrize("key", ["temperature", "seed", "max_tokens", "logit_bias", "user", "x"])
def test_numbers_that_json_or_llama_cpp_lacks(http: httpx.Client, key: str, number: str) -> None:
    """A number that is out of range is a mistake, or left out; never a failure of the server."""
    body = json.dumps(GOOD[CHAT] | {key: "HERE"}).replace('"HERE"', number)
    check(http.post(CHAT, content=body))


KNOWN = ["type", "role", "content", "text", "url", "name", "function", "parameters", "schema"]
# Any JSON, but no negative token limits: -1 means an endless answer.
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2**70)
    | st.integers(-(2**70), -2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from([LLM, EMBEDDING, "auto", "required", "json_schema", "object", "user"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KNOWN) | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
parts = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "input_audio", "file", "refusal"]) | values},
    optional={"text": values, "image_url": values, "input_audio": values, "file": values},
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "system", "assistant", "tool", "developer"]) | values,
        "content": st.text(max_size=5) | st.lists(parts, max_size=3) | values,
        "name": values,
        "tool_call_id": values,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "id": values,
                    "type": st.just("function") | values,
                    "function": st.fixed_dictionaries(
                        {}, optional={"name": values, "arguments": values}
                    ),
                },
            ),
            max_size=2,
        )
        | values,
    },
)
tools = st.fixed_dictionaries(
    {},
    optional={
        "type": st.just("function") | values,
        "function": st.fixed_dictionaries(
            {}, optional={"name": st.just("add") | values, "parameters": values}
        )
        | values,
    },
)
formats = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "json_object", "json_schema"]) | values},
    optional={"json_schema": values, "schema": values},
)
SAMPLING = ["temperature", "top_p", "top_k", "min_p", "n", "stop", "seed", "logit_bias", "logprobs"]
PENALTIES = ["presence_penalty", "frequency_penalty", "repeat_penalty"]
LENGTHS = ["max_tokens", "max_completion_tokens"]
SHAPES = ["stream", "stream_options", "echo", "suffix", "best_of", "top_logprobs"]
CALLS = ["tool_choice", "parallel_tool_calls", "functions", "function_call"]
OTHERS = ["user", "modalities", "audio", "prediction", "store", "metadata", "service_tier"]
REASONING = ["reasoning_effort", "reasoning_format"]
INPUTS = ["model", "input", "prompt", "encoding_format", "dimensions"]
PLAIN = [*SAMPLING, *PENALTIES, *LENGTHS, *SHAPES, *CALLS, *OTHERS, *REASONING, *INPUTS]
ODD: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(PLAIN, values),
    "messages": st.lists(messages, max_size=3) | values,
    "tools": st.lists(tools, max_size=2) | values,
    "response_format": formats | values,
}


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    path=st.sampled_from(sorted(GOOD)),
    model=st.sampled_from([LLM, SEEING, CALLING]),
    keys=st.lists(st.sampled_from(sorted(ODD)), max_size=4),
    data=st.data(),
)
def test_no_body_makes_the_server_fail(
    http: httpx.Client, path: str, model: str, keys: list[str], data: st.DataObject
) -> None:
    """Whatever a body contains, the answer is a success or a 4xx in OpenAI's shape."""
    change = {key: data.draw(ODD[key], label=key) for key in keys}
    good = GOOD[path] if path in {VECTORS, OWN_VECTORS} else GOOD[path] | {"model": model}
    check(http.post(path, content=json.dumps(good | change)))
