# DO NOT EDIT. Written by scripts/generate_sync_tests.py from
# packages/waf-tests/tests/async/test_predictions_async.py
# Change that, then: hatch run sync:generate
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
from waf_tests.client import Client
from waf_tests.edge import Edge

pytestmark = [pytest.mark.models]

LLM = "llama-3.2-1b-instruct"
EMBEDDING = "text-embedding-nomic-embed-text-v1.5"
# Greedy decoding gives the same tokens every time, so that both ways can be compared.
CONFIG: LlmPredictionConfigDict = {"maxTokens": 12, "temperature": 0.0}
PROMPT = "Name three primary colours."


@pytest.fixture
def through(host_edge: Edge) -> Callable[[], Client]:
    """Provide a function that makes a client which goes through the edge."""
    return lambda: Client(host_edge.api_host, x_api_key=host_edge.key.reveal())


@pytest.mark.lmstudio
def test_models_seen_sync(host_edge: Edge, lmstudio_host: str) -> None:
    """Through the edge the client sees the same downloaded models as without it."""
    key = host_edge.key.reveal()
    with (
        Client(host_edge.api_host, x_api_key=key) as through,
        Client(lmstudio_host) as direct,
    ):
        seen = {model.model_key for model in through.list_downloaded_models()}
        expected = {model.model_key for model in direct.list_downloaded_models()}
    assert seen == expected
    assert {LLM, EMBEDDING} <= seen


def test_respond_sync(through: Callable[[], Client], lmstudio_host: str) -> None:
    """A chat answer through the edge is the answer that the host gives directly."""
    with through() as client:
        result = (client.llm.model(LLM)).respond(PROMPT, config=CONFIG)
    with Client(lmstudio_host) as client:
        direct = (client.llm.model(LLM)).respond(PROMPT, config=CONFIG)
    assert result.content == direct.content
    assert result.stats.predicted_tokens_count == direct.stats.predicted_tokens_count
    assert result.content


def test_stream_sync(through: Callable[[], Client]) -> None:
    """A stream arrives in several fragments that add up to its result."""
    fragments: list[LlmPredictionFragment] = []
    with through() as client:
        model = client.llm.model(LLM)
        stream = model.complete_stream("Once upon a time", config=CONFIG)
        for fragment in stream:
            fragments.append(fragment)
        result = stream.result()
    assert len(fragments) > 1
    assert "".join(fragment.content for fragment in fragments) == result.content


def test_callbacks_sync(through: Callable[[], Client]) -> None:
    """The callbacks for the first token and for progress are called through the edge, too."""
    first_tokens: list[None] = []
    progress: list[float] = []
    with through() as client:
        model = client.llm.model(LLM)
        model.respond(
            PROMPT,
            config=CONFIG,
            on_first_token=lambda: first_tokens.append(None),
            on_prompt_processing_progress=progress.append,
        )
    assert first_tokens == [None]
    assert progress[-1] == 1.0


def test_cancel_sync(through: Callable[[], Client]) -> None:
    """Cancelling a stream through the edge stops the prediction and leaves the client usable."""
    with through() as client:
        model = client.llm.model(LLM)
        stream = model.complete_stream(
            "Once upon a time", config={"maxTokens": 400, "temperature": 0.0}
        )
        for _ in stream:
            stream.cancel()
        assert stream.result().stats.stop_reason == "userStopped"
        assert model.count_tokens("still there") > 0


def test_chat_sync(through: Callable[[], Client]) -> None:
    """A chat of several messages gets through the edge, and its answer arrives as a message."""
    chat = Chat("Answer briefly.")
    chat.add_user_message(PROMPT)
    messages: list[AssistantResponse] = []
    with through() as client:
        model = client.llm.model(LLM)
        result = model.respond(chat, config=CONFIG, on_message=messages.append)
    (message,) = messages
    assert [part.text for part in message.content if isinstance(part, TextData)] == [result.content]


def test_embedding_sync(through: Callable[[], Client], lmstudio_host: str) -> None:
    """An embedding through the edge has the same numbers as without it."""
    with through() as client:
        vector = list((client.embedding.model(EMBEDDING)).embed("hello"))
    with Client(lmstudio_host) as client:
        direct = list((client.embedding.model(EMBEDDING)).embed("hello"))
    assert vector == direct
    assert len(vector) == 768
