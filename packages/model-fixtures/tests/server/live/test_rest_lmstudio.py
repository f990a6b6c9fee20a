"""LM Studio's own REST routes: OpenAI's answers with statistics, and its own fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from model_fixtures.wire_client import connect

from .talking import MODEL

DRAFT = "qwen2.5-7b-instruct-1m"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
HI = [{"role": "user", "content": "Say hi."}]
CHAT: dict[str, Any] = {"model": MODEL, "messages": HI, "max_tokens": 3, "temperature": 0}

pytestmark = pytest.mark.usefixtures("nothing_left_loaded")


@pytest.fixture(scope="module")
def http(address: str) -> Iterator[httpx.Client]:
    """Provide a client of LM Studio's routes."""
    base = f"http://{address}/api/v0"
    with httpx.Client(base_url=base, trust_env=False, timeout=120) as client:
        yield client


def check_details(answer: dict[str, Any]) -> None:
    """Check what LM Studio adds to an answer that reached its token limit."""
    stats = answer["stats"]
    assert stats["stop_reason"] == "maxPredictedTokensReached"
    assert stats["tokens_per_second"] > 0
    assert stats["time_to_first_token"] > 0
    assert stats["generation_time"] > 0
    assert answer["model_info"] == {
        "arch": "llama",
        "quant": "Q4_0",
        "format": "gguf",
        "context_length": 4096,
    }
    assert answer["runtime"]["name"] == "llama.cpp"
    assert answer["runtime"]["version"]
    assert answer["runtime"]["supported_formats"] == ["gguf"]


def test_chat(http: httpx.Client) -> None:
    """A chat's answer has statistics, the model's and the runtime's description."""
    answer = http.post("/chat/completions", json=CHAT).json()
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["completion_tokens"] == 3
    check_details(answer)


def test_streamed_chat(http: httpx.Client) -> None:
    """In a stream the last choice's chunk has them; the stream ends as OpenAI's does."""
    lines = http.post("/chat/completions", json=CHAT | {"stream": True}).text.split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [msgspec.json.decode(line.removeprefix("data: ")) for line in lines[:-2]]
    assert all("stats" not in chunk for chunk in chunks[:-1])
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    check_details(chunks[-1])


def test_text(http: httpx.Client) -> None:
    """A text completion has them, too."""
    body = {"model": MODEL, "prompt": "one, two,", "max_tokens": 3}
    answer = http.post("/completions", json=body).json()
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["text"]
    check_details(answer)


def test_openais_routes_add_nothing(http: httpx.Client, address: str) -> None:
    """The same request to OpenAI's route gets no statistics."""
    url = f"http://{address}/v1/chat/completions"
    assert "stats" not in http.post(url, json=CHAT).json()


def test_embeddings(http: httpx.Client) -> None:
    """Vectors come as from OpenAI's route; tokens, and long texts, are inputs, too."""
    body: dict[str, Any] = {"model": EMBEDDING, "input": ["a cat", "word " * 600]}
    answer = http.post("/embeddings", json=body).json()
    assert answer["object"] == "list"
    assert [entry["index"] for entry in answer["data"]] == [0, 1]
    assert [len(entry["embedding"]) for entry in answer["data"]] == [768, 768]
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 600
    tokens = http.post("/embeddings", json={"model": EMBEDDING, "input": [101, 1037, 102]}).json()
    assert tokens["usage"]["prompt_tokens"] == 3


def test_draft_model(http: httpx.Client) -> None:
    """A draft model takes part, and the text stays the same."""
    plain = http.post("/chat/completions", json=CHAT | {"max_tokens": 12}).json()
    drafted = http.post(
        "/chat/completions", json=CHAT | {"max_tokens": 12, "draft_model": DRAFT}
    ).json()
    assert drafted["choices"] == plain["choices"]
    stats = drafted["stats"]
    assert stats["draft_model"] == DRAFT
    accepted, rejected = stats["accepted_draft_tokens_count"], stats["rejected_draft_tokens_count"]
    assert stats["total_draft_tokens_count"] == accepted + rejected > 0


def test_time_to_live(http: httpx.Client, address: str) -> None:
    """A model that a request loads stays for as many idle seconds as the request says."""

    async def unload() -> None:
        async with connect(address, "llm") as llm:
            for info in await llm.rpc("listLoaded"):
                await llm.rpc("unloadModel", {"identifier": info["identifier"]})

    async def loaded() -> list[tuple[str, int]]:
        async with connect(address, "llm") as llm:
            return [(info["identifier"], info["ttlMs"]) for info in await llm.rpc("listLoaded")]

    anyio.run(unload)
    assert http.post("/chat/completions", json=CHAT | {"ttl": 77}).status_code == 200
    assert anyio.run(loaded) == [(MODEL, 77_000)]
