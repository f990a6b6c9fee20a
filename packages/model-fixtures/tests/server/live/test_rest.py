"""REST: the `openai` package and plain HTTP against the same port."""

from __future__ import annotations

import base64
import os
from array import array
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from model_fixtures.hosts.embedded_server import EmbeddedServer

LLM = "llama-3.2-1b-instruct"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
HI: Any = [{"role": "user", "content": "Say hi."}]
TOKEN = "sk-lm-abcdefgh:0123456789abcdefghij"


pytestmark = pytest.mark.usefixtures("nothing_left_loaded")


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    """Provide OpenAI's own client, unchanged."""
    with openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def test_list_of_models(client: openai.OpenAI) -> None:
    """All downloaded models are listed by the keys that requests can use."""
    names = [model.id for model in client.models.list()]
    assert {LLM, EMBEDDING} <= set(names)
    assert client.models.retrieve(LLM).id == LLM


def test_chat_completion(client: openai.OpenAI) -> None:
    """A chat completion loads its model just in time and counts its tokens."""
    answer = client.chat.completions.create(model=LLM, messages=HI, max_tokens=4, temperature=0)
    assert answer.model == LLM
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_streaming_gives_the_same_text(client: openai.OpenAI) -> None:
    """The pieces of a stream make up the text of the whole answer."""
    whole = client.chat.completions.create(model=LLM, messages=HI, max_tokens=8, temperature=0)
    stream = client.chat.completions.create(
        model=LLM, messages=HI, max_tokens=8, temperature=0, stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert len([piece for piece in pieces if piece]) > 1
    assert "".join(pieces) == whole.choices[0].message.content


def test_text_completion(client: openai.OpenAI) -> None:
    """A text completion continues its prompt."""
    answer = client.completions.create(
        model=LLM, prompt="one, two, three, four,", max_tokens=3, temperature=0
    )
    assert answer.choices[0].text.strip()


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: openai.OpenAI, encoding: Any) -> None:
    """Vectors have as many dimensions as the real model's, in both encodings, and length 1."""
    answer = client.embeddings.create(
        model=EMBEDDING, input=["a cat", "a kitten", "the stock market"], encoding_format=encoding
    )
    vectors: Any = [item.embedding for item in answer.data]
    if encoding == "base64":
        vectors = [array("f", base64.b64decode(vector)) for vector in vectors]
    assert [len(vector) for vector in vectors] == [768, 768, 768]
    cat, kitten, market = vectors
    near = sum(left * right for left, right in zip(cat, kitten, strict=True))
    far = sum(left * right for left, right in zip(cat, market, strict=True))
    assert near > far + 0.2
    assert sum(value * value for value in cat) == pytest.approx(1, abs=1e-4)


@pytest.mark.difference("client-leaves")
def test_client_that_leaves(address: str, client: openai.OpenAI) -> None:
    """A client that leaves before its answer ends the generation."""
    client.chat.completions.create(model=LLM, messages=HI, max_tokens=1)
    body = {"model": LLM, "messages": HI, "max_tokens": 1_000_000, "ignore_eos": True}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"http://{address}/v1/chat/completions",
            json=body,
            timeout=httpx.Timeout(10, read=0.5),
            trust_env=False,
        )
    # Answered only once the generation has ended: the model runs one at a time.
    answer = client.chat.completions.create(model=LLM, messages=HI, max_tokens=1, timeout=20)
    assert answer.choices[0].finish_reason == "length"


def test_body_over_the_limit(address: str) -> None:
    """A body of more than 100 MiB is refused before it is complete."""

    def pieces() -> Iterator[bytes]:
        for _ in range(101):
            yield b" " * 2**20

    url = f"http://{address}/v1/chat/completions"
    try:
        response = httpx.post(url, content=pieces(), trust_env=False, timeout=30)
    except httpx.WriteError:
        return  # the server has closed the connection while it was written to
    assert response.status_code == 413


def test_unknown_model(client: openai.OpenAI) -> None:
    """An unknown model is OpenAI's not-found error."""
    with pytest.raises(openai.NotFoundError, match="gpt-99"):
        client.chat.completions.create(model="gpt-99", messages=HI)


def test_model_of_the_other_kind(client: openai.OpenAI) -> None:
    """A chat with an embedding model is a bad request."""
    with pytest.raises(openai.BadRequestError, match="embedding"):
        client.chat.completions.create(model=EMBEDDING, messages=HI)


@pytest.mark.parametrize("body", ["", "[]", "{", "null", b'{"model": "\xff"}', "[" * 100_000])
def test_body_that_is_no_json_object(address: str, body: str | bytes) -> None:
    """A body that is no JSON object is a bad request in OpenAI's shape."""
    response = httpx.post(f"http://{address}/v1/chat/completions", content=body, trust_env=False)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"


@pytest.mark.difference("image-addresses")
@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a.png", "file:///etc/passwd"])
def test_images_by_address_are_refused(client: openai.OpenAI, url: str) -> None:
    """Only images in the request itself are accepted: the server fetches nothing."""
    part = {"type": "image_url", "image_url": {"url": url}}
    messages: Any = [{"role": "user", "content": [part]}]
    with pytest.raises(openai.BadRequestError, match="data: URI"):
        client.chat.completions.create(model=LLM, messages=messages)


def test_lmstudio_list(address: str, client: openai.OpenAI) -> None:
    """LM Studio's own list says which models are loaded, and with which context."""
    client.chat.completions.create(model=LLM, messages=HI, max_tokens=1)
    listed = httpx.get(f"http://{address}/api/v0/models", trust_env=False).json()
    entries = {entry["id"]: entry for entry in listed["data"]}
    assert entries[LLM]["state"] == "loaded"
    assert entries[LLM]["type"] == "llm"
    assert entries[LLM]["loaded_context_length"] == 4096
    assert entries[EMBEDDING]["type"] == "embeddings"
    one = httpx.get(f"http://{address}/api/v0/models/{LLM}", trust_env=False).json()
    assert one == entries[LLM]


def test_token_as_bearer() -> None:
    """A server that requires a token answers 401 without it, and normally with it."""
    environ = {**os.environ, "LMSTUDIO_SERVER_API_TOKEN": f"{TOKEN}\n"}  # as read from a file
    with EmbeddedServer(environ=environ) as server:
        base = f"http://{server.address}/v1"
        with openai.OpenAI(base_url=base, api_key="wrong", max_retries=0) as wrong:
            with pytest.raises(openai.AuthenticationError):
                wrong.models.list()
            with pytest.raises(openai.AuthenticationError):
                wrong.chat.completions.create(model=LLM, messages=HI)
        with openai.OpenAI(base_url=base, api_key=TOKEN, max_retries=0) as right:
            assert LLM in [model.id for model in right.models.list()]
