"""Texts that Python can't encode are an error for their sender, on each way into the server."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
import pytest
from model_fixtures.wire_client import ChannelError, Connection, RpcError, connect, envelope

from .talking import EMPTY_STACK, MODEL, WITHOUT_END, limit, loaded, predict, prediction, text_of

pytestmark = pytest.mark.anyio
HALF = "\ud800"
# Any model: nothing is loaded for these.
ANY = {"type": "query", "query": {}}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("llm", "tokenize", {"specifier": ANY, "inputString": HALF}),
    ("llm", "countTokens", {"specifier": ANY, "inputString": HALF}),
    ("llm", "unloadModel", {"identifier": HALF}),
    ("llm", "estimateModelUsage", {"modelKey": HALF}),
    ("embedding", "embedString", {"modelSpecifier": ANY, "inputString": HALF}),
    ("files", "uploadFileBase64", {"name": HALF, "contentBase64": "eA=="}),
    ("system", "notify", {"title": HALF}),
    ("system", "setExperimentFlag", {"code": HALF, "value": True}),
    ("repository", "searchModels", {"opts": {"searchTerm": HALF}}),
]
CHANNELS: list[tuple[str, str, dict[str, Any]]] = [
    ("llm", "predict", prediction(HALF, EMPTY_STACK, "any")),
    ("llm", "loadModel", {"modelKey": HALF, "loadConfigStack": EMPTY_STACK}),
    ("llm", "getOrLoad", {"identifier": HALF, "loadConfigStack": EMPTY_STACK}),
    ("files", "retrieve", {"query": HALF, "fileIdentifiers": [], "config": {"fields": []}}),
]


@pytest.fixture(autouse=True)
def any_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our own client send texts that it otherwise refuses, as JavaScript clients do."""
    strict = envelope.to_frame

    def lenient(message: Any) -> str:
        return json.dumps(message) if isinstance(message, dict) else strict(message)

    monkeypatch.setattr(envelope, "to_frame", lenient)


@pytest.mark.difference("unreadable-messages")
@pytest.mark.parametrize(("namespace", "endpoint", "parameter"), CALLS)
async def test_call(address: str, namespace: str, endpoint: str, parameter: dict[str, Any]) -> None:
    """A call with half a surrogate pair fails each time: the connection stays usable."""
    async with connect(address, namespace) as connection:
        with anyio.fail_after(60):
            for _ in range(2):
                with pytest.raises(RpcError, match="half of a surrogate pair"):
                    await connection.rpc(endpoint, parameter)


@pytest.mark.difference("unreadable-messages")
@pytest.mark.parametrize(("namespace", "endpoint", "parameter"), CHANNELS)
async def test_channel(
    address: str, namespace: str, endpoint: str, parameter: dict[str, Any]
) -> None:
    """A channel that is opened with half a surrogate pair fails."""
    async with connect(address, namespace) as connection:
        with anyio.fail_after(60):
            async with connection.channel(endpoint, parameter) as channel:
                with pytest.raises(ChannelError, match="half of a surrogate pair"):
                    async for _ in channel:
                        pass


@pytest.mark.difference("unreadable-messages")
async def test_packet(llm: Connection) -> None:
    """A prediction ends with an error if a packet can't be decoded, and its model is free again."""
    async with loaded(llm) as identifier:
        request = prediction("Tell me a story.", WITHOUT_END, identifier)
        with anyio.fail_after(60):
            async with llm.channel("predict", request) as channel:
                await channel.send({"type": HALF})
                with pytest.raises(ChannelError, match="half of a surrogate pair"):
                    async for _ in channel:
                        pass
            assert text_of(await predict(llm, "Hi", limit(2), identifier))


@pytest.mark.parametrize("content", ['"\\ud800"', "[" * 10**5, "[0" + ",0" * 10**6 + "]"])
async def test_rest(address: str, content: str) -> None:
    """Over REST the same text is a mistake of the caller."""
    body = f'{{"model": "{MODEL}", "prompt": {content}}}'
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for path in ("chat/completions", "completions", "embeddings"):
            response = await client.post(f"http://{address}/v1/{path}", content=body)
            assert response.status_code in {400, 413}
            assert response.json()["error"]["type"] == "invalid_request_error"


async def test_more_inputs_than_openai_takes(address: str) -> None:
    """Thousands of texts to embed in one request, which would hold up others, are refused."""
    body = {"model": "any", "input": ["x"] * 2049}
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        response = await client.post(f"http://{address}/v1/embeddings", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("2049 inputs are more than 2048")


@pytest.mark.difference("heavy-messages")
async def test_text_of_many_megabytes(llm: Connection) -> None:
    """A text that fits no context is refused before it is tokenized."""
    async with loaded(llm) as identifier:
        specifier = {"type": "query", "query": {"identifier": identifier}}
        parameter = {"specifier": specifier, "inputString": "x" * (8 * 2**20)}
        with anyio.fail_after(60), pytest.raises(RpcError, match="of at most 8388608: send less"):
            await llm.rpc("countTokens", parameter)
