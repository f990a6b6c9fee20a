"""Predictions through the edge are the same as without it, byte for byte."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lmstudio import (
    AssistantResponse,
    Chat,
    LlmPredictionConfigDict,
    LlmPredictionFragment,
    TextData,
)
from waf_tests.client import AsyncClient
from waf_tests.edge import Edge

pytestmark = [pytest.mark.anyio, pytest.mark.models]

LLM = "llama-3.2-1b-instruct"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
# Greedy decoding gives the same tokens every time, so that both ways can be compared.
CONFIG: LlmPredictionConfigDict = {"maxTokens": 12, "temperature": 0.0}
PROMPT = "Name three primary colours."


@pytest.fixture
def through(host_edge: Edge) -> Callable[[], AsyncClient]:
    """Provide a function that makes a client which goes through the edge."""
    return lambda: AsyncClient(host_edge.api_host, x_api_key=host_edge.key.reveal())


@pytest.mark.lmstudio
async def test_models_seen_async(host_edge: Edge, lmstudio_host: str) -> None:
    """Through the edge the client sees the same downloaded models as without it."""
    key = host_edge.key.reveal()
    async with (
        AsyncClient(host_edge.api_host, x_api_key=key) as through,
        AsyncClient(lmstudio_host) as direct,
    ):
        seen = {model.model_key for model in await through.list_downloaded_models()}
        expected = {model.model_key for model in await direct.list_downloaded_models()}
    assert seen == expected
    assert {LLM, EMBEDDING} <= seen


async def test_respond_async(through: Callable[[], AsyncClient], lmstudio_host: str) -> None:
    """A chat answer through the edge is the answer that the host gives directly."""
    async with through() as client:
        result = await (await client.llm.model(LLM)).respond(PROMPT, config=CONFIG)
    async with AsyncClient(lmstudio_host) as client:
        direct = await (await client.llm.model(LLM)).respond(PROMPT, config=CONFIG)
    assert result.content == direct.content
    assert result.stats.predicted_tokens_count == direct.stats.predicted_tokens_count
    assert result.content


async def test_stream_async(through: Callable[[], AsyncClient]) -> None:
    """A stream arrives in several fragments that add up to its result."""
    fragments: list[LlmPredictionFragment] = []
    async with through() as client:
        model = await client.llm.model(LLM)
        stream = await model.complete_stream("Once upon a time", config=CONFIG)
        async for fragment in stream:
            fragments.append(fragment)
        result = stream.result()
    assert len(fragments) > 1
    assert "".join(fragment.content for fragment in fragments) == result.content


async def test_callbacks_async(through: Callable[[], AsyncClient]) -> None:
    """The callbacks for the first token and for progress are called through the edge, too."""
    first_tokens: list[None] = []
    progress: list[float] = []
    async with through() as client:
        model = await client.llm.model(LLM)
        await model.respond(
            PROMPT,
            config=CONFIG,
            on_first_token=lambda: first_tokens.append(None),
            on_prompt_processing_progress=progress.append,
        )
    assert first_tokens == [None]
    assert progress[-1] == 1.0


async def test_cancel_async(through: Callable[[], AsyncClient]) -> None:
    """Cancelling a stream through the edge stops the prediction and leaves the client usable."""
    async with through() as client:
        model = await client.llm.model(LLM)
        stream = await model.complete_stream(
            "Once upon a time", config={"maxTokens": 400, "temperature": 0.0}
        )
        async for _ in stream:
            await stream.cancel()
        assert stream.result().stats.stop_reason == "userStopped"
        assert await model.count_tokens("still there") > 0


async def test_chat_async(through: Callable[[], AsyncClient]) -> None:
    """A chat of several messages gets through the edge, and its answer arrives as a message."""
    chat = Chat("Answer briefly.")
    chat.add_user_message(PROMPT)
    messages: list[AssistantResponse] = []
    async with through() as client:
        model = await client.llm.model(LLM)
        result = await model.respond(chat, config=CONFIG, on_message=messages.append)
    (message,) = messages
    assert [part.text for part in message.content if isinstance(part, TextData)] == [result.content]


async def test_embedding_async(through: Callable[[], AsyncClient], lmstudio_host: str) -> None:
    """An embedding through the edge has the same numbers as without it."""
    async with through() as client:
        vector = list(await (await client.embedding.model(EMBEDDING)).embed("hello"))
    async with AsyncClient(lmstudio_host) as client:
        direct = list(await (await client.embedding.model(EMBEDDING)).embed("hello"))
    assert vector == direct
    assert len(vector) == 768
